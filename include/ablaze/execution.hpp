#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace ablaze {

/// Instruction sets that the kernels are built for. `automatic`: the best one of this processor, or the one
/// that the environment variable ABLAZE_ISA names. See machine.hpp.
enum class Isa { automatic, avx512, avx2, baseline };

/// A caller's own threads, to be used instead of the library's. Several sessions may share one executor: each
/// of their calls to run() has members of its own.
class Executor {
 public:
  /// One member's part: 0 <= member < members. Throws nothing.
  using Work = std::function<void(int member, int members)>;

  virtual ~Executor() = default;
  /// Decides on a number of members, from 1 to `most`, calls work(member, members) once for each of them, and
  /// returns the number when all calls have returned. The calls must run at the same time, since members wait
  /// for each other: fewer members is right where threads are short, one after another is not. The calling
  /// thread may be one of them. Called from the thread that called the library, never for most < 2.
  virtual int run(int most, const Work& work) = 0;
};

/// How work is run, from a single pass to a whole evaluation.
struct Execution {
  /// Threads of one call. 0: as many as may run at the same time, by the process's affinity mask and CPU
  /// quota, and no more than OMP_NUM_THREADS names. Where the system has no more threads to give, fewer do
  /// the work.
  int threads = 0;
  Isa isa = Isa::automatic;
  bool winograd = true;  ///< false: every convolution is multiplied directly
  /// Most bytes that one call may take for activations; a call that needs more throws Error or runs in parts.
  std::uint64_t memory_limit = std::uint64_t{4} << 30;
  std::shared_ptr<Executor> executor{};  ///< nullptr: the library's own threads
};

}  // namespace ablaze
