// Shared by the tiers: the order of the double sums, the batch driver, and the tables that dispatch.c chooses
// among.
#ifndef NK_INTERNAL_H
#define NK_INTERNAL_H

#include "nk_kernels.h"

#define NK_INLINE static inline __attribute__((always_inline))

extern const nk_kernels nk_table_scalar;
#if defined(__x86_64__)
extern const nk_kernels nk_table_avx2;
extern const nk_kernels nk_table_avx512;
extern const nk_kernels nk_table_avx512_popcnt;
uint32_t nk_crc32c_sse42(uint32_t seed, const void *bytes, size_t length);
#elif defined(__aarch64__)
extern const nk_kernels nk_table_neon;
extern const nk_kernels nk_table_neon_dot;
#endif
uint32_t nk_crc32c_table(uint32_t seed, const void *bytes, size_t length);

// The kernels for codes and for quantizing lie in files of their own per tier, and the tier's table takes
// them from there.
#define NK_DECLARE_U7S8(TIER)                                                                                \
    int32_t nk_dot_u7s8_##TIER(const uint8_t *codes, const int8_t *query, size_t n);                         \
    void nk_dot_u7s8_batch_##TIER(const int8_t *query, const uint8_t *base, size_t stride,                   \
                                  const uint32_t *rows, size_t count, size_t n, int32_t *out);
#define NK_DECLARE_B1(TIER)                                                                                  \
    int32_t nk_dot_b1_##TIER(const uint8_t *code, const uint64_t *query, size_t words, uint32_t planes);     \
    void nk_dot_b1_batch_##TIER(const uint64_t *query, const uint8_t *base, size_t stride,                   \
                                const uint32_t *rows, size_t count, size_t words, uint32_t planes,           \
                                int32_t *out);
#define NK_DECLARE_QUANTIZE(TIER)                                                                            \
    void nk_fwht_f32_##TIER(float *x, size_t n);                                                             \
    void nk_minmax_f32_##TIER(const float *x, size_t n, float *lo, float *hi);                               \
    void nk_quantize_u7_##TIER(const float *x, size_t n, float lo, float inverse, uint8_t *codes);           \
    void nk_quantize_s8_##TIER(const float *x, size_t n, float inverse, int8_t *codes);
#define NK_U7S8_OF(TIER) .dot_u7s8 = nk_dot_u7s8_##TIER, .dot_u7s8_batch = nk_dot_u7s8_batch_##TIER
#define NK_B1_OF(TIER) .dot_b1 = nk_dot_b1_##TIER, .dot_b1_batch = nk_dot_b1_batch_##TIER
#define NK_QUANTIZE_OF(TIER)                                                                                 \
    .fwht_f32 = nk_fwht_f32_##TIER, .minmax_f32 = nk_minmax_f32_##TIER,                                      \
    .quantize_u7 = nk_quantize_u7_##TIER, .quantize_s8 = nk_quantize_s8_##TIER

#define NK_DECLARE_SKETCH(TIER)                                                                              \
    size_t nk_sketch_filter_##TIER(const int8_t *query, const uint8_t *base, const uint32_t *rows,           \
                                   size_t count, float scale, float offset, float limit, uint32_t *passed);

#define NK_DECLARE_ENCODER(TIER)                                                                             \
    void nk_linear_f32_##TIER(const float *a, size_t a_stride, size_t rows, const float *panels,             \
                              size_t inputs, size_t outputs, const float *bias, uint32_t activation,         \
                              float *out, size_t out_stride);                                                \
    void nk_linear_u7s7_##TIER(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs,              \
                               size_t outputs, const float *bias, uint32_t activation, float *out,           \
                               size_t out_stride);                                                           \
    void nk_attention_f32_##TIER(const float *q, const float *k, const float *v, size_t stride,              \
                                 size_t length, size_t size, float *scratch, float *out, size_t out_stride); \
    void nk_norm_f32_##TIER(float *x, const float *y, const float *scale, const float *shift, float epsilon, \
                            size_t columns);
#define NK_ENCODER_OF(TIER)                                                                                  \
    .linear_f32 = nk_linear_f32_##TIER, .linear_u7s7 = nk_linear_u7s7_##TIER,                                \
    .attention_f32 = nk_attention_f32_##TIER, .norm_f32 = nk_norm_f32_##TIER

