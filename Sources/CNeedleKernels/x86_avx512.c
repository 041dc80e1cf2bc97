// The AVX-512 tier (F, BW, VL, VNNI: what Cascade Lake and Zen 4 have). Four accumulators per row, four rows
// side by side; the tail is read under a mask, so nothing past the end is touched.
#if defined(__x86_64__)

#include <immintrin.h>

#include "nk_internal.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))

/// `rows` is a constant 1 or 4 at every call, so the inner loops unroll and the sums live in registers.
AVX512 NK_INLINE void dot_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    __m512 s[4][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = _mm512_setzero_ps(); }
    }
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        for (int j = 0; j < 4; j++) {
            __m512 x = _mm512_loadu_ps(q + i + 16 * j);
            for (int r = 0; r < rows; r++) {
                s[r][j] = _mm512_fmadd_ps(x, _mm512_loadu_ps(p[r] + i + 16 * j), s[r][j]);
            }
        }
    }
    for (; i < n; i += 16) {
        __mmask16 m = n - i >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << (n - i)) - 1);
        __m512 x = _mm512_maskz_loadu_ps(m, q + i);
        for (int r = 0; r < rows; r++) {
            s[r][0] = _mm512_fmadd_ps(x, _mm512_maskz_loadu_ps(m, p[r] + i), s[r][0]);
        }
    }
    for (int r = 0; r < rows; r++) {
        out[r] = _mm512_reduce_add_ps(
            _mm512_add_ps(_mm512_add_ps(s[r][0], s[r][1]), _mm512_add_ps(s[r][2], s[r][3])));
    }
}

AVX512 NK_INLINE void l2sq_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    __m512 s[4][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = _mm512_setzero_ps(); }
    }
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        for (int j = 0; j < 4; j++) {
            __m512 x = _mm512_loadu_ps(q + i + 16 * j);
            for (int r = 0; r < rows; r++) {
                __m512 d = _mm512_sub_ps(x, _mm512_loadu_ps(p[r] + i + 16 * j));
                s[r][j] = _mm512_fmadd_ps(d, d, s[r][j]);
            }
        }
    }
    for (; i < n; i += 16) {
        __mmask16 m = n - i >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << (n - i)) - 1);
        __m512 x = _mm512_maskz_loadu_ps(m, q + i);
        for (int r = 0; r < rows; r++) {
            __m512 d = _mm512_sub_ps(x, _mm512_maskz_loadu_ps(m, p[r] + i));
            s[r][0] = _mm512_fmadd_ps(d, d, s[r][0]);
        }
    }
    for (int r = 0; r < rows; r++) {
        out[r] = _mm512_reduce_add_ps(
            _mm512_add_ps(_mm512_add_ps(s[r][0], s[r][1]), _mm512_add_ps(s[r][2], s[r][3])));
    }
}

AVX512 static float dot_f32(const float *a, const float *b, size_t n) {
    float out;
    dot_rows(a, &b, 1, n, &out);
    return out;
}

AVX512 static float l2sq_f32(const float *a, const float *b, size_t n) {
    float out;
    l2sq_rows(a, &b, 1, n, &out);
    return out;
}

AVX512 NK_INLINE void dot_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                               size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    dot_rows(q, p, 4, n, out);
}

AVX512 NK_INLINE void l2sq_four(const float *q, const float *a, const float *b, const float *c,
                                const float *d, size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    l2sq_rows(q, p, 4, n, out);
}

NK_DEFINE_BATCH(dot_f32_batch, AVX512, dot_f32, dot_four)
NK_DEFINE_BATCH(l2sq_f32_batch, AVX512, l2sq_f32, l2sq_four)

AVX512 static double dot_f32_f64(const float *a, const float *b, size_t n) {
    __m512d v[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int j = 0; j < 2; j++) {
            __m512d x = _mm512_cvtps_pd(_mm256_loadu_ps(a + i + 8 * j));
            __m512d y = _mm512_cvtps_pd(_mm256_loadu_ps(b + i + 8 * j));
            v[j] = _mm512_fmadd_pd(x, y, v[j]); // exact product: the same as multiply, then add
        }
    }
    double s[16];
    for (int j = 0; j < 2; j++) { _mm512_storeu_pd(s + 8 * j, v[j]); }
    nk_dot_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

AVX512 static double l2sq_f32_f64(const float *a, const float *b, size_t n) {
    __m512d v[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    size_t i = 0;
    {
#pragma STDC FP_CONTRACT OFF
        for (; i + 16 <= n; i += 16) {
            for (int j = 0; j < 2; j++) {
                __m512d x = _mm512_cvtps_pd(_mm256_loadu_ps(a + i + 8 * j));
                __m512d y = _mm512_cvtps_pd(_mm256_loadu_ps(b + i + 8 * j));
                __m512d d = _mm512_sub_pd(x, y);
                __m512d square = _mm512_mul_pd(d, d);
                v[j] = _mm512_add_pd(v[j], square);
            }
        }
    }
    double s[16];
    for (int j = 0; j < 2; j++) { _mm512_storeu_pd(s + 8 * j, v[j]); }
    nk_l2sq_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

// What the tier has with and without the extension.
#define AVX512_KERNELS                                                                                       \
    .name = "avx512", .dot_f32 = dot_f32, .l2sq_f32 = l2sq_f32, .dot_f32_batch = dot_f32_batch,              \
    .l2sq_f32_batch = l2sq_f32_batch, .dot_f32_f64 = dot_f32_f64, .l2sq_f32_f64 = l2sq_f32_f64,              \
    .crc32c = nk_crc32c_sse42, NK_QUANTIZE_OF(avx512),                                                 \
    .sketch_filter = nk_sketch_filter_avx2, NK_ENCODER_OF(avx512)

const nk_kernels nk_table_avx512 = {.tier = NK_AVX512, AVX512_KERNELS, NK_U7S8_OF(avx512), NK_B1_OF(avx2)};
const nk_kernels nk_table_avx512_popcnt = {
    .tier = NK_AVX512_POPCNT, AVX512_KERNELS, NK_U7S8_OF(avx512), NK_B1_OF(avx512_popcnt)};

#endif
