#pragma once

#include "cam/method.hpp"

// One line per method. A new method needs its own file, and a line each here, in registry.cpp and in
// cam/CMakeLists.txt.
namespace ablaze::cam {

extern const Method ablation_cam;          // ablation.cpp
extern const Method class_activation_map;  // class_activation.cpp
extern const Method gradcam;               // gradcam.cpp
extern const Method gradcam_plus_plus;     // gradcam_plus_plus.cpp
extern const Method xgradcam;              // xgradcam.cpp
extern const Method hirescam;              // hirescam.cpp
extern const Method gradcam_elementwise;   // gradcam_elementwise.cpp
extern const Method layercam;              // layercam.cpp
extern const Method eigencam;              // eigencam.cpp
extern const Method eigengradcam;          // eigengradcam.cpp
extern const Method scorecam;              // scorecam.cpp
extern const Method reciprocam;            // reciprocam.cpp
extern const Method shapleycam;            // shapleycam.cpp
extern const Method finercam;              // finercam.cpp
extern const Method integrated_gradients;  // integrated.cpp
extern const Method shapley;               // shapley.cpp
extern const Method random_cam;            // random_weights.cpp

}  // namespace ablaze::cam
