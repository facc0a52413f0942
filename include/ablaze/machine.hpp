#pragma once

#include <string>
#include <string_view>

#include <ablaze/execution.hpp>

// What this machine can do: its instruction sets, and measurements to judge a run by.

namespace ablaze {

std::string to_string(Isa isa);  ///< "auto", "avx512", "avx2" or "baseline"
/// Throws UsageError for an unknown name.
Isa parse_isa(std::string_view name);
/// The instruction set that `automatic` (or a wish) stands for on this processor. Throws UsageError where the
/// processor lacks it.
Isa resolve_isa(Isa wish);

/// Floating-point operations per second that `threads` threads (0: as Execution says) reach at most with an
/// instruction set: multiply-adds in registers, which no kernel outruns. The best of a few slices, about 50
/// ms in all. A busy neighbour lowers it, so measure it beside the run that it judges. Throws UsageError (an
/// ISA that the processor lacks, a negative number of threads).
double peak_operations(Isa isa, int threads);

/// The share of their cores' time that `threads` threads (0: as Execution says) get while they compute: near
/// 1 on a quiet machine, 1/2 with one busy neighbour on each core. About 50 ms. Where it is low, times say
/// little about the program that was timed.
double processor_share(int threads);

/// Seconds that a written cache line takes from the core of one thread to that of another: the slowest way
/// from the first thread to the other `threads` - 1 (0: as Execution says). 0 for one thread, infinite where
/// other processes kept a thread from its core all the while. Cores that share no cache are several times as
/// far apart as cores that do, and the layers of a network hand their outputs over at this speed; a
/// hypervisor may change the cores at any time. A few milliseconds.
double handover_seconds(int threads);

}  // namespace ablaze
