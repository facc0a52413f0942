#include "kernels/layout.hpp"

#include <algorithm>
#include <cstring>

namespace ablaze::kernels {
namespace {

/// Zeroes a plane's border; plane points at pixel (0, 0), `pixel` is the number of floats per pixel.
void zero_border(const Output& out, float* plane, int h, int w, int pixel) {
  const int bx = out.border_x * pixel;
  for (int y = -out.border_y; y < h + out.border_y; ++y) {
    float* row = plane + y * out.row;
    if (y < 0 || y >= h) {
      std::fill(row - bx, row + w * pixel + bx, 0.0F);
    } else {
      std::fill(row - bx, row, 0.0F);
      std::fill(row + w * pixel, row + w * pixel + bx, 0.0F);
    }
  }
}

/// The number of real channels among a block's 16.
int lanes(const Extent& extent, int block) { return std::min(kBlock, extent.channels - block * kBlock); }

}  // namespace

void to_planar(const float* nchw, const Extent& extent, const Output& out, int item) {
  const int n = item / extent.channels;
  const int c = item % extent.channels;
  float* plane = out.data + n * out.batch + c * out.block;
  const float* from = nchw + static_cast<std::ptrdiff_t>(item) * extent.h * extent.w;
  for (int y = 0; y < extent.h; ++y) {
    std::memcpy(plane + y * out.row, from + static_cast<std::ptrdiff_t>(y) * extent.w,
                static_cast<std::size_t>(extent.w) * sizeof(float));
  }
  zero_border(out, plane, extent.h, extent.w, 1);
}

void to_blocked(const float* nchw, const Extent& extent, const Output& out, int item) {
  const int n = item / extent.blocks();
  const int block = item % extent.blocks();
  float* plane = out.data + n * out.batch + block * out.block;
  const std::ptrdiff_t area = static_cast<std::ptrdiff_t>(extent.h) * extent.w;
  const float* from = nchw + (static_cast<std::ptrdiff_t>(n) * extent.channels + block * kBlock) * area;
  const int real = lanes(extent, block);
  for (int y = 0; y < extent.h; ++y) {
    for (int x = 0; x < extent.w; ++x) {
      float* to = plane + y * out.row + x * kBlock;
      const float* pixel = from + static_cast<std::ptrdiff_t>(y) * extent.w + x;
      for (int lane = 0; lane < real; ++lane) to[lane] = pixel[lane * area];
      for (int lane = real; lane < kBlock; ++lane) to[lane] = 0;
    }
  }
  zero_border(out, plane, extent.h, extent.w, kBlock);
}

void from_blocked(const Input& in, const Extent& extent, float* nchw, int item) {
  const int n = item / extent.blocks();
  const int block = item % extent.blocks();
  const float* plane = in.data + n * in.batch + block * in.block;
  const std::ptrdiff_t area = static_cast<std::ptrdiff_t>(extent.h) * extent.w;
  float* to = nchw + (static_cast<std::ptrdiff_t>(n) * extent.channels + block * kBlock) * area;
  for (int lane = 0; lane < lanes(extent, block); ++lane) {
    for (int y = 0; y < extent.h; ++y) {
      const float* row = plane + y * in.row + lane;
      for (int x = 0; x < extent.w; ++x) *to++ = row[x * kBlock];
    }
  }
}

void to_features(const Input& in, const Extent& extent, float* features, int item) {
  const float* block = in.data + item * in.block;
  float* to = features + static_cast<std::ptrdiff_t>(item) * extent.h * extent.w * extent.batch * kBlock;
  for (int y = 0; y < extent.h; ++y) {
    for (int x = 0; x < extent.w; ++x) {
      for (int n = 0; n < extent.batch; ++n) {
        std::memcpy(to, block + n * in.batch + y * in.row + x * kBlock, kBlock * sizeof(float));
        to += kBlock;
      }
    }
  }
}

void to_planes(const float* features, const Extent& extent, const Output& out, int item) {
  const float* from =
      features + static_cast<std::ptrdiff_t>(item) * extent.h * extent.w * extent.batch * kBlock;
  float* block = out.data + item * out.block;
  for (int y = 0; y < extent.h; ++y) {
    for (int x = 0; x < extent.w; ++x) {
      for (int n = 0; n < extent.batch; ++n) {
        std::memcpy(block + n * out.batch + y * out.row + x * kBlock, from, kBlock * sizeof(float));
        from += kBlock;
      }
    }
  }
  for (int n = 0; n < extent.batch; ++n) zero_border(out, block + n * out.batch, extent.h, extent.w, kBlock);
}

void zero_border(const Output& out, const Extent& extent, int item) {
  float* plane = out.data + item / extent.blocks() * out.batch + item % extent.blocks() * out.block;
  zero_border(out, plane, extent.h, extent.w, kBlock);
}

namespace {

/// Calls visit(index in features, index in rows) for every real element of one block.
template <class Visit>
void for_each_feature(const Extent& extent, int block, Visit visit) {
  const std::ptrdiff_t area = static_cast<std::ptrdiff_t>(extent.h) * extent.w;
  const std::ptrdiff_t columns = extent.channels * area;
  for (std::ptrdiff_t pixel = 0; pixel < area; ++pixel) {
    for (int n = 0; n < extent.batch; ++n) {
      const std::ptrdiff_t feature = ((block * area + pixel) * extent.batch + n) * kBlock;
      for (int lane = 0; lane < lanes(extent, block); ++lane) {
        visit(feature + lane, n * columns + (block * kBlock + lane) * area + pixel);
      }
    }
  }
}

}  // namespace

void from_features(const float* features, const Extent& extent, float* rows, int item) {
  for_each_feature(extent, item, [&](std::ptrdiff_t f, std::ptrdiff_t r) { rows[r] = features[f]; });
}

void rows_to_features(const float* rows, const Extent& extent, float* features, int item) {
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(extent.h) * extent.w * extent.batch * kBlock;
  std::fill_n(features + item * size, size, 0.0F);  // the lanes beyond the last channel
  for_each_feature(extent, item, [&](std::ptrdiff_t f, std::ptrdiff_t r) { features[f] = rows[r]; });
}

}  // namespace ablaze::kernels
