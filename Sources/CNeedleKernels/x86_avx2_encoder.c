// The AVX2 tier's kernels for transformer encoders.
//
// Linear layers are computed in tiles of up to 6 rows x 16 outputs whose sums stay in twelve registers over all
// inputs (BLIS: Van Zee and van de Geijn, 2015, with the weights packed beforehand and the inputs read where
// they lie). Blocks of rows are small enough for the second cache, from which a panel of weights is read once
// per tile.
#if defined(__x86_64__)

#include <immintrin.h>

#include "encoder.h"

#define AVX2 __attribute__((target("avx2,fma")))

/// Bytes of inputs in a block of rows.
#define BLOCK_BYTES 196608

/// x * Phi(x); the polynomials are explained in encoder.h.
AVX2 NK_INLINE __m256 gelu8(__m256 x) {
    static const float top[] = NK_ERF_TOP, bottom[] = NK_ERF_BOTTOM;
    __m256 v = _mm256_mul_ps(x, _mm256_set1_ps(0.70710677f));
    v = _mm256_max_ps(v, _mm256_set1_ps(-NK_ERF_LIMIT));
    v = _mm256_min_ps(v, _mm256_set1_ps(NK_ERF_LIMIT));
    __m256 square = _mm256_mul_ps(v, v);
    __m256 above = _mm256_set1_ps(top[0]), below = _mm256_set1_ps(bottom[0]);
    for (int i = 1; i < 7; i++) { above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(top[i])); }
    for (int i = 1; i < 5; i++) { below = _mm256_fmadd_ps(below, square, _mm256_set1_ps(bottom[i])); }
    __m256 erf = _mm256_div_ps(_mm256_mul_ps(v, above), below);
    __m256 half = _mm256_mul_ps(_mm256_max_ps(x, _mm256_set1_ps(NK_GELU_LEAST)), _mm256_set1_ps(0.5f));
    return _mm256_fmadd_ps(half, erf, half);
}

/// Stores the 16 sums of a row, of which the first `count` exist.
AVX2 NK_INLINE void store16(__m256 low, __m256 high, uint32_t activation, float *out, size_t count) {
    if (activation == NK_GELU) {
        low = gelu8(low);
        high = gelu8(high);
    }
    if (count == NK_PANEL) {
        _mm256_storeu_ps(out, low);
        _mm256_storeu_ps(out + 8, high);
    } else {
        float all[NK_PANEL];
        _mm256_storeu_ps(all, low);
        _mm256_storeu_ps(all + 8, high);
        memcpy(out, all, count * sizeof(float));
    }
}

