// Needletail's numeric kernels: distances of float vectors and of quantized codes, what quantizing needs, and
// CRC32C; one table of functions per instruction tier.
//
// Every function of a table may be called from any thread, allocates nothing, accepts any length (also 0) and
// any alignment, and never reads past the n-th element. Lower tiers are always available; `nk_select` picks
// the best one the processor has. The scalar tier is the oracle the others are tested against:
//   - f32 kernels and those of transformer encoders agree with it within n * FLT_EPSILON * sum(|terms|);
//   - all others agree with it bit for bit;
//   - within one tier the batch kernels give bit for bit what the single-pair kernels give.
// Instruction sets are enabled per function (`__attribute__((target))`), never per file, so that no code of a
// higher tier can leak into a function that runs everywhere.
#ifndef NK_KERNELS_H
#define NK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Instruction tiers in rising order; also the values of `cap` in `nk_select`. NEON_DOT is NEON with the
/// dot-product extension, AVX512_POPCNT is AVX512 with VPOPCNTDQ; they bear the names of the tiers below.
enum {
    NK_SCALAR = 0,
    NK_NEON = 1,
    NK_NEON_DOT = 2,
    NK_AVX2 = 3,
    NK_AVX512 = 4,
    NK_AVX512_POPCNT = 5,
    NK_BEST = 255
};

/// One number for one pair of vectors of n floats.
typedef float (*nk_pair_f32)(const float *a, const float *b, size_t n);

/// The same with products and sums in double precision, in one order fixed for all tiers: sixteen partial
/// sums, of which number j takes the elements i with i % 16 == j, added up as a binary tree.
typedef double (*nk_pair_f32_f64)(const float *a, const float *b, size_t n);

/// One number for `query` against each of `count` rows: row `rows[i]` (or row i, when `rows` is null) begins
/// at `base + row * stride` floats; the result goes to `out[i]`. Rows ahead of the one being read are
/// prefetched.
typedef void (*nk_batch_f32)(const float *query, const float *base, size_t stride,
                             const uint32_t *_Nullable rows, size_t count, size_t n, float *out);

// Codes are records' bytes: any alignment, a stride in bytes, and a header of at most NK_CODE_HEADER bytes
// directly in front of the codes, which the batch kernels prefetch together with them.
#define NK_CODE_HEADER 16

/// The sum of codes[i] * query[i], exactly. Codes are 0...127, so that no step saturates and so that codes
/// are a valid query too; query elements are -127...127; n is at most 65,536.
typedef int32_t (*nk_pair_u7s8)(const uint8_t *codes, const int8_t *query, size_t n);

/// The same for `count` rows: the codes of row `rows[i]` (or of row i, when `rows` is null) begin at
/// `base + row * stride`; the result goes to `out[i]`.
typedef void (*nk_batch_u7s8)(const int8_t *query, const uint8_t *base, size_t stride,
                              const uint32_t *_Nullable rows, size_t count, size_t n, int32_t *out);

/// The sum of the query's elements whose bit is set in the code, exactly. The code is `words` 64-bit words
/// (little-endian, element 64 * w + j is bit j of word w). The query is unsigned numbers of `planes` bits (1
/// to 8), cut into bit planes: bit p of every element is the words from `query + p * words` on. At most 1,024
/// words.
typedef int32_t (*nk_pair_b1)(const uint8_t *code, const uint64_t *query, size_t words, uint32_t planes);

/// The same for `count` rows, which lie as those of `nk_batch_u7s8`.
typedef void (*nk_batch_b1)(const uint64_t *query, const uint8_t *base, size_t stride,
                            const uint32_t *_Nullable rows, size_t count, size_t words, uint32_t planes,
                            int32_t *out);

// A sketch is 64 bytes, on a cache line of its own: 120 codes of four bits and a float. The low half of byte b
// (b < 60) is code b, its high half code 60 + b; bytes 60 to 63 are the float, little-endian.
#define NK_SKETCH_BYTES 64
#define NK_SKETCH_CODES 120

/// Which rows may lie within `limit`: those whose sketch (at `base + row * 64`) says
/// offset + (float + scale * P) <= limit, in single precision and in that order, where P is the sum of
/// query[b] * code b and query[64 + b] * code 60 + b for b < 60. The query is 128 signed bytes, 60 to 63 and
/// 124 to 127 of them 0. Rows that pass are written to `passed` (which may be `rows`) in their order; returns
/// how many. The sketches are not prefetched: the caller does that while it gathers the rows.
typedef size_t (*nk_sketch_filter)(const int8_t *query, const uint8_t *base, const uint32_t *rows,
                                   size_t count, float scale, float offset, float limit, uint32_t *passed);

/// The Walsh-Hadamard transform in place, unnormalised, in natural order: x[i] becomes the sum of x[j] times
/// -1 to the power of popcount(i & j). n is a power of two (or 0), at most 65,536; x is finite. Butterflies
/// at distance 1, then 2, 4, ..., so that every tier rounds alike. O(n log n).
typedef void (*nk_fwht_f32)(float *x, size_t n);

/// The smallest and the greatest element. NaN is passed over; without any number lo is +infinity and hi is
/// -infinity; a zero comes back as +0.
typedef void (*nk_minmax_f32)(const float *x, size_t n, float *lo, float *hi);

/// codes[i] = (x[i] - lo) * inverse, both steps in single precision, rounded to the nearest (ties to even)
/// and brought into 0...127; NaN becomes 0.
typedef void (*nk_quantize_u7)(const float *x, size_t n, float lo, float inverse, uint8_t *codes);

/// codes[i] = x[i] * inverse, likewise, brought into -127...127; NaN becomes -127.
typedef void (*nk_quantize_s8)(const float *x, size_t n, float inverse, int8_t *codes);

