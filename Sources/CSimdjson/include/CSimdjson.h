#pragma once

#include "EventScanner.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A simdjson DOM parser. Not thread-safe; one for each thread.
typedef struct egiz_simdjson egiz_simdjson;

/// A parsed document: simdjson's tape and string buffer, borrowed from the parser until its next parse.
typedef struct egiz_simdjson_document {
    const uint64_t *tape;
    const uint8_t *strings;
    /// Nonzero if some string of the document is empty; only then can a member name be.
    uint32_t has_empty_string;
} egiz_simdjson_document;

/// Why a text was refused, beside simdjson's own codes, which are below 1000.
enum {
    EGIZ_SIMDJSON_DEPTH = 1000,
    EGIZ_SIMDJSON_INTEGER = 1001,
    EGIZ_SIMDJSON_MEMORY = 1002,
};

/// Null when there is no memory.
egiz_simdjson *egiz_simdjson_create(void);
void egiz_simdjson_destroy(egiz_simdjson *parser);

/// Parses `count` bytes, which need no padding. Returns 0 and fills `out`, or a code.
/// Containers nested deeper than `max_depth` and integers beyond Int64 are refused.
int32_t egiz_simdjson_parse(egiz_simdjson *parser, const void *bytes, size_t count, uint32_t max_depth,
                            egiz_simdjson_document *out);

/// simdjson's text for one of its codes; static storage.
const char *egiz_simdjson_message(int32_t code);

#ifdef __cplusplus
}
#endif
