// The scalar tier: plain C that runs everywhere and is the oracle for the other tiers.
#include "nk_internal.h"

static float dot_f32(const float *a, const float *b, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) { sum += a[i] * b[i]; }
    return sum;
}

static float l2sq_f32(const float *a, const float *b, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) {
        float d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

NK_INLINE void dot_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                        size_t n, float *out) {
    out[0] = dot_f32(q, a, n);
    out[1] = dot_f32(q, b, n);
    out[2] = dot_f32(q, c, n);
    out[3] = dot_f32(q, d, n);
}

NK_INLINE void l2sq_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                         size_t n, float *out) {
    out[0] = l2sq_f32(q, a, n);
    out[1] = l2sq_f32(q, b, n);
    out[2] = l2sq_f32(q, c, n);
    out[3] = l2sq_f32(q, d, n);
}

NK_DEFINE_BATCH(dot_f32_batch, , dot_f32, dot_four)
NK_DEFINE_BATCH(l2sq_f32_batch, , l2sq_f32, l2sq_four)

static double dot_f32_f64(const float *a, const float *b, size_t n) {
    double s[16] = {0};
    nk_dot_tail16(a, b, 0, n, s);
    return nk_sum16(s);
}

static double l2sq_f32_f64(const float *a, const float *b, size_t n) {
    double s[16] = {0};
    nk_l2sq_tail16(a, b, 0, n, s);
    return nk_sum16(s);
}

const nk_kernels nk_table_scalar = {
    .tier = NK_SCALAR,
    .name = "scalar",
    .dot_f32 = dot_f32,
    .l2sq_f32 = l2sq_f32,
    .dot_f32_batch = dot_f32_batch,
    .l2sq_f32_batch = l2sq_f32_batch,
    .dot_f32_f64 = dot_f32_f64,
    .l2sq_f32_f64 = l2sq_f32_f64,
    .crc32c = nk_crc32c_table,
    NK_U7S8_OF(scalar),
    NK_B1_OF(scalar),
    NK_QUANTIZE_OF(scalar),
    .sketch_filter = nk_sketch_filter_scalar,
    NK_ENCODER_OF(scalar),
};
