// Picks the tier. `__builtin_cpu_supports` also asks whether the operating system saves the wide registers.
#include "nk_internal.h"

#if defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#define NK_HWCAP_ASIMDDP (1ul << 20)
static int has_dot_product(void) { return (getauxval(AT_HWCAP) & NK_HWCAP_ASIMDDP) != 0; }
#elif defined(__ARM_FEATURE_DOTPROD)
static int has_dot_product(void) { return 1; }
#else
static int has_dot_product(void) { return 0; }
#endif
#endif

const nk_kernels *nk_select(uint32_t cap) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") &&
               __builtin_cpu_supports("popcnt");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    int popcnt = avx512 && __builtin_cpu_supports("avx512vpopcntdq");
    if (popcnt && cap >= NK_AVX512_POPCNT) { return &nk_table_avx512_popcnt; }
    if (avx512 && cap >= NK_AVX512) { return &nk_table_avx512; }
    if (avx2 && cap >= NK_AVX2) { return &nk_table_avx2; }
#elif defined(__aarch64__)
    if (has_dot_product() && cap >= NK_NEON_DOT) { return &nk_table_neon_dot; }
    if (cap >= NK_NEON) { return &nk_table_neon; }
#endif
    return &nk_table_scalar;
}
