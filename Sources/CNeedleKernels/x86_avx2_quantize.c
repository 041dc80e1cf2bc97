// The AVX2 tier's kernels for quantizing.
#if defined(__x86_64__)

#include <immintrin.h>

#include "quantize.h"

#define AVX2 __attribute__((target("avx2")))

/// x + partner in the lanes that come first in their pair, partner - x in the others (those of `second`).
AVX2 NK_INLINE __m256 butterfly(__m256 x, __m256 partner, __m256 second) {
    return _mm256_add_ps(partner, _mm256_xor_ps(x, second));
}

/// Distances 1, 2 and 4: within a register.
AVX2 NK_INLINE __m256 fwht8(__m256 x) {
    const float f = 0.0f, t = -0.0f;
    x = butterfly(x, _mm256_permute_ps(x, 0xB1), _mm256_setr_ps(f, t, f, t, f, t, f, t));
    x = butterfly(x, _mm256_permute_ps(x, 0x4E), _mm256_setr_ps(f, f, t, t, f, f, t, t));
    return butterfly(x, _mm256_permute2f128_ps(x, x, 1), _mm256_setr_ps(f, f, f, f, t, t, t, t));
}

/// A whole transform of 8 * `registers` elements; `registers` is a constant 1, 2, 4 or 8.
AVX2 NK_INLINE void fwht_block(float *x, int registers) {
    __m256 v[8];
    for (int r = 0; r < registers; r++) { v[r] = fwht8(_mm256_loadu_ps(x + 8 * r)); }
    for (int h = 1; h < registers; h *= 2) {
        for (int r = 0; r < registers; r++) {
            if (r & h) { continue; }
            __m256 a = v[r], b = v[r + h];
            v[r] = _mm256_add_ps(a, b);
            v[r + h] = _mm256_sub_ps(a, b);
        }
    }
    for (int r = 0; r < registers; r++) { _mm256_storeu_ps(x + 8 * r, v[r]); }
}

AVX2 NK_INLINE void fwht_distance(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 2 * h) {
        for (size_t j = i; j < i + h; j += 8) {
            __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + h);
            _mm256_storeu_ps(x + j, _mm256_add_ps(a, b));
            _mm256_storeu_ps(x + j + h, _mm256_sub_ps(a, b));
        }
    }
}

/// Distances h and 2 * h in one pass over memory.
AVX2 NK_INLINE void fwht_two_distances(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 4 * h) {
        for (size_t j = i; j < i + h; j += 8) {
            __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + h);
            __m256 c = _mm256_loadu_ps(x + j + 2 * h), d = _mm256_loadu_ps(x + j + 3 * h);
            __m256 ab = _mm256_add_ps(a, b), a_b = _mm256_sub_ps(a, b);
            __m256 cd = _mm256_add_ps(c, d), c_d = _mm256_sub_ps(c, d);
            _mm256_storeu_ps(x + j, _mm256_add_ps(ab, cd));
            _mm256_storeu_ps(x + j + h, _mm256_add_ps(a_b, c_d));
            _mm256_storeu_ps(x + j + 2 * h, _mm256_sub_ps(ab, cd));
            _mm256_storeu_ps(x + j + 3 * h, _mm256_sub_ps(a_b, c_d));
        }
    }
}

AVX2 void nk_fwht_f32_avx2(float *x, size_t n) {
    switch (n) {
    case 8: fwht_block(x, 1); return;
    case 16: fwht_block(x, 2); return;
    case 32: fwht_block(x, 4); return;
    }
    if (n < 8) {
        nk_fwht_f32_scalar(x, n);
        return;
    }
    for (size_t i = 0; i < n; i += 64) { fwht_block(x + i, 8); }
    size_t h = 64;
    for (; 4 * h <= n; h *= 4) { fwht_two_distances(x, n, h); }
    if (h < n) { fwht_distance(x, n, h); }
}

AVX2 void nk_minmax_f32_avx2(const float *x, size_t n, float *lo, float *hi) {
    __m256 least = _mm256_set1_ps(__builtin_inff()), most = _mm256_set1_ps(-__builtin_inff());
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        least = _mm256_min_ps(v, least); // the second operand, if the first is NaN
        most = _mm256_max_ps(v, most);
    }
    __m128 l = _mm_min_ps(_mm256_castps256_ps128(least), _mm256_extractf128_ps(least, 1));
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    l = _mm_min_ps(l, _mm_movehl_ps(l, l));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    *lo = _mm_cvtss_f32(_mm_min_ss(l, _mm_movehdup_ps(l)));
    *hi = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
    nk_minmax_tail(x, i, n, lo, hi);
}

AVX2 NK_INLINE __m256i rounded(__m256 v, float lowest) {
    v = _mm256_max_ps(v, _mm256_set1_ps(lowest)); // the second operand, if the first is NaN
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(127)));
}

/// 32 numbers to bytes. The packs work within halves, hence the last permutation. All numbers are in
/// -127...127, so nothing saturates.
AVX2 NK_INLINE __m256i packed(const __m256i *v) {
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

AVX2 void nk_quantize_u7_avx2(const float *x, size_t n, float lo, float inverse, uint8_t *codes) {
    const __m256 low = _mm256_set1_ps(lo), scale = _mm256_set1_ps(inverse);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i v[4];
        for (int j = 0; j < 4; j++) {
            __m256 above = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8 * j), low);
            v[j] = rounded(_mm256_mul_ps(above, scale), 0);
        }
        _mm256_storeu_si256((__m256i *)(codes + i), packed(v));
    }
    nk_quantize_u7_tail(x, i, n, lo, inverse, codes);
}

AVX2 void nk_quantize_s8_avx2(const float *x, size_t n, float inverse, int8_t *codes) {
    const __m256 scale = _mm256_set1_ps(inverse);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i v[4];
        for (int j = 0; j < 4; j++) {
            v[j] = rounded(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8 * j), scale), -127);
        }
        _mm256_storeu_si256((__m256i *)(codes + i), packed(v));
    }
    nk_quantize_s8_tail(x, i, n, inverse, codes);
}

#endif
