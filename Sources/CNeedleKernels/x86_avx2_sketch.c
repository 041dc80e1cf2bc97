// The AVX2 tier's sketch filter: a sketch is two registers, and four rows share the work of adding up.
#if defined(__x86_64__)

#include <immintrin.h>

#include "sketch.h"

#define AVX2 __attribute__((target("avx2")))

typedef struct {
    __m256i low[2], high[2];
} sketch_query;

AVX2 NK_INLINE sketch_query load_query(const int8_t *query) {
    const __m256i *q = (const __m256i *)query;
    return (sketch_query){{_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)},
                          {_mm256_loadu_si256(q + 2), _mm256_loadu_si256(q + 3)}};
}

/// Eight partial sums. Products are at most 15 * 127, so eight of them fit in sixteen bits. What stands where
/// the float is meets zeros.
AVX2 NK_INLINE __m256i products(const uint8_t *sketch, const sketch_query *q) {
    const __m256i four_bits = _mm256_set1_epi8(15);
    __m256i sum = _mm256_setzero_si256();
    for (int half = 0; half < 2; half++) {
        __m256i codes = _mm256_loadu_si256((const __m256i *)sketch + half);
        __m256i low = _mm256_and_si256(codes, four_bits);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), four_bits);
        sum = _mm256_add_epi16(sum, _mm256_add_epi16(_mm256_maddubs_epi16(low, q->low[half]),
                                                     _mm256_maddubs_epi16(high, q->high[half])));
    }
    return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

AVX2 NK_INLINE int32_t product(const uint8_t *sketch, const int8_t *query) {
    sketch_query q = load_query(query);
    __m256i v = products(sketch, &q);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

AVX2 size_t nk_sketch_filter_avx2(const int8_t *query, const uint8_t *base, const uint32_t *rows,
                                  size_t count, float scale, float offset, float limit, uint32_t *passed) {
#pragma STDC FP_CONTRACT OFF
    sketch_query q = load_query(query);
    size_t kept = 0, i = 0;
    for (; i + 4 <= count; i += 4) {
        const uint8_t *s[4];
        __m256i v[4];
        for (int r = 0; r < 4; r++) {
            s[r] = base + (size_t)rows[i + r] * NK_SKETCH_BYTES;
            v[r] = products(s[r], &q);
        }
        __m256i t = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
        __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1));
        __m128 bias = _mm_setr_ps(nk_sketch_bias(s[0]), nk_sketch_bias(s[1]), nk_sketch_bias(s[2]),
                                  nk_sketch_bias(s[3]));
        __m128 part = _mm_mul_ps(_mm_set1_ps(scale), _mm_cvtepi32_ps(sums));
        __m128 distance = _mm_add_ps(_mm_set1_ps(offset), _mm_add_ps(bias, part));
        unsigned mask = (unsigned)_mm_movemask_ps(_mm_cmple_ps(distance, _mm_set1_ps(limit)));
        for (; mask; mask &= mask - 1) { passed[kept++] = rows[i + (unsigned)__builtin_ctz(mask)]; }
    }
    NK_SKETCH_REST(product, i)
    return kept;
}

#endif
