#pragma once

// Everything a user may include, but for the opt-in <ablaze/xtensor.hpp>.
#include <ablaze/activation.hpp>
#include <ablaze/convert.hpp>
#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>
#include <ablaze/execution.hpp>
#include <ablaze/explain.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/image.hpp>
#include <ablaze/machine.hpp>
#include <ablaze/methods.hpp>
#include <ablaze/model.hpp>
#include <ablaze/pictures.hpp>
#include <ablaze/preprocess.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/rectangle.hpp>
#include <ablaze/scores.hpp>
#include <ablaze/session.hpp>
#include <ablaze/statistics.hpp>
#include <ablaze/tensor.hpp>
