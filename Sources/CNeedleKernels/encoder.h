// Shared by the tiers' kernels for transformer encoders: the numbers behind GELU and the exponential function,
// and attention, which is packing, two matrix products and a softmax.
#ifndef NK_ENCODER_H
#define NK_ENCODER_H

#include <string.h>

#include "nk_internal.h"

// erf(x) as a rational function of x squared times x, for |x| <= 4, where single precision cannot tell it
// from its limits any more (coefficients as in Eigen's `generic_fast_erf_float`), highest power first.
#define NK_ERF_LIMIT 4.0f
#define NK_ERF_TOP                                                                                           \
    {                                                                                                        \
        -2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f, -5.69250639462346e-05f,       \
            -7.34990630326855e-04f, -2.95459980854025e-03f, -1.60960333262415e-02f                           \
    }
#define NK_ERF_BOTTOM                                                                                        \
    {                                                                                                        \
        -1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f, -7.37332916720468e-03f,      \
            -1.42647390514189e-02f                                                                           \
    }
// Below this nothing is left of x * Phi(x) but the rounding of Phi, which a large factor must not blow up.
#define NK_GELU_LEAST -6.0f

// e^x for x <= 0: 2^n by exponent bits, the rest r by Cephes' `expf` polynomial, highest power first. Adding
// NK_EXP_ROUND rounds to an integer, which then lies in the low bits.
#define NK_EXP_LEAST -87.0f
#define NK_EXP_LOG2E 1.44269504f
#define NK_EXP_ROUND 12582912.0f
#define NK_EXP_LN2_HIGH 0.693359375f
#define NK_EXP_LN2_LOW -2.12194440e-4f
#define NK_EXP_POLYNOMIAL                                                                                    \
    {                                                                                                        \
        1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,            \
            5.0000001201e-1f                                                                                 \
    }

/// Rows of the next tile, when `left` rows are cut into tiles of at most `most` rows of about equal size:
/// a last tile of one row would take almost as long as a full one.
NK_INLINE size_t nk_tile_rows(size_t left, size_t most) {
    size_t tiles = (left + most - 1) / most;
    return (left + tiles - 1) / tiles;
}

// The cases of a switch over the rows of a tile, so that each count is a constant.
#define NK_CASES_TO_4(CASE) CASE(1) CASE(2) CASE(3) CASE(4)
#define NK_CASES_TO_6(CASE) NK_CASES_TO_4(CASE) CASE(5) CASE(6)
#define NK_CASES_TO_8(CASE) NK_CASES_TO_6(CASE) CASE(7) CASE(8)

/// Rows of inputs, of `bytes` each, that lie in a cache of `cache` bytes together, whole tiles of `tile` rows.
NK_INLINE size_t nk_block_rows(size_t bytes, size_t cache, size_t tile) {
    size_t tiles = bytes ? cache / bytes / tile : 1;
    return (tiles < 4 ? 4 : tiles) * tile;
}

/// Panels of the transposed: panel p holds columns [column][row] of rows 16p to 16p + 15; rows that are not
/// there are 0.
NK_INLINE void nk_pack_rows(const float *x, size_t stride, size_t rows, size_t columns, float *panels) {
    for (size_t first = 0; first < rows; first += NK_PANEL) {
        size_t count = rows - first < NK_PANEL ? rows - first : NK_PANEL;
        if (count < NK_PANEL) { memset(panels, 0, columns * NK_PANEL * sizeof(float)); }
        for (size_t r = 0; r < count; r++) {
            const float *row = x + (first + r) * stride;
            for (size_t c = 0; c < columns; c++) { panels[c * NK_PANEL + r] = row[c]; }
        }
        panels += columns * NK_PANEL;
    }
}

/// Panels of the matrix as it is: panel p holds rows [row][column] of columns 16p to 16p + 15.
NK_INLINE void nk_pack_columns(const float *x, size_t stride, size_t rows, size_t columns, float *panels) {
    for (size_t first = 0; first < columns; first += NK_PANEL) {
        size_t count = columns - first < NK_PANEL ? columns - first : NK_PANEL;
        for (size_t r = 0; r < rows; r++, panels += NK_PANEL) {
            const float *row = x + r * stride + first;
            if (count == NK_PANEL) {
                memcpy(panels, row, NK_PANEL * sizeof(float));
            } else {
                memset(panels, 0, NK_PANEL * sizeof(float));
                memcpy(panels, row, count * sizeof(float));
            }
        }
    }
}

/// One head: softmax(q * transposed k) * v, in blocks of rows whose scores stay in the nearest cache. `linear` and `softmax` are constants at every call.
NK_INLINE void nk_attention(const float *q, const float *k, const float *v, size_t stride, size_t length,
                            size_t size, float *scratch, float *out, size_t out_stride, nk_linear_f32 linear,
                            void (*softmax)(float *x, size_t stride, size_t rows, size_t columns)) {
    size_t wide = (length + NK_PANEL - 1) / NK_PANEL * NK_PANEL;
    size_t deep = (size + NK_PANEL - 1) / NK_PANEL * NK_PANEL;
    float *keys = scratch, *values = keys + wide * size, *scores = values + length * deep;
    nk_pack_rows(k, stride, length, size, keys);
    nk_pack_columns(v, stride, length, size, values);
    for (size_t row = 0; row < length; row += NK_ATTENTION_ROWS) {
        size_t rows = length - row < NK_ATTENTION_ROWS ? length - row : NK_ATTENTION_ROWS;
        linear(q + row * stride, stride, rows, keys, size, length, NULL, NK_PLAIN, scores, wide);
        softmax(scores, wide, rows, length);
        linear(scores, wide, rows, values, length, size, NULL, NK_PLAIN, out + row * out_stride, out_stride);
    }
}

#endif
