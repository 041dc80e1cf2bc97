// The scalar tier's kernels for transformer encoders: the oracle for the other tiers, and what runs
// everywhere.
#include <math.h>

#include "encoder.h"

static float gelu(float x) {
    static const float top[] = NK_ERF_TOP, bottom[] = NK_ERF_BOTTOM;
    float v = x * 0.70710677f;
    v = v < -NK_ERF_LIMIT ? -NK_ERF_LIMIT : v > NK_ERF_LIMIT ? NK_ERF_LIMIT : v;
    float square = v * v, above = top[0], below = bottom[0];
    for (int i = 1; i < 7; i++) { above = above * square + top[i]; }
    for (int i = 1; i < 5; i++) { below = below * square + bottom[i]; }
    float factor = x < NK_GELU_LEAST ? NK_GELU_LEAST : x;
    return 0.5f * factor * (1 + v * above / below);
}

void nk_linear_f32_scalar(const float *a, size_t a_stride, size_t rows, const float *panels, size_t inputs,
                          size_t outputs, const float *bias, uint32_t activation, float *out,
                          size_t out_stride) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < outputs; j++) {
            const float *weight = panels + j / NK_PANEL * inputs * NK_PANEL + j % NK_PANEL;
            float sum = 0;
            for (size_t i = 0; i < inputs; i++) { sum += a[r * a_stride + i] * weight[i * NK_PANEL]; }
            sum += bias ? bias[j] : 0;
            out[r * out_stride + j] = activation == NK_GELU ? gelu(sum) : sum;
        }
    }
}

void nk_linear_u7s7_scalar(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs, size_t outputs,
                           const float *bias, uint32_t activation, float *out, size_t out_stride) {
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *codes = a.codes + r * a.stride;
        for (size_t j = 0; j < outputs; j++) {
            const int8_t *weight = weights.panels + j / NK_PANEL * inputs * NK_PANEL + j % NK_PANEL * 4;
            int32_t sum = 0;
            for (size_t i = 0; i < inputs; i++) {
                sum += (int32_t)codes[i] * (int32_t)weight[i / 4 * 4 * NK_PANEL + i % 4];
            }
            float start = fmaf(a.lows[r], weights.offsets[j], bias ? bias[j] : 0);
            float x = fmaf(a.steps[r] * weights.scales[j], (float)sum, start);
            out[r * out_stride + j] = activation == NK_GELU ? gelu(x) : x;
        }
    }
}

static float exponential(float value) {
    static const float polynomial[] = NK_EXP_POLYNOMIAL;
    float x = value < NK_EXP_LEAST ? NK_EXP_LEAST : value;
    float shifted = x * NK_EXP_LOG2E + NK_EXP_ROUND;
    float whole = shifted - NK_EXP_ROUND;
    float rest = x - whole * NK_EXP_LN2_HIGH - whole * NK_EXP_LN2_LOW;
    float sum = polynomial[0];
    for (int i = 1; i < 6; i++) { sum = sum * rest + polynomial[i]; }
    sum = sum * rest * rest + rest + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits << 23) + 0x3F800000u;
    float power;
    memcpy(&power, &bits, 4);
    return sum * power;
}

static void softmax(float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *line = x + r * stride, largest = -INFINITY, sum = 0;
        for (size_t i = 0; i < columns; i++) { largest = line[i] > largest ? line[i] : largest; }
        for (size_t i = 0; i < columns; i++) { sum += line[i] = exponential(line[i] - largest); }
        for (size_t i = 0; i < columns; i++) { line[i] *= 1 / sum; }
    }
}

void nk_attention_f32_scalar(const float *q, const float *k, const float *v, size_t stride, size_t length,
                             size_t size, float *scratch, float *out, size_t out_stride) {
    nk_attention(q, k, v, stride, length, size, scratch, out, out_stride, nk_linear_f32_scalar, softmax);
}

void nk_norm_f32_scalar(float *x, const float *y, const float *scale, const float *shift, float epsilon,
                        size_t columns) {
    float sum = 0, squares = 0;
    for (size_t i = 0; i < columns; i++) { sum += x[i] += y ? y[i] : 0; }
    float mean = sum / (float)columns;
    for (size_t i = 0; i < columns; i++) {
        x[i] -= mean;
        squares += x[i] * x[i];
    }
    float factor = 1 / sqrtf(squares / (float)columns + epsilon);
    for (size_t i = 0; i < columns; i++) { x[i] = x[i] * factor * scale[i] + shift[i]; }
}
