#include "cli/explain/run.hpp"

#include <vector>

#include "base/json.hpp"
#include "base/stopwatch.hpp"
#include "cli/explain/files.hpp"
#include "cli/explain/report.hpp"
#include "cli/shell/batch.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/progress_bar.hpp"

namespace ablaze::cli {

namespace {

class ExplainRun {
 public:
  explicit ExplainRun(const ExplainTask& task)
      : task_(task),
        found_(find_inputs(task.inputs, std::vector{task.out, task.steps})),
        explainer_(open_model(task.model), task.options),
        files_(task, explainer_.model(), found_.inputs),
        bar_(found_.inputs.size(), task.quiet) {}

  int run() {
    return work_through(found_, bar_, [this](std::size_t input) { explain(input); });
  }

 private:
  void explain(std::size_t input) {
    const base::Stopwatch load;
    const Picture picture = load_picture(found_.inputs[input].file);
    const double milliseconds = load.milliseconds();
    auto explanations = picture.tensor ? explainer_.explain(*picture.tensor, bar_.within())
                                       : explainer_.explain(picture.photo, bar_.within());
    for (Explanation& explanation : explanations) explanation.milliseconds.load += milliseconds;
    const auto written = files_.write(input, picture, explanations);
    bar_.make_room();
    report(found_.inputs[input].file, picture, explanations, written);
  }

  void report(const std::filesystem::path& input, const Picture& picture,
              const std::vector<Explanation>& explanations, const std::vector<Written>& written) const {
    if (!task_.quiet) print_notes(input, picture);
    if (task_.json) {
      for (std::size_t i = 0; i < written.size(); ++i)
        print_json(explanation_as_json(explainer_.model(), input, picture, explanations[i], written[i],
                                       task_.style));
    } else if (task_.quiet) {
      for (const Written& some : written) print(paths_as_text(some.files));
      print(sheet_as_text(written));
    } else {
      print(explanations_as_text(style_, input, explanations, written));
    }
  }

  const ExplainTask& task_;
  FoundInputs found_;
  Explainer explainer_;
  ExplanationFiles files_;
  ProgressBar bar_;
  Style style_ = style_of(1);
};

}  // namespace

int run_explain(const ExplainTask& task) { return ExplainRun(task).run(); }

}  // namespace ablaze::cli
