// The largest and the smallest value of every channel over a grid of positions, and whether all values are finite.

#pragma once

#include "conv.h"

namespace arete {

// Rows and columns of a map that are looked at: `count` of them from `first` on, `step` apart.
struct Range {
    int64_t first, count, step;
};

// Collects extremes of vectors; `finite` turns to NaN once a value is NaN or infinite (0 * infinity is NaN).
struct Extremes {
    Floats high = Floats{} - INFINITY, low = Floats{} + INFINITY, finite = Floats{};

    inline void see(Floats value) {
        high = larger(value, high);
        low = smaller(value, low);
        finite = fused(value, Floats{}, finite);
    }
};

// One channel of a map whose columns lie apart by `column_stride`. Returns whether all looked at are finite.
inline bool channel_extremes(
    const float *map, const Range &rows, int64_t row_stride, const Range &columns, int64_t column_stride, float *high,
    float *low
) {
    Extremes seen[4];
    float most = -INFINITY, least = INFINITY, finite = 0.0f;
    int64_t row_count = rows.count, count = columns.count;
    const int64_t step = columns.step * column_stride;
    if (step == 1 && rows.step * row_stride == count) {  // rows follow each other without a gap
        count *= row_count;
        row_count = 1;
    }
    for (int64_t row = 0; row < row_count; row++) {
        const float *from = map + (rows.first + row * rows.step) * row_stride + columns.first * column_stride;
        int64_t at = 0;
        if (step == 1) {
            for (; at + 4 * LANES <= count; at += 4 * LANES)
                for (int part = 0; part < 4; part++) seen[part].see(load(from + at + part * LANES));
            for (; at + LANES <= count; at += LANES) seen[0].see(load(from + at));
        }
        for (; at < count; at++) {
            const float value = from[at * step];
            most = value > most ? value : most;
            least = value < least ? value : least;
            finite += value * 0.0f;
        }
    }
    const Floats highs = larger(larger(seen[0].high, seen[1].high), larger(seen[2].high, seen[3].high));
    const Floats lows = smaller(smaller(seen[0].low, seen[1].low), smaller(seen[2].low, seen[3].low));
    const Floats sums = seen[0].finite + seen[1].finite + seen[2].finite + seen[3].finite;
    const float vector_high = largest_lane(highs), vector_low = smallest_lane(lows);
    for (int lane = 0; lane < LANES; lane++) finite += sums[lane];
    *high = vector_high > most ? vector_high : most;
    *low = vector_low < least ? vector_low : least;
    return finite == 0.0f;
}

// Channels side by side in memory: `PARTS` vectors of them at once.
template <int PARTS>
inline bool side_by_side_extremes(
    const float *map, const Range &rows, int64_t row_stride, const Range &columns, int64_t column_stride, float *high,
    float *low
) {
    Extremes seen[PARTS];
    for (int64_t row = 0; row < rows.count; row++) {
        const float *from = map + (rows.first + row * rows.step) * row_stride + columns.first * column_stride;
        for (int64_t column = 0; column < columns.count; column++, from += columns.step * column_stride)
            for (int part = 0; part < PARTS; part++) seen[part].see(load(from + part * LANES));
    }
    float finite = 0.0f;
    for (int part = 0; part < PARTS; part++) {
        store(high + part * LANES, seen[part].high);
        store(low + part * LANES, seen[part].low);
        for (int lane = 0; lane < LANES; lane++) finite += seen[part].finite[lane];
    }
    return finite == 0.0f;
}

// All channels of one image. Returns whether all values looked at are finite.
inline bool image_extremes(
    const Images &images, int64_t image, const Range &rows, const Range &columns, float *high, float *low
) {
    int64_t channel = 0;
    bool finite = true;
    if (images.channel_stride == 1) {
        const int64_t row = images.row_stride, column = images.column_stride;
        for (; channel + 4 * LANES <= images.channels; channel += 4 * LANES)
            finite &= side_by_side_extremes<4>(
                images.channel(image, channel), rows, row, columns, column, high + channel, low + channel
            );
        for (; channel + LANES <= images.channels; channel += LANES)
            finite &= side_by_side_extremes<1>(
                images.channel(image, channel), rows, row, columns, column, high + channel, low + channel
            );
    }
    for (; channel < images.channels; channel++)
        finite &= channel_extremes(
            images.channel(image, channel), rows, images.row_stride, columns, images.column_stride, high + channel,
            low + channel
        );
    return finite;
}

}  // namespace arete
