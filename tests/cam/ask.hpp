#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ablaze/session.hpp>

#include "cam/method.hpp"

namespace ablaze::testing {

/// A network after one run on an input; any method can explain one of its layers.
class Asked {
 public:
  Asked(Graph graph, Tensor input, std::string layer)
      : graph_(std::move(graph)),
        input_(std::move(input)),
        layer_(std::move(layer)),
        session_(graph_, options_for(input_.shape(), layer_)),
        trace_(session_.run(input_)) {}

  std::vector<cam::Result> by(std::string_view method, const std::vector<Score>& scores,
                              const MethodOptions& options = {}, const Ablation& ablation = {},
                              const Progress& progress = {}) const {
    std::vector<cam::Target> targets;
    for (const Score& score : scores) targets.push_back({{{score}}});
    return cam::find_method(method)->explain({.graph = graph_,
                                              .session = session_,
                                              .input = input_,
                                              .trace = trace_,
                                              .layer = layer_,
                                              .targets = targets,
                                              .ablation = ablation,
                                              .options = options,
                                              .progress = progress});
  }
  const Session& session() const { return session_; }
  const Trace& trace() const { return trace_; }
  const std::string& layer() const { return layer_; }

 private:
  static SessionOptions options_for(const Shape& input, const std::string& layer) {
    SessionOptions options;
    options.input = input;
    options.keep = {layer};
    return options;
  }

  Graph graph_;
  Tensor input_;
  std::string layer_;
  Session session_;
  Trace trace_;
};

}  // namespace ablaze::testing
