// k x k convolutions. Instead of all positions, look at those whose patch has a norm that can matter.
//
// 1. Per input: squared norms of all patches; the 16 largest are evaluated for all outputs. Patches of zeros contribute
// 0.
// 2. The k-th largest contribution found so far is a floor for each output. By Cauchy-Schwarz no patch contributes more
//    than ||kernel|| ||patch||, where the input is nowhere negative no more than ||max(kernel, 0)|| ||patch||. Pairs
//    whose remaining patches stay below the floor are done; the others look on (`survivors.h`).
// 3. The k + 1 largest of each output. Where neighbours are closer than rounding errors, the contenders are evaluated
// in
//    double and ordered by that.
//
// All bounds hold for the rounded sums, so skipping changes no value among the k largest. A rounded sum of products
// stays below the rounded sum of the positive ones, since rounding is monotone: hence ||max(kernel, 0)|| bounds it too.

#pragma once

#include "exact.h"
#include "ranking.h"
#include "scratch.h"
#include "survivors.h"

namespace arete {

struct WindowedBuffers {
    float *planes, *squares, *contributions, *tops, *floors, *errors, *sums, *first_values;
    int32_t *visited, *offsets;
    Channel *channels;
    Contender *contenders;
    SurvivorBuffers survivors;

    template <typename Memory>
    void lay_out(Memory &memory, const Settings &settings, const Geometry &geometry, int k) {
        const int64_t lanes = settings.lanes(), inputs = settings.inputs, channels_count = inputs * settings.groups;
        planes = memory.template take<float>(channels_count * geometry.plane);
        squares = memory.template take<float>(inputs * geometry.flat);
        contributions = memory.template take<float>(inputs * lanes);
        tops = memory.template take<float>(k * lanes);
        floors = memory.template take<float>(lanes);
        errors = memory.template take<float>(lanes);
        sums = memory.template take<float>(geometry.plane);
        first_values = memory.template take<float>(settings.taps() * BLOCK);
        visited = memory.template take<int32_t>(geometry.flat);
        offsets = memory.template take<int32_t>(settings.taps());
        channels = memory.template take<Channel>(channels_count);
        contenders = memory.template take<Contender>(inputs);
        survivors.lay_out(memory, lanes, geometry.flat, settings.taps());
    }
};

// Evaluates a block of patches, (tap, BLOCK), for all outputs of a group.
inline void evaluate_block(
    const float *packed, int64_t lanes, int64_t taps, const float *patches, bool zero_seen, float *contributions
) {
    constexpr int AT_ONCE = LANES == 16 ? 16 : 8;  // sums that fit into the registers
    const Floats start = zero_seen ? Floats{} : Floats{} - INFINITY;
    for (int64_t first = 0; first < lanes; first += LANES) {
        const float *weight = packed + first * taps;
        Floats most = start;
        for (int from = 0; from < BLOCK; from += AT_ONCE) {
            Floats sums[AT_ONCE] = {};
            for (int64_t tap = 0; tap < taps; tap++) {
                const Floats factor = load(weight + tap * LANES);
#pragma GCC unroll 16
                for (int at = 0; at < AT_ONCE; at++)
                    sums[at] = fused(factor, splat(patches[tap * BLOCK + from + at]), sums[at]);
            }
#pragma GCC unroll 16
            for (int at = 0; at < AT_ONCE; at++) most = larger(sums[at], most);
        }
        store(contributions + first, most);
    }
}

// Keeps the k largest contributions of each lane.
inline void raise_tops(const float *contributions, int64_t lanes, int k, float *tops) {
    for (int64_t first = 0; first < lanes; first += LANES) {
        Floats value = load(contributions + first);
        if (!greater_bits(value, load(tops + (k - 1) * lanes + first))) continue;
        for (int place = 0; place < k; place++) {
            float *top = tops + place * lanes + first;
            const Floats other = load(top);
            store(top, larger(value, other));
            value = smaller(value, other);
        }
    }
}

class WindowedGroup {
 public:
    WindowedGroup(const Conv &conv, const Geometry &geometry, const WindowedBuffers &buffers, int64_t group, int k)
        : conv_(conv), settings_(conv.settings), geometry_(geometry), buffers_(buffers), group_(group), k_(k) {}

    template <int K>
    void run(float *values, int32_t *inputs) {
        look_at_first_blocks();
        set_floors();
        for (int64_t input = 0; input < settings_.inputs; input++)
            if (channel(input).left_square >= 0.0f) complete_input(input);
        for (int64_t first = 0; first < settings_.group_outputs(); first += LANES) rank<K>(first, values, inputs);
    }

