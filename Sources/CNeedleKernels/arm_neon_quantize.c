// The NEON tier's kernels for quantizing.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "quantize.h"

/// x + partner in the lanes that come first in their pair, partner - x in the others (sign bits of `second`).
NK_INLINE float32x4_t butterfly(float32x4_t x, float32x4_t partner, uint32x4_t second) {
    return vaddq_f32(partner, vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), second)));
}

/// Distances 1 and 2: within a register.
NK_INLINE float32x4_t fwht4(float32x4_t x) {
    const uint32x4_t odd = {0, 1u << 31, 0, 1u << 31}, upper = {0, 0, 1u << 31, 1u << 31};
    x = butterfly(x, vrev64q_f32(x), odd);
    return butterfly(x, vextq_f32(x, x, 2), upper);
}

/// A whole transform of 32 elements.
NK_INLINE void fwht32(float *x) {
    float32x4_t v[8];
    for (int r = 0; r < 8; r++) { v[r] = fwht4(vld1q_f32(x + 4 * r)); }
    for (int h = 1; h < 8; h *= 2) {
        for (int r = 0; r < 8; r++) {
            if (r & h) { continue; }
            float32x4_t a = v[r], b = v[r + h];
            v[r] = vaddq_f32(a, b);
            v[r + h] = vsubq_f32(a, b);
        }
    }
    for (int r = 0; r < 8; r++) { vst1q_f32(x + 4 * r, v[r]); }
}

NK_INLINE void fwht_distance(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 2 * h) {
        for (size_t j = i; j < i + h; j += 4) {
            float32x4_t a = vld1q_f32(x + j), b = vld1q_f32(x + j + h);
            vst1q_f32(x + j, vaddq_f32(a, b));
            vst1q_f32(x + j + h, vsubq_f32(a, b));
        }
    }
}

/// Distances h and 2 * h in one pass over memory.
NK_INLINE void fwht_two_distances(float *x, size_t n, size_t h) {
    for (size_t i = 0; i < n; i += 4 * h) {
        for (size_t j = i; j < i + h; j += 4) {
            float32x4_t a = vld1q_f32(x + j), b = vld1q_f32(x + j + h);
            float32x4_t c = vld1q_f32(x + j + 2 * h), d = vld1q_f32(x + j + 3 * h);
            float32x4_t ab = vaddq_f32(a, b), a_b = vsubq_f32(a, b);
            float32x4_t cd = vaddq_f32(c, d), c_d = vsubq_f32(c, d);
            vst1q_f32(x + j, vaddq_f32(ab, cd));
            vst1q_f32(x + j + h, vaddq_f32(a_b, c_d));
            vst1q_f32(x + j + 2 * h, vsubq_f32(ab, cd));
            vst1q_f32(x + j + 3 * h, vsubq_f32(a_b, c_d));
        }
    }
}

void nk_fwht_f32_neon(float *x, size_t n) {
    if (n < 32) {
        nk_fwht_f32_scalar(x, n);
        return;
    }
    for (size_t i = 0; i < n; i += 32) { fwht32(x + i); }
    size_t h = 32;
    for (; 4 * h <= n; h *= 4) { fwht_two_distances(x, n, h); }
    if (h < n) { fwht_distance(x, n, h); }
}

void nk_minmax_f32_neon(const float *x, size_t n, float *lo, float *hi) {
    float32x4_t least = vdupq_n_f32(__builtin_inff()), most = vdupq_n_f32(-__builtin_inff());
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t v = vld1q_f32(x + i);
        least = vbslq_f32(vcltq_f32(v, least), v, least); // false, if v is NaN
        most = vbslq_f32(vcgtq_f32(v, most), v, most);
    }
    *lo = vminvq_f32(least);
    *hi = vmaxvq_f32(most);
    nk_minmax_tail(x, i, n, lo, hi);
}

NK_INLINE int16x4_t rounded(float32x4_t v, float32x4_t lowest) {
    v = vbslq_f32(vcgtq_f32(v, lowest), v, lowest); // false, if v is NaN
    return vmovn_s32(vcvtnq_s32_f32(vminq_f32(v, vdupq_n_f32(127))));
}

void nk_quantize_u7_neon(const float *x, size_t n, float lo, float inverse, uint8_t *codes) {
    const float32x4_t low = vdupq_n_f32(lo), scale = vdupq_n_f32(inverse), zero = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        float32x4_t a = vmulq_f32(vsubq_f32(vld1q_f32(x + i), low), scale);
        float32x4_t b = vmulq_f32(vsubq_f32(vld1q_f32(x + i + 4), low), scale);
        vst1_u8(codes + i, vreinterpret_u8_s8(vmovn_s16(vcombine_s16(rounded(a, zero), rounded(b, zero)))));
    }
    nk_quantize_u7_tail(x, i, n, lo, inverse, codes);
}

void nk_quantize_s8_neon(const float *x, size_t n, float inverse, int8_t *codes) {
    const float32x4_t scale = vdupq_n_f32(inverse), lowest = vdupq_n_f32(-127);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        float32x4_t a = vmulq_f32(vld1q_f32(x + i), scale), b = vmulq_f32(vld1q_f32(x + i + 4), scale);
        vst1_s8(codes + i, vmovn_s16(vcombine_s16(rounded(a, lowest), rounded(b, lowest))));
    }
    nk_quantize_s8_tail(x, i, n, inverse, codes);
}

#endif
