#include <algorithm>
#include <atomic>
#include <bit>
#include <iterator>
#include <optional>

#include <ablaze/error.hpp>

#include "runtime/ablation/channels.hpp"
#include "runtime/ablation/delta_program.hpp"
#include "runtime/ablation/logit_drops.hpp"
#include "runtime/ablation/request.hpp"
#include "threads/threads.hpp"

// The fast algorithm: propagates deltas instead of values. See README.md in this folder.

namespace ablaze::runtime {
namespace {

// The most rows of the last linear layer to multiply in float64 after a pass; for more rows, the layer is
// part of the pass.
constexpr std::int64_t kMostRows = 16;

class DeltaPass {
 public:
  explicit DeltaPass(const AblationRequest& q)
      : q_(q),
        network_(q.trace.network()),
        logits_(logits_of(q.trace, q.image)),
        channels_(q.trace, q.layer, q.image, q.ablation) {
    result_.method = AblationMethod::deltas;
    for (const Score& score : q.scores) {
      result_.scores.push_back(score_of(logits_, score));
      result_.drops.emplace_back(q.sets.size(), 0.0);
    }
    used_.assign(channels_.count(), false);
    for (const std::vector<int>& set : q.sets) {
      for (const int k : set) used_[k] = true;
    }
    classes_ = classes_read(static_cast<std::int64_t>(logits_.size()), q.scores);
    program_ = q.trace.session()->deltas.find(q.layer, classes_.size() <= kMostRows);
    if (program_->route.through_head) head_.emplace(network_, classes_);
  }

  Drops run() {
    if (program_->route.closed_form()) {
      closed_form();
    } else {
      passes();
    }
    return std::move(result_);
  }

 private:
  const Route& route() const { return program_->route; }

  void report(std::int64_t done, std::int64_t total) const {
    if (q_.progress && !q_.progress(done, total)) throw Cancelled();
  }

  /// Calls visit(channel, planes) for every channel that is in some set, on several threads.
  template <class Visit>
  void for_each_channel(Visit visit) const {
    const ChannelLocal local(q_.trace, route(), q_.image);
    constexpr int piece = 8;
    std::atomic<int> next{0};
    threads::run(network_.options.execution, [&](const threads::Member&) {
      Planes planes;
      for (int begin; (begin = next.fetch_add(piece, std::memory_order_relaxed)) < channels_.count();) {
        for (int k = begin; k < std::min(begin + piece, channels_.count()); ++k) {
          if (!used_[k]) continue;
          planes.resize(1);
          planes[0] = channels_.change(k);
          local.follow(k, planes);
          visit(k, planes);
        }
      }
    });
  }

  void set_drops(std::size_t set, std::span<const double> logit_drops) {
    for (std::size_t s = 0; s < q_.scores.size(); ++s)
      result_.drops[s][set] = drop_of_score(logits_, classes_, logit_drops, q_.scores[s]);
  }

  // Closed form: outside the channel-local operators all are linear, so each channel adds to the logits.

  void closed_form() {
    result_.method = AblationMethod::closed_form;
    report(0, 1);
    const std::size_t classes = classes_.size();
    std::vector<std::vector<double>> parts(used_.size());
    for_each_channel([&](int k, const Planes& planes) {
      const std::vector<double>& plane = planes.back();
      if (std::ranges::all_of(plane, [](double v) { return v == 0; })) return;
      std::vector<double>& drops = parts[k];
      drops.assign(classes, 0);
      if (head_) return head_->add_drops(k, plane, drops);
      for (std::size_t c = 0; c < classes;
           ++c) {  // the output is the flattened layer: some classes belong to k
        const std::int64_t at = classes_[c] - k * static_cast<std::int64_t>(plane.size());
        if (at >= 0 && at < static_cast<std::int64_t>(plane.size())) drops[c] -= plane[at];
      }
    });
    std::vector<double> drops(classes);
    for (std::size_t set = 0; set < q_.sets.size(); ++set) {
      std::ranges::fill(drops, 0);
      bool changed = false;
      for (const int k : q_.sets[set]) {
        const std::vector<double>& part = parts[k];
        changed = changed || !part.empty();
        for (std::size_t c = 0; c < part.size(); ++c) drops[c] += part[c];
      }
      if (!changed) continue;
      ++result_.changed;
      set_drops(set, drops);
    }
    report(1, 1);
  }

  // Dense states: one batch of sets per pass.

  /// Writes the program's inputs, and returns which channels have a nonzero delta.
  std::vector<bool> fill_planes(Tensor& planes) const {
    struct Input {
      const Value* value;
      std::size_t local;
    };
    std::vector<Input> inputs;
    for (const auto& [node, id] : program_->code->planes) {
      const auto place = std::ranges::find(route().local, node);
      inputs.push_back({&program_->code->value(id), static_cast<std::size_t>(place - route().local.begin())});
    }
    std::vector<char> changed_channels(used_.size(), 0);
    for_each_channel([&](int k, const Planes& local) {
      for (const Input& input : inputs) {
        const Value& value = *input.value;
        float* to = planes.data() + value.offset + value.origin() + k * value.block();
        const double* from = local[input.local].data();
        for (int y = 0; y < value.extent.h; ++y) {
          for (int x = 0; x < value.extent.w; ++x, ++from) {
            to[y * value.row() + x] = static_cast<float>(*from);
            if (*from != 0) changed_channels[k] = 1;
          }
        }
      }
    });
    return {changed_channels.begin(), changed_channels.end()};
  }

