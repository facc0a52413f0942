#include "cli/evaluate/run.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ablaze/error.hpp>
#include <ablaze/image.hpp>

#include "base/folders.hpp"
#include "base/text.hpp"
#include "cli/evaluate/report.hpp"
#include "cli/evaluate/team.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/inputs.hpp"
#include "cli/shell/network.hpp"
#include "cli/shell/output.hpp"
#include "cli/shell/progress_bar.hpp"
#include "evaluate/dataset/dataset.hpp"
#include "evaluate/report/summary.hpp"
#include "evaluate/run/results.hpp"
#include "models/class_names.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostFailuresPrinted = 20;
constexpr std::size_t kMostNotesPrinted = 20;

/// Tells files that are no list of photos from those that are, by their names.
void require_list(const fs::path& file) {
  const std::string ending = base::lower(file.extension().string());
  const std::string name = base::printable(file.string(), 400);
  if (ending == ".json" || ending == ".yaml" || ending == ".yml" || ending == ".xml") {
    throw Error(
        name +
        ": expected a folder of photos or a list of them (CSV); give the photos, and this file as --boxes");
  }
  constexpr std::array pictures{".jpg", ".jpeg", ".jfif", ".png",  ".gif", ".webp",
                                ".bmp", ".tif",  ".tiff", ".heic", ".avif"};
  if (std::ranges::find(pictures, ending) != pictures.end())
    Image::load(file);  // its error says what the file is
  if (ending == ".npy") throw Error(name + ": expected photos; boxes and metrics need a photo, not a tensor");
}

/// A folder's photos, one photo, or a CSV file's.
evaluate::Dataset read_photos(const EvaluateTask& task, const Model& model) {
  if (is_photo(task.photos)) {
    const fs::path file = task.photos;
    return {{{file.filename().generic_string(), file, std::nullopt, {}, {}}}, {}};
  }
  if (!base::is_folder(task.photos)) {
    require_list(task.photos);
    return evaluate::read_csv(task.photos, model);
  }
  const std::vector<std::string> words{task.photos};
  const FoundInputs found = find_inputs(words, std::span(&task.out, 1));
  if (!found.failures.empty()) throw Error(found.failures.front());
  std::vector<fs::path> files;
  for (const Input& input : found.inputs) {
    if (base::lower(input.file.extension().string()) != ".npy") files.push_back(input.file);
  }
  if (files.empty()) throw Error(task.photos + ": expected images (JPEG or PNG) in this folder, found none");
  return evaluate::read_folder(files, task.photos, model);
}

void require_labels(const evaluate::Dataset& dataset) {
  const auto without = std::count_if(dataset.photos.begin(), dataset.photos.end(),
                                     [](const evaluate::DatasetPhoto& photo) { return !photo.label; });
  if (without == 0) return;
  throw UsageError("--of-label needs a label for each photo, but " + std::to_string(without) + " of " +
                   std::to_string(dataset.photos.size()) +
                   " have none: put them in folders with the classes' names, or list them in a CSV file");
}

/// A metric that needs boxes has no value where no photo has one.
void require_boxes(const EvaluateTask& task, evaluate::Dataset& dataset) {
  const auto without = static_cast<std::size_t>(std::ranges::count_if(
      dataset.photos, [](const evaluate::DatasetPhoto& photo) { return photo.boxes.empty(); }));
  for (const MetricInfo& metric : metrics()) {
    const bool wanted = std::ranges::find(task.evaluate.metrics, metric.id) != task.evaluate.metrics.end();
    if (!wanted || !metric.needs_boxes || without == 0) continue;
    if (without == dataset.photos.size()) {
      throw UsageError("the metric " + metric.id +
                       " needs boxes, and no photo has one: give annotations with --boxes, or columns of "
                       "boxes in the CSV file");
    }
    dataset.remarks.push_back(std::to_string(without) + " of " + std::to_string(dataset.photos.size()) +
                              " photos have no box, and no value of " + metric.id);
  }
}

evaluate::Dataset read_dataset(const EvaluateTask& task, const Model& model) {
  evaluate::Dataset dataset = read_photos(task, model);
  if (!task.boxes.empty()) evaluate::add_boxes(dataset, task.boxes, model);
  require_boxes(task, dataset);
  if (task.evaluate.of_label) require_labels(dataset);
  return dataset;
}

/// The message with the photo's path replaced by its name in the data set: results do not depend on the data
/// set's location.
std::string without_folder(std::string message, const evaluate::DatasetPhoto& photo) {
  const std::string file = photo.file.string();
  const auto at = message.find(file);
  if (at != std::string::npos) message.replace(at, file.size(), photo.path);
  return message;
}

/// Rejects a method that cannot explain this network: it would fail on every photo.
void require_fitting_methods(const Model& model, const ExplainOptions& options) {
  if (!options.fuse.empty()) return;  // costs are known for one layer only
  for (const MethodCost& cost : method_costs(model, options)) {
    if (cost.fits ||
        std::find(options.methods.begin(), options.methods.end(), cost.id) == options.methods.end()) {
      continue;
    }
    throw UsageError("method " + cost.id +
                     " cannot explain this layer of this network; remove it ('ablaze methods --model FILE' "
                     "lists the methods that can)");
  }
}

