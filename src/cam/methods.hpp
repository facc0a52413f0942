#pragma once

#include "cam/method.hpp"

// One line a method: each is defined in the file of its name. A new one needs that file, a line here and
// a line in registry.cpp.
namespace ablaze::cam {

extern const Method ablation_cam;  // ablation.cpp

}  // namespace ablaze::cam