NK_DECLARE_SKETCH(scalar)
NK_DECLARE_ENCODER(scalar)
NK_DECLARE_U7S8(scalar)
NK_DECLARE_B1(scalar)
NK_DECLARE_QUANTIZE(scalar)
#if defined(__x86_64__)
NK_DECLARE_SKETCH(avx2)
NK_DECLARE_ENCODER(avx2)
NK_DECLARE_ENCODER(avx512)
NK_DECLARE_U7S8(avx2)
NK_DECLARE_B1(avx2)
NK_DECLARE_QUANTIZE(avx2)
NK_DECLARE_U7S8(avx512)
NK_DECLARE_B1(avx512_popcnt)
NK_DECLARE_QUANTIZE(avx512)
#elif defined(__aarch64__)
NK_DECLARE_SKETCH(neon)
NK_DECLARE_ENCODER(neon)
NK_DECLARE_U7S8(neon)
NK_DECLARE_U7S8(neon_dot)
NK_DECLARE_B1(neon)
NK_DECLARE_QUANTIZE(neon)
#endif

/// Adds up the sixteen partial sums of the f32_f64 kernels: the binary tree that every tier must follow.
NK_INLINE double nk_sum16(const double *s) {
#pragma STDC FP_CONTRACT OFF
    double e[8], q[4];
    for (int j = 0; j < 8; j++) { e[j] = s[j] + s[j + 8]; }
    for (int j = 0; j < 4; j++) { q[j] = e[j] + e[j + 4]; }
    return (q[0] + q[2]) + (q[1] + q[3]);
}

/// Elements from `from` on, for the tails of the f32_f64 kernels; also the whole of the scalar ones. The
/// product of two floats is exact in double, so fused and separate multiply-add agree; squares of differences
/// are not, hence no contraction.
NK_INLINE void nk_dot_tail16(const float *a, const float *b, size_t from, size_t n, double *s) {
#pragma STDC FP_CONTRACT OFF
    for (size_t i = from; i < n; i++) { s[i & 15] += (double)a[i] * (double)b[i]; }
}

NK_INLINE void nk_l2sq_tail16(const float *a, const float *b, size_t from, size_t n, double *s) {
#pragma STDC FP_CONTRACT OFF
    for (size_t i = from; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        double square = d * d;
        s[i & 15] += square;
    }
}

// How much of the rows ahead is prefetched: the first lines start the streams, the hardware prefetcher
// follows them.
#define NK_AHEAD_ROWS 4
#define NK_AHEAD_BYTES 512

NK_INLINE const float *nk_row(const float *base, size_t stride, const uint32_t *rows, size_t i) {
    return base + (rows ? (size_t)rows[i] : i) * stride;
}

/// Defines the batch kernel NAME out of ONE (one row) and FOUR (four rows side by side, sharing the query's
/// loads).
#define NK_DEFINE_BATCH(NAME, ATTRIBUTES, ONE, FOUR)                                                         \
    ATTRIBUTES static void NAME(const float *query, const float *base, size_t stride, const uint32_t *rows,  \
                                size_t count, size_t n, float *out) {                                        \
        size_t ahead = n * sizeof(float) < NK_AHEAD_BYTES ? n * sizeof(float) : NK_AHEAD_BYTES;              \
        if (rows) {                                                                                          \
            for (size_t i = 0; i < NK_AHEAD_ROWS && i < count; i++) {                                        \
                nk_prefetch(nk_row(base, stride, rows, i), ahead);                                           \
            }                                                                                                \
        }                                                                                                    \
        size_t i = 0;                                                                                        \
        for (; i + 4 <= count; i += 4) {                                                                     \
            if (rows) {                                                                                      \
                for (size_t j = i + NK_AHEAD_ROWS; j < i + NK_AHEAD_ROWS + 4 && j < count; j++) {            \
                    nk_prefetch(nk_row(base, stride, rows, j), ahead);                                       \
                }                                                                                            \
            }                                                                                                \
            FOUR(query, nk_row(base, stride, rows, i), nk_row(base, stride, rows, i + 1),                    \
                 nk_row(base, stride, rows, i + 2), nk_row(base, stride, rows, i + 3), n, out + i);          \
        }                                                                                                    \
        for (; i < count; i++) { out[i] = ONE(query, nk_row(base, stride, rows, i), n); }                    \
    }

#endif
