// The AVX-512 tier's kernels for codes: vpdpbusd (without saturation) for bytes; for bits, vpopcntq where the
// processor has it, else the AVX2 tier's. Tails are read under a mask, so nothing past the end is touched.
#if defined(__x86_64__)

#include <immintrin.h>

#include "codes.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2")))
#define AVX512_POPCNT __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq,avx2")))

/// `rows` is a constant 1 or 4 at every call. Two sums per row hide the latency of vpdpbusd.
AVX512 NK_INLINE void u7s8_rows(const int8_t *q, const uint8_t *const *p, int rows, size_t n, int32_t *out) {
    __m512i s[4][2];
    for (int r = 0; r < 4; r++) { s[r][0] = s[r][1] = _mm512_setzero_si512(); }
    size_t i = 0;
    for (; i + 128 <= n; i += 128) {
        for (int j = 0; j < 2; j++) {
            __m512i x = _mm512_loadu_si512(q + i + 64 * j);
            for (int r = 0; r < rows; r++) {
                s[r][j] = _mm512_dpbusd_epi32(s[r][j], _mm512_loadu_si512(p[r] + i + 64 * j), x);
            }
        }
    }
    for (; i < n; i += 64) {
        __mmask64 m = n - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (n - i)) - 1;
        __m512i x = _mm512_maskz_loadu_epi8(m, q + i);
        for (int r = 0; r < rows; r++) {
            s[r][0] = _mm512_dpbusd_epi32(s[r][0], _mm512_maskz_loadu_epi8(m, p[r] + i), x);
        }
    }
    for (int r = 0; r < rows; r++) { out[r] = _mm512_reduce_add_epi32(_mm512_add_epi32(s[r][0], s[r][1])); }
}

AVX512 int32_t nk_dot_u7s8_avx512(const uint8_t *codes, const int8_t *query, size_t n) {
    int32_t out;
    u7s8_rows(query, &codes, 1, n, &out);
    return out;
}

AVX512 void nk_dot_u7s8_batch_avx512(const int8_t *query, const uint8_t *base, size_t stride,
                                     const uint32_t *rows, size_t count, size_t n, int32_t *out) {
    NK_FOR_CODES(n, u7s8_rows(query, p, 4, n, out + i), u7s8_rows(query, p, 1, n, out + i));
}

/// `rows` is a constant 1 or 4, and `planes` one where speed counts.
AVX512_POPCNT NK_INLINE void b1_rows(const uint64_t *q, const uint8_t *const *p, int rows, size_t words,
                                     uint32_t planes, int32_t *out) {
    __m512i s[4];
    for (int r = 0; r < 4; r++) { s[r] = _mm512_setzero_si512(); }
    for (size_t w = 0; w < words; w += 8) {
        __mmask8 m = words - w >= 8 ? (__mmask8)0xFF : (__mmask8)((1u << (words - w)) - 1);
        __m512i code[4];
        for (int r = 0; r < rows; r++) { code[r] = _mm512_maskz_loadu_epi64(m, p[r] + 8 * w); }
        for (uint32_t j = 0; j < planes; j++) {
            __m512i plane = _mm512_maskz_loadu_epi64(m, q + j * words + w);
            for (int r = 0; r < rows; r++) {
                __m512i bits = _mm512_popcnt_epi64(_mm512_and_si512(code[r], plane));
                s[r] = _mm512_add_epi64(s[r], _mm512_slli_epi64(bits, j));
            }
        }
    }
    for (int r = 0; r < rows; r++) { out[r] = (int32_t)_mm512_reduce_add_epi64(s[r]); }
}

AVX512_POPCNT int32_t nk_dot_b1_avx512_popcnt(const uint8_t *code, const uint64_t *query, size_t words,
                                              uint32_t planes) {
    int32_t out;
    switch (planes) {
    case 4: b1_rows(query, &code, 1, words, 4, &out); break;
    case 8: b1_rows(query, &code, 1, words, 8, &out); break;
    default: b1_rows(query, &code, 1, words, planes, &out); break;
    }
    return out;
}

AVX512_POPCNT NK_INLINE void b1_batch(const uint64_t *query, const uint8_t *base, size_t stride,
                                      const uint32_t *rows, size_t count, size_t words, uint32_t planes,
                                      int32_t *out) {
    NK_FOR_CODES(8 * words, b1_rows(query, p, 4, words, planes, out + i),
                 b1_rows(query, p, 1, words, planes, out + i));
}

AVX512_POPCNT void nk_dot_b1_batch_avx512_popcnt(const uint64_t *query, const uint8_t *base, size_t stride,
                                                 const uint32_t *rows, size_t count, size_t words,
                                                 uint32_t planes, int32_t *out) {
    switch (planes) {
    case 4: b1_batch(query, base, stride, rows, count, words, 4, out); break;
    case 8: b1_batch(query, base, stride, rows, count, words, 8, out); break;
    default: b1_batch(query, base, stride, rows, count, words, planes, out); break;
    }
}

#endif