Model open_evaluated(const EvaluateTask& task) {
  Model model = open_model(task.model);
  if (!task.synsets.empty()) models::take_synsets(models::read_class_names(task.synsets), model);
  return model;
}

class EvaluateRun {
 public:
  explicit EvaluateRun(const EvaluateTask& task)
      : task_(task),
        model_(open_evaluated(task)),
        dataset_(read_dataset(task, model_)),
        evaluator_(model_, task.explain, task.evaluate),
        team_(join_team()) {
    require_fitting_methods(model_, task.explain);
  }

  int run() {
    if (!team_->leads()) {
      team_->share({}, [this](std::size_t photo) { return measure(photo, {}); }, {});
      say_notes();
      return all_done;
    }
    measure_all();
    return summarise_run(task_.out, task_.json, task_.quiet);
  }

 private:
  void measure_all() {
    evaluate::RunFolder folder(task_.out, evaluate::make_manifest(model_, task_.explain, evaluator_.options(),
                                                                  dataset_, task_.shard));
    const std::vector<std::size_t> open = folder.open_photos();
    say_remarks(folder, open.size());
    ProgressBar bar(open.size(), task_.quiet);
    // Progress within a photo is known for this process only; the bar shows it only if there is no other.
    const Progress within = team_->size() == 1 ? bar.within() : Progress();
    std::size_t done = 0;
    bar.begin(done);
    team_->share(
        open, [&](std::size_t photo) { return measure(photo, within); },
        [&](std::string_view lines) {
          folder.append(lines);
          bar.begin(++done);
        });
    bar.clear();
    say_notes();
    folder.finish();
  }

  void say_remarks(const evaluate::RunFolder& folder, std::size_t open) const {
    if (task_.quiet) return;
    std::vector<std::string> remarks = dataset_.remarks;
    if (folder.dropped_bytes() > 0)
      remarks.emplace_back("the last run stopped within a photo; measuring that photo again");
    const std::size_t all = task_.shard.share_of(dataset_.photos.size());
    if (open < all) {
      remarks.push_back(std::to_string(all - open) + " of " + std::to_string(all) +
                        " photos are already measured; resuming");
    }
    for (const std::string& remark : remarks) print_remark(remark);
  }

  void say_notes() const {
    if (task_.quiet) return;
    std::size_t printed = 0;
    for (const std::string& note : notes_) {
      if (++printed > kMostNotesPrinted) break;
      print_remark(note);
    }
    if (notes_.size() > kMostNotesPrinted)
      print_remark("and " + std::to_string(notes_.size() - kMostNotesPrinted) + " more notes on photos");
  }

  std::string measure(std::size_t index, const Progress& progress) {
    const evaluate::DatasetPhoto& photo = dataset_.photos[index];
    evaluate::PhotoResult result{index, photo.path, -1, {}, {}, {}};
    try {
      std::vector<std::string> notes;
      const Image image = Image::load(photo.file, &notes);
      for (const std::string& note : notes) notes_.insert(base::printable(photo.path + ": " + note, 400));
      const auto boxes = evaluate::boxes_on(photo, image.width(), image.height());
      PhotoMeasurements measured = evaluator_.measure(image, photo.label, boxes, progress);
      result.measurements = std::move(measured.measurements);
      result.target = measured.target.index;
      result.label = std::move(measured.target.label);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      result.error = without_folder(error.what(), photo);
    } catch (const std::bad_alloc&) {
      result.error = "not enough memory for this photo";
    }
    return evaluate::to_lines(result);
  }

  const EvaluateTask& task_;
  Model model_;
  evaluate::Dataset dataset_;
  Evaluator evaluator_;
  std::unique_ptr<Team> team_;
  std::set<std::string> notes_;  // on the photos that this process measured, perhaps for several classes
};

int report_failed(const evaluate::Summary& summary) {
  for (std::size_t i = 0; i < summary.failed.size() && i < kMostFailuresPrinted; ++i) {
    print_error(naming(summary.failed[i].path, base::printable(summary.failed[i].error, 1000)));
  }
  if (summary.failed.empty()) return all_done;
  print_error(std::to_string(summary.failed.size()) + " of " +
              std::to_string(summary.failed.size() + summary.photos) +
              " photos failed; the others are done. Run the same command again to retry the failed ones");
  return something_failed;
}

}  // namespace

int run_evaluate(const EvaluateTask& task) { return EvaluateRun(task).run(); }

int summarise_run(const fs::path& folder, bool json, bool quiet) {
  const evaluate::Summary summary = evaluate::summarise(folder);
  evaluate::write_summary(folder, summary);
  report_summary(summary, json);
  if (!json && !quiet) {
    print(shown(folder / "summary.md") +
          ": these numbers as a page; summary.json, summary.csv and the figures are in the same folder\n");
  }
  return report_failed(summary);
}

}  // namespace ablaze::cli
