#include <array>
#include <random>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"
#include "kernels/layout.hpp"
#include "kernels/reference_backward.hpp"
#include "support/isas.hpp"
#include "support/reference_run.hpp"

// The backward kernels that are not convolutions, against plain loops in float64, on every instruction set
// and on plain vectors of every width.

namespace ablaze::kernels {
extern const KernelTable table_plain_1, table_plain_4, table_plain_16;
}

using namespace ablaze;
using namespace ablaze::kernels;
using ablaze::testing::relative_error;
using ablaze::testing::Values;
using reference::Extent4;

namespace {

std::vector<const KernelTable*> all_tables() {
  std::vector<const KernelTable*> tables{&table_plain_1, &table_plain_4, &table_plain_16};
  for (const Isa isa : testing::available_isas()) tables.push_back(&kernel_table(isa));
  return tables;
}

/// nc16 with garbage in its border, which kernels that write it must zero.
struct Blocked {
  Extent extent;
  int border;
  std::vector<float> floats;

  Blocked(const Extent& e, int b)
      : extent(e), border(b), floats(static_cast<std::size_t>(e.batch * batch()), 7.0F) {}
  Blocked(const Extent& e, int b, const Values& nchw) : Blocked(e, b) {
    const std::vector<float> row_major(nchw.begin(), nchw.end());
    for (int item = 0; item < e.batch * e.blocks(); ++item) to_blocked(row_major.data(), e, output(), item);
  }
  std::ptrdiff_t row() const { return (extent.w + 2 * border) * kBlock; }
  std::ptrdiff_t block() const { return row() * (extent.h + 2 * border); }
  std::ptrdiff_t batch() const { return block() * extent.blocks(); }
  std::ptrdiff_t origin() const { return border * row() + border * kBlock; }
  Input input() const { return {floats.data() + origin(), batch(), block(), row()}; }
  Output output() { return {floats.data() + origin(), batch(), block(), row(), border, border}; }
  Base base(bool gates) const { return {floats.data() + origin(), block(), row(), kBlock, batch(), gates}; }
  Values values() const {
    std::vector<float> nchw(extent.batch * extent.channels * extent.h * extent.w);
    for (int item = 0; item < extent.batch * extent.blocks(); ++item)
      from_blocked(input(), extent, nchw.data(), item);
    return {nchw.begin(), nchw.end()};
  }
  /// The sum of all values, including the border and the lanes beyond the last channel.
  double sum() const {
    double sum = 0;
    for (const float v : floats) sum += v;
    return sum;
  }
};

class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  Values normal(std::int64_t count) {
    std::normal_distribution<float> normal;
    Values values(static_cast<std::size_t>(count));
    for (double& v : values) v = normal(random_);
    return values;
  }
  /// Few distinct values, so that windows have ties.
  Values coarse(std::int64_t count) {
    Values values(static_cast<std::size_t>(count));
    for (double& v : values) v = pick(-2, 2);
    return values;
  }

 private:
  std::mt19937 random_;
};

Extent4 extent4(const Extent& e) { return {e.batch, e.channels, e.h, e.w}; }

/// A pool with a random window over random planes, and a gradient of its output.
struct PoolCase {
  PoolBackward pull;
  Extent in, out;  // of the pool
  Values x, g;
  reference::Window window;

  PoolCase(Random& random, bool dilates) {
    in = {random.pick(1, 3), random.pick(1, 35), random.pick(4, 13), random.pick(4, 13)};
    const int dilation = dilates ? random.pick(1, 2) : 1;
    const int kernel_h = random.pick(1, 3 - (dilation - 1)), kernel_w = random.pick(1, 3 - (dilation - 1));
    const auto zeros = [&](int kernel) { return random.pick(0, dilation == 1 ? kernel - 1 : kernel / 2); };
    window = {kernel_h,        kernel_w, random.pick(1, 4), random.pick(1, 4), zeros(kernel_h),
              zeros(kernel_w), dilation, dilation,          zeros(kernel_h),   zeros(kernel_w)};
    out = {
        in.batch, in.channels,
        outputs(in.h, window.kernel_h, window.stride_h, window.padding_h + window.padding_below, dilation),
        outputs(in.w, window.kernel_w, window.stride_w, window.padding_w + window.padding_right, dilation)};
    // A window that extends beyond the end, as with ceil_mode.
    if (dilation == 1 && random.pick(0, 1) == 1 && out.h * window.stride_h < in.h + window.padding_h) ++out.h;
    fill(random);
  }
  PoolCase(Random& random, int out_h, int out_w) {
    in = {random.pick(1, 3), random.pick(1, 35), random.pick(1, 13), random.pick(1, 13)};
    out = {in.batch, in.channels, out_h, out_w};
    fill(random);
  }

  static int outputs(int extent, int kernel, int stride, int padding, int dilation) {
    return (extent + padding - dilation * (kernel - 1) - 1) / stride + 1;
  }

