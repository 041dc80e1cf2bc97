// Shared by the tiers' kernels for codes: reading words, walking over the rows of a batch.
#ifndef NK_CODES_H
#define NK_CODES_H

#include <string.h>

#include "nk_internal.h"


NK_INLINE uint64_t nk_load64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

NK_INLINE const uint8_t *nk_codes(const uint8_t *base, size_t stride, const uint32_t *rows, size_t i) {
    return base + (rows ? (size_t)rows[i] : i) * stride;
}

/// The body of a batch kernel with the parameters `base`, `stride`, `rows` and `count`: runs the statement
/// FOUR for the rows i to i + 3, whose codes are p[0] to p[3], and ONE for each of the last three, with p[0].
/// Random records cost a trip to memory each: the four rows that come next are asked for before the four that
/// are there are read. Rows in their own order are asked for as well, since records are often too far apart
/// for the hardware to see.
#define NK_FOR_CODES(BYTES, FOUR, ONE)                                                                       \
    do {                                                                                                     \
        const size_t bytes_ = (BYTES) < NK_AHEAD_BYTES ? (BYTES) : NK_AHEAD_BYTES;                           \
        for (size_t j = 0; j < NK_AHEAD_ROWS && j < count; j++) {                                            \
            nk_prefetch_codes(nk_codes(base, stride, rows, j), bytes_);                                      \
        }                                                                                                    \
        size_t i = 0;                                                                                        \
        for (; i + 4 <= count; i += 4) {                                                                     \
            const size_t ahead_ = i + NK_AHEAD_ROWS;                                                         \
            for (size_t j = ahead_; j < ahead_ + 4 && j < count; j++) {                                      \
                nk_prefetch_codes(nk_codes(base, stride, rows, j), bytes_);                                  \
            }                                                                                                \
            const uint8_t *p[4];                                                                             \
            for (int r = 0; r < 4; r++) { p[r] = nk_codes(base, stride, rows, i + r); }                      \
            FOUR;                                                                                            \
        }                                                                                                    \
        for (; i < count; i++) {                                                                             \
            const uint8_t *p[1] = {nk_codes(base, stride, rows, i)};                                         \
            ONE;                                                                                             \
        }                                                                                                    \
    } while (0)

#endif
