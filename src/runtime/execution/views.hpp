#pragma once

#include <cstdint>

#include <ablaze/execution.hpp>

#include "runtime/program.hpp"

namespace ablaze::runtime {

/// The memory that a program works on.
struct Memory {
  float* own = nullptr;          ///< Program::arena_floats
  const float* trace = nullptr;  ///< a tail's: the arena of the whole network's trace
  const float* first = nullptr;  ///< a gradient program's, whose trace is a tail's: the whole network's
};

/// What a delta program works on beside its arena and the trace.
struct DeltaInputs {
  const float* planes = nullptr;     ///< Program::plane_floats
  int image = 0;                     ///< of the trace
  int images = 0;                    ///< how many of the program's batch there are
  kernels::Lists members;            ///< of each image: the channels that change in it
  kernels::Lists images_of;          ///< of each channel: the images in which it changes
  std::uint16_t* columns = nullptr;  ///< Program::columns: marks which of 16 columns some image changes
};

/// Where a value is read or written.
kernels::Input read_view(const Value& value, const Memory& memory);
/// What the untouched run left of a value for one image of its batch.
kernels::Base base_view(const Value& value, const Memory& memory, int image);
kernels::Output write_view(const Value& value, const Memory& memory);

/// Copies a row-major [N, C, H, W] (or [N, K]) array into a value, and out of one.
void write_value(const Value& value, const Memory& memory, const float* from);
void read_value(const Value& value, const Memory& memory, float* to);
void read_value(const Value& value, const Memory& memory, float* to, const Execution& execution);

/// The same in pieces that may be written in any order: items of a value, and one of them.
int write_items(const Value& value);
void write_item(const Value& value, const Memory& memory, const float* from, int item);

}  // namespace ablaze::runtime
