// Finds the contributions that the first block of patches leaves open: patches in descending order of norm (roughly),
// each output until the largest norm left cannot reach what it needs.

#pragma once

#include "norms.h"

namespace arete {

constexpr int BUCKET_COUNT = 16;
constexpr int64_t ROUND_BYTES = 24 << 10;  // patches gathered at a time: most of a first-level cache

struct Survivor {
    int32_t lane;
    float value;   // what a contribution must exceed to matter: the largest found, or the output's floor
    float needed;  // scaled squared norm below which no patch matters
};

// By which norms an output's contributions are bounded.
struct Bound {
    const float *floor;  // per lane: contributions below need not be known
    const float *error;  // per lane: rounding error of a contribution
    const float *rate;   // per lane: 1 / ||kernel||
    float scale;

    // The scaled squared norm that a patch must have to contribute more than `value`.
    Floats needed(int64_t lane, Floats value) const {
        const Floats limit = value - load(error + lane);
        const Floats norm = limit * splat(scale) * load(rate + lane);
        return limit > Floats{} ? norm * norm : Floats{};
    }

    float needed_by(const Survivor &survivor) const {
        const float limit = survivor.value - error[survivor.lane];
        const float norm = limit * scale * rate[survivor.lane];
        return limit > 0.0f ? norm * norm : 0.0f;
    }
};

typedef float Four __attribute__((vector_size(16)));
typedef float LooseFour __attribute__((vector_size(16), aligned(4), may_alias));

// Patches side by side, (tap, BLOCK), where rows of three taps lie together: four patches' rows are read and
// transposed. Reads one number behind a row, which the plane has.
inline void gather_threes(const float *plane, const int32_t *offsets, int64_t rows, const Patch *patches, float *to) {
    for (int64_t row = 0; row < rows; row++)
        for (int at = 0; at < BLOCK; at += 4) {
            const float *from = plane + offsets[3 * row];
            Four part[4];
            for (int each = 0; each < 4; each++)
                part[each] = *reinterpret_cast<const LooseFour *>(from + patches[at + each].at);
            const Four low = __builtin_shufflevector(part[0], part[1], 0, 4, 1, 5);
            const Four high = __builtin_shufflevector(part[2], part[3], 0, 4, 1, 5);
            const Four low_third = __builtin_shufflevector(part[0], part[1], 2, 6, 3, 7);
            const Four high_third = __builtin_shufflevector(part[2], part[3], 2, 6, 3, 7);
            float *taps = to + 3 * row * BLOCK + at;
            *reinterpret_cast<LooseFour *>(taps) = __builtin_shufflevector(low, high, 0, 1, 4, 5);
            *reinterpret_cast<LooseFour *>(taps + BLOCK) = __builtin_shufflevector(low, high, 2, 3, 6, 7);
            *reinterpret_cast<LooseFour *>(taps + 2 * BLOCK) =
                __builtin_shufflevector(low_third, high_third, 0, 1, 4, 5);
        }
}

// Patches side by side: (tap, BLOCK).
inline void gather(const float *plane, const int32_t *offsets, int64_t taps, const Patch *patches, float *to) {
    if (taps == 9 && offsets[2] == 2 && offsets[5] - offsets[3] == 2) {
        gather_threes(plane, offsets, 3, patches, to);
        return;
    }
    for (int at = 0; at < BLOCK; at++) {
        const float *from = plane + patches[at].at;
        for (int64_t tap = 0; tap < taps; tap++) to[tap * BLOCK + at] = from[offsets[tap]];
    }
}

// Sorts patches by squared norm, largest first, into buckets between `least` and `most`.
inline void sort_roughly(const Patch *patches, int64_t count, float least, float most, Patch *to) {
    int64_t begin[BUCKET_COUNT + 1] = {};
    const float width = most - least;
    const float scale = width > 1e-30f ? (float(BUCKET_COUNT) - 0.01f) / width : 0.0f;
    auto bucket = [&](const Patch &patch) {
        const int at = int((most - patch.square) * scale);
        return at < 0 ? 0 : at >= BUCKET_COUNT ? BUCKET_COUNT - 1 : at;
    };
    for (int64_t at = 0; at < count; at++) begin[bucket(patches[at]) + 1]++;
    for (int at = 0; at < BUCKET_COUNT; at++) begin[at + 1] += begin[at];
    for (int64_t at = 0; at < count; at++) to[begin[bucket(patches[at])]++] = patches[at];
}

// What a scan works on: `ahead[block]` is the largest squared norm in that block and those behind it.
struct Patches {
    const float *plane;
    const int32_t *offsets;
    const Patch *sorted;
    const float *ahead;
    int64_t blocks;
    float *gathered;  // of the present round
};

// Lets one output look at the blocks from `first` to `end`, of which `ready` are gathered. `TAPS` is 0 where it is not
// known when compiling.
template <int TAPS>
inline void scan(
    const float *kernel, int64_t tap_count, const Patches &patches, int64_t first, int64_t end, int64_t *ready,
    const Bound &bound, Survivor *survivor
) {
    constexpr int PARTS = BLOCK / LANES;
    const int64_t taps = TAPS ? TAPS : tap_count;
    Floats factors[TAPS ? TAPS : 1];  // in registers for all blocks, where there are few
    for (int tap = 0; tap < TAPS; tap++) factors[tap] = splat(kernel[tap]);
    for (int64_t block = first; block < end && patches.ahead[block] >= survivor->needed; block++) {
        float *values = patches.gathered + (block - first) * taps * BLOCK;
        if (block == *ready) {
            gather(patches.plane, patches.offsets, taps, patches.sorted + block * BLOCK, values);
            ++*ready;
        }
        Floats sums[PARTS] = {};
        for (int64_t tap = 0; tap < taps; tap++)
            for (int part = 0; part < PARTS; part++)
                sums[part] = fused(
                    TAPS ? factors[tap] : splat(kernel[tap]), load(values + tap * BLOCK + part * LANES), sums[part]
                );
        Floats most = sums[0];
        for (int part = 1; part < PARTS; part++) most = larger(sums[part], most);
        if (greater_bits(most, splat(survivor->value))) {
            survivor->value = largest_lane(most);
            survivor->needed = bound.needed_by(*survivor);
        }
    }
}

struct SurvivorBuffers {
    Survivor *survivors;
    Patch *found, *sorted;
    float *ahead, *gathered;

