#include "evaluate/metrics.hpp"

#include <algorithm>

#include <ablaze/error.hpp>

#include "base/text.hpp"

namespace ablaze {
namespace {

const std::string grad_cam_plus_plus =
    "A. Chattopadhay, A. Sarkar, P. Howlader and V. N. Balasubramanian, Grad-CAM++: Generalized "
    "Gradient-Based Visual Explanations for Deep Convolutional Networks, WACV 2018";
const std::string opti_cam =
    "H. Zhang, F. Torres, R. Sicre, Y. Avrithis and S. Ayache, Opti-CAM: Optimizing saliency maps for "
    "interpretability, Computer Vision and Image Understanding, 2024";
const std::string rise =
    "V. Petsiuk, A. Das and K. Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, "
    "BMVC 2018";
const std::string poppi =
    "S. Poppi, M. Cornia, L. Baraldi and R. Cucchiara, Revisiting The Evaluation of Class Activation Mapping "
    "for Explainability: A Novel Metric and Experimental Analysis, CVPR Workshops 2021";
const std::string score_cam =
    "H. Wang, Z. Wang, M. Du, F. Yang, Z. Zhang, S. Ding, P. Mardziel and X. Hu, Score-CAM: Score-Weighted "
    "Visual Explanations for Convolutional Neural Networks, CVPR Workshops 2020";
const std::string excitation_backprop =
    "J. Zhang, S. A. Bargal, Z. Lin, J. Brandt, X. Shen and S. Sclaroff, Top-Down Neural Attention by "
    "Excitation Backprop, International Journal of Computer Vision, 2018";
const std::string sanity_checks =
    "J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt and B. Kim, Sanity Checks for Saliency Maps, "
    "NeurIPS 2018";

std::vector<MetricInfo> list_metrics() {
  return {
      {.id = "average-drop",
       .name = "Average Drop",
       .summary = "The relative drop of the class's probability when the map masks the photo.",
       .paper = grad_cam_plus_plus,
       .unit = "%",
       .higher_is_better = false,
       .needs_probabilities = true},
      {.id = "increase",
       .name = "Increase in Confidence",
       .summary = "The share of photos whose class is more probable in the masked photo.",
       .paper = grad_cam_plus_plus,
       .unit = "%",
       .needs_probabilities = true},
      {.id = "average-gain",
       .name = "Average Gain",
       .summary = "The gain of the class's probability by masking, relative to its distance from 1.",
       .paper = opti_cam,
       .unit = "%",
       .needs_probabilities = true},
      {.id = "insertion",
       .name = "Insertion",
       .summary = "The area under the class's probability as pixels are inserted, the map's highest first.",
       .paper = rise,
       .unit = "",
       .needs_probabilities = true},
      {.id = "deletion",
       .name = "Deletion",
       .summary = "The area under the class's probability as pixels are deleted, the map's highest first.",
       .paper = rise,
       .unit = "",
       .higher_is_better = false,
       .needs_probabilities = true},
      {.id = "adcc",
       .name = "ADCC",
       .summary = "The harmonic mean of coherency, 1 - complexity and 1 - average drop.",
       .paper = poppi,
       .unit = "",
       .needs_probabilities = true},
      {.id = "coherency",
       .name = "Coherency",
       .summary = "The correlation of the masked photo's map with the photo's map, scaled to [0, 1].",
       .paper = poppi,
       .unit = ""},
      {.id = "complexity",
       .name = "Complexity",
       .summary = "The mean value of the map, scaled to [0, 1].",
       .paper = poppi,
       .unit = "",
       .higher_is_better = false},
      {.id = "pointing-game",
       .name = "Pointing game",
       .summary = "The share of photos whose map has its highest pixel on the object.",
       .paper = excitation_backprop,
       .unit = "%",
       .needs_boxes = true},
      {.id = "energy-pointing-game",
       .name = "Energy-based pointing game",
       .summary = "The share of the map's sum on the object.",
       .paper = score_cam,
       .unit = "%",
       .needs_boxes = true},
      {.id = "randomization",
       .name = "Model randomization",
       .summary = "The rank correlation of the map with the maps of networks with randomized weights.",
       .paper = sanity_checks,
       .unit = "",
       .higher_is_better = false},
  };
}

}  // namespace

std::span<const MetricInfo> metrics() {
  static const std::vector<MetricInfo> list = list_metrics();
  return list;
}

namespace evaluate {

const MetricInfo& info_of(Metric metric) { return metrics()[static_cast<std::size_t>(metric)]; }

std::vector<Metric> metrics_named(std::span<const std::string> ids) {
  std::vector<Metric> chosen;
  for (const std::string& id : ids) {
    const auto known = metrics();
    const auto found = std::ranges::find(known, id, &MetricInfo::id);
    if (found == known.end()) {
      std::vector<std::string> names;
      for (const MetricInfo& info : known) names.push_back(info.id);
      throw UsageError("no metric \"" + base::printable(id) + "\"" + base::did_you_mean(id, names) +
                       ": the metrics are " + base::join(names));
    }
    const auto metric = static_cast<Metric>(found - known.begin());
    if (std::ranges::find(chosen, metric) == chosen.end()) chosen.push_back(metric);
  }
  return chosen;
}

}  // namespace evaluate
}  // namespace ablaze
