// The AVX2 + FMA tier. Two accumulators per row: four rows side by side then keep eight sums in flight, which
// hides the latency of the fused multiply-add, and one row alone gives bit for bit the same number.
#if defined(__x86_64__)

#include <immintrin.h>

#include "nk_internal.h"

#define AVX2 __attribute__((target("avx2,fma")))

AVX2 NK_INLINE float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

/// `rows` is a constant 1 or 4 at every call, so the inner loops unroll and the sums live in registers.
AVX2 NK_INLINE void dot_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    __m256 s[4][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm256_setzero_ps(); }
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 q0 = _mm256_loadu_ps(q + i), q1 = _mm256_loadu_ps(q + i + 8);
        for (int r = 0; r < rows; r++) {
            s[r][0] = _mm256_fmadd_ps(q0, _mm256_loadu_ps(p[r] + i), s[r][0]);
            s[r][1] = _mm256_fmadd_ps(q1, _mm256_loadu_ps(p[r] + i + 8), s[r][1]);
        }
    }
    if (i + 8 <= n) {
        __m256 q0 = _mm256_loadu_ps(q + i);
        for (int r = 0; r < rows; r++) { s[r][0] = _mm256_fmadd_ps(q0, _mm256_loadu_ps(p[r] + i), s[r][0]); }
        i += 8;
    }
    for (int r = 0; r < rows; r++) {
        float sum = sum8(_mm256_add_ps(s[r][0], s[r][1]));
        for (size_t j = i; j < n; j++) { sum = __builtin_fmaf(q[j], p[r][j], sum); }
        out[r] = sum;
    }
}

AVX2 NK_INLINE void l2sq_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    __m256 s[4][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm256_setzero_ps(); }
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 q0 = _mm256_loadu_ps(q + i), q1 = _mm256_loadu_ps(q + i + 8);
        for (int r = 0; r < rows; r++) {
            __m256 d0 = _mm256_sub_ps(q0, _mm256_loadu_ps(p[r] + i));
            __m256 d1 = _mm256_sub_ps(q1, _mm256_loadu_ps(p[r] + i + 8));
            s[r][0] = _mm256_fmadd_ps(d0, d0, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(d1, d1, s[r][1]);
        }
    }
    if (i + 8 <= n) {
        __m256 q0 = _mm256_loadu_ps(q + i);
        for (int r = 0; r < rows; r++) {
            __m256 d0 = _mm256_sub_ps(q0, _mm256_loadu_ps(p[r] + i));
            s[r][0] = _mm256_fmadd_ps(d0, d0, s[r][0]);
        }
        i += 8;
    }
    for (int r = 0; r < rows; r++) {
        float sum = sum8(_mm256_add_ps(s[r][0], s[r][1]));
        for (size_t j = i; j < n; j++) {
            float d = q[j] - p[r][j];
            sum = __builtin_fmaf(d, d, sum);
        }
        out[r] = sum;
    }
}

AVX2 static float dot_f32(const float *a, const float *b, size_t n) {
    float out;
    dot_rows(a, &b, 1, n, &out);
    return out;
}

AVX2 static float l2sq_f32(const float *a, const float *b, size_t n) {
    float out;
    l2sq_rows(a, &b, 1, n, &out);
    return out;
}

AVX2 NK_INLINE void dot_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                             size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    dot_rows(q, p, 4, n, out);
}

AVX2 NK_INLINE void l2sq_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                              size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    l2sq_rows(q, p, 4, n, out);
}

NK_DEFINE_BATCH(dot_f32_batch, AVX2, dot_f32, dot_four)
NK_DEFINE_BATCH(l2sq_f32_batch, AVX2, l2sq_f32, l2sq_four)

AVX2 static double dot_f32_f64(const float *a, const float *b, size_t n) {
    __m256d v[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int j = 0; j < 4; j++) {
            __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(a + i + 4 * j));
            __m256d y = _mm256_cvtps_pd(_mm_loadu_ps(b + i + 4 * j));
            v[j] = _mm256_fmadd_pd(x, y, v[j]); // exact product: the same as multiply, then add
        }
    }
    double s[16];
    for (int j = 0; j < 4; j++) { _mm256_storeu_pd(s + 4 * j, v[j]); }
    nk_dot_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

AVX2 static double l2sq_f32_f64(const float *a, const float *b, size_t n) {
    __m256d v[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
    size_t i = 0;
    {
#pragma STDC FP_CONTRACT OFF
        for (; i + 16 <= n; i += 16) {
            for (int j = 0; j < 4; j++) {
                __m256d x = _mm256_cvtps_pd(_mm_loadu_ps(a + i + 4 * j));
                __m256d y = _mm256_cvtps_pd(_mm_loadu_ps(b + i + 4 * j));
                __m256d d = _mm256_sub_pd(x, y);
                __m256d square = _mm256_mul_pd(d, d);
                v[j] = _mm256_add_pd(v[j], square);
            }
        }
    }
    double s[16];
    for (int j = 0; j < 4; j++) { _mm256_storeu_pd(s + 4 * j, v[j]); }
    nk_l2sq_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

const nk_kernels nk_table_avx2 = {
    .tier = NK_AVX2,
    .name = "avx2",
    .dot_f32 = dot_f32,
    .l2sq_f32 = l2sq_f32,
    .dot_f32_batch = dot_f32_batch,
    .l2sq_f32_batch = l2sq_f32_batch,
    .dot_f32_f64 = dot_f32_f64,
    .l2sq_f32_f64 = l2sq_f32_f64,
    .crc32c = nk_crc32c_sse42,
    NK_U7S8_OF(avx2),
    NK_B1_OF(avx2),
    NK_QUANTIZE_OF(avx2),
    .sketch_filter = nk_sketch_filter_avx2,
    NK_ENCODER_OF(avx2),
};

#endif
