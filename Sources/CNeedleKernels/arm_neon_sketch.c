// The NEON tier's sketch filter.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "sketch.h"

/// Products are at most 15 * 127, so sixteen of them fit in sixteen bits. What stands where the float is
/// meets zeros.
NK_INLINE int32_t product(const uint8_t *sketch, const int8_t *query) {
    int16x8_t sum = vdupq_n_s16(0);
    for (int b = 0; b < 64; b += 16) {
        uint8x16_t codes = vld1q_u8(sketch + b);
        int8x16_t low = vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(15)));
        int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(codes, 4));
        int8x16_t q = vld1q_s8(query + b), h = vld1q_s8(query + 64 + b);
        sum = vmlal_s8(sum, vget_low_s8(low), vget_low_s8(q));
        sum = vmlal_high_s8(sum, low, q);
        sum = vmlal_s8(sum, vget_low_s8(high), vget_low_s8(h));
        sum = vmlal_high_s8(sum, high, h);
    }
    return vaddlvq_s16(sum);
}

size_t nk_sketch_filter_neon(const int8_t *query, const uint8_t *base, const uint32_t *rows, size_t count,
                             float scale, float offset, float limit, uint32_t *passed) {
#pragma STDC FP_CONTRACT OFF
    size_t kept = 0;
    NK_SKETCH_REST(product, 0)
    return kept;
}

#endif
