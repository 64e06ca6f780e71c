#include "EventScanner.h"

#include <charconv>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// One pass over the bytes of the events that machines send all day. Everything unusual is left to the full parser, so this only
// ever says "yes" to what is certainly valid, and needs no words for what is wrong.

namespace {

// Names are compared and strings are searched in whole words beyond the end of the text, but never into another page.
constexpr size_t reads_beyond = 32;
constexpr int deepest = 8;

bool may_read_beyond(const uint8_t *text, size_t count) {
    const uintptr_t last = reinterpret_cast<uintptr_t>(text) + count - 1;
    return (last & 4095) < 4096 - reads_beyond;
}

struct Scanner {
    const uint8_t *p;
    const uint8_t *limit;

    // The text ends in a bracket, which stops this.
    void space() {
        while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') p++;
    }

    bool take(uint8_t byte) {
        if (*p == byte) {
            p++;
            return true;
        }
        return *p <= ' ' && take_after_space(byte);
    }

    __attribute__((noinline)) bool take_after_space(uint8_t byte) {
        space();
        if (*p != byte) return false;
        p++;
        return true;
    }

    template <size_t N> bool word(const char (&text)[N]) {
        if (std::memcmp(p, text, N - 1) != 0) return false;
        p += N - 1;
        return true;
    }

    // Behind the opening quote: a string of printable ASCII without escapes.
    bool string(const uint8_t *&start, uint32_t &count) {
        start = p;
        const uint8_t *at = p;
#if defined(__SSE2__)
        const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
        for (; at < limit; at += 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
            // Signed: what is not ASCII is less than a space as well.
            const __m128i stops = _mm_or_si128(
                _mm_cmplt_epi8(bytes, space), _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape)));
            const int mask = _mm_movemask_epi8(stops);
            if (mask == 0) continue;
            at += __builtin_ctz(mask);
            break;
        }
#else
        while (at < limit && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') at++;
#endif
        if (at >= limit || *at != '"') return false;
        count = static_cast<uint32_t>(at - start);
        p = at + 1;
        return true;
    }

    // A number without an exponent.
    bool number(uint32_t &kind, uint64_t &bits) {
        static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        const uint8_t *start = p;
        const bool negative = *p == '-';
        if (negative) p++;
        uint64_t mantissa = 0;
        const uint8_t *digits = p;
        while (static_cast<uint8_t>(*p - '0') <= 9 && p - digits < 19) mantissa = mantissa * 10 + (*p++ - '0');
        const long whole = p - digits;
        if (whole == 0 || whole > 18 || (whole > 1 && *digits == '0')) return false;
        if (*p != '.') {
            if ((*p | 0x20) == 'e' || (negative && mantissa == 0)) return false;
            kind = EGIZ_SCALAR_INTEGER;
            bits = negative ? 0 - mantissa : mantissa;
            return true;
        }
        const uint8_t *fraction = ++p;
        while (static_cast<uint8_t>(*p - '0') <= 9 && p - digits < 19) mantissa = mantissa * 10 + (*p++ - '0');
        if (static_cast<uint8_t>(*fraction - '0') > 9) return false;
        double value;
        if (p - digits < 19 && mantissa <= (uint64_t(1) << 53)) {
            // Both are exact, so their quotient is rounded correctly.
            value = static_cast<double>(mantissa) / powers[p - fraction];
            if (negative) value = -value;
        } else {
            while (static_cast<uint8_t>(*p - '0') <= 9) p++;
            if (p - start > 64) return false;
            const auto read = std::from_chars(
                reinterpret_cast<const char *>(start), reinterpret_cast<const char *>(p), value, std::chars_format::fixed);
            if (read.ec != std::errc() || read.ptr != reinterpret_cast<const char *>(p)) return false;
        }
        if ((*p | 0x20) == 'e') return false;
        kind = EGIZ_SCALAR_DOUBLE;
        std::memcpy(&bits, &value, 8);
        return true;
    }

    bool scalar(egiz_leaf &leaf) {
        switch (*p) {
        case '"':
            p++;
            leaf.kind = EGIZ_SCALAR_TEXT;
            return string(leaf.text, leaf.text_count);
        case 't': leaf.kind = EGIZ_SCALAR_TRUE; return word("true");
        case 'f': leaf.kind = EGIZ_SCALAR_FALSE; return word("false");
        case 'n': leaf.kind = EGIZ_SCALAR_NULL; return word("null");
        default: return number(leaf.kind, leaf.bits);
        }
    }