/// `rows` is a constant 1 to 6 at every call, so that the sums live in registers.
AVX2 NK_INLINE void tile_f32(const float *a, size_t a_stride, int rows, const float *panel, size_t inputs,
                             const float *bias, uint32_t activation, float *out, size_t out_stride,
                             size_t count) {
    __m256 s[6][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm256_setzero_ps(); }
    for (size_t i = 0; i < inputs; i++, panel += NK_PANEL) {
        __m256 low = _mm256_loadu_ps(panel), high = _mm256_loadu_ps(panel + 8);
        for (int r = 0; r < rows; r++) {
            __m256 x = _mm256_broadcast_ss(a + (size_t)r * a_stride + i);
            s[r][0] = _mm256_fmadd_ps(x, low, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(x, high, s[r][1]);
        }
    }
    __m256 low = _mm256_loadu_ps(bias), high = _mm256_loadu_ps(bias + 8);
    for (int r = 0; r < rows; r++) {
        store16(_mm256_add_ps(s[r][0], low), _mm256_add_ps(s[r][1], high), activation,
                out + (size_t)r * out_stride, count);
    }
}

/// All rows of a block against one panel.
AVX2 static void panel_f32(const float *a, size_t a_stride, size_t rows, const float *panel, size_t inputs,
                           const float *bias, uint32_t activation, float *out, size_t out_stride,
                           size_t count) {
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

AVX2 void nk_linear_f32_avx2(const float *a, size_t a_stride, size_t rows, const float *panels, size_t inputs,
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

/// `rows` is a constant 1 to 4 at every call. Two products of a code and a weight add up to at most 16,002,
/// and four of them to 32,004, which 16 bits hold: then they are widened.
AVX2 NK_INLINE void tile_u7s7(nk_rows_u7 a, size_t row, int rows, const int8_t *panel, size_t inputs,
                              const panel_numbers *numbers, uint32_t activation, float *out,
                              size_t out_stride, size_t count) {
    const uint8_t *codes = a.codes + row * a.stride;
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i s[4][2];
    for (int r = 0; r < rows; r++) { s[r][0] = s[r][1] = _mm256_setzero_si256(); }
    for (size_t i = 0; i < inputs; i += NK_CODE_GROUP, panel += NK_CODE_GROUP * NK_PANEL) {
        __m256i w[4];
        for (int j = 0; j < 4; j++) { w[j] = _mm256_loadu_si256((const __m256i *)(panel + 32 * j)); }
        for (int r = 0; r < rows; r++) {
            int32_t four[2];
            memcpy(four, codes + (size_t)r * a.stride + i, 8);
            __m256i x = _mm256_set1_epi32(four[0]), y = _mm256_set1_epi32(four[1]);
            __m256i low = _mm256_add_epi16(_mm256_maddubs_epi16(x, w[0]), _mm256_maddubs_epi16(y, w[2]));
            __m256i high = _mm256_add_epi16(_mm256_maddubs_epi16(x, w[1]), _mm256_maddubs_epi16(y, w[3]));
            s[r][0] = _mm256_add_epi32(s[r][0], _mm256_madd_epi16(low, ones));
            s[r][1] = _mm256_add_epi32(s[r][1], _mm256_madd_epi16(high, ones));
        }
    }
    for (int r = 0; r < rows; r++) {
        __m256 step = _mm256_set1_ps(a.steps[row + (size_t)r]), low = _mm256_set1_ps(a.lows[row + (size_t)r]);
        __m256 y[2];
        for (int j = 0; j < 2; j++) {
            __m256 start = _mm256_fmadd_ps(low, _mm256_loadu_ps(numbers->offsets + 8 * j),
                                           _mm256_loadu_ps(numbers->bias + 8 * j));
            __m256 scale = _mm256_mul_ps(step, _mm256_loadu_ps(numbers->scales + 8 * j));
            y[j] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(s[r][j]), start);
        }
        store16(y[0], y[1], activation, out + (size_t)r * out_stride, count);
    }
}

AVX2 static void panel_u7s7(nk_rows_u7 a, size_t from, size_t to, const int8_t *panel, size_t inputs,
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

AVX2 void nk_linear_u7s7_avx2(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs, size_t outputs,
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
AVX2 NK_INLINE __m256 exponential8(__m256 value) {
    static const float polynomial[] = NK_EXP_POLYNOMIAL;
    __m256 x = _mm256_max_ps(value, _mm256_set1_ps(NK_EXP_LEAST));
    __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(NK_EXP_LOG2E), _mm256_set1_ps(NK_EXP_ROUND));
    __m256 whole = _mm256_sub_ps(shifted, _mm256_set1_ps(NK_EXP_ROUND));
    __m256 rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(NK_EXP_LN2_HIGH), x);
    rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(NK_EXP_LN2_LOW), rest);
    __m256 sum = _mm256_set1_ps(polynomial[0]);
    for (int i = 1; i < 6; i++) { sum = _mm256_fmadd_ps(sum, rest, _mm256_set1_ps(polynomial[i])); }
    sum = _mm256_fmadd_ps(_mm256_mul_ps(sum, rest), rest, rest);
    sum = _mm256_add_ps(sum, _mm256_set1_ps(1));
    __m256i power = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    power = _mm256_add_epi32(power, _mm256_set1_epi32(0x3F800000));
    return _mm256_mul_ps(sum, _mm256_castsi256_ps(power));
}

AVX2 NK_INLINE float sum8(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AVX2 NK_INLINE float max8(__m256 v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/// Whole registers: rows have room for a multiple of NK_PANEL floats, and those beyond `columns` become 0.
AVX2 static void softmax_avx2(float *x, size_t stride, size_t rows, size_t columns) {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (size_t r = 0; r < rows; r++, x += stride) {
        __m256 largest = _mm256_set1_ps(-__builtin_inff());
        for (size_t i = 0; i < columns; i += 8) {
            __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(columns - i)), places);
            __m256 v = _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()), _mm256_loadu_ps(x + i),
                                        _mm256_castsi256_ps(inside));
            largest = _mm256_max_ps(largest, v);
        }
        __m256 top = _mm256_set1_ps(max8(largest)), sum = _mm256_setzero_ps();
        for (size_t i = 0; i < columns; i += 8) {
            __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(columns - i)), places);
            __m256 v = exponential8(_mm256_sub_ps(_mm256_loadu_ps(x + i), top));
            v = _mm256_and_ps(v, _mm256_castsi256_ps(inside));
            _mm256_storeu_ps(x + i, v);
            sum = _mm256_add_ps(sum, v);
        }
        __m256 factor = _mm256_set1_ps(1 / sum8(sum));
        for (size_t i = 0; i < columns; i += 8) {
            _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
        }
    }
}

