#include "tensor/memory.hpp"

#include <cstdlib>
#include <limits>
#include <new>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace ablaze {
namespace {

constexpr std::size_t kCacheLine = 64, kHugePage = std::size_t{2} << 20;

}  // namespace

void* allocate_numbers(std::uint64_t wanted) {
  if (wanted == 0) return nullptr;
  if (wanted > std::numeric_limits<std::size_t>::max() - kHugePage) throw std::bad_alloc();
  const auto bytes = static_cast<std::size_t>(wanted);
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  void* numbers = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (numbers == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // Whole huge pages only, so that none is taken for the last few bytes. A refusal does no harm.
  if (bytes >= kHugePage) ::madvise(numbers, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return numbers;
}

void free_numbers(void* numbers) noexcept { std::free(numbers); }

}  // namespace ablaze
