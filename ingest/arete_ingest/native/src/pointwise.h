// 1x1 convolutions. A product with one weight is monotone and so is its rounding: the largest contribution of an input
// is max(w * high, w * low), with the extremes of the input over the visited positions.
//
// Floats that differ order the exact products they were rounded from. Equal ones may hide different products; those of
// two floats are exact in double, so a row with equal floats among its first k + 1 is ordered again in double.
//
// Inputs go by from the largest to the smallest (roughly), so that few displace another, and a row is done once the
// largest weight times the present input stays below its last place.

#pragma once

#include "conv.h"
#include "extremes.h"
#include "ranking.h"
#include "scratch.h"

namespace arete {

constexpr int BUCKETS = 64;

struct PointwiseBuffers {
    float *high, *low, *size;
    int32_t *order;
    Contender *contenders;

    template <typename Memory>
    void lay_out(Memory &memory, int64_t channels, int64_t inputs) {
        high = memory.template take<float>(channels);
        low = memory.template take<float>(channels);
        size = memory.template take<float>(inputs);
        order = memory.template take<int32_t>(inputs);
        contenders = memory.template take<Contender>(inputs);
    }
};

// The visited positions along one axis that lie inside the map; `padded` says whether others do not.
inline Range visited(int64_t length, int64_t before, int64_t after, int64_t stride, bool *padded) {
    const int64_t positions = (length + before + after - 1) / stride + 1;
    const int64_t outside_before = (before + stride - 1) / stride;
    const int64_t last = length + before - 1;  // of the map, counted from the first padded position
    const int64_t inside = last / stride + 1 - outside_before;
    Range range{outside_before * stride - before, inside < 0 ? 0 : inside, stride};
    *padded |= range.count < positions;
    return range;
}

// Orders the inputs by size, largest first, in buckets. Returns by how much an input may exceed one that comes before
// it.
inline float order_by_size(const float *size, int64_t inputs, int32_t *order) {
    int64_t begin[BUCKETS + 1] = {};
    float most = 0.0f;
    for (int64_t input = 0; input < inputs; input++) most = size[input] > most ? size[input] : most;
    const float scale = most > 1e-30f ? float(BUCKETS - 1) / most : 0.0f;  // no overflow
    auto bucket = [&](int64_t input) { return BUCKETS - 1 - int(size[input] * scale); };
    for (int64_t input = 0; input < inputs; input++) begin[bucket(input) + 1]++;
    for (int at = 0; at < BUCKETS; at++) begin[at + 1] += begin[at];
    for (int64_t input = 0; input < inputs; input++) order[begin[bucket(input)]++] = int32_t(input);
    return scale > 0.0f ? most * (1.25f / float(BUCKETS - 1)) : most;  // a quarter for rounding
}

inline void pointwise_exact_row(
    const Conv &conv, int64_t output, const float *high, const float *low, float last, int k, Contender *contenders,
    float *values, int32_t *inputs
) {
    const float *weight = conv.kernel(output, 0);
    int64_t count = 0;
    for (int64_t input = 0; input < conv.settings.inputs; input++) {
        const double up = double(weight[input]) * high[input], down = double(weight[input]) * low[input];
        const double value = up > down ? up : down;
        if (float(value) >= last) contenders[count++] = {value, int32_t(input)};
    }
    sort_front(contenders, count, k);
    for (int place = 0; place < k; place++) {
        values[place] = float(contenders[place].value) + 0.0f;
        inputs[place] = contenders[place].input;
    }
}

template <int K>
void pointwise_group(
    const Conv &conv, int64_t group, const PointwiseBuffers &buffers, const float *high, const float *low,
    float *values, int32_t *inputs
) {
    const Settings &settings = conv.settings;
    const int64_t candidates = settings.inputs, outputs = settings.group_outputs();
    bool negative = false;
    for (int64_t input = 0; input < candidates; input++) {
        negative |= low[input] < 0.0f;
        const float up = std::fabs(high[input]), down = std::fabs(low[input]);
        buffers.size[input] = up > down ? up : down;
    }
    const float *bounds = (negative ? conv.largest_size : conv.largest).data() + conv.group_offset(group, 1);
    // Inputs of one bucket come in any order: what is to come is at most a bucket's width above the present one.
    const float slack = order_by_size(buffers.size, candidates, buffers.order);
    for (int64_t first = 0; first < outputs; first += LANES) {
        const float *weight = conv.packed.data() + conv.group_offset(group, candidates) + first * candidates;
        const Floats bound = load(bounds + first);
        Ranking<K + 1> ranking;
        for (int64_t at = 0; at < candidates; at++) {
            const int32_t input = buffers.order[at];
            const Floats factor = load(weight + int64_t{input} * LANES);
            const Floats value = larger(factor * splat(high[input]), factor * splat(low[input]));
            if (greater_bits(value, ranking.values[K])) ranking.insert(value, splat(input));
            if (at % 16 == 15) {
                const Floats ahead = bound * splat(buffers.size[input] + slack);
                if (greater_bits(ranking.values[K], ahead) == ALL_LANES) break;  // strictly: equal ones must be seen
            }
        }
        const int64_t lanes = outputs - first < LANES ? outputs - first : LANES;
        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t row = group * outputs + first + lane;
            bool tied = false;
            for (int place = 0; place < K; place++) {
                tied |= ranking.values[place][lane] == ranking.values[place + 1][lane];
                values[row * K + place] = ranking.values[place][lane] + 0.0f;  // no -0.0
                inputs[row * K + place] = ranking.inputs[place][lane];
            }
            if (tied)
                pointwise_exact_row(
                    conv, row, high, low, ranking.values[K - 1][lane], K, buffers.contenders, values + row * K,
                    inputs + row * K
                );
        }
    }
}

// Returns the first image that holds NaN or infinity, or -1.
template <int K>
int64_t pointwise_strongest(const Conv &conv, const Images &images, float *values, int32_t *inputs) {
    const Settings &settings = conv.settings;
    bool padded = false;
    const Range rows = visited(images.height, settings.pad_top, settings.pad_bottom, settings.down, &padded);
    const Range columns = visited(images.width, settings.pad_left, settings.pad_right, settings.right, &padded);
    // All positions are looked at, visited or not, where that finds NaN: an image that holds one is refused as a whole.
    const bool partial = rows.step > 1 || columns.step > 1;
    PointwiseBuffers buffers;
    Measure measure;
    buffers.lay_out(measure, images.channels, settings.inputs);
    Scratch &scratch = Scratch::of_thread();
    scratch.reserve(measure.bytes);
    buffers.lay_out(scratch, images.channels, settings.inputs);
    for (int64_t image = 0; image < images.images; image++) {
        if (partial) {
            const Range all_rows{0, images.height, 1}, all_columns{0, images.width, 1};
            if (!image_extremes(images, image, all_rows, all_columns, buffers.high, buffers.low)) return image;
        }
        if (!image_extremes(images, image, rows, columns, buffers.high, buffers.low)) return image;
        if (padded)
            for (int64_t channel = 0; channel < images.channels; channel++) {
                buffers.high[channel] = buffers.high[channel] > 0.0f ? buffers.high[channel] : 0.0f;
                buffers.low[channel] = buffers.low[channel] < 0.0f ? buffers.low[channel] : 0.0f;
            }
        for (int64_t group = 0; group < settings.groups; group++)
            pointwise_group<K>(
                conv, group, buffers, buffers.high + group * settings.inputs, buffers.low + group * settings.inputs,
                values + image * settings.outputs * K, inputs + image * settings.outputs * K
            );
    }
    return -1;
}

}  // namespace arete