 private:
    Channel &channel(int64_t input) const { return buffers_.channels[group_ * settings_.inputs + input]; }
    const float *plane(int64_t input) const {
        return buffers_.planes + (group_ * settings_.inputs + input) * geometry_.plane;
    }
    float *contributions(int64_t input) const { return buffers_.contributions + input * settings_.lanes(); }
    float *squares(int64_t input) const { return buffers_.squares + input * geometry_.flat; }
    const float *kernel(int64_t output, int64_t input) const {  // output of the group
        return conv_.kernel(group_ * settings_.group_outputs() + output, input);
    }

    void look_at_first_blocks() {
        const int64_t lanes = settings_.lanes(), taps = settings_.taps();
        for (int64_t at = 0; at < k_ * lanes; at++) buffers_.tops[at] = -INFINITY;
        for (int64_t input = 0; input < settings_.inputs; input++) {
            Channel &known = channel(input);
            known.dead = known.size() == 0.0f;
            known.left_square = -1.0f;
            known.most_square = 0.0f;
            known.scale = 1.0f;
            known.share = 0.0;
            int64_t count = 0;
            bool zero_seen = true;
            Patch first[BLOCK];
            if (!known.dead) {
                int exponent;
                std::frexp(known.size(), &exponent);
                known.scale = std::ldexp(1.0f, -(exponent < -126 ? -126 : exponent > 126 ? 126 : exponent));
                alignas(64) float maxima[GROUPS * BLOCK];
                zero_seen = patch_squares(
                    plane(input), settings_, geometry_, buffers_.visited, known.scale, buffers_.sums, squares(input),
                    maxima
                );
                count = first_block(squares(input), geometry_.flat, maxima, buffers_.survivors.found, first, &known);
                // Patches whose squares vanish beside the map's largest value are taken for zeros: the second term.
                known.share =
                    rounding_share(taps) * std::sqrt(double(known.most_square)) / known.scale + 0x1p-40 * known.size();
            }
            if (count == 0) {
                for (int64_t lane = 0; lane < lanes; lane++) contributions(input)[lane] = 0.0f;
            } else {
                for (int64_t at = count; at < BLOCK; at++) first[at] = first[0];
                gather(plane(input), buffers_.offsets, taps, first, buffers_.first_values);
                evaluate_block(
                    conv_.packed.data() + conv_.group_offset(group_, settings_.inputs * taps) + input * lanes * taps,
                    lanes, taps, buffers_.first_values, zero_seen, contributions(input)
                );
            }
            raise_tops(contributions(input), lanes, k_, buffers_.tops);
        }
    }

    // Contributions this far below the k-th largest found cannot be among the k largest, whatever rounding did to both:
    // they need not be known, and those left below may be too small.
    void set_floors() {
        const int64_t lanes = settings_.lanes();
        double share = 0.0;
        largest_patch_ = 0.0;
        for (int64_t input = 0; input < settings_.inputs; input++) {
            const Channel &known = channel(input);
            share = known.share > share ? known.share : share;
            const double norm = std::sqrt(double(known.most_square)) / known.scale;
            largest_patch_ = norm > largest_patch_ ? norm : largest_patch_;
        }
        const float *norms = conv_.largest_norm.data() + conv_.group_offset(group_, 1);
        const float *tops = buffers_.tops + (k_ - 1) * lanes;
        for (int64_t lane = 0; lane < lanes; lane++) {
            buffers_.errors[lane] = float(norms[lane] * share * 1.01) + UNDERFLOW_LOSS;
            buffers_.floors[lane] = tops[lane] - 3.0f * buffers_.errors[lane];
        }
    }

    void complete_input(int64_t input) {
        const Channel &known = channel(input);
        const std::vector<float> &rates = known.low < 0.0f ? conv_.per_norm : conv_.per_positive_norm;
        const float *rate = rates.data() + conv_.group_offset(group_, settings_.inputs) + input * settings_.lanes();
        complete(
            buffers_.survivors, settings_, geometry_, plane(input), buffers_.offsets, squares(input), known,
            Bound{buffers_.floors, buffers_.errors, rate, known.scale}, kernel(0, input), contributions(input)
        );
    }

