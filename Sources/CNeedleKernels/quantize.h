// Shared by the tiers' kernels for quantizing: one element, for tails and for the scalar tier.
#ifndef NK_QUANTIZE_H
#define NK_QUANTIZE_H

#include <string.h>

#include "nk_internal.h"

/// `value` brought into lowest...127 (NaN into lowest) and rounded to the nearest, ties to even: adding 1.5 *
/// 2^23 leaves no bits for a fraction.
NK_INLINE int32_t nk_quantized(float value, float lowest) {
    value = value > lowest ? value : lowest;
    value = value < 127.0f ? value : 127.0f;
    float shifted = value + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}

NK_INLINE void nk_quantize_u7_tail(const float *x, size_t from, size_t n, float lo, float inverse,
                                   uint8_t *codes) {
#pragma STDC FP_CONTRACT OFF
    for (size_t i = from; i < n; i++) { codes[i] = (uint8_t)nk_quantized((x[i] - lo) * inverse, 0); }
}

NK_INLINE void nk_quantize_s8_tail(const float *x, size_t from, size_t n, float inverse, int8_t *codes) {
#pragma STDC FP_CONTRACT OFF
    for (size_t i = from; i < n; i++) {
        float scaled = x[i] * inverse;
        codes[i] = (int8_t)nk_quantized(scaled, -127);
    }
}

/// Goes on from `lo` and `hi`, and makes -0 into +0, so that the order of the elements does not show.
NK_INLINE void nk_minmax_tail(const float *x, size_t from, size_t n, float *lo, float *hi) {
    float least = *lo, most = *hi;
    for (size_t i = from; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    *lo = least + 0.0f;
    *hi = most + 0.0f;
}

#endif
