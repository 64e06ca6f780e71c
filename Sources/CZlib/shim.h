#pragma once
#include <zlib.h>

// deflateInit2 is a macro, which Swift does not see. 16 + 15: a gzip header and the largest window.
static inline int egiz_gzip_begin(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY);
}
