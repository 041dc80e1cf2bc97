// Needletail's numeric kernels: vector distances and CRC32C, one table of functions per instruction tier.
//
// Every function of a table may be called from any thread, allocates nothing, accepts any length (also 0) and
// any alignment, and never reads past the n-th element. Lower tiers are always available; `nk_select` picks
// the best one the processor has. The scalar tier is the oracle the others are tested against:
//   - f32 kernels agree with it within n * FLT_EPSILON * sum(|terms|);
//   - f32_f64 kernels and crc32c agree with it bit for bit;
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

/// Instruction tiers in rising order; also the values of `cap` in `nk_select`.
enum { NK_SCALAR = 0, NK_NEON = 1, NK_AVX2 = 2, NK_AVX512 = 3, NK_BEST = 255 };

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
} nk_kernels;

/// The best tier that this processor has and that is not above `cap`. The table lives as long as the process.
const nk_kernels *nk_select(uint32_t cap);

/// Asks for `bytes` bytes at `address` to be brought near; a hint that is harmless for any address.
static inline void nk_prefetch(const void *address, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 64) { __builtin_prefetch((const char *)address + at, 0, 3); }
}

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif
