// Contributions in double, for the rows that floats cannot decide. Products of two floats are exact in double, and the
// sum runs over the taps in order, so every machine finds the same.

#pragma once

#include "geometry.h"

namespace arete {

inline double exact_contribution(
    const float *plane, const float *kernel, const Settings &settings, const Geometry &geometry, const int32_t *offsets
) {
    constexpr int64_t AT_ONCE = 64;
    const int64_t taps = settings.taps();
    double best = -INFINITY;
    for (int64_t row = 0; row < geometry.rows; row++)
        for (int64_t first = 0; first < geometry.columns; first += AT_ONCE) {
            const int64_t count = geometry.columns - first < AT_ONCE ? geometry.columns - first : AT_ONCE;
            const float *from = plane + row * settings.down * geometry.width + first * settings.right;
            double sums[AT_ONCE] = {};
            for (int64_t tap = 0; tap < taps; tap++) {
                const double weight = kernel[tap];
                const float *values = from + offsets[tap];
                if (settings.right == 1)
                    for (int64_t at = 0; at < count; at++) sums[at] += weight * values[at];
                else
                    for (int64_t at = 0; at < count; at++) sums[at] += weight * values[at * settings.right];
            }
            for (int64_t at = 0; at < count; at++) best = sums[at] > best ? sums[at] : best;
        }
    return best;
}

}  // namespace arete