    // Checks a value that nobody needs.
    bool skip(int depth) {
        egiz_leaf ignored;
        if (*p == '"') {
            p++;
            return string(ignored.text, ignored.text_count);
        }
        if (*p != '{' && *p != '[') return scalar(ignored);
        if (depth == 0) return false;
        const bool is_object = *p++ == '{';
        const uint8_t close = is_object ? '}' : ']';
        if (take(close)) return p < limit;
        for (;;) {
            if (is_object) {
                if (!take('"') || !string(ignored.name, ignored.name_count) || ignored.name_count == 0 || !take(':'))
                    return false;
            }
            space();
            if (*p == '"') {
                p++;
                if (!string(ignored.text, ignored.text_count)) return false;
            } else if (!skip(depth - 1)) {
                return false;
            }
            if (take(close)) return p < limit;
            if (!take(',')) return false;
        }
    }

    static bool two(const uint8_t *at, unsigned &value) {
        const unsigned tens = at[0] - '0', ones = at[1] - '0';
        value = tens * 10 + ones;
        return tens <= 9 && ones <= 9;
    }

    // The days of `YYYY-MM-DD`.
    static bool date(const uint8_t *at, int64_t &days) {
        static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        unsigned century, rest, month, day;
        if (!two(at, century) || !two(at + 2, rest) || at[4] != '-' || !two(at + 5, month) || at[7] != '-' ||
            !two(at + 8, day))
            return false;
        const int64_t year = century * 100 + rest;
        if (month < 1 || month > 12 || day < 1) return false;
        const bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        if (day > unsigned(lengths[month - 1]) + (month == 2 && leaps ? 1 : 0)) return false;
        // Howard Hinnant's algorithm; 400 years more, so that nothing is negative.
        const int64_t shifted = year + 400 - (month <= 2 ? 1 : 0);
        const int64_t era = shifted / 400;
        const int64_t of_era = shifted - era * 400;
        const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        days = (era - 1) * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
        return true;
    }

    // Behind the opening quote: `YYYY-MM-DDThh:mm:ss`, perhaps a fraction, and `Z`.
    bool timestamp(egiz_scan &out) {
        if (limit - p < 21) return false;
        // Most events are of the day of the one before; nothing was before the first.
        if (out.date[0] == 0 || std::memcmp(p, out.date, 10) != 0) {
            if (!date(p, out.days)) return false;
            std::memcpy(out.date, p, 10);
        }
        unsigned hour, minute, second;
        if (p[10] != 'T' || !two(p + 11, hour) || p[13] != ':' || !two(p + 14, minute) || p[16] != ':' ||
            !two(p + 17, second) || hour > 23 || minute > 59 || second > 59)
            return false;
        p += 19;
        uint32_t nanoseconds = 0;
        if (*p == '.') {
            const uint8_t *start = ++p;
            uint32_t scale = 1000000000;
            while (static_cast<uint8_t>(*p - '0') <= 9) {
                if (p - start == 9) return false;
                nanoseconds = nanoseconds * 10 + (*p++ - '0');
                scale /= 10;
            }
            if (p == start) return false;
            nanoseconds *= scale;
        }
        if (p[0] != 'Z' || p[1] != '"') return false;
        p += 2;
        out.seconds = out.days * 86400 + hour * 3600 + minute * 60 + second;
        out.nanoseconds = static_cast<int32_t>(nanoseconds);
        out.has_time = 1;
        return true;
    }
};

// Leaves out white space at the end. False where the text cannot be an object, or must not be read in words.
bool begin(const void *bytes, size_t count, Scanner &scanner) {
    const uint8_t *text = static_cast<const uint8_t *>(bytes);
    while (count > 0 && (text[count - 1] == '\n' || text[count - 1] == ' ' || text[count - 1] == '\r')) count--;
    if (count < 2 || count > (1 << 20) || text[count - 1] != '}' || !may_read_beyond(text, count)) return false;
    scanner.p = text;
    scanner.limit = text + count;
    return scanner.take('{');
}

} // namespace

extern "C" int32_t egiz_scan_ditto(egiz_scan *out, const void *bytes, size_t count) {
    enum { topic = 1, path = 2, value = 4, revision = 8, timestamp = 16, headers = 32 };
    Scanner s;
    if (!begin(bytes, count, s)) return 0;
    egiz_leaf &leaf = out->leaves[0];
    out->has_time = 0;
    unsigned seen = 0;
    for (;;) {
        if (!s.take('"')) return 0;
        unsigned member;
        switch (*s.p) {
        case 't':
            if (s.word("topic\"")) {
                member = topic;
                if (!s.take(':') || !s.take('"') || !s.string(out->thing, out->thing_count)) return 0;
            } else if (s.word("timestamp\"")) {
                member = timestamp;
                if (!s.take(':') || !s.take('"') || !s.timestamp(*out)) return 0;
            } else {
                return 0;
            }
            break;
        case 'p':
            member = path;
            if (!s.word("path\"") || !s.take(':') || !s.take('"') || !s.string(leaf.name, leaf.name_count)) return 0;
            break;
        case 'v':
            member = value;
            if (!s.word("value\"") || !s.take(':')) return 0;
            s.space();
            if (!s.scalar(leaf)) return 0;
            break;
        case 'r': {
            member = revision;
            uint32_t kind;
            uint64_t bits;
            if (!s.word("revision\"") || !s.take(':')) return 0;
            s.space();
            if (!s.number(kind, bits) || kind != EGIZ_SCALAR_INTEGER) return 0;
            out->revision = static_cast<int64_t>(bits);
            if (out->revision < 1) return 0;
            break;
        }
        case 'h':
            member = headers;
            if (!s.word("headers\"") || !s.take(':')) return 0;
            s.space();
            if (*s.p != '{' || !s.skip(deepest)) return 0;
            break;
        default: return 0;
        }
        if ((seen & member) != 0 || s.p >= s.limit) return 0;
        seen |= member;
        if (s.take('}')) break;
        if (!s.take(',')) return 0;
    }
    const unsigned needed = topic | path | value | revision;
    if (s.p != s.limit || (seen & needed) != needed) return 0;
    out->count = 1;
    return 1;
}

// The features' object, behind its opening bracket.
static bool scan_features(egiz_scan *out, Scanner &s) {
    uint32_t count = 0;
    for (;;) {
        const uint8_t *feature;
        uint32_t feature_count;
        if (!s.take('"') || !s.string(feature, feature_count) || feature_count == 0 || !s.take(':') || !s.take('{'))
            return false;
        // Of features with one name the last one would win, with all its properties.
        for (uint32_t i = 0; i < count; i++) {
            const egiz_leaf &other = out->leaves[i];
            if (other.name_count == feature_count && std::memcmp(other.name, feature, feature_count) == 0) return false;
        }
        do {
            if (count == EGIZ_MOST_LEAVES) return false;
            egiz_leaf &leaf = out->leaves[count++];
            leaf.name = feature;
            leaf.name_count = feature_count;
            if (!s.take('"') || !s.string(leaf.property, leaf.property_count) || leaf.property_count == 0 || !s.take(':'))
                return false;
            s.space();
            if (!s.scalar(leaf)) return false;
        } while (s.take(','));
        if (!s.take('}') || s.p >= s.limit) return false;
        if (s.take('}')) break;
        if (!s.take(',')) return false;
    }
    out->count = count;
    return true;
}

extern "C" int32_t egiz_scan_telemetry(egiz_scan *out, const void *bytes, size_t count) {
    enum { thing = 1, timestamp = 2, features = 4 };
    Scanner s;
    if (!begin(bytes, count, s)) return 0;
    out->has_time = 0;
    out->revision = 0;
    unsigned seen = 0;
    for (;;) {
        if (!s.take('"')) return 0;
        unsigned member;
        if (s.word("thingId\"")) {
            member = thing;
            if (!s.take(':') || !s.take('"') || !s.string(out->thing, out->thing_count)) return 0;
        } else if (s.word("timestamp\"")) {
            member = timestamp;
            if (!s.take(':')) return 0;
            s.space();
            if (*s.p == '"') {
                s.p++;
                if (!s.timestamp(*out)) return 0;
            } else {
                uint32_t kind;
                uint64_t bits;
                if (!s.number(kind, bits) || kind != EGIZ_SCALAR_INTEGER || bits > 10000000000000000ULL) return 0;
                out->seconds = static_cast<int64_t>(bits / 1000);
                out->nanoseconds = static_cast<int32_t>(bits % 1000) * 1000000;
                out->has_time = 1;
            }
        } else if (s.word("features\"")) {
            member = features;
            if (!s.take(':') || !s.take('{') || !scan_features(out, s)) return 0;
        } else {
            return 0;
        }
        if ((seen & member) != 0 || s.p >= s.limit) return 0;
        seen |= member;
        if (s.take('}')) break;
        if (!s.take(',')) return 0;
    }
    if (s.p != s.limit || (seen & (thing | features)) != (thing | features)) return 0;
    return 1;
}
