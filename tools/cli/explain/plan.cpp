#include "cli/explain/plan.hpp"

#include <set>
#include <string>
#include <vector>

#include <ablaze/model.hpp>
#include <ablaze/session.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/shell/batch.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/progress_bar.hpp"
#include "cli/shell/terminal.hpp"
#include "explain/options.hpp"
#include "explain/session_cache.hpp"

namespace ablaze::cli {

namespace {

std::string mebibytes(std::uint64_t bytes) {
  return fixed(static_cast<double>(bytes) / (1 << 20), 1) + " MiB";
}

std::string counted(std::int64_t multiply_adds) { return short_number(static_cast<double>(multiply_adds)); }

/// "rerunning the tail    x 7.29    63.3 G"
void add_total(Table& table, const AblationPlan& plan, const char* what, std::int64_t count) {
  const double ratio =
      plan.multiply_adds > 0 ? static_cast<double>(count) / static_cast<double>(plan.multiply_adds) : 0;
  const std::string times = ratio < 100 ? fixed(ratio, 2) : short_number(ratio);
  table.add({what, "", ratio > 0 ? "x " + times : "", counted(count)});
}

std::string as_text(const Style& style, const Shape& input, const AblationPlan& plan) {
  Table table({{"step"}, {"how"}, {"operation"}, {"multiply-adds", Table::Align::right}});
  for (const AblationStep& step : plan.steps)
    table.add({step.name, to_string(step.kind), step.operation,
               step.multiply_adds > 0 ? counted(step.multiply_adds) : ""});
  table.rule();
  add_total(table, plan, "this plan", plan.multiply_adds);
  add_total(table, plan, "rerunning the tail", plan.rerun_tail);
  add_total(table, plan, "rerunning the network", plan.rerun_network);
  std::string text = bold(style, base::printable(plan.layer)) + " " + to_string(plan.layer_shape) +
                     " of an input of " + to_string(input) + ": " + to_string(plan.method) + ", all " +
                     grouped(plan.layer_shape.at(0)) + " channels\n\n" + table.text(style);
  if (plan.batch > 0) {
    text += "\n  " + grouped(plan.batch) + " channels per pass, " + mebibytes(plan.bytes) + " of memory, " +
            mebibytes(plan.packed_bytes) + " of packed weights in addition to the network's\n";
  }
  return text + "\n";
}

Json as_json(const Shape& input, const AblationPlan& plan) {
  Json steps = Json::array();
  for (const AblationStep& step : plan.steps) {
    steps.push_back({{"name", step.name},
                     {"kind", to_string(step.kind)},
                     {"operation", step.operation},
                     {"multiply_adds", step.multiply_adds}});
  }
  return {{"input_shape", input},
          {"layer", plan.layer},
          {"layer_shape", plan.layer_shape},
          {"method", to_string(plan.method)},
          {"steps", steps},
          {"multiply_adds",
           {{"plan", plan.multiply_adds}, {"tail", plan.rerun_tail}, {"network", plan.rerun_network}}},
          {"batch", plan.batch},
          {"bytes", plan.bytes},
          {"packed_bytes", plan.packed_bytes}};
}

class PlanRun {
 public:
  explicit PlanRun(const ExplainTask& task)
      : task_(task),
        found_(find_inputs(task.inputs, std::vector{task.out, task.steps})),
        model_(explain::at_size(open_model(task.model), task.options.size)),
        bar_(found_.inputs.size(), true) {}

  int run() {
    return work_through(found_, bar_, [this](std::size_t input) { plan(input); });
  }

 private:
  void plan(std::size_t input) {
    const Picture picture = load_picture(found_.inputs[input].file);
    const Shape usual = model_.input_shape();
    const Shape shape = picture.tensor ? explain::as_single_input(*picture.tensor, usual[1]).shape() : usual;
    if (!planned_.insert(shape).second) return;
    SessionOptions options;
    options.input = shape;
    options.keep = layers();
    options.execution = task_.options.execution;
    const Session session(model_.graph, options);
    for (const std::string& layer : options.keep) {
      AblationPlan made = session.plan_ablation(layer);
      made.layer = layer;
      if (task_.json) {
        print_json(as_json(shape, made));
      } else {
        print(as_text(style_of(1), shape, made));
      }
    }
  }

  std::vector<std::string> layers() const {
    if (!task_.options.fuse.empty()) return task_.options.fuse;
    return {task_.options.layer.empty() ? model_.default_layer : task_.options.layer};
  }

  const ExplainTask& task_;
  FoundInputs found_;
  Model model_;
  ProgressBar bar_;
  std::set<Shape> planned_;
};

}  // namespace

int run_plan(const ExplainTask& task) { return PlanRun(task).run(); }

}  // namespace ablaze::cli
