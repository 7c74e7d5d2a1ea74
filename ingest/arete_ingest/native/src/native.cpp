// The library's C interface. It is compiled once for each instruction set, into a library of its own, so that no
// function compiled for a wider one can be called on a machine without it.
//
// Functions that return int64: -1 is success, 0 or more the first image of the batch that holds NaN or infinity, -2
// that memory ran out. Nothing here is shared between threads but packed convolutions, which do not change.

#include <new>

#include "peaks.h"
#include "pointwise.h"
#include "windowed.h"

#define ARETE_EXPORT extern "C" __attribute__((visibility("default")))

using namespace arete;

namespace {

constexpr int64_t OUT_OF_MEMORY = -2;

template <int K>
int64_t strongest(const Conv &conv, const Images &images, int k, float *values, int32_t *inputs) {
    if constexpr (K > 0) {
        if (k != K) return strongest<K - 1>(conv, images, k, values, inputs);
        if (conv.settings.pointwise()) return pointwise_strongest<K>(conv, images, values, inputs);
        return windowed_strongest<K>(conv, images, values, inputs);
    }
    return OUT_OF_MEMORY;  // not reached: the caller checks k
}

}  // namespace

// Interface version, raised with every change of a signature: a library left from another version is not used.
ARETE_EXPORT int32_t arete_version() {
    return 1;
}

// Instruction sets of this machine: 1 AVX2 with FMA, 2 AVX-512.
ARETE_EXPORT int32_t arete_instruction_sets() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return (avx2 ? 1 : 0) | (avx512 ? 2 : 0);
#else
    return 0;
#endif
}

// Lays out a convolution's weights; null where memory ran out. `settings` are the fields of `Settings` in order.
ARETE_EXPORT void *arete_conv_create(const int64_t *settings, const float *weight) {
    PlainArithmetic plain;
    const int64_t *s = settings;
    try {
        return new Conv({s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12]}, weight);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

ARETE_EXPORT void arete_conv_destroy(void *conv) {
    delete static_cast<Conv *>(conv);
}

// `shape` and `strides` are those of (image, channel, height, width); `values` and `inputs` (image, output, k).
ARETE_EXPORT int64_t arete_conv_strongest(
    const void *conv, const float *data, const int64_t *shape, const int64_t *strides, int32_t k, float *values,
    int32_t *inputs
) {
    PlainArithmetic plain;
    const Images images{data, shape[0], shape[1], shape[2], shape[3], strides[0], strides[1], strides[2], strides[3]};
    try {
        return strongest<16>(*static_cast<const Conv *>(conv), images, k, values, inputs);
    } catch (const std::bad_alloc &) {
        return OUT_OF_MEMORY;
    }
}

// `values` and `positions` are (image, channel).
ARETE_EXPORT int64_t
arete_peaks(const float *data, const int64_t *shape, const int64_t *strides, float *values, int64_t *positions) {
    PlainArithmetic plain;
    return peaks(
        {data, shape[0], shape[1], shape[2], shape[3], strides[0], strides[1], strides[2], strides[3]}, values,
        positions
    );
}

// `maxima`, `by_share` and `by_rank` are (image, channel), `totals` (image).
ARETE_EXPORT int64_t arete_take(
    const float *maxima, const double *totals, int64_t images, int64_t channels, double share, int64_t top_k,
    uint8_t *by_share, uint8_t *by_rank
) {
    PlainArithmetic plain;
    try {
        take(maxima, totals, images, channels, share, top_k, by_share, by_rank);
    } catch (const std::bad_alloc &) {
        return OUT_OF_MEMORY;
    }
    return -1;
}
