// The scalar sketch filter, the oracle of the others.
#include "sketch.h"

static int32_t product(const uint8_t *sketch, const int8_t *query) {
    int32_t sum = 0;
    for (int b = 0; b < NK_SKETCH_CODES / 2; b++) {
        sum += (sketch[b] & 15) * query[b] + (sketch[b] >> 4) * query[64 + b];
    }
    return sum;
}

size_t nk_sketch_filter_scalar(const int8_t *query, const uint8_t *base, const uint32_t *rows, size_t count,
                               float scale, float offset, float limit, uint32_t *passed) {
#pragma STDC FP_CONTRACT OFF
    size_t kept = 0;
    NK_SKETCH_REST(product, 0)
    return kept;
}
