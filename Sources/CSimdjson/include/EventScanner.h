#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a scalar is.
enum {
    EGIZ_SCALAR_NULL = 0,
    EGIZ_SCALAR_FALSE = 1,
    EGIZ_SCALAR_TRUE = 2,
    EGIZ_SCALAR_INTEGER = 3,
    EGIZ_SCALAR_DOUBLE = 4,
    EGIZ_SCALAR_TEXT = 5,
};

/// One scalar of a record and where it belongs. Pointers lie in the scanned text.
typedef struct egiz_leaf {
    /// Ditto: the event's path. Telemetry: the feature's name.
    const uint8_t *name;
    /// Telemetry: the property's name.
    const uint8_t *property;
    const uint8_t *text;
    uint32_t name_count;
    uint32_t property_count;
    uint32_t text_count;
    uint32_t kind;
    /// The integer, or the bits of the double.
    uint64_t bits;
} egiz_leaf;

/// Leaves that one telemetry record may have to be recognised.
#define EGIZ_MOST_LEAVES 64

/// What the scanner recognised in a record, and what it keeps between records.
typedef struct egiz_scan {
    /// Ditto: the topic. Telemetry: the thing id.
    const uint8_t *thing;
    uint32_t thing_count;
    uint32_t has_time;
    /// 0 for telemetry.
    int64_t revision;
    /// The timestamp, as seconds since 1970 and nanoseconds of the second.
    int64_t seconds;
    int32_t nanoseconds;
    uint32_t count;
    egiz_leaf leaves[EGIZ_MOST_LEAVES];
    /// The date of the last timestamp and its days since 1970; records of one time have one date.
    uint8_t date[16];
    int64_t days;
} egiz_scan;

/// The leaves of a scan, for languages that see the array as 64 members.
static inline egiz_leaf *egiz_scan_leaves(egiz_scan *scan) { return scan->leaves; }

/// Recognises the common Ditto event: a flat envelope of topic, path, value, revision, timestamp and headers, with a scalar value,
/// texts of plain ASCII and numbers without exponents. Returns 1 and fills `out`, or 0: then nothing is said about the text,
/// and the full parser must look at it. Whatever is recognised, the full parser reads the same.
int32_t egiz_scan_ditto(egiz_scan *out, const void *bytes, size_t count);

/// The same for `{"thingId", "timestamp", "features": {feature: {property: scalar}}}` with at least one property in each feature.
int32_t egiz_scan_telemetry(egiz_scan *out, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif
