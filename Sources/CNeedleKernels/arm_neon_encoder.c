// The NEON tier's kernels for transformer encoders: tiles of up to 6 rows x 16 outputs, whose sums stay in
// registers over all inputs; see the AVX2 tier's for the rest. Codes are at most 127, so the signed
// instructions serve; the dot-product extension is not needed for sums of four products, since these fit in 16
// bits.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>

#include "encoder.h"

#define BLOCK_BYTES 196608

/// x * Phi(x); the polynomials are explained in encoder.h.
NK_INLINE float32x4_t gelu4(float32x4_t x) {
    static const float top[] = NK_ERF_TOP, bottom[] = NK_ERF_BOTTOM;
    float32x4_t v = vmulq_n_f32(x, 0.70710677f);
    v = vminq_f32(vmaxq_f32(v, vdupq_n_f32(-NK_ERF_LIMIT)), vdupq_n_f32(NK_ERF_LIMIT));
    float32x4_t square = vmulq_f32(v, v);
    float32x4_t above = vdupq_n_f32(top[0]), below = vdupq_n_f32(bottom[0]);
    for (int i = 1; i < 7; i++) { above = vfmaq_f32(vdupq_n_f32(top[i]), above, square); }
    for (int i = 1; i < 5; i++) { below = vfmaq_f32(vdupq_n_f32(bottom[i]), below, square); }
    float32x4_t erf = vdivq_f32(vmulq_f32(v, above), below);
    float32x4_t half = vmulq_n_f32(vmaxq_f32(x, vdupq_n_f32(NK_GELU_LEAST)), 0.5f);
    return vfmaq_f32(half, half, erf);
}

/// Stores the 16 sums of a row, of which the first `count` exist.
NK_INLINE void store16(float32x4_t *s, uint32_t activation, float *out, size_t count) {
    float all[NK_PANEL];
    float *to = count == NK_PANEL ? out : all;
    for (int j = 0; j < 4; j++) { vst1q_f32(to + 4 * j, activation == NK_GELU ? gelu4(s[j]) : s[j]); }
    if (count < NK_PANEL) { memcpy(out, all, count * sizeof(float)); }
}

/// `rows` is a constant 1 to 6 at every call.
NK_INLINE void tile_f32(const float *a, size_t a_stride, int rows, const float *panel, size_t inputs,
                        const float *bias, uint32_t activation, float *out, size_t out_stride, size_t count) {
    float32x4_t s[6][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = vdupq_n_f32(0); }
    }
    for (size_t i = 0; i < inputs; i++, panel += NK_PANEL) {
        float32x4_t w[4];
        for (int j = 0; j < 4; j++) { w[j] = vld1q_f32(panel + 4 * j); }
        for (int r = 0; r < rows; r++) {
            float32x4_t x = vld1q_dup_f32(a + (size_t)r * a_stride + i);
            for (int j = 0; j < 4; j++) { s[r][j] = vfmaq_f32(s[r][j], x, w[j]); }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = vaddq_f32(s[r][j], vld1q_f32(bias + 4 * j)); }
        store16(s[r], activation, out + (size_t)r * out_stride, count);
    }
}

static void panel_f32(const float *a, size_t a_stride, size_t rows, const float *panel, size_t inputs,
                      const float *bias, uint32_t activation, float *out, size_t out_stride, size_t count) {
    for (size_t row = 0; row < rows;) {
        size_t tile = nk_tile_rows(rows - row, 6);
        const float *x = a + row * a_stride;
        float *y = out + row * out_stride;
#define CASE(N)                                                                                              \
    case N: tile_f32(x, a_stride, N, panel, inputs, bias, activation, y, out_stride, count); break;
        switch (tile) { NK_CASES_TO_6(CASE) }
#undef CASE
        row += tile;
    }
}

void nk_linear_f32_neon(const float *a, size_t a_stride, size_t rows, const float *panels, size_t inputs,
                        size_t outputs, const float *bias, uint32_t activation, float *out,
                        size_t out_stride) {
    size_t block = nk_block_rows(inputs * sizeof(float), BLOCK_BYTES, 6);
    for (size_t row = 0; row < rows; row += block) {
        size_t here = rows - row < block ? rows - row : block;
        for (size_t first = 0; first < outputs; first += NK_PANEL) {
            size_t count = outputs - first < NK_PANEL ? outputs - first : NK_PANEL;
            float start[NK_PANEL] = {0};
            if (bias) { memcpy(start, bias + first, count * sizeof(float)); }
            panel_f32(a + row * a_stride, a_stride, here, panels + first * inputs, inputs, start, activation,
                      out + row * out_stride + first, out_stride, count);
        }
    }
}

