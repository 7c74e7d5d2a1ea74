// Where the patches of a k x k convolution lie in a padded map.

#pragma once

#include "conv.h"
#include "extremes.h"

namespace arete {

constexpr int BLOCK = 16;  // patches evaluated together, whatever the vector width

// A padded map is one flat array. A patch is named by the flat position of its first tap; tap t of the patch lies
// `offsets[t]` further on. Flat positions that no patch begins at are marked in `visited`.
struct Geometry {
    int64_t height, width;  // of the padded map
    int64_t rows, columns;  // of patches
    int64_t flat;           // positions from the first patch to the last, filled up to whole blocks
    int64_t plane;          // numbers a padded map takes, with zeros behind it for what whole blocks read beyond

    Geometry(const Settings &settings, int64_t map_height, int64_t map_width) {
        height = map_height + settings.pad_top + settings.pad_bottom;
        width = map_width + settings.pad_left + settings.pad_right;
        const int64_t reach_down = (settings.kernel_height - 1) * settings.spread_down;
        const int64_t reach_right = (settings.kernel_width - 1) * settings.spread_right;
        rows = (height - reach_down - 1) / settings.down + 1;
        columns = (width - reach_right - 1) / settings.right + 1;
        const int64_t last = (rows - 1) * settings.down * width + (columns - 1) * settings.right;
        flat = (last + BLOCK) / BLOCK * BLOCK;
        plane = (flat + reach_down * width + reach_right + 2 * BLOCK) / BLOCK * BLOCK;
        if (plane < height * width) plane = (height * width + BLOCK - 1) / BLOCK * BLOCK;
    }

    void mark(const Settings &settings, int32_t *visited) const {
        for (int64_t at = 0; at < flat; at++) visited[at] = 0;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t column = 0; column < columns; column++)
                visited[row * settings.down * width + column * settings.right] = -1;
    }

    void list_taps(const Settings &settings, int32_t *offsets) const {
        for (int64_t i = 0; i < settings.kernel_height; i++)
            for (int64_t j = 0; j < settings.kernel_width; j++)
                *offsets++ = int32_t(i * settings.spread_down * width + j * settings.spread_right);
    }
};

// What is known of one channel of one image.
struct Channel {
    float high, low;    // extremes of the map
    float scale;        // a power of two that brings the values near 1, so that squares neither vanish nor overflow
    float most_square;  // largest squared norm of a patch, scaled
    float left_square;  // the same of the patches beyond the first block; negative where there are none
    double share;       // rounding error of a contribution is at most ||w|| times this
    bool dead;          // all zeros

    float size() const { return high > -low ? high : -low; }
};

// Copies one channel of a map into a padded one, whose border is zero already. Returns whether all values are finite.
inline bool copy_channel(
    const Images &images, int64_t image, int64_t index, const Settings &settings, const Geometry &geometry,
    float *plane, Channel *channel
) {
    const float *map = images.channel(image, index);
    for (int64_t row = 0; row < images.height; row++) {
        const float *from = map + row * images.row_stride;
        float *to = plane + (row + settings.pad_top) * geometry.width + settings.pad_left;
        if (images.column_stride == 1)
            std::memcpy(to, from, images.width * sizeof(float));
        else
            for (int64_t column = 0; column < images.width; column++) to[column] = from[column * images.column_stride];
    }
    return channel_extremes(
        map, {0, images.height, 1}, images.row_stride, {0, images.width, 1}, images.column_stride, &channel->high,
        &channel->low
    );
}

// Copies LANES channels that lie side by side. Returns whether all values are finite.
inline bool copy_side_by_side(
    const Images &images, int64_t image, int64_t index, const Settings &settings, const Geometry &geometry,
    float *planes, Channel *channels
) {
    Extremes seen;
    for (int64_t row = 0; row < images.height; row++) {
        const float *from = images.channel(image, index) + row * images.row_stride;
        float *to = planes + (row + settings.pad_top) * geometry.width + settings.pad_left;
        for (int64_t column = 0; column < images.width; column++) {
            const Floats value = load(from + column * images.column_stride);
            seen.see(value);
            for (int lane = 0; lane < LANES; lane++) to[lane * geometry.plane + column] = value[lane];
        }
    }
    float finite = 0.0f;
    for (int lane = 0; lane < LANES; lane++) {
        channels[lane].high = seen.high[lane];
        channels[lane].low = seen.low[lane];
        finite += seen.finite[lane];
    }
    return finite == 0.0f;
}

// Copies all channels of an image. Returns whether all values are finite.
inline bool copy_image(
    const Images &images, int64_t image, const Settings &settings, const Geometry &geometry, float *planes,
    Channel *channels
) {
    int64_t index = 0;
    bool finite = true;
    if (images.channel_stride == 1)
        for (; index + LANES <= images.channels; index += LANES)
            finite &= copy_side_by_side(
                images, image, index, settings, geometry, planes + index * geometry.plane, channels + index
            );
    for (; index < images.channels; index++)
        finite &=
            copy_channel(images, image, index, settings, geometry, planes + index * geometry.plane, channels + index);
    return finite;
}

}  // namespace arete
