// A convolution: its settings, and its weights laid out once for both kernels.

#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "vector.h"

namespace arete {

// Images in the caller's memory; strides in numbers, not bytes.
struct Images {
    const float *data;
    int64_t images, channels, height, width;
    int64_t image_stride, channel_stride, row_stride, column_stride;

    const float *channel(int64_t image, int64_t index) const {
        return data + image * image_stride + index * channel_stride;
    }
};

struct Settings {
    int64_t outputs, inputs;  // inputs of one group
    int64_t kernel_height, kernel_width;
    int64_t down, right;                // stride
    int64_t spread_down, spread_right;  // dilation
    int64_t pad_left, pad_right, pad_top, pad_bottom;
    int64_t groups;

    int64_t taps() const { return kernel_height * kernel_width; }
    int64_t group_outputs() const { return outputs / groups; }
    // Outputs of a group, filled up to whole vectors of the widest kind.
    int64_t lanes() const { return (group_outputs() + 15) / 16 * 16; }
    bool pointwise() const { return taps() == 1; }
};

// Rounding: a sum of `taps` float products is off by at most this share of ||w|| ||patch|| (Cauchy-Schwarz on the sum
// of absolute products; 2 more roundings than needed leave room for those of the bound itself).
inline double rounding_share(int64_t taps) {
    return 1.01 * double(taps + 4) * 0x1p-24;
}

// What float sums may lose by underflow, far above what they do lose (taps * 2^-149).
constexpr float UNDERFLOW_LOSS = 1e-36f;

class Conv {
 public:
    Conv(const Settings &settings, const float *weight) : settings(settings) {
        keep(weight);
        settings.pointwise() ? pack_pointwise() : pack_windowed();
    }

    // The taps of one kernel; `output` counts through all groups.
    const float *kernel(int64_t output, int64_t input) const { return plain.data() + place(output, input); }

    // Where a group's share of a packed array of `per_lane` numbers an output begins.
    int64_t group_offset(int64_t group, int64_t per_lane) const { return group * settings.lanes() * per_lane; }

    Settings settings;
    std::vector<float> plain;  // pointwise: (output, input), windowed: (group, input, output of the group, tap)
    std::vector<float>
        packed;  // (group, vector of outputs, input, lane) or (group, input, vector of outputs, tap, lane)

    // Pointwise: the largest weight, at least 0, and the largest absolute weight of each output (group, lane).
    std::vector<float> largest, largest_size;

    // Windowed: lower bounds of 1 / ||max(w, 0)|| and 1 / ||w||, (group, input, lane); infinite for zero kernels.
    std::vector<float> per_positive_norm, per_norm;
    // Windowed: upper bound of the largest ||w|| of each output (group, lane).
    std::vector<float> largest_norm;

 private:
    // Tiny kernels get a smaller rate, and so a looser bound: what is multiplied with it must not be rounded to a
    // denormal.
    static float rate(double down, double square) {
        return square == 0.0 ? INFINITY : float(down / std::fmax(std::sqrt(square), 1e-30));
    }

    // Keeps together what is read together: k x k kernels of all outputs for one input.
    void keep(const float *weight) {
        plain.resize(settings.outputs * settings.inputs * settings.taps());
        for (int64_t output = 0; output < settings.outputs; output++)
            for (int64_t input = 0; input < settings.inputs; input++, weight += settings.taps())
                std::memcpy(plain.data() + place(output, input), weight, settings.taps() * sizeof(float));
    }

    int64_t place(int64_t output, int64_t input) const {
        if (settings.pointwise()) return output * settings.inputs + input;
        const int64_t group = output / settings.group_outputs(), within = output % settings.group_outputs();
        return ((group * settings.inputs + input) * settings.group_outputs() + within) * settings.taps();
    }

    void pack_pointwise() {
        const int64_t lanes = settings.lanes(), inputs = settings.inputs, outputs = settings.group_outputs();
        packed.assign(settings.groups * lanes * inputs, 0.0f);
        largest.assign(settings.groups * lanes, -1.0f);  // lanes without an output: bounds below all that they hold
        largest_size.assign(settings.groups * lanes, -1.0f);
        for (int64_t output = 0; output < settings.outputs; output++) {
            const int64_t group = output / outputs, lane = output % outputs;
            float *to = packed.data() + group_offset(group, inputs) + lane / LANES * LANES * inputs + lane % LANES;
            float most = 0.0f, size = 0.0f;
            for (int64_t input = 0; input < inputs; input++) {
                const float value = *kernel(output, input);
                to[input * LANES] = value;
                most = value > most ? value : most;
                size = std::fabs(value) > size ? std::fabs(value) : size;
            }
            largest[group * lanes + lane] = most;
            largest_size[group * lanes + lane] = size;
        }
    }

    void pack_windowed() {
        const int64_t lanes = settings.lanes(), inputs = settings.inputs, taps = settings.taps();
        const int64_t outputs = settings.group_outputs();
        packed.assign(settings.groups * lanes * inputs * taps, 0.0f);
        per_positive_norm.assign(settings.groups * lanes * inputs, INFINITY);
        per_norm.assign(settings.groups * lanes * inputs, INFINITY);
        largest_norm.assign(settings.groups * lanes, 0.0f);
        // The bound must hold for sums rounded to float and for patch norms computed in float: 8 times what they lose.
        const double down = 1.0 - 8.0 * double(taps + 8) * 0x1p-24;
        for (int64_t output = 0; output < settings.outputs; output++) {
            const int64_t group = output / outputs, lane = output % outputs;
            for (int64_t input = 0; input < inputs; input++) {
                const float *from = kernel(output, input);
                float *to = packed.data() + group_offset(group, inputs * taps) +
                            (input * lanes + lane / LANES * LANES) * taps + lane % LANES;
                double positive = 0.0, all = 0.0;
                for (int64_t tap = 0; tap < taps; tap++) {
                    to[tap * LANES] = from[tap];
                    all += double(from[tap]) * from[tap];
                    if (from[tap] > 0) positive += double(from[tap]) * from[tap];
                }
                const int64_t at = group_offset(group, inputs) + input * lanes + lane;
                per_positive_norm[at] = rate(down, positive);
                per_norm[at] = rate(down, all);
                const float norm = float(std::sqrt(all) * (1.0 + 0x1p-20));
                float &most = largest_norm[group * lanes + lane];
                most = norm > most ? norm : most;
            }
        }
    }
};

}  // namespace arete
