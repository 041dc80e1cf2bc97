// The scalar tier's kernels for quantizing: the oracle for the other tiers.
#include "quantize.h"

void nk_fwht_f32_scalar(float *x, size_t n) {
    for (size_t h = 1; h < n; h *= 2) {
        for (size_t block = 0; block < n; block += 2 * h) {
            for (size_t i = block; i < block + h; i++) {
                float a = x[i], b = x[i + h];
                x[i] = a + b;
                x[i + h] = a - b;
            }
        }
    }
}

void nk_minmax_f32_scalar(const float *x, size_t n, float *lo, float *hi) {
    *lo = __builtin_inff();
    *hi = -__builtin_inff();
    nk_minmax_tail(x, 0, n, lo, hi);
}

void nk_quantize_u7_scalar(const float *x, size_t n, float lo, float inverse, uint8_t *codes) {
    nk_quantize_u7_tail(x, 0, n, lo, inverse, codes);
}

void nk_quantize_s8_scalar(const float *x, size_t n, float inverse, int8_t *codes) {
    nk_quantize_s8_tail(x, 0, n, inverse, codes);
}
