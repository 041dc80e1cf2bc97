// What the tiers' sketch filters share: the row at a time version, which is also the scalar one.
#ifndef NK_SKETCH_H
#define NK_SKETCH_H

#include <string.h>

#include "nk_internal.h"

/// The float at a sketch's end.
NK_INLINE float nk_sketch_bias(const uint8_t *sketch) {
    float bias;
    memcpy(&bias, sketch + NK_SKETCH_CODES / 2, sizeof bias);
    return bias;
}

/// Rows from `from` on, one by one, given how one product is taken; `kept` are written already.
#define NK_SKETCH_REST(PRODUCT, from)                                                                        \
    for (size_t at = (from); at < count; at++) {                                                              \
        const uint8_t *sketch = base + (size_t)rows[at] * NK_SKETCH_BYTES;                                   \
        float part = scale * (float)PRODUCT(sketch, query);                                                  \
        float inner = nk_sketch_bias(sketch) + part;                                                         \
        float distance = offset + inner;                                                                     \
        uint32_t row = rows[at];                                                                             \
        passed[kept] = row;                                                                                  \
        kept += distance <= limit;                                                                           \
    }

#endif
