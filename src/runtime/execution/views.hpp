#pragma once

#include <cstdint>

#include <ablaze/execution.hpp>

#include "runtime/program.hpp"

namespace ablaze::runtime {

/// The memory of a program.
struct Memory {
  float* own = nullptr;          ///< Program::arena_floats
  const float* trace = nullptr;  ///< of a tail: the arena of the whole network's run
  const float* first = nullptr;  ///< of a gradient program over a tail's run: the whole network's arena
};

/// The inputs of a delta program in addition to its arena and the trace.
struct DeltaInputs {
  const float* planes = nullptr;     ///< Program::plane_floats
  int image = 0;                     ///< of the trace
  int images = 0;                    ///< the filled part of the program's batch
  kernels::Lists members;            ///< per image: its changed channels
  kernels::Lists images_of;          ///< per channel: the images that change it
  std::uint16_t* columns = nullptr;  ///< Program::columns: marks of nonzero columns, 16 per word
};

/// The view for reading a value.
kernels::Input read_view(const Value& value, const Memory& memory);
/// The view of one image's value in the unchanged run.
kernels::Base base_view(const Value& value, const Memory& memory, int image);
kernels::Output write_view(const Value& value, const Memory& memory);

/// Copies a row-major [N, C, H, W] (or [N, K]) array into a value, and out of one.
void write_value(const Value& value, const Memory& memory, const float* from);
void read_value(const Value& value, const Memory& memory, float* to);
void read_value(const Value& value, const Memory& memory, float* to, const Execution& execution);

/// The number of a value's items, and the copy of one item. Items can be written in any order.
int write_items(const Value& value);
void write_item(const Value& value, const Memory& memory, const float* from, int item);

}  // namespace ablaze::runtime
