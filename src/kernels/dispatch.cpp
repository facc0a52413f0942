#include <algorithm>
#include <array>
#include <cpuid.h>
#include <cstdlib>
#include <unistd.h>

#include <ablaze/error.hpp>
#include <ablaze/machine.hpp>

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

Split split_work(int images, int columns, int h, bool by_rows, int threads) {
  // With eight items per thread, a thread that is held up delays the others little; items with fewer rows
  // cost more than they gain.
  int chunks = (8 * threads + images * columns - 1) / (images * columns);
  if (by_rows && images % threads != 0) chunks = (chunks + threads - 1) / threads * threads;
  chunks = std::clamp(chunks, 1, h);
  const int rows = (h + chunks - 1) / chunks;
  return {rows + (h < 8 ? rows % 2 : 0), by_rows};  // tiles of narrow maps span two rows
}

Split split_work(int images, int columns, int h, bool by_rows, int threads, std::ptrdiff_t row_bytes,
                 std::ptrdiff_t image_bytes) {
  static const long reported = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const std::ptrdiff_t cache = reported > 0 ? reported : std::ptrdiff_t{1} << 20;
  Split split = split_work(images, columns, h, by_rows, threads);
  if (!by_rows) {
    if (image_bytes <= cache) return split;
    split.parts = threads;
  }
  const int most = static_cast<int>(std::max<std::ptrdiff_t>(cache / 2 / row_bytes, h < 8 ? 2 : 1));
  split.rows = std::min(split.rows, most);
  return split;
}

int item_count(const Split& split, int images, int columns, int h) {
  return images * columns * ((h + split.rows - 1) / split.rows);
}

}  // namespace kernels

namespace {

constexpr std::array kIsas{Isa::automatic, Isa::avx512, Isa::avx2, Isa::baseline};

/// Half-precision conversion, unknown to __builtin_cpu_supports of older compilers. Its answer for AVX2
/// covers whether the system saves the registers.
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

Isa resolve_isa(Isa requested) {
  if (requested == Isa::automatic) {
    const char* name = std::getenv("ABLAZE_ISA");
    if (name != nullptr && *name != '\0') requested = parse_isa(name);
  }
  if (requested == Isa::automatic) return best();
  if (!supported(requested)) {
    throw UsageError("this processor lacks " + to_string(requested) + "; its best is " + to_string(best()));
  }
  return requested;
}

}  // namespace ablaze
