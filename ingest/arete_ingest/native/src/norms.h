// Squared norms of all patches of a channel, and the block of patches with the largest.

#pragma once

#include <algorithm>

#include "geometry.h"

namespace arete {

struct Patch {
    float square;  // scaled squared norm
    int32_t at;
};

struct Larger {
    bool operator()(const Patch &a, const Patch &b) const {
        return a.square > b.square || (a.square == b.square && a.at < b.at);
    }
};

constexpr int GROUPS =
    4;  // blocks whose maxima are kept apart, to find a threshold that about one block of patches exceeds

// Writes the squared norms of `plane`'s patches, scaled, to `squares`; positions without a patch get -1. `sums` holds
// as many numbers as `plane`. Returns whether a patch of zeros was seen, and in `maxima` the largest of each of 64
// subsets.
inline bool patch_squares(
    const float *plane, const Settings &settings, const Geometry &geometry, const int32_t *visited, float scale,
    float *sums, float *squares, float *maxima
) {
    constexpr int PARTS = BLOCK / LANES;
    const int64_t reach = (settings.kernel_width - 1) * settings.spread_right;
    const int64_t step = settings.spread_down * geometry.width;
    for (int64_t at = 0; at < geometry.flat + reach; at += LANES) {
        Floats sum{};
        for (int64_t i = 0; i < settings.kernel_height; i++) {
            const Floats value = load(plane + at + i * step) * splat(scale);
            sum = fused(value, value, sum);
        }
        store(sums + at, sum);
    }
    Floats most[GROUPS * PARTS];
    for (Floats &part : most) part = Floats{};
    Floats least = Floats{} + INFINITY;
    int group = 0;
    for (int64_t at = 0; at < geometry.flat; at += BLOCK, group = (group + 1) % GROUPS)
        for (int part = 0; part < PARTS; part++) {
            const float *from = sums + at + part * LANES;
            Floats sum{};
            for (int64_t j = 0; j < settings.kernel_width; j++) sum += load(from + j * settings.spread_right);
            const Ints here = load(visited + at + part * LANES);
            const Floats square = here ? sum : Floats{} - 1.0f;
            store(squares + at + part * LANES, square);
            most[group * PARTS + part] = larger(square, most[group * PARTS + part]);
            least = smaller(here ? sum : least, least);
        }
    for (int part = 0; part < GROUPS * PARTS; part++) store(maxima + part * LANES, most[part]);
    return smallest_lane(least) == 0.0f;
}

// Lists the patches whose square is at least `threshold` and above 0. Returns how many.
inline int64_t list_patches(const float *squares, int64_t flat, float threshold, Patch *found) {
    int64_t count = 0;
    const Floats least = splat(threshold > 0x1p-149f ? threshold : 0x1p-149f);
    for (int64_t at = 0; at < flat; at += LANES) {
        uint32_t bits = at_least_bits(load(squares + at), least);
        for (; bits; bits &= bits - 1) {
            const int64_t place = at + __builtin_ctz(bits);
            found[count++] = {squares[place], int32_t(place)};
        }
    }
    return count;
}

// A threshold that at least BLOCK of the 64 maxima reach, and few more; 0 where not so many are above 0.
inline float threshold_of(const float *maxima) {
    float most = 0.0f, reached = 0.0f;
    for (int at = 0; at < GROUPS * BLOCK; at++) most = maxima[at] > most ? maxima[at] : most;
    float above = most;
    for (int step = 0; step < 12; step++) {  // halving: 1/4096 of the largest is close enough
        const float middle = 0.5f * (reached + above);
        int count = 0;
        for (int at = 0; at < GROUPS * BLOCK; at += LANES)
            count += __builtin_popcount(at_least_bits(load(maxima + at), splat(middle)));
        (count >= BLOCK ? reached : above) = middle;
        if (count >= BLOCK && count <= BLOCK + 4) break;
    }
    return reached;
}

// Picks the BLOCK patches of largest norm, or all where there are fewer, into `first`, and takes them out of `squares`.
// Returns how many; fills in the channel's largest norm and that of the patches left.
inline int64_t first_block(
    float *squares, int64_t flat, const float *maxima, Patch *found, Patch *first, Channel *channel
) {
    const float threshold = threshold_of(maxima);
    const int64_t count = list_patches(squares, flat, threshold, found);
    const int64_t taken = count < BLOCK ? count : BLOCK;
    // With a threshold of 0, all patches above 0 have just been listed.
    channel->left_square = threshold > 0.0f ? threshold : -1.0f;
    if (count > BLOCK) {
        std::nth_element(found, found + BLOCK - 1, found + count, Larger());
        float most = 0.0f;
        for (int64_t at = BLOCK; at < count; at++) most = found[at].square > most ? found[at].square : most;
        channel->left_square = most;
    }
    channel->most_square = 0.0f;
    for (int64_t at = 0; at < taken; at++) {
        first[at] = found[at];
        squares[found[at].at] = -1.0f;
        channel->most_square = found[at].square > channel->most_square ? found[at].square : channel->most_square;
    }
    return taken;
}

}  // namespace arete
