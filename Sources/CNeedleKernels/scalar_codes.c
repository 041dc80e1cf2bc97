// The scalar tier's kernels for codes: the oracle for the other tiers, and what runs everywhere.
#include "codes.h"

int32_t nk_dot_u7s8_scalar(const uint8_t *codes, const int8_t *query, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) { sum += (int32_t)codes[i] * (int32_t)query[i]; }
    return sum;
}

void nk_dot_u7s8_batch_scalar(const int8_t *query, const uint8_t *base, size_t stride, const uint32_t *rows,
                              size_t count, size_t n, int32_t *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = nk_dot_u7s8_scalar(nk_codes(base, stride, rows, i), query, n);
    }
}

int32_t nk_dot_b1_scalar(const uint8_t *code, const uint64_t *query, size_t words, uint32_t planes) {
    int32_t sum = 0;
    for (uint32_t p = 0; p < planes; p++) {
        int32_t bits = 0;
        for (size_t w = 0; w < words; w++) {
            bits += __builtin_popcountll(nk_load64(code + 8 * w) & query[p * words + w]);
        }
        sum += bits << p;
    }
    return sum;
}

void nk_dot_b1_batch_scalar(const uint64_t *query, const uint8_t *base, size_t stride, const uint32_t *rows,
                            size_t count, size_t words, uint32_t planes, int32_t *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = nk_dot_b1_scalar(nk_codes(base, stride, rows, i), query, words, planes);
    }
}
