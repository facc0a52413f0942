#include <algorithm>
#include <array>

#include "cam/methods/methods.hpp"

namespace ablaze::cam {

namespace {

constexpr std::array kAllMethods{&ablation_cam,
                                 &class_activation_map,
                                 &gradcam,
                                 &gradcam_plus_plus,
                                 &xgradcam,
                                 &hirescam,
                                 &gradcam_elementwise,
                                 &layercam,
                                 &eigencam,
                                 &eigengradcam,
                                 &scorecam,
                                 &reciprocam,
                                 &shapleycam,
                                 &finercam,
                                 &integrated_gradients,
                                 &shapley,
                                 &random_cam};

}  // namespace

std::span<const Method* const> methods() { return kAllMethods; }

const Method* find_method(std::string_view id) {
  const auto found =
      std::find_if(kAllMethods.begin(), kAllMethods.end(), [id](const Method* m) { return m->id == id; });
  return found == kAllMethods.end() ? nullptr : *found;
}

}  // namespace ablaze::cam

namespace ablaze {

namespace {

std::vector<MethodInfo> list_methods() {
  std::vector<MethodInfo> list;
  for (const cam::Method* m : cam::methods()) {
    list.push_back({.id = std::string(m->id),
                    .name = std::string(m->name),
                    .summary = std::string(m->summary),
                    .paper = std::string(m->paper),
                    .passes = std::string(m->passes),
                    .needs_gradients = m->needs_gradients,
                    .class_discriminative = m->class_discriminative});
  }
  return list;
}

}  // namespace

std::span<const MethodInfo> methods() {
  static const std::vector<MethodInfo> list = list_methods();
  return list;
}

}  // namespace ablaze
