#include <cpuid.h>

#include <ablaze/error.hpp>
#include <ablaze/isa.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "kernels/kernels.hpp"

namespace ablaze {
namespace kernels {

extern const KernelTable table_avx512;
extern const KernelTable table_avx2;
extern const KernelTable table_baseline;

const KernelTable& kernel_table(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return table_avx512;
    case Isa::avx2:
      return table_avx2;
    default:
      return table_baseline;
  }
}

int conv_rows_per_item(const Conv& conv, int threads) {
  // Eight items a thread let a thread that a neighbour holds up lag behind without the others waiting; fewer
  // rows than that an item cost more than they bring.
  const int columns = conv.group_count * conv.batch;
  const int chunks = std::clamp((8 * threads + columns - 1) / columns, 1, conv.out_h);
  const int rows = (conv.out_h + chunks - 1) / chunks;
  return conv.out_w < 8 ? rows + rows % 2 : rows;  // tiles of narrow maps span two rows
}

int conv_items(const Conv& conv) {
  const int chunks = (conv.out_h + conv.rows_per_item - 1) / conv.rows_per_item;
  return chunks * conv.batch * conv.group_count;
}

int pool_items(const Pool& pool) { return pool.batch * pool.blocks; }

int elementwise_items(const Elementwise& task) { return task.batch * task.blocks; }

}  // namespace kernels

namespace {

constexpr std::array kIsas{Isa::automatic, Isa::avx512, Isa::avx2, Isa::baseline};

/// Half-precision conversion, which __builtin_cpu_supports of older compilers does not know. Whether the
/// system saves the registers is what its answer for AVX2 tells.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

bool supported(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    default:
      return true;
  }
}

Isa best() {
  if (supported(Isa::avx512)) return Isa::avx512;
  return supported(Isa::avx2) ? Isa::avx2 : Isa::baseline;
}

}  // namespace

std::string to_string(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    case Isa::baseline:
      return "baseline";
    case Isa::automatic:
      break;
  }
  return "auto";
}

Isa parse_isa(std::string_view name) {
  std::vector<std::string> known;
  for (const Isa isa : kIsas) {
    if (to_string(isa) == name) return isa;
    known.push_back(to_string(isa));
  }
  throw UsageError("unknown instruction set \"" + base::printable(name) + "\"; known are " +
                   base::join(known));
}

Isa resolve_isa(Isa wish) {
  if (wish == Isa::automatic) {
    const char* name = std::getenv("ABLAZE_ISA");
    if (name != nullptr && *name != '\0') wish = parse_isa(name);
  }
  if (wish == Isa::automatic) return best();
  if (!supported(wish)) {
    throw UsageError("this processor lacks " + to_string(wish) + "; its best is " + to_string(best()));
  }
  return wish;
}

}  // namespace ablaze
