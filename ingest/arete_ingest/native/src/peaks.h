// Each channel's largest value over space and its first position, and which channels an image's counts take.

#pragma once

#include <algorithm>

#include "extremes.h"
#include "scratch.h"

namespace arete {

inline bool channel_peak(
    const float *map, int64_t height, int64_t width, int64_t row_stride, int64_t column_stride, float *value,
    int64_t *position
) {
    float high, low;
    if (!channel_extremes(map, {0, height, 1}, row_stride, {0, width, 1}, column_stride, &high, &low)) return false;
    if (column_stride == 1 && row_stride == width) {  // rows follow each other without a gap
        width *= height;
        height = 1;
    }
    for (int64_t row = 0; row < height; row++) {
        const float *from = map + row * row_stride;
        int64_t column = 0;
        if (column_stride == 1)
            while (column + LANES <= width && !at_least_bits(load(from + column), splat(high))) column += LANES;
        for (; column < width; column++)
            if (from[column * column_stride] >= high) {
                *value = from[column * column_stride];  // keeps the sign of a zero
                *position = row * width + column;
                return true;
            }
    }
    return false;
}

// Channels side by side in memory: `PARTS` vectors of them at once.
template <int PARTS>
inline bool side_by_side_peaks(const Images &maps, int64_t image, int64_t channel, float *values, int64_t *positions) {
    Floats most[PARTS], finite[PARTS];
    Ints place[PARTS];
    for (int part = 0; part < PARTS; part++) {
        most[part] = load(maps.channel(image, channel) + part * LANES);
        finite[part] = Floats{};
        place[part] = Ints{};
    }
    int32_t position = 0;
    for (int64_t row = 0; row < maps.height; row++) {
        const float *from = maps.channel(image, channel) + row * maps.row_stride;
        for (int64_t column = 0; column < maps.width; column++, position++, from += maps.column_stride)
            for (int part = 0; part < PARTS; part++) {
                const Floats value = load(from + part * LANES);
                const Ints above = value > most[part];
                most[part] = above ? value : most[part];
                place[part] = above ? splat(position) : place[part];
                finite[part] = fused(value, Floats{}, finite[part]);
            }
    }
    float sum = 0.0f;
    for (int part = 0; part < PARTS; part++) {
        store(values + part * LANES, most[part]);
        for (int lane = 0; lane < LANES; lane++) {
            positions[part * LANES + lane] = place[part][lane];
            sum += finite[part][lane];
        }
    }
    return sum == 0.0f;
}

// Returns the first image that holds NaN or infinity, or -1.
inline int64_t peaks(const Images &maps, float *values, int64_t *positions) {
    for (int64_t image = 0; image < maps.images; image++, values += maps.channels, positions += maps.channels) {
        int64_t channel = 0;
        bool finite = true;
        if (maps.channel_stride == 1) {
            for (; channel + 2 * LANES <= maps.channels; channel += 2 * LANES)
                finite &= side_by_side_peaks<2>(maps, image, channel, values + channel, positions + channel);
            for (; channel + LANES <= maps.channels; channel += LANES)
                finite &= side_by_side_peaks<1>(maps, image, channel, values + channel, positions + channel);
        }
        for (; channel < maps.channels; channel++)
            finite &= channel_peak(
                maps.channel(image, channel), maps.height, maps.width, maps.row_stride, maps.column_stride,
                values + channel, positions + channel
            );
        if (!finite) return image;
    }
    return -1;
}

struct Ranked {
    double value;
    int32_t channel;
};

struct Later {
    bool operator()(const Ranked &a, const Ranked &b) const {
        return a.value < b.value || (a.value == b.value && a.channel > b.channel);
    }
};

// Marks the channels that count. `totals` are the sums of the maxima clipped at 0; the caller adds them up, since the
// order of addition decides their last bits. The channels leave a heap one by one until both methods have what they
// take.
inline void take(
    const float *maxima, const double *totals, int64_t images, int64_t channels, double share, int64_t top_k,
    uint8_t *by_share, uint8_t *by_rank
) {
    Scratch &scratch = Scratch::of_thread();
    scratch.reserve(channels * sizeof(Ranked));
    Ranked *heap = scratch.take<Ranked>(channels);
    std::memset(by_share, 0, images * channels);
    std::memset(by_rank, 0, images * channels);
    for (int64_t image = 0; image < images; image++, maxima += channels, by_share += channels, by_rank += channels) {
        const double total = totals[image];
        if (!(total > 0.0)) continue;
        for (int64_t channel = 0; channel < channels; channel++) {
            const double value = maxima[channel];
            heap[channel] = {value > 0.0 ? value : 0.0, int32_t(channel)};
        }
        std::make_heap(heap, heap + channels, Later());
        double reached = 0.0;
        for (int64_t rank = 0; rank < channels && (reached < share || rank < top_k); rank++) {
            std::pop_heap(heap, heap + channels - rank, Later());
            const Ranked &next = heap[channels - rank - 1];
            if (reached < share) by_share[next.channel] = 1;
            if (rank < top_k) by_rank[next.channel] = 1;
            reached += next.value / total;
        }
    }
}

}  // namespace arete
