// The NEON tier's kernels for codes, for processors with and without the dot-product extension. Codes are at
// most 127, so the signed instructions serve.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "codes.h"

#define NEON
#define NEON_DOT __attribute__((target("dotprod")))

/// From `last_bytes + r`, 16 bytes of which the last r are ones.
static const int8_t last_bytes[32] = {
    [16] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

/// Two products per sixteen-bit sum: at most 2 * 127 * 127, no overflow.
NEON NK_INLINE int32x4_t add_products(int32x4_t s, int8x16_t codes, int8x16_t query) {
    int16x8_t pairs = vmull_s8(vget_low_s8(codes), vget_low_s8(query));
    return vpadalq_s16(s, vmlal_high_s8(pairs, codes, query));
}

NEON_DOT NK_INLINE int32x4_t add_dot(int32x4_t s, int8x16_t codes, int8x16_t query) {
    return vdotq_s32(s, codes, query);
}

/// Defines NAME for a constant 1 or 4 rows. Two sums per row, so that one row alone is not all latency.
#define DEFINE_ROWS(NAME, ATTRIBUTES, ADD)                                                                   \
    ATTRIBUTES NK_INLINE void NAME(const int8_t *q, const uint8_t *const *p, int rows, size_t n,             \
                                   int32_t *out) {                                                           \
        int32x4_t s[4][2];                                                                                   \
        for (int r = 0; r < 4; r++) { s[r][0] = s[r][1] = vdupq_n_s32(0); }                                  \
        size_t i = 0;                                                                                        \
        for (; i + 32 <= n; i += 32) {                                                                       \
            for (int j = 0; j < 2; j++) {                                                                    \
                int8x16_t x = vld1q_s8(q + i + 16 * j);                                                      \
                for (int r = 0; r < rows; r++) {                                                             \
                    s[r][j] = ADD(s[r][j], vld1q_s8((const int8_t *)p[r] + i + 16 * j), x);                  \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
        if (i + 16 <= n) {                                                                                   \
            int8x16_t x = vld1q_s8(q + i);                                                                   \
            for (int r = 0; r < rows; r++) {                                                                 \
                s[r][0] = ADD(s[r][0], vld1q_s8((const int8_t *)p[r] + i), x);                               \
            }                                                                                                \
            i += 16;                                                                                         \
        }                                                                                                    \
        if (i < n && n >= 16) { /* the last 16 bytes once more, less those that were counted */              \
            int8x16_t x = vandq_s8(vld1q_s8(q + n - 16), vld1q_s8(last_bytes + (n - i)));                    \
            for (int r = 0; r < rows; r++) {                                                                 \
                s[r][1] = ADD(s[r][1], vld1q_s8((const int8_t *)p[r] + n - 16), x);                          \
            }                                                                                                \
        }                                                                                                    \
        for (int r = 0; r < rows; r++) {                                                                     \
            out[r] = n < 16 ? nk_dot_u7s8_scalar(p[r], q, n) : vaddvq_s32(vaddq_s32(s[r][0], s[r][1]));      \
        }                                                                                                    \
    }

#define DEFINE_U7S8(TIER, ATTRIBUTES, ROWS)                                                                  \
    ATTRIBUTES int32_t nk_dot_u7s8_##TIER(const uint8_t *codes, const int8_t *query, size_t n) {             \
        int32_t out;                                                                                         \
        ROWS(query, &codes, 1, n, &out);                                                                     \
        return out;                                                                                          \
    }                                                                                                        \
    ATTRIBUTES void nk_dot_u7s8_batch_##TIER(const int8_t *query, const uint8_t *base, size_t stride,        \
                                             const uint32_t *rows, size_t count, size_t n, int32_t *out) {   \
        NK_FOR_CODES(n, ROWS(query, p, 4, n, out + i), ROWS(query, p, 1, n, out + i));                       \
    }

DEFINE_ROWS(u7s8_rows, NEON, add_products)
DEFINE_ROWS(u7s8_rows_dot, NEON_DOT, add_dot)
DEFINE_U7S8(neon, NEON, u7s8_rows)
DEFINE_U7S8(neon_dot, NEON_DOT, u7s8_rows_dot)

/// Two words of code against the planes from `q` on, 1 to 4 of them. Per byte the weighted counts are at most
/// 8 * (1 + 2 + 4 + 8), so the planes can be added up before the bytes are.
NK_INLINE uint32x4_t two_words(uint8x16_t code, const uint64_t *q, size_t words, uint32_t planes) {
    uint8x16_t s = vdupq_n_u8(0);
    for (uint32_t j = planes; j-- > 0;) {
        uint8x16_t plane = vld1q_u8((const uint8_t *)(q + j * words));
        s = vaddq_u8(vaddq_u8(s, s), vcntq_u8(vandq_u8(code, plane)));
    }
    return vpaddlq_u16(vpaddlq_u8(s));
}

/// `planes` is a constant where speed counts.
NK_INLINE int32_t b1_row(const uint64_t *q, const uint8_t *p, size_t words, uint32_t planes) {
    uint32x4_t s = vdupq_n_u32(0);
    size_t w = 0;
    for (; w + 2 <= words; w += 2) {
        uint8x16_t code = vld1q_u8(p + 8 * w);
        s = vaddq_u32(s, two_words(code, q + w, words, planes < 4 ? planes : 4));
        if (planes > 4) {
            uint32x4_t upper = two_words(code, q + 4 * words + w, words, planes - 4);
            s = vaddq_u32(s, vshlq_n_u32(upper, 4));
        }
    }
    uint32_t sum = vaddvq_u32(s);
    if (w < words) {
        uint64_t code = nk_load64(p + 8 * w);
        for (uint32_t j = 0; j < planes; j++) {
            sum += (uint32_t)__builtin_popcountll(code & q[j * words + w]) << j;
        }
    }
    return (int32_t)sum;
}

int32_t nk_dot_b1_neon(const uint8_t *code, const uint64_t *query, size_t words, uint32_t planes) {
    switch (planes) {
    case 4: return b1_row(query, code, words, 4);
    case 8: return b1_row(query, code, words, 8);
    default: return b1_row(query, code, words, planes);
    }
}

NK_INLINE void b1_batch(const uint64_t *query, const uint8_t *base, size_t stride, const uint32_t *rows,
                        size_t count, size_t words, uint32_t planes, int32_t *out) {
    NK_FOR_CODES(
        8 * words,
        for (int r = 0; r < 4; r++) { out[i + r] = b1_row(query, p[r], words, planes); },
        out[i] = b1_row(query, p[0], words, planes));
}

void nk_dot_b1_batch_neon(const uint64_t *query, const uint8_t *base, size_t stride, const uint32_t *rows,
                          size_t count, size_t words, uint32_t planes, int32_t *out) {
    switch (planes) {
    case 4: b1_batch(query, base, stride, rows, count, words, 4, out); break;
    case 8: b1_batch(query, base, stride, rows, count, words, 8, out); break;
    default: b1_batch(query, base, stride, rows, count, words, planes, out); break;
    }
}

#endif