    template <int K>
    void rank(int64_t first, float *values, int32_t *inputs) {
        const Floats floor = load(buffers_.floors + first);
        Ranking<K + 1> ranking;
        for (int64_t input = 0; input < settings_.inputs; input++) {
            const Floats value = load(contributions(input) + first);
            if (greater_bits(value, larger(ranking.values[K], floor))) ranking.insert(value, splat(int32_t(input)));
        }
        const int64_t lanes = settings_.group_outputs() - first < LANES ? settings_.group_outputs() - first : LANES;
        const float *norms = conv_.largest_norm.data() + conv_.group_offset(group_, 1) + first;
        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t row = first + lane;
            const float error = buffers_.errors[row];
            // Sums near the largest float may have overflown: nothing that floats say about such a row is used.
            const bool overflow = !(norms[lane] * largest_patch_ < 1e37);
            bool proven = !overflow;
            for (int place = 0; place < K; place++) {
                proven &= ranking.values[place][lane] - ranking.values[place + 1][lane] > 2.0f * error;
                values[row * K + place] = ranking.values[place][lane] + 0.0f;  // no -0.0
                inputs[row * K + place] = ranking.inputs[place][lane];
            }
            if (!proven) settle(row, overflow, values + row * K, inputs + row * K);
        }
    }

    // How far a contribution may be off. Zero kernels and maps of zeros contribute exactly 0.
    double error_of(int64_t output, int64_t input) const {
        if (channel(input).dead) return 0.0;
        const float *weight = kernel(output, input);
        double square = 0.0;
        for (int64_t tap = 0; tap < settings_.taps(); tap++) square += double(weight[tap]) * weight[tap];
        return square > 0.0 ? std::sqrt(square) * channel(input).share * 1.01 + UNDERFLOW_LOSS : 0.0;
    }

    // Orders a row that floats do not decide.
    void settle(int64_t output, bool overflow, float *values, int32_t *inputs) {
        bool proven = !overflow;
        double least = overflow ? -INFINITY : INFINITY;
        double error_before = 0.0;
        for (int place = 0; place < k_ && !overflow; place++) {
            const double error = error_of(output, inputs[place]);
            least = values[place] - error < least ? values[place] - error : least;
            if (place > 0 && error + error_before > 0.0)
                proven &= double(values[place - 1]) - values[place] > error + error_before;
            error_before = error;
        }
        int64_t count = 0;
        for (int64_t input = 0; input < settings_.inputs; input++) {
            const double found = contributions(input)[output];
            if (overflow || found + buffers_.errors[output] >= least)
                if (overflow || found + error_of(output, input) >= least)
                    buffers_.contenders[count++] = {found, int32_t(input)};
        }
        if (proven && count == k_) return;
        for (int64_t at = 0; at < count; at++) {
            Contender &contender = buffers_.contenders[at];
            if (overflow || error_of(output, contender.input) > 0.0)
                contender.value = exact_contribution(
                    plane(contender.input), kernel(output, contender.input), settings_, geometry_, buffers_.offsets
                );
        }
        sort_front(buffers_.contenders, count, k_);
        for (int place = 0; place < k_; place++) {
            values[place] = float(buffers_.contenders[place].value) + 0.0f;
            inputs[place] = buffers_.contenders[place].input;
        }
    }

    const Conv &conv_;
    const Settings &settings_;
    const Geometry &geometry_;
    const WindowedBuffers &buffers_;
    const int64_t group_;
    const int k_;
    double largest_patch_ = 0.0;
};

// Returns the first image that holds NaN or infinity, or -1.
template <int K>
int64_t windowed_strongest(const Conv &conv, const Images &images, float *values, int32_t *inputs) {
    const Settings &settings = conv.settings;
    const Geometry geometry(settings, images.height, images.width);
    WindowedBuffers buffers;
    Measure measure;
    buffers.lay_out(measure, settings, geometry, K);
    Scratch &scratch = Scratch::of_thread();
    scratch.reserve(measure.bytes);
    buffers.lay_out(scratch, settings, geometry, K);
    geometry.mark(settings, buffers.visited);
    geometry.list_taps(settings, buffers.offsets);
    // The border, and what lies behind a plane, stays zero; each image overwrites the same positions.
    std::memset(buffers.planes, 0, sizeof(float) * images.channels * geometry.plane);
    std::memset(buffers.sums, 0, sizeof(float) * geometry.plane);
    for (int64_t image = 0; image < images.images; image++) {
        if (!copy_image(images, image, settings, geometry, buffers.planes, buffers.channels)) return image;
        for (int64_t group = 0; group < settings.groups; group++) {
            const int64_t at = (image * settings.outputs + group * settings.group_outputs()) * K;
            WindowedGroup(conv, geometry, buffers, group, K).run<K>(values + at, inputs + at);
        }
    }
    scratch.trim();
    return -1;
}

}  // namespace arete
