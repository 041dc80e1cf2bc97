// The AVX2 tier's kernels for codes.
#if defined(__x86_64__)

#include <immintrin.h>

#include "codes.h"

#define AVX2 __attribute__((target("avx2,popcnt")))

/// From `last_bytes + r`, 32 bytes of which the last r are ones.
static const uint8_t last_bytes[64] = {
    [32] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255,        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

/// Products of 32 codes with 32 query elements, added up in pairs (at most 2 * 127 * 127: no saturation),
/// then in fours.
AVX2 NK_INLINE __m256i products(__m256i codes, __m256i query) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(codes, query), _mm256_set1_epi16(1));
}

AVX2 NK_INLINE int32_t sum8(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

/// `rows` is a constant 1 or 4 at every call, so the inner loops unroll and the sums live in registers.
AVX2 NK_INLINE void u7s8_rows(const int8_t *q, const uint8_t *const *p, int rows, size_t n, int32_t *out) {
    if (n < 32) {
        for (int r = 0; r < rows; r++) { out[r] = nk_dot_u7s8_scalar(p[r], q, n); }
        return;
    }
    __m256i s[4];
    for (int r = 0; r < 4; r++) { s[r] = _mm256_setzero_si256(); }
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(q + i));
        for (int r = 0; r < rows; r++) {
            s[r] =
                _mm256_add_epi32(s[r], products(_mm256_loadu_si256((const __m256i *)(p[r] + i)), x));
        }
    }
    if (i < n) { // the last 32 bytes once more, less those that were counted
        __m256i x = _mm256_loadu_si256((const __m256i *)(q + n - 32));
        x = _mm256_and_si256(x, _mm256_loadu_si256((const __m256i *)(last_bytes + (n - i))));
        for (int r = 0; r < rows; r++) {
            s[r] =
                _mm256_add_epi32(s[r], products(_mm256_loadu_si256((const __m256i *)(p[r] + n - 32)), x));
        }
    }
    if (rows == 4) {
        __m256i t =
            _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
        __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1));
        _mm_storeu_si128((__m128i *)out, sums);
    } else {
        out[0] = sum8(s[0]);
    }
}

AVX2 int32_t nk_dot_u7s8_avx2(const uint8_t *codes, const int8_t *query, size_t n) {
    int32_t out;
    u7s8_rows(query, &codes, 1, n, &out);
    return out;
}

AVX2 void nk_dot_u7s8_batch_avx2(const int8_t *query, const uint8_t *base, size_t stride,
                                 const uint32_t *rows, size_t count, size_t n, int32_t *out) {
    NK_FOR_CODES(n, u7s8_rows(query, p, 4, n, out + i), u7s8_rows(query, p, 1, n, out + i));
}

/// Bits set per byte.
AVX2 NK_INLINE __m256i bits(__m256i v) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    return _mm256_add_epi8(
        _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble)),
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
}

/// Four words of code against the planes from `q` on, 1 to 4 of them, as sums of 64 elements. Per byte the
/// weighted counts are at most 8 * (1 + 2 + 4 + 8), so the planes can be added up before the bytes are.
AVX2 NK_INLINE __m256i four_words(__m256i code, const uint64_t *q, size_t words, uint32_t planes) {
    __m256i s = _mm256_setzero_si256();
    for (uint32_t j = planes; j-- > 0;) {
        __m256i plane = _mm256_loadu_si256((const __m256i *)(q + j * words));
        s = _mm256_add_epi8(_mm256_add_epi8(s, s), bits(_mm256_and_si256(code, plane)));
    }
    return _mm256_sad_epu8(s, _mm256_setzero_si256());
}

/// `planes` is a constant where speed counts. Four words at a time by a table of nibbles, the last three by
/// the popcnt instruction: measured the faster way from 4 words on.
AVX2 NK_INLINE int32_t b1_row(const uint64_t *q, const uint8_t *p, size_t words, uint32_t planes) {
    __m256i s = _mm256_setzero_si256();
    size_t w = 0;
    for (; w + 4 <= words; w += 4) {
        __m256i code = _mm256_loadu_si256((const __m256i *)(p + 8 * w));
        s = _mm256_add_epi64(s, four_words(code, q + w, words, planes < 4 ? planes : 4));
        if (planes > 4) {
            __m256i upper = four_words(code, q + 4 * words + w, words, planes - 4);
            s = _mm256_add_epi64(s, _mm256_slli_epi64(upper, 4));
        }
    }
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    int64_t sum = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
#pragma clang loop vectorize(disable) unroll(disable)
    for (; w < words; w++) {
        uint64_t code = nk_load64(p + 8 * w);
#pragma clang loop vectorize(disable)
        for (uint32_t j = 0; j < planes; j++) { sum += _mm_popcnt_u64(code & q[j * words + w]) << j; }
    }
    return (int32_t)sum;
}

AVX2 int32_t nk_dot_b1_avx2(const uint8_t *code, const uint64_t *query, size_t words, uint32_t planes) {
    switch (planes) {
    case 4: return b1_row(query, code, words, 4);
    case 8: return b1_row(query, code, words, 8);
    default: return b1_row(query, code, words, planes);
    }
}

AVX2 NK_INLINE void b1_batch(const uint64_t *query, const uint8_t *base, size_t stride, const uint32_t *rows,
                             size_t count, size_t words, uint32_t planes, int32_t *out) {
    NK_FOR_CODES(
        8 * words,
        for (int r = 0; r < 4; r++) { out[i + r] = b1_row(query, p[r], words, planes); },
        out[i] = b1_row(query, p[0], words, planes));
}

AVX2 void nk_dot_b1_batch_avx2(const uint64_t *query, const uint8_t *base, size_t stride,
                               const uint32_t *rows, size_t count, size_t words, uint32_t planes,
                               int32_t *out) {
    switch (planes) {
    case 4: b1_batch(query, base, stride, rows, count, words, 4, out); break;
    case 8: b1_batch(query, base, stride, rows, count, words, 8, out); break;
    default: b1_batch(query, base, stride, rows, count, words, planes, out); break;
    }
}

#endif
