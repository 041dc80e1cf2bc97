// The AVX-512 tier's matrix products for transformer encoders: as those of the AVX2 tier, in tiles of up to 8
// rows x 2 panels, whose outputs fill a register each; coded ones with vpdpbusd, which does not saturate. What
// is left (attention's softmax, norms) is little, and the AVX2 tier's.
#if defined(__x86_64__)

#include <immintrin.h>

#include "encoder.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))

#define BLOCK_BYTES 524288
#define TILE_ROWS 8

/// x * Phi(x); the polynomials are explained in encoder.h.
AVX512 NK_INLINE __m512 gelu16(__m512 x) {
    static const float top[] = NK_ERF_TOP, bottom[] = NK_ERF_BOTTOM;
    __m512 v = _mm512_mul_ps(x, _mm512_set1_ps(0.70710677f));
    v = _mm512_max_ps(v, _mm512_set1_ps(-NK_ERF_LIMIT));
    v = _mm512_min_ps(v, _mm512_set1_ps(NK_ERF_LIMIT));
    __m512 square = _mm512_mul_ps(v, v);
    __m512 above = _mm512_set1_ps(top[0]), below = _mm512_set1_ps(bottom[0]);
    for (int i = 1; i < 7; i++) { above = _mm512_fmadd_ps(above, square, _mm512_set1_ps(top[i])); }
    for (int i = 1; i < 5; i++) { below = _mm512_fmadd_ps(below, square, _mm512_set1_ps(bottom[i])); }
    __m512 erf = _mm512_div_ps(_mm512_mul_ps(v, above), below);
    __m512 half = _mm512_mul_ps(_mm512_max_ps(x, _mm512_set1_ps(NK_GELU_LEAST)), _mm512_set1_ps(0.5f));
    return _mm512_fmadd_ps(half, erf, half);
}

/// Which of the 16 outputs from `first` on exist.
AVX512 NK_INLINE __mmask16 outputs_mask(size_t first, size_t outputs) {
    return outputs - first >= NK_PANEL ? (__mmask16)0xFFFF : (__mmask16)((1u << (outputs - first)) - 1);
}

AVX512 NK_INLINE void store16(__m512 sums, uint32_t activation, float *out, __mmask16 mask) {
    _mm512_mask_storeu_ps(out, mask, activation == NK_GELU ? gelu16(sums) : sums);
}

/// `rows` and `wide` (panels side by side, 1 or 2) are constants at every call.
AVX512 NK_INLINE void tile_f32(const float *a, size_t a_stride, int rows, const float *panels, int wide,
                               size_t inputs, const __m512 *bias, uint32_t activation, float *out,
                               size_t out_stride, const __mmask16 *masks) {
    __m512 s[TILE_ROWS][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm512_setzero_ps(); }
    for (size_t i = 0; i < inputs; i++, panels += NK_PANEL) {
        __m512 w[2];
        for (int j = 0; j < wide; j++) { w[j] = _mm512_loadu_ps(panels + (size_t)j * inputs * NK_PANEL); }
        for (int r = 0; r < rows; r++) {
            __m512 x = _mm512_set1_ps(a[(size_t)r * a_stride + i]);
            for (int j = 0; j < wide; j++) { s[r][j] = _mm512_fmadd_ps(x, w[j], s[r][j]); }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < wide; j++) {
            store16(_mm512_add_ps(s[r][j], bias[j]), activation, out + (size_t)r * out_stride + NK_PANEL * j,
                    masks[j]);
        }
    }
}

/// All rows of a block against one or two panels.
AVX512 NK_INLINE void panels_f32(const float *a, size_t a_stride, size_t rows, const float *panels, int wide,
                                 size_t inputs, const __m512 *bias, uint32_t activation, float *out,
                                 size_t out_stride, const __mmask16 *masks) {
    for (size_t row = 0; row < rows;) {
        size_t tile = nk_tile_rows(rows - row, TILE_ROWS);
        const float *x = a + row * a_stride;
        float *y = out + row * out_stride;
#define CASE(N)                                                                                              \
    case N: tile_f32(x, a_stride, N, panels, wide, inputs, bias, activation, y, out_stride, masks); break;
        switch (tile) { NK_CASES_TO_8(CASE) }
#undef CASE
        row += tile;
    }
}

