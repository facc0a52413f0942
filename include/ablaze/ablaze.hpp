#pragma once

// Everything a user may include, but for the opt-in <ablaze/xtensor.hpp>.
#include <ablaze/activation.hpp>
#include <ablaze/convert.hpp>
#include <ablaze/error.hpp>
#include <ablaze/evaluate.hpp>
#include <ablaze/explain.hpp>
#include <ablaze/findings.hpp>
#include <ablaze/graph.hpp>
#include <ablaze/image.hpp>
#include <ablaze/isa.hpp>
#include <ablaze/method_options.hpp>
#include <ablaze/model.hpp>
#include <ablaze/pictures.hpp>
#include <ablaze/preprocess.hpp>
#include <ablaze/progress.hpp>
#include <ablaze/resolution.hpp>
#include <ablaze/session.hpp>
#include <ablaze/statistics.hpp>
#include <ablaze/tensor.hpp>
