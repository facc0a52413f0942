#include "ablaze/explain_run.hpp"
#include "base/stopwatch.hpp"

#include <string_view>
#include <utility>

#include "ablaze/batch.hpp"
#include "ablaze/explain_report.hpp"
#include "ablaze/inputs.hpp"
#include "ablaze/names.hpp"
#include "ablaze/network.hpp"
#include "ablaze/output.hpp"
#include "ablaze/progress_bar.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

/// The picture that the overlays are drawn on, and where on it the network looked.
struct Canvas {
  Image photo;
  CropBox seen;
};

Canvas canvas_of(const Picture& picture, const Model& model) {
  if (!picture.tensor) {
    return {picture.photo, crop_box(picture.photo.width(), picture.photo.height(), model.preprocess)};
  }
  Image image = denormalise(*picture.tensor, model.preprocess);
  const CropBox all{0, 0, static_cast<double>(image.width()), static_cast<double>(image.height())};
  return {std::move(image), all};
}

fs::path with_suffix(fs::path prefix, std::string_view suffix) {
  prefix += suffix;
  return prefix;
}

class ExplainRun {
 public:
  explicit ExplainRun(const ExplainTask& task)
      : task_(task),
        found_(find_inputs(task.inputs, task.out)),
        prefixes_(output_prefixes(found_.inputs, task.out)),
        explainer_(open_model(task.model), task.options),
        class_names_(explainer_.model()),
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
    const Canvas canvas = canvas_of(picture, explainer_.model());

    std::vector<WrittenFiles> files;
    for (Explanation& explanation : explanations) {
      explanation.milliseconds.load += milliseconds;
      const base::Stopwatch render;
      files.push_back(write(prefixes_[input], canvas, explanation));
      explanation.milliseconds.render = render.milliseconds();
    }
    bar_.make_room();
    report(found_.inputs[input].file, explanations, files);
  }

  WrittenFiles write(const fs::path& prefix, const Canvas& canvas, const Explanation& explanation) const {
    const std::string name = "." + explanation.method + "." + class_names_.of(explanation.target.index);
    WrittenFiles files{with_suffix(prefix, name + ".png"), {}};
    make_folder_of(files.overlay);
    overlay(canvas.photo, explanation.map, canvas.seen, task_.overlay).save_png(files.overlay);
    if (task_.save_map) {
      files.map = with_suffix(prefix, name + ".npy");
      formats::write_npy(files.map, explanation.map);
    }
    return files;
  }

  void report(const fs::path& input, const std::vector<Explanation>& explanations,
              const std::vector<WrittenFiles>& files) const {
    if (task_.json) {
      for (std::size_t i = 0; i < files.size(); ++i) {
        print_json(explanation_as_json(explainer_.model(), input, explanations[i], files[i]));
      }
    } else if (task_.quiet) {
      for (const WrittenFiles& some : files) print(paths_as_text(some));
    } else {
      print(explanations_as_text(style_, input, explanations, files));
    }
  }

  const ExplainTask& task_;
  FoundInputs found_;
  std::vector<fs::path> prefixes_;
  Explainer explainer_;
  ClassNames class_names_;
  ProgressBar bar_;
  Style style_ = style_of(1);
};

}  // namespace

int run_explain(const ExplainTask& task) { return ExplainRun(task).run(); }

}  // namespace ablaze::cli