AVX512 void nk_linear_f32_avx512(const float *a, size_t a_stride, size_t rows, const float *panels,
                                 size_t inputs, size_t outputs, const float *bias, uint32_t activation,
                                 float *out, size_t out_stride) {
    size_t block = nk_block_rows(inputs * sizeof(float), BLOCK_BYTES, TILE_ROWS);
    for (size_t row = 0; row < rows; row += block) {
        size_t here = rows - row < block ? rows - row : block;
        for (size_t first = 0; first < outputs; first += 2 * NK_PANEL) {
            int wide = outputs - first > NK_PANEL ? 2 : 1;
            __mmask16 masks[2] = {0, 0};
            __m512 start[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
            for (int j = 0; j < wide; j++) {
                masks[j] = outputs_mask(first + (size_t)(NK_PANEL * j), outputs);
                if (bias) { start[j] = _mm512_maskz_loadu_ps(masks[j], bias + first + NK_PANEL * j); }
            }
            const float *x = a + row * a_stride, *panel = panels + first * inputs;
            float *y = out + row * out_stride + first;
            if (wide == 2) {
                panels_f32(x, a_stride, here, panel, 2, inputs, start, activation, y, out_stride, masks);
            } else {
                panels_f32(x, a_stride, here, panel, 1, inputs, start, activation, y, out_stride, masks);
            }
        }
    }
}

/// Numbers that belong to the outputs of one or two panels.
typedef struct {
    __m512 scales[2], offsets[2], bias[2];
} panel_numbers;

AVX512 NK_INLINE void tile_u7s7(nk_rows_u7 a, size_t row, int rows, const int8_t *panels, int wide,
                                size_t inputs, const panel_numbers *numbers, uint32_t activation, float *out,
                                size_t out_stride, const __mmask16 *masks) {
    const uint8_t *codes = a.codes + row * a.stride;
    __m512i s[TILE_ROWS][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm512_setzero_si512(); }
    for (size_t i = 0; i < inputs; i += 4, panels += 4 * NK_PANEL) {
        __m512i w[2];
        for (int j = 0; j < wide; j++) { w[j] = _mm512_loadu_si512(panels + (size_t)j * inputs * NK_PANEL); }
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, codes + (size_t)r * a.stride + i, 4);
            __m512i x = _mm512_set1_epi32(four);
            for (int j = 0; j < wide; j++) { s[r][j] = _mm512_dpbusd_epi32(s[r][j], x, w[j]); }
        }
    }
    for (int r = 0; r < rows; r++) {
        __m512 step = _mm512_set1_ps(a.steps[row + (size_t)r]), low = _mm512_set1_ps(a.lows[row + (size_t)r]);
        for (int j = 0; j < wide; j++) {
            __m512 start = _mm512_fmadd_ps(low, numbers->offsets[j], numbers->bias[j]);
            __m512 scale = _mm512_mul_ps(step, numbers->scales[j]);
            store16(_mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(s[r][j]), start), activation,
                    out + (size_t)r * out_stride + NK_PANEL * j, masks[j]);
        }
    }
}

AVX512 NK_INLINE void panels_u7s7(nk_rows_u7 a, size_t from, size_t to, const int8_t *panels, int wide,
                                  size_t inputs, const panel_numbers *numbers, uint32_t activation,
                                  float *out, size_t out_stride, const __mmask16 *masks) {
    for (size_t row = from; row < to;) {
        size_t tile = nk_tile_rows(to - row, TILE_ROWS);
        float *y = out + row * out_stride;
#define CASE(N)                                                                                              \
    case N: tile_u7s7(a, row, N, panels, wide, inputs, numbers, activation, y, out_stride, masks); break;
        switch (tile) { NK_CASES_TO_8(CASE) }
#undef CASE
        row += tile;
    }
}

AVX512 void nk_linear_u7s7_avx512(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs,
                                  size_t outputs, const float *bias, uint32_t activation, float *out,
                                  size_t out_stride) {
    size_t block = nk_block_rows(inputs, BLOCK_BYTES, TILE_ROWS);
    for (size_t row = 0; row < rows; row += block) {
        size_t end = rows - row < block ? rows : row + block;
        for (size_t first = 0; first < outputs; first += 2 * NK_PANEL) {
            int wide = outputs - first > NK_PANEL ? 2 : 1;
            __mmask16 masks[2] = {0, 0};
            panel_numbers numbers;
            memset(&numbers, 0, sizeof numbers);
            for (int j = 0; j < wide; j++) {
                size_t at = first + (size_t)(NK_PANEL * j);
                masks[j] = outputs_mask(at, outputs);
                numbers.scales[j] = _mm512_maskz_loadu_ps(masks[j], weights.scales + at);
                numbers.offsets[j] = _mm512_maskz_loadu_ps(masks[j], weights.offsets + at);
                if (bias) { numbers.bias[j] = _mm512_maskz_loadu_ps(masks[j], bias + at); }
            }
            const int8_t *panel = weights.panels + first * inputs;
            if (wide == 2) {
                panels_u7s7(a, row, end, panel, 2, inputs, &numbers, activation, out + first, out_stride,
                            masks);
            } else {
                panels_u7s7(a, row, end, panel, 1, inputs, &numbers, activation, out + first, out_stride,
                            masks);
            }
        }
    }
}

void nk_norm_f32_avx512(float *x, const float *y, const float *scale, const float *shift, float epsilon,
                        size_t columns) {
    nk_norm_f32_avx2(x, y, scale, shift, epsilon, columns);
}

#endif