/// Numbers that belong to the 16 outputs of a panel; 0 for those that are not there.
typedef struct {
    float scales[NK_PANEL], offsets[NK_PANEL], bias[NK_PANEL];
} panel_numbers;

/// Four outputs of one row: the products of four codes with the four weights of each, added up.
NK_INLINE int32x4_t add_group(int32x4_t s, int8x16_t codes, int8x16_t weights) {
    int16x8_t low = vmull_s8(vget_low_s8(codes), vget_low_s8(weights));
    int16x8_t high = vmull_high_s8(codes, weights);
    return vpadalq_s16(s, vpaddq_s16(low, high));
}

/// `rows` is a constant 1 to 4 at every call.
NK_INLINE void tile_u7s7(nk_rows_u7 a, size_t row, int rows, const int8_t *panel, size_t inputs,
                         const panel_numbers *numbers, uint32_t activation, float *out, size_t out_stride,
                         size_t count) {
    const uint8_t *codes = a.codes + row * a.stride;
    int32x4_t s[4][4];
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < 4; j++) { s[r][j] = vdupq_n_s32(0); }
    }
    for (size_t i = 0; i < inputs; i += 4, panel += 4 * NK_PANEL) {
        int8x16_t w[4];
        for (int j = 0; j < 4; j++) { w[j] = vld1q_s8(panel + 16 * j); }
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, codes + (size_t)r * a.stride + i, 4);
            int8x16_t x = vreinterpretq_s8_s32(vdupq_n_s32(four));
            for (int j = 0; j < 4; j++) { s[r][j] = add_group(s[r][j], x, w[j]); }
        }
    }
    for (int r = 0; r < rows; r++) {
        float32x4_t step = vdupq_n_f32(a.steps[row + (size_t)r]), low = vdupq_n_f32(a.lows[row + (size_t)r]);
        float32x4_t y[4];
        for (int j = 0; j < 4; j++) {
            float32x4_t start =
                vfmaq_f32(vld1q_f32(numbers->bias + 4 * j), low, vld1q_f32(numbers->offsets + 4 * j));
            float32x4_t scale = vmulq_f32(step, vld1q_f32(numbers->scales + 4 * j));
            y[j] = vfmaq_f32(start, scale, vcvtq_f32_s32(s[r][j]));
        }
        store16(y, activation, out + (size_t)r * out_stride, count);
    }
}

static void panel_u7s7(nk_rows_u7 a, size_t from, size_t to, const int8_t *panel, size_t inputs,
                       const panel_numbers *numbers, uint32_t activation, float *out, size_t out_stride,
                       size_t count) {
    for (size_t row = from; row < to;) {
        size_t tile = nk_tile_rows(to - row, 4);
        float *y = out + row * out_stride;
#define CASE(N)                                                                                              \
    case N: tile_u7s7(a, row, N, panel, inputs, numbers, activation, y, out_stride, count); break;
        switch (tile) { NK_CASES_TO_4(CASE) }
#undef CASE
        row += tile;
    }
}

void nk_linear_u7s7_neon(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs, size_t outputs,
                         const float *bias, uint32_t activation, float *out, size_t out_stride) {
    size_t block = nk_block_rows(inputs, BLOCK_BYTES, 4);
    for (size_t row = 0; row < rows; row += block) {
        size_t end = rows - row < block ? rows : row + block;
        for (size_t first = 0; first < outputs; first += NK_PANEL) {
            size_t count = outputs - first < NK_PANEL ? outputs - first : NK_PANEL;
            panel_numbers numbers = {{0}, {0}, {0}};
            memcpy(numbers.scales, weights.scales + first, count * sizeof(float));
            memcpy(numbers.offsets, weights.offsets + first, count * sizeof(float));
            if (bias) { memcpy(numbers.bias, bias + first, count * sizeof(float)); }
            panel_u7s7(a, row, end, weights.panels + first * inputs, inputs, &numbers, activation,
                       out + first, out_stride, count);
        }
    }
}

/// e^x for x <= 0; see encoder.h.
NK_INLINE float32x4_t exponential4(float32x4_t value) {
    static const float polynomial[] = NK_EXP_POLYNOMIAL;
    float32x4_t x = vmaxq_f32(value, vdupq_n_f32(NK_EXP_LEAST));
    float32x4_t shifted = vfmaq_n_f32(vdupq_n_f32(NK_EXP_ROUND), x, NK_EXP_LOG2E);
    float32x4_t whole = vsubq_f32(shifted, vdupq_n_f32(NK_EXP_ROUND));
    float32x4_t rest = vfmaq_n_f32(x, whole, -NK_EXP_LN2_HIGH);
    rest = vfmaq_n_f32(rest, whole, -NK_EXP_LN2_LOW);
    float32x4_t sum = vdupq_n_f32(polynomial[0]);
    for (int i = 1; i < 6; i++) { sum = vfmaq_f32(vdupq_n_f32(polynomial[i]), sum, rest); }
    sum = vaddq_f32(vfmaq_f32(rest, vmulq_f32(sum, rest), rest), vdupq_n_f32(1));
    int32x4_t power = vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23), vdupq_n_s32(0x3F800000));
    return vmulq_f32(sum, vreinterpretq_f32_s32(power));
}

/// Rows have room for a multiple of NK_PANEL floats; those beyond `columns` become 0.
static void softmax(float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += stride) {
        size_t wide = (columns + 3) & ~(size_t)3;
        for (size_t i = columns; i < wide; i++) { x[i] = -INFINITY; }
        float32x4_t largest = vdupq_n_f32(-INFINITY);
        for (size_t i = 0; i < wide; i += 4) { largest = vmaxq_f32(largest, vld1q_f32(x + i)); }
        float32x4_t top = vdupq_n_f32(vmaxvq_f32(largest)), sum = vdupq_n_f32(0);
        for (size_t i = 0; i < wide; i += 4) {
            float32x4_t v = vld1q_f32(x + i);
            uint32x4_t inside = vcgtq_f32(v, vdupq_n_f32(-INFINITY));
            v = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(exponential4(vsubq_f32(v, top))), inside));
            vst1q_f32(x + i, v);
            sum = vaddq_f32(sum, v);
        }
        float factor = 1 / vaddvq_f32(sum);
        for (size_t i = 0; i < wide; i += 4) { vst1q_f32(x + i, vmulq_n_f32(vld1q_f32(x + i), factor)); }
    }
}

void nk_attention_f32_neon(const float *q, const float *k, const float *v, size_t stride, size_t length,
                           size_t size, float *scratch, float *out, size_t out_stride) {
    nk_attention(q, k, v, stride, length, size, scratch, out, out_stride, nk_linear_f32_neon, softmax);
}

void nk_norm_f32_neon(float *x, const float *y, const float *scale, const float *shift, float epsilon,
                      size_t columns) {
    size_t whole = columns & ~(size_t)3;
    float32x4_t lanes = vdupq_n_f32(0);
    float sum = 0, squares = 0;
    for (size_t i = 0; i < whole; i += 4) {
        float32x4_t v = vld1q_f32(x + i);
        if (y) { v = vaddq_f32(v, vld1q_f32(y + i)); }
        vst1q_f32(x + i, v);
        lanes = vaddq_f32(lanes, v);
    }
    for (size_t i = whole; i < columns; i++) { sum += x[i] += y ? y[i] : 0; }
    float mean = (vaddvq_f32(lanes) + sum) / (float)columns;
    lanes = vdupq_n_f32(0);
    for (size_t i = 0; i < whole; i += 4) {
        float32x4_t v = vsubq_f32(vld1q_f32(x + i), vdupq_n_f32(mean));
        lanes = vfmaq_f32(lanes, v, v);
    }
    for (size_t i = whole; i < columns; i++) { squares += (x[i] - mean) * (x[i] - mean); }
    float variance = (vaddvq_f32(lanes) + squares) / (float)columns;
    float factor = 1 / sqrtf(variance + epsilon);
    for (size_t i = 0; i < whole; i += 4) {
        float32x4_t v = vmulq_n_f32(vsubq_f32(vld1q_f32(x + i), vdupq_n_f32(mean)), factor);
        vst1q_f32(x + i, vfmaq_f32(vld1q_f32(shift + i), v, vld1q_f32(scale + i)));
    }
    for (size_t i = whole; i < columns; i++) { x[i] = (x[i] - mean) * factor * scale[i] + shift[i]; }
}

#endif