  /// The channels of each image of a pass, and the images of each channel.
  struct Members {
    std::vector<int> first, channels, first_image, images;
  };

  Members members_of(std::span<const std::size_t> sets, const std::vector<bool>& changed_channels) const {
    Members m;
    std::vector<std::vector<int>> images_of(used_.size());
    m.first.push_back(0);
    for (std::size_t i = 0; i < sets.size(); ++i) {
      for (const int k : q_.sets[sets[i]]) {
        if (!changed_channels[k]) continue;
        m.channels.push_back(k);
        images_of[k].push_back(static_cast<int>(i));
      }
      m.first.push_back(static_cast<int>(m.channels.size()));
    }
    m.first_image.push_back(0);
    for (const std::vector<int>& images : images_of) {
      m.images.insert(m.images.end(), images.begin(), images.end());
      m.first_image.push_back(static_cast<int>(m.images.size()));
    }
    return m;
  }

  void passes() {
    const Program& code = *program_->code;
    Tensor planes({static_cast<std::int64_t>(code.plane_floats)});
    const std::vector<bool> changed_channels = fill_planes(planes);
    std::vector<std::size_t> changing;
    for (std::size_t s = 0; s < q_.sets.size(); ++s) {
      if (std::ranges::any_of(q_.sets[s], [&](int k) { return changed_channels[k]; })) changing.push_back(s);
    }
    result_.changed = static_cast<std::int64_t>(changing.size());
    if (changing.empty()) return;

    Tensor arena = Tensor::uninitialised({static_cast<std::int64_t>(code.arena_floats)});
    std::vector<std::uint16_t> columns(code.columns);
    Tensor out = Tensor::uninitialised(network_.shape_for(route().result, program_->batch));
    const Memory memory{arena.data(), q_.trace.arena()};
    const auto total = static_cast<std::int64_t>(changing.size());
    const std::int64_t passes = (total + program_->batch - 1) / program_->batch;
    const std::int64_t batch = (total + passes - 1) / passes;
    for (std::int64_t begin = 0; begin < total; begin += batch) {
      report(begin, total);
      const auto images = static_cast<std::size_t>(std::min(batch, total - begin));
      const std::span<const std::size_t> sets(&changing[begin], images);
      const Members members = members_of(sets, changed_channels);
      DeltaInputs inputs;
      inputs.planes = planes.data();
      inputs.image = q_.image;
      inputs.images = static_cast<int>(images);
      inputs.members = {members.first.data(), members.channels.data()};
      inputs.images_of = {members.first_image.data(), members.images.data()};
      inputs.columns = columns.data();
      network_.bind(code, memory, inputs).run(nullptr);
      read_value(code.value(code.output), memory, out.data(), network_.options.execution);
      read_drops(out, sets);
      count_columns(columns);
    }
    report(total, total);
  }

  void read_drops(const Tensor& out, std::span<const std::size_t> sets) {
    const auto size = static_cast<std::size_t>(out.size() / out.dim(0));
    threads::for_each(network_.options.execution, std::ssize(sets), [&](std::int64_t i) {
      const auto row = out.values().subspan(static_cast<std::size_t>(i) * size, size);
      const std::size_t set = sets[i];
      if (head_) {
        set_drops(set, head_->drops(row));
      } else {
        std::vector<double> drops;
        for (const std::int64_t c : classes_) drops.push_back(-static_cast<double>(row[c]));
        set_drops(set, drops);
      }
    });
  }

  void count_columns(std::span<const std::uint16_t> columns) {
    std::size_t place = 0;
    for (const runtime::Step& step : program_->code->steps) {
      if (step.kind != runtime::Step::Kind::gathered_linear) continue;
      const Value& in = program_->code->value(step.in);
      std::int64_t left = 0;
      for (int block = 0; block < in.blocks(); ++block)
        left += std::popcount(columns[step.columns + static_cast<std::size_t>(block)]);
      if (place == result_.gathered.size())
        result_.gathered.push_back({network_.graph.node(step.first).name,
                                    in.extent.channels * std::int64_t{in.extent.h} * in.extent.w, 0});
      result_.gathered[place].left = std::max(result_.gathered[place].left, left);
      ++place;
    }
  }

  const AblationRequest& q_;
  const CompiledNetwork& network_;
  std::vector<double> logits_;
  std::vector<std::int64_t> classes_;  // read by some score
  Channels channels_;
  std::vector<bool> used_;  // channels that are in some set
  std::shared_ptr<const DeltaProgram> program_;
  std::optional<HeadRows> head_;
  Drops result_;
};

}  // namespace

Drops ablate_by_deltas(const AblationRequest& question) { return DeltaPass(question).run(); }

}  // namespace ablaze::runtime