AVX2 void nk_attention_f32_avx2(const float *q, const float *k, const float *v, size_t stride, size_t length,
                                size_t size, float *scratch, float *out, size_t out_stride) {
    nk_attention(q, k, v, stride, length, size, scratch, out, out_stride, nk_linear_f32_avx2, softmax_avx2);
}

/// The AVX-512 tier's: only its products are wider.
AVX2 void nk_attention_f32_avx512(const float *q, const float *k, const float *v, size_t stride,
                                  size_t length, size_t size, float *scratch, float *out, size_t out_stride) {
    nk_attention(q, k, v, stride, length, size, scratch, out, out_stride, nk_linear_f32_avx512,
                 softmax_avx2);
}

/// Four sums side by side hide the latency of additions.
AVX2 void nk_norm_f32_avx2(float *x, const float *y, const float *scale, const float *shift, float epsilon,
                           size_t columns) {
    size_t whole = columns & ~(size_t)31;
    __m256 s[4];
    for (int j = 0; j < 4; j++) { s[j] = _mm256_setzero_ps(); }
    for (size_t i = 0; i < whole; i += 32) {
        for (int j = 0; j < 4; j++) {
            __m256 v = _mm256_loadu_ps(x + i + 8 * j);
            if (y) { v = _mm256_add_ps(v, _mm256_loadu_ps(y + i + 8 * j)); }
            _mm256_storeu_ps(x + i + 8 * j, v);
            s[j] = _mm256_add_ps(s[j], v);
        }
    }
    float sum = sum8(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
    for (size_t i = whole; i < columns; i++) { sum += x[i] += y ? y[i] : 0; }
    __m256 mean = _mm256_set1_ps(sum / (float)columns);
    for (int j = 0; j < 4; j++) { s[j] = _mm256_setzero_ps(); }
    for (size_t i = 0; i < whole; i += 32) {
        for (int j = 0; j < 4; j++) {
            __m256 v = _mm256_sub_ps(_mm256_loadu_ps(x + i + 8 * j), mean);
            s[j] = _mm256_fmadd_ps(v, v, s[j]);
        }
    }
    float squares = sum8(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
    float middle = _mm256_cvtss_f32(mean);
    for (size_t i = whole; i < columns; i++) { squares += (x[i] - middle) * (x[i] - middle); }
    float factor = 1 / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(squares / (float)columns + epsilon)));
    for (size_t i = 0; i < whole; i += 8) {
        __m256 v = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), mean), _mm256_set1_ps(factor));
        _mm256_storeu_ps(x + i, _mm256_fmadd_ps(v, _mm256_loadu_ps(scale + i), _mm256_loadu_ps(shift + i)));
    }
    for (size_t i = whole; i < columns; i++) { x[i] = (x[i] - middle) * factor * scale[i] + shift[i]; }
}

#endif
