#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/assembler.hpp"

namespace ablaze::models {

/// The linear layers at a network's end: one module ("fc", "classifier"), or several in nested Sequentials
/// ("classifier.6.3"), with BatchNorm between them if its tensors are there. Layers without weights have no
/// tensors: gaps in the module numbers show their positions.
class Head {
 public:
  /// Looks for the first of `modules` that has tensors; the first one's are reported as missing where none
  /// has.
  Head(const Assembler& assembler, std::span<const std::string_view> modules);

  /// The number of linear layers.
  std::size_t depth() const;
  /// The features that the first linear layer takes; kAny where its weight is missing.
  std::int64_t inputs() const;
  /// Whether layers without weights stand before the first one with weights.
  bool starts_late() const;
  /// The numbers of the linear layers in their one Sequential; empty where the layers lie in another way.
  std::vector<int> numbers() const;

  /// Appends the layers to `from`, rows of features; appends the linear layers' outputs to `widths` and what
  /// had to be assumed to `notes`. Throws Error where the layers between two linear layers cannot be told.
  Flow build(Assembler& assembler, Flow from, std::vector<std::int64_t>& widths,
             std::vector<std::string>& notes) const;

 private:
  struct Layer {
    std::vector<int> path;  ///< module numbers below the head's module
    std::string name;
    bool norm = false;
  };

  Layer layer_of(const Assembler& assembler, const std::string& name) const;
  std::vector<std::string> gap(const Assembler& assembler, const Layer& from, const Layer& to) const;

  std::string module_;
  std::vector<Layer> layers_;
  std::int64_t inputs_ = kAny;
  bool numbered_ = true;
};

}  // namespace ablaze::models
