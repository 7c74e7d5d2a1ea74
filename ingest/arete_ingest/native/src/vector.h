// One vector type, as wide as the instruction set this file is compiled for, and the few operations the kernels need.
//
// Operations that must give the same bits at every width (fused multiply-add, comparisons that take the second operand
// where they are not true) are named here instead of left to the compiler, which is told to contract nothing by itself.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace arete {

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX2__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

constexpr uint32_t ALL_LANES = (uint32_t{1} << LANES) - 1;

typedef float Floats __attribute__((vector_size(LANES * 4)));
typedef int32_t Ints __attribute__((vector_size(LANES * 4)));

// Memory need not be aligned, and may hold floats or integers.
typedef float LooseFloats __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t LooseInts __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

inline Floats load(const float *from) {
    return *reinterpret_cast<const LooseFloats *>(from);
}
inline Ints load(const int32_t *from) {
    return *reinterpret_cast<const LooseInts *>(from);
}
inline void store(float *to, Floats value) {
    *reinterpret_cast<LooseFloats *>(to) = value;
}
inline void store(int32_t *to, Ints value) {
    *reinterpret_cast<LooseInts *>(to) = value;
}
#if defined(__AVX512F__)
inline Floats splat(float value) {
    return (Floats)_mm512_set1_ps(value);
}
#elif defined(__AVX2__)
inline Floats splat(float value) {
    return (Floats)_mm256_set1_ps(value);
}
#else
inline Floats splat(float value) {
    return Floats{value, value, value, value};
}
#endif
inline Ints splat(int32_t value) {
    return Ints{} + value;
}

#if defined(__AVX512F__)
inline Floats fused(Floats a, Floats b, Floats c) {
    return (Floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
inline Floats larger(Floats a, Floats b) {
    return (Floats)_mm512_max_ps((__m512)a, (__m512)b);
}
inline Floats smaller(Floats a, Floats b) {
    return (Floats)_mm512_min_ps((__m512)a, (__m512)b);
}
inline uint32_t greater_bits(Floats a, Floats b) {
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
}
inline uint32_t at_least_bits(Floats a, Floats b) {
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ);
}
#elif defined(__AVX2__)
inline Floats fused(Floats a, Floats b, Floats c) {
    return (Floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
inline Floats larger(Floats a, Floats b) {
    return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
}
inline Floats smaller(Floats a, Floats b) {
    return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
}
inline uint32_t greater_bits(Floats a, Floats b) {
    return uint32_t(_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GT_OQ)));
}
inline uint32_t at_least_bits(Floats a, Floats b) {
    return uint32_t(_mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GE_OQ)));
}
#else
#if defined(__aarch64__)
inline Floats fused(Floats a, Floats b, Floats c) {
    return (Floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
inline Floats fused(Floats a, Floats b, Floats c) {
    return a * b + c;
}  // rounds twice; the error bound covers it
#endif
inline Floats larger(Floats a, Floats b) {
    return a > b ? a : b;
}
inline Floats smaller(Floats a, Floats b) {
    return a < b ? a : b;
}
#if defined(__x86_64__)
inline uint32_t greater_bits(Floats a, Floats b) {
    return uint32_t(_mm_movemask_ps(_mm_cmpgt_ps((__m128)a, (__m128)b)));
}
inline uint32_t at_least_bits(Floats a, Floats b) {
    return uint32_t(_mm_movemask_ps(_mm_cmpge_ps((__m128)a, (__m128)b)));
}
#else
inline uint32_t sign_bits(Ints mask) {
    uint32_t bits = 0;
    for (int lane = 0; lane < LANES; lane++) bits |= uint32_t(mask[lane] & 1) << lane;
    return bits;
}
inline uint32_t greater_bits(Floats a, Floats b) {
    return sign_bits(a > b);
}
inline uint32_t at_least_bits(Floats a, Floats b) {
    return sign_bits(a >= b);
}
#endif
#endif

inline float largest_lane(Floats value) {
    float largest = value[0];
    for (int lane = 1; lane < LANES; lane++) largest = value[lane] > largest ? value[lane] : largest;
    return largest;
}

inline float smallest_lane(Floats value) {
    float smallest = value[0];
    for (int lane = 1; lane < LANES; lane++) smallest = value[lane] < smallest ? value[lane] : smallest;
    return smallest;
}

// Kernels must not depend on the caller's floating point mode: torch can be told to flush denormals to zero.
class PlainArithmetic {
 public:
#if defined(__x86_64__)
    PlainArithmetic() : before_(_mm_getcsr()) { _mm_setcsr(0x1f80); }  // round to nearest, keep denormals, no traps
    ~PlainArithmetic() { _mm_setcsr(before_); }

 private:
    unsigned before_;
#elif defined(__aarch64__)
    PlainArithmetic() {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
    }
    ~PlainArithmetic() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
    uint64_t before_;
#endif
};

}  // namespace arete
