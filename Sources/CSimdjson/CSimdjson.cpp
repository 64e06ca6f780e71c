#include "CSimdjson.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

// simdjson counts the scalar inside the innermost container as a level, and a stored twin may be nested deeper than a
// record; the exact limit is checked on the tape.
static const size_t deepest = 8192;
// Buffers that one huge document left behind are given back.
static const size_t kept_capacity = size_t(8) << 20;

struct egiz_simdjson {
    simdjson::dom::parser parser;
    std::unique_ptr<uint8_t[]> scratch;
    size_t scratch_capacity = 0;
};

// simdjson reads up to SIMDJSON_PADDING bytes beyond the text; within a page they are readable, whatever they are.
static bool padding_is_readable(const void *bytes, size_t count) {
    const uintptr_t last = reinterpret_cast<uintptr_t>(bytes) + (count == 0 ? 0 : count - 1);
    return (last & ~uintptr_t(4095)) == ((last + simdjson::SIMDJSON_PADDING) & ~uintptr_t(4095));
}

static int32_t inspect(const uint64_t *tape, const uint8_t *strings, uint32_t max_depth, egiz_simdjson_document *out) {
    const size_t end = tape[0] & 0x00FFFFFFFFFFFFFFULL;
    uint32_t depth = 0;
    uint32_t empty = 0;
    for (size_t i = 1; i < end - 1; i++) {
        const uint64_t word = tape[i];
        switch (word >> 56) {
        case '{':
        case '[':
            if (++depth > max_depth) return EGIZ_SIMDJSON_DEPTH;
            break;
        case '}':
        case ']':
            depth--;
            break;
        case '"': {
            uint32_t length;
            std::memcpy(&length, strings + (word & 0x00FFFFFFFFFFFFFFULL), sizeof(length));
            empty |= length == 0;
            break;
        }
        case 'u':
            return EGIZ_SIMDJSON_INTEGER;
        case 'l':
        case 'd':
            i++;
            break;
        default:
            break;
        }
    }
    out->tape = tape;
    out->strings = strings;
    out->has_empty_string = empty;
    return 0;
}

extern "C" egiz_simdjson *egiz_simdjson_create(void) { return new (std::nothrow) egiz_simdjson(); }

extern "C" void egiz_simdjson_destroy(egiz_simdjson *parser) { delete parser; }

extern "C" int32_t egiz_simdjson_parse(egiz_simdjson *self, const void *bytes, size_t count, uint32_t max_depth,
                                       egiz_simdjson_document *out) {
    simdjson::dom::parser &parser = self->parser;
    if (parser.capacity() < count || parser.max_depth() != deepest ||
        (parser.capacity() > kept_capacity && count < kept_capacity / 8)) {
        size_t capacity = count < 65536 ? 65536 : count;
        if (parser.allocate(capacity, deepest) != simdjson::SUCCESS) return EGIZ_SIMDJSON_MEMORY;
    }
    const uint8_t *text = static_cast<const uint8_t *>(bytes);
    if (!padding_is_readable(bytes, count)) {
        const size_t needed = count + simdjson::SIMDJSON_PADDING;
        if (self->scratch_capacity < needed || (self->scratch_capacity > kept_capacity && needed < kept_capacity / 8)) {
            const size_t capacity = needed < 65536 ? 65536 : needed;
            self->scratch_capacity = 0;
            self->scratch.reset(new (std::nothrow) uint8_t[capacity]);
            if (!self->scratch) return EGIZ_SIMDJSON_MEMORY;
            self->scratch_capacity = capacity;
        }
        if (count > 0) std::memcpy(self->scratch.get(), bytes, count);
        std::memset(self->scratch.get() + count, ' ', simdjson::SIMDJSON_PADDING);
        text = self->scratch.get();
    }
    const simdjson::error_code code = parser.parse(text, count, false).error();
    if (code == simdjson::DEPTH_ERROR) return EGIZ_SIMDJSON_DEPTH;
    if (code != simdjson::SUCCESS) return static_cast<int32_t>(code);
    return inspect(parser.doc.tape.get(), parser.doc.string_buf.get(), max_depth, out);
}

extern "C" const char *egiz_simdjson_message(int32_t code) {
    return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
