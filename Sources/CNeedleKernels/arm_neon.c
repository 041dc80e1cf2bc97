// The NEON tier: the baseline of every 64-bit ARM processor. CRC32C uses the CRC instructions where the
// kernel reports them (optional in ARMv8.0), else the table.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#include "nk_internal.h"

/// `rows` is a constant 1 or 4 at every call, so the inner loops unroll and the sums live in registers.
NK_INLINE void dot_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    float32x4_t s[4][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = vdupq_n_f32(0); }
    }
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int j = 0; j < 4; j++) {
            float32x4_t x = vld1q_f32(q + i + 4 * j);
            for (int r = 0; r < rows; r++) { s[r][j] = vfmaq_f32(s[r][j], x, vld1q_f32(p[r] + i + 4 * j)); }
        }
    }
    for (int r = 0; r < rows; r++) {
        float sum = vaddvq_f32(vaddq_f32(vaddq_f32(s[r][0], s[r][1]), vaddq_f32(s[r][2], s[r][3])));
        for (size_t j = i; j < n; j++) { sum = __builtin_fmaf(q[j], p[r][j], sum); }
        out[r] = sum;
    }
}

NK_INLINE void l2sq_rows(const float *q, const float *const *p, int rows, size_t n, float *out) {
    float32x4_t s[4][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = vdupq_n_f32(0); }
    }
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int j = 0; j < 4; j++) {
            float32x4_t x = vld1q_f32(q + i + 4 * j);
            for (int r = 0; r < rows; r++) {
                float32x4_t d = vsubq_f32(x, vld1q_f32(p[r] + i + 4 * j));
                s[r][j] = vfmaq_f32(s[r][j], d, d);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        float sum = vaddvq_f32(vaddq_f32(vaddq_f32(s[r][0], s[r][1]), vaddq_f32(s[r][2], s[r][3])));
        for (size_t j = i; j < n; j++) {
            float d = q[j] - p[r][j];
            sum = __builtin_fmaf(d, d, sum);
        }
        out[r] = sum;
    }
}

static float dot_f32(const float *a, const float *b, size_t n) {
    float out;
    dot_rows(a, &b, 1, n, &out);
    return out;
}

static float l2sq_f32(const float *a, const float *b, size_t n) {
    float out;
    l2sq_rows(a, &b, 1, n, &out);
    return out;
}

NK_INLINE void dot_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                        size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    dot_rows(q, p, 4, n, out);
}

NK_INLINE void l2sq_four(const float *q, const float *a, const float *b, const float *c, const float *d,
                         size_t n, float *out) {
    const float *p[4] = {a, b, c, d};
    l2sq_rows(q, p, 4, n, out);
}

NK_DEFINE_BATCH(dot_f32_batch, , dot_f32, dot_four)
NK_DEFINE_BATCH(l2sq_f32_batch, , l2sq_f32, l2sq_four)

static double dot_f32_f64(const float *a, const float *b, size_t n) {
    float64x2_t v[8];
    for (int j = 0; j < 8; j++) { v[j] = vdupq_n_f64(0); }
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int j = 0; j < 8; j++) {
            float64x2_t x = vcvt_f64_f32(vld1_f32(a + i + 2 * j)), y = vcvt_f64_f32(vld1_f32(b + i + 2 * j));
            v[j] = vfmaq_f64(v[j], x, y); // exact product: the same as multiply, then add
        }
    }
    double s[16];
    for (int j = 0; j < 8; j++) { vst1q_f64(s + 2 * j, v[j]); }
    nk_dot_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

static double l2sq_f32_f64(const float *a, const float *b, size_t n) {
    float64x2_t v[8];
    for (int j = 0; j < 8; j++) { v[j] = vdupq_n_f64(0); }
    size_t i = 0;
    {
#pragma STDC FP_CONTRACT OFF
        for (; i + 16 <= n; i += 16) {
            for (int j = 0; j < 8; j++) {
                float64x2_t x = vcvt_f64_f32(vld1_f32(a + i + 2 * j)),
                            y = vcvt_f64_f32(vld1_f32(b + i + 2 * j));
                float64x2_t d = vsubq_f64(x, y);
                float64x2_t square = vmulq_f64(d, d);
                v[j] = vaddq_f64(v[j], square);
            }
        }
    }
    double s[16];
    for (int j = 0; j < 8; j++) { vst1q_f64(s + 2 * j, v[j]); }
    nk_l2sq_tail16(a, b, i, n, s);
    return nk_sum16(s);
}

#if defined(__linux__)
#include <sys/auxv.h>
#define NK_HWCAP_CRC32 (1ul << 7)

__attribute__((target("crc"))) static uint32_t crc32c_instructions(uint32_t seed, const uint8_t *p,
                                                                   size_t length) {
    uint32_t crc = ~seed;
    for (; length >= 8; length -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __builtin_arm_crc32cd(crc, word);
    }
    for (; length > 0; length--, p++) { crc = __builtin_arm_crc32cb(crc, *p); }
    return ~crc;
}

static uint32_t crc32c(uint32_t seed, const void *bytes, size_t length) {
    if (getauxval(AT_HWCAP) & NK_HWCAP_CRC32) { return crc32c_instructions(seed, bytes, length); }
    return nk_crc32c_table(seed, bytes, length);
}
#else
static uint32_t crc32c(uint32_t seed, const void *bytes, size_t length) {
    return nk_crc32c_table(seed, bytes, length);
}
#endif

// What the tier has with and without the extension.
#define NEON_KERNELS                                                                                         \
    .name = "neon", .dot_f32 = dot_f32, .l2sq_f32 = l2sq_f32, .dot_f32_batch = dot_f32_batch,                \
    .l2sq_f32_batch = l2sq_f32_batch, .dot_f32_f64 = dot_f32_f64, .l2sq_f32_f64 = l2sq_f32_f64,              \
    .crc32c = crc32c, NK_QUANTIZE_OF(neon), .sketch_filter = nk_sketch_filter_neon,                      \
    NK_ENCODER_OF(neon)

const nk_kernels nk_table_neon = {.tier = NK_NEON, NEON_KERNELS, NK_U7S8_OF(neon), NK_B1_OF(neon)};
const nk_kernels nk_table_neon_dot = {
    .tier = NK_NEON_DOT, NEON_KERNELS, NK_U7S8_OF(neon_dot), NK_B1_OF(neon)};

#endif