  void fill(Random& random) {
    x = random.coarse(extent4(in).size());
    g = random.normal(extent4(out).size());
    pull.batch = in.batch, pull.blocks = in.blocks();
    pull.in_h = out.h, pull.in_w = out.w, pull.out_h = in.h, pull.out_w = in.w;
    pull.kernel_h = window.kernel_h, pull.kernel_w = window.kernel_w;
    pull.stride_h = window.stride_h, pull.stride_w = window.stride_w;
    pull.padding_h = window.padding_h, pull.padding_w = window.padding_w;
    pull.padding_below = window.below(), pull.padding_right = window.right();
    pull.dilation_h = window.dilation_h, pull.dilation_w = window.dilation_w;
  }

  /// Runs a kernel of every table and compares the results with the expected ones.
  void check(void (*KernelTable::*kernel)(const PoolBackward&, int), const Values& expected,
             bool gates) const {
    const Blocked gradient(out, 1, g), before(in, 2, x);
    for (const KernelTable* table : all_tables()) {
      Blocked back(in, 1);
      PoolBackward task = pull;
      task.in = gradient.input();
      task.base = before.base(gates);
      task.out = back.output();
      for (int item = 0; item < task.batch * task.blocks; ++item) (table->*kernel)(task, item);
      const Values found = back.values();
      double sum = 0;
      for (const double v : found) sum += v;
      CAPTURE(table->name);
      CHECK(relative_error(found, expected) < 1e-6);
      CHECK(std::abs(back.sum() - sum) < 1e-3);
    }
  }
};

}  // namespace

TEST_CASE("a max-pool's gradient goes to the first of the largest values") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    const PoolCase pool(random, true);
    Values expected = reference::max_pool_backward<double>(pool.g, pool.x, extent4(pool.in),
                                                           extent4(pool.out), pool.window);
    pool.check(&KernelTable::max_pool_backward, expected, false);
    // The same if the pool reads a ReLU's output.
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = pool.x[i] > 0 ? expected[i] : 0;
    pool.check(&KernelTable::max_pool_backward, expected, true);
  }
}

TEST_CASE("an average pool's gradient goes to all of its window") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    PoolCase pool(random, false);
    for (const bool count_include_pad : {true, false}) {
      pool.pull.count_include_pad = count_include_pad;
      const Values expected = reference::average_pool_backward<double>(
          pool.g, extent4(pool.in), extent4(pool.out), pool.window, count_include_pad);
      pool.check(&KernelTable::average_pool_backward, expected, false);
    }
  }
}

TEST_CASE("an adaptive average pool's gradient goes to all of its window, also where windows share values") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    const PoolCase pool(random, random.pick(1, 9), random.pick(1, 9));
    const Values expected =
        reference::adaptive_average_pool_backward<double>(pool.g, extent4(pool.in), extent4(pool.out));
    pool.check(&KernelTable::adaptive_average_pool_backward, expected, false);
  }
}

TEST_CASE("a linear layer's gradient goes back by the weights as they are packed") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    const int features = random.pick(1, 300), outputs = random.pick(1, 90), images = random.pick(1, 9);
    const Values weight = random.normal(std::int64_t{outputs} * features);
    const Values g = random.normal(std::int64_t{images} * outputs),
                 x = random.coarse(std::int64_t{images} * features);
    Values expected = reference::linear_backward<double>(g, weight, images, features, outputs);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = x[i] > 0 ? expected[i] : 0;

    const Extent in{images, features, 1, 1}, out{images, outputs, 1, 1};
    const auto as_features = [](const Values& rows, const Extent& e) {
      const std::vector<float> floats(rows.begin(), rows.end());
      std::vector<float> to(e.blocks() * e.batch * kBlock);
      for (int item = 0; item < e.blocks(); ++item) rows_to_features(floats.data(), e, to.data(), item);
      return to;
    };
    const std::vector<float> gradient = as_features(g, out), before = as_features(x, in);
    for (const KernelTable* table : all_tables()) {
      std::vector<OutGroup> groups;
      std::vector<float> packed;
      for (int first = 0; first < out.blocks();) {
        const int blocks = std::min(table->out_blocks_per_tile, out.blocks() - first);
        groups.push_back({first, blocks, 0, in.blocks(), static_cast<std::ptrdiff_t>(packed.size())});
        for (int i = 0; i < in.blocks() * kBlock; ++i) {
          for (int o = first * kBlock; o < (first + blocks) * kBlock; ++o) {
            const bool real = i < features && o < outputs;
            packed.push_back(real ? static_cast<float>(weight[o * features + i]) : 0);
          }
        }
        first += blocks;
      }
      std::vector<float> back(before.size(), 7.0F);
      LinearBackward task;
      task.in = {gradient.data(), 0, images * kBlock, images * kBlock};
      task.base = {before.data(), images * kBlock, 0, kBlock, 0, true};
      task.out.data = back.data();
      task.out.block = images * kBlock;
      task.batch = images;
      task.weights = packed.data();
      task.groups = groups.data();
      task.group_count = static_cast<int>(groups.size());
      task.blocks = in.blocks();
      for (int item = 0; item * kBackwardBlocks < in.blocks(); ++item) table->linear_backward(task, item);
      std::vector<float> rows(expected.size());
      for (int item = 0; item < in.blocks(); ++item) from_features(back.data(), in, rows.data(), item);
      CAPTURE(table->name);
      CHECK(relative_error(rows, expected) < 1e-6);
    }
  }
}