    static int64_t round_blocks(int64_t taps) {
        const int64_t blocks = ROUND_BYTES / (taps * BLOCK * 4);
        return blocks < 1 ? 1 : blocks;
    }

    template <typename Memory>
    void lay_out(Memory &memory, int64_t lanes, int64_t flat, int64_t taps) {
        survivors = memory.template take<Survivor>(lanes);
        found = memory.template take<Patch>(flat + BLOCK);
        sorted = memory.template take<Patch>(flat + BLOCK);
        ahead = memory.template take<float>(flat / BLOCK + 2);
        gathered = memory.template take<float>(round_blocks(taps) * taps * BLOCK);
    }
};

// Completes one input's contributions, (lane), as far as they matter. `kernels` are the group's weights for this
// input, (output, tap).
inline void complete(
    const SurvivorBuffers &buffers, const Settings &settings, const Geometry &geometry, const float *plane,
    const int32_t *offsets, const float *squares, const Channel &channel, const Bound &bound, const float *kernels,
    float *contributions
) {
    const int64_t outputs = settings.group_outputs(), taps = settings.taps();
    int64_t count = 0;
    float least = INFINITY;
    for (int64_t first = 0; first < outputs; first += LANES) {
        const Floats value = larger(load(contributions + first), load(bound.floor + first));
        const Floats needed = bound.needed(first, value);
        uint32_t bits = at_least_bits(splat(channel.left_square), needed);
        for (; bits; bits &= bits - 1) {
            const int lane = __builtin_ctz(bits);
            if (first + lane >= outputs) break;
            buffers.survivors[count++] = {int32_t(first + lane), value[lane], needed[lane]};
            least = needed[lane] < least ? needed[lane] : least;
        }
    }
    if (count == 0) return;
    const int64_t patch_count = list_patches(squares, geometry.flat, least, buffers.found);
    if (patch_count == 0) return;
    Patch *sorted = buffers.found;
    if (patch_count > BLOCK) {
        sorted = buffers.sorted;
        sort_roughly(buffers.found, patch_count, least, channel.left_square, sorted);
    }
    const int64_t blocks = (patch_count + BLOCK - 1) / BLOCK;
    for (int64_t at = patch_count; at < blocks * BLOCK; at++) sorted[at] = sorted[patch_count - 1];
    float ahead = 0.0f;
    for (int64_t block = blocks; block-- > 0;) {
        for (int at = 0; at < BLOCK; at++) {
            const float square = sorted[block * BLOCK + at].square;
            ahead = square > ahead ? square : ahead;
        }
        buffers.ahead[block] = ahead;
    }
    const Patches patches{plane, offsets, sorted, buffers.ahead, blocks, buffers.gathered};
    const int64_t round = SurvivorBuffers::round_blocks(taps);
    for (int64_t first = 0; first < blocks && count > 0; first += round) {
        const int64_t end = first + round < blocks ? first + round : blocks;
        int64_t ready = first, kept = 0;
        for (int64_t at = 0; at < count; at++) {
            Survivor survivor = buffers.survivors[at];
            const float *kernel = kernels + survivor.lane * taps;
            if (taps == 9)
                scan<9>(kernel, taps, patches, first, end, &ready, bound, &survivor);
            else
                scan<0>(kernel, taps, patches, first, end, &ready, bound, &survivor);
            if (survivor.value > buffers.survivors[at].value) contributions[survivor.lane] = survivor.value;
            if (end < blocks && buffers.ahead[end] >= survivor.needed) buffers.survivors[kept++] = survivor;
        }
        count = kept;
    }
}

}  // namespace arete