// Transformer encoders. Weights of a linear layer are packed once into panels of NK_PANEL outputs, alike for
// all tiers: panel p holds, input after input, the weights of outputs 16p to 16p + 15 (0 beyond the last). A
// row's result does not depend on the rows that are computed with it, bit for bit.
#define NK_PANEL 16

/// What happens to a sum once it is there: nothing, or GELU in its exact form, x * Phi(x), within 1e-6 for
/// |x| <= 12.
enum { NK_PLAIN = 0, NK_GELU = 1 };

/// out[r][j] = activation(bias[j] + the sum of a[r][i] * weight[i][j] over all inputs i), for `rows` rows that
/// are `a_stride` and `out_stride` floats apart. `out` overlaps nothing else. O(rows * inputs * outputs).
typedef void (*nk_linear_f32)(const float *a, size_t a_stride, size_t rows, const float *panels,
                              size_t inputs, size_t outputs, const float *_Nullable bias,
                              uint32_t activation, float *out, size_t out_stride);

/// Inputs of `nk_linear_u7s7` come in groups of this many; their number is a multiple of it.
#define NK_CODE_GROUP 8

/// Weights as whole numbers -63 to 63: a panel holds, for every four inputs, the four weights of each of its
/// outputs. Weight = scale of its output * number; `offset` is scale times the sum of the output's numbers.
/// Scales and offsets have an element per output.
typedef struct {
    const int8_t *panels;
    const float *scales;
    const float *offsets;
} nk_weights_s7;

/// Rows of inputs as codes 0 to 127: input = low of its row + step of its row * code.
typedef struct {
    const uint8_t *codes;
    size_t stride;
    const float *lows;
    const float *steps;
} nk_rows_u7;

/// What `nk_linear_f32` does, with coded weights and inputs. The sums of the products are exact, and rounded
/// to single precision; with NK_PLAIN all tiers agree bit for bit. At most 65,536 inputs.
typedef void (*nk_linear_u7s7)(nk_rows_u7 a, size_t rows, nk_weights_s7 weights, size_t inputs,
                               size_t outputs, const float *_Nullable bias, uint32_t activation, float *out,
                               size_t out_stride);

/// One head of self-attention over the rows of one text: out[r] = the sum over s of v[s] weighted by softmax
/// over s of q[r] * k[s] (the scale is in q). Rows of `size` floats, `stride` apart. O(length^2 * size).
///
/// `scratch` has room for `nk_attention_scratch(length, size)` floats.
typedef void (*nk_attention_f32)(const float *q, const float *k, const float *v, size_t stride,
                                 size_t length, size_t size, float *scratch, float *out, size_t out_stride);
/// x = layer norm of x + y (of x, when `y` is null) * scale + shift for one row: mean first, then the variance
/// around it.
typedef void (*nk_norm_f32)(float *x, const float *_Nullable y, const float *scale, const float *shift,
                            float epsilon, size_t columns);

/// CRC-32C (Castagnoli, RFC 3720) of `length` bytes; `seed` is 0 or the value of the bytes before these.
typedef uint32_t (*nk_crc32c)(uint32_t seed, const void *bytes, size_t length);

/// The kernels of one tier. New kernels are added at the end.
typedef struct {
    uint32_t tier;
    const char *name;
    nk_pair_f32 dot_f32;
    nk_pair_f32 l2sq_f32;
    nk_batch_f32 dot_f32_batch;
    nk_batch_f32 l2sq_f32_batch;
    nk_pair_f32_f64 dot_f32_f64;
    nk_pair_f32_f64 l2sq_f32_f64;
    nk_crc32c crc32c;
    nk_pair_u7s8 dot_u7s8;
    nk_batch_u7s8 dot_u7s8_batch;
    nk_pair_b1 dot_b1;
    nk_batch_b1 dot_b1_batch;
    nk_fwht_f32 fwht_f32;
    nk_minmax_f32 minmax_f32;
    nk_quantize_u7 quantize_u7;
    nk_quantize_s8 quantize_s8;
    nk_sketch_filter sketch_filter;
    nk_linear_f32 linear_f32;
    nk_linear_u7s7 linear_u7s7;
    nk_attention_f32 attention_f32;
    nk_norm_f32 norm_f32;
} nk_kernels;

/// The best tier that this processor has and that is not above `cap`. The table lives as long as the process.
const nk_kernels *nk_select(uint32_t cap);

/// Floats that attention over a text of `length` tokens with heads of `size` needs for itself: keys and values
/// in panels, and the scores of NK_ATTENTION_ROWS tokens.
#define NK_ATTENTION_ROWS 24
static inline size_t nk_attention_scratch(size_t length, size_t size) {
    size_t wide = length + NK_PANEL;
    return wide * size + length * (size + NK_PANEL) + NK_ATTENTION_ROWS * wide;
}

/// What a thread says to its processor while it looks at a word again and again.
static inline void nk_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Asks for `bytes` bytes at `address` to be brought near; a hint that is harmless for any address.
static inline void nk_prefetch(const void *address, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 64) { __builtin_prefetch((const char *)address + at, 0, 3); }
}

/// Asks for the cache lines of a record's header and its `bytes` bytes of codes; harmless for any address.
static inline void nk_prefetch_codes(const uint8_t *codes, size_t bytes) {
    uintptr_t end = (uintptr_t)codes + bytes;
    for (uintptr_t line = ((uintptr_t)codes - NK_CODE_HEADER) & ~(uintptr_t)63; line < end; line += 64) {
        __builtin_prefetch((const void *)line, 0, 3);
    }
}

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif
