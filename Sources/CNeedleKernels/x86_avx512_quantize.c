// The AVX-512 tier's kernels for quantizing. Tails are read and written under a mask.
#if defined(__x86_64__)

#include <immintrin.h>

#include "quantize.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2")))

AVX512 NK_INLINE __mmask16 first_lanes(size_t count) {
    return count >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << count) - 1);
}

/// x + partner in the lanes that come first in their pair, partner - x in the others (those of `second`).
AVX512 NK_INLINE __m512 butterfly(__m512 x, __m512 partner, __mmask16 second) {
    return _mm512_mask_sub_ps(_mm512_add_ps(partner, x), second, partner, x);
}

/// Distances 1, 2, 4 and 8: within a register.
AVX512 NK_INLINE __m512 fwht16(__m512 x) {
    x = butterfly(x, _mm512_permute_ps(x, 0xB1), 0xAAAA);
    x = butterfly(x, _mm512_permute_ps(x, 0x4E), 0xCCCC);
    x = butterfly(x, _mm512_shuffle_f32x4(x, x, 0xB1), 0xF0F0);
    return butterfly(x, _mm512_shuffle_f32x4(x, x, 0x4E), 0xFF00);
}

/// A whole transform of 128 elements.
AVX512 NK_INLINE void fwht128(float *x) {
    __m512 v[8];
    for (int r = 0; r < 8; r++) { v[r] = fwht16(_mm512_loadu_ps(x + 16 * r)); }
    for (int h = 1; h < 8; h *= 2) {
        for (int r = 0; r < 8; r++) {
            if (r & h) { continue; }
            __m512 a = v[r], b = v[r + h];
            v[r] = _mm512_add_ps(a, b);
            v[r + h] = _mm512_sub_ps(a, b);
        }
    }
    for (int r = 0; r < 8; r++) { _mm512_storeu_ps(x + 16 * r, v[r]); }
}

AVX512 NK_INLINE void fwht_distance(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 2 * h) {
        for (size_t j = i; j < i + h; j += 16) {
            __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + h);
            _mm512_storeu_ps(x + j, _mm512_add_ps(a, b));
            _mm512_storeu_ps(x + j + h, _mm512_sub_ps(a, b));
        }
    }
}

/// Distances h and 2 * h in one pass over memory.
AVX512 NK_INLINE void fwht_two_distances(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 4 * h) {
        for (size_t j = i; j < i + h; j += 16) {
            __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + h);
            __m512 c = _mm512_loadu_ps(x + j + 2 * h), d = _mm512_loadu_ps(x + j + 3 * h);
            __m512 ab = _mm512_add_ps(a, b), a_b = _mm512_sub_ps(a, b);
            __m512 cd = _mm512_add_ps(c, d), c_d = _mm512_sub_ps(c, d);
            _mm512_storeu_ps(x + j, _mm512_add_ps(ab, cd));
            _mm512_storeu_ps(x + j + h, _mm512_add_ps(a_b, c_d));
            _mm512_storeu_ps(x + j + 2 * h, _mm512_sub_ps(ab, cd));
            _mm512_storeu_ps(x + j + 3 * h, _mm512_sub_ps(a_b, c_d));
        }
    }
}

AVX512 void nk_fwht_f32_avx512(float *x, size_t n) {
    if (n < 128) {
        nk_fwht_f32_avx2(x, n);
        return;
    }
    for (size_t i = 0; i < n; i += 128) { fwht128(x + i); }
    size_t h = 128;
    for (; 4 * h <= n; h *= 4) { fwht_two_distances(x, n, h); }
    if (h < n) { fwht_distance(x, n, h); }
}

AVX512 void nk_minmax_f32_avx512(const float *x, size_t n, float *lo, float *hi) {
    const __m512 infinity = _mm512_set1_ps(__builtin_inff()), minus = _mm512_set1_ps(-__builtin_inff());
    __m512 least = infinity, most = minus;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = first_lanes(n - i);
        // The second operand, if the first is NaN.
        least = _mm512_min_ps(_mm512_mask_loadu_ps(infinity, m, x + i), least);
        most = _mm512_max_ps(_mm512_mask_loadu_ps(minus, m, x + i), most);
    }
    *lo = _mm512_reduce_min_ps(least);
    *hi = _mm512_reduce_max_ps(most);
    nk_minmax_tail(x, n, n, lo, hi);
}

AVX512 NK_INLINE void store_rounded(__m512 v, float lowest, __mmask16 m, void *codes) {
    v = _mm512_max_ps(v, _mm512_set1_ps(lowest)); // the second operand, if the first is NaN
    v = _mm512_min_ps(v, _mm512_set1_ps(127));
    _mm512_mask_cvtepi32_storeu_epi8(codes, m, _mm512_cvtps_epi32(v));
}

AVX512 void nk_quantize_u7_avx512(const float *x, size_t n, float lo, float inverse, uint8_t *codes) {
    const __m512 low = _mm512_set1_ps(lo), scale = _mm512_set1_ps(inverse);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = first_lanes(n - i);
        __m512 above = _mm512_sub_ps(_mm512_maskz_loadu_ps(m, x + i), low);
        store_rounded(_mm512_mul_ps(above, scale), 0, m, codes + i);
    }
}

AVX512 void nk_quantize_s8_avx512(const float *x, size_t n, float inverse, int8_t *codes) {
    const __m512 scale = _mm512_set1_ps(inverse);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = first_lanes(n - i);
        store_rounded(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), scale), -127, m, codes + i);
    }
}

#endif
