#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace ablaze::image {

/// The memory of one call into stb. Its libraries do not check all allocations, or silently omit data. Here a
/// failed allocation throws std::bad_alloc out of them, and the destructor frees their memory. Calls on one
/// thread do not nest.
class StbMemory {
 public:
  StbMemory() { current_ = this; }
  ~StbMemory() {
    while (ring_.behind != &ring_) free(ring_.behind + 1);
    current_ = nullptr;
  }
  StbMemory(const StbMemory&) = delete;
  StbMemory& operator=(const StbMemory&) = delete;

  /// Of the current call on this thread.
  static void* malloc(std::size_t size) {
    void* const start = std::malloc(sizeof(Block) + size);
    if (start == nullptr) throw std::bad_alloc();
    Block& ring = current_->ring_;
    auto* const block = new (start) Block{ring.before, &ring};
    ring.before = ring.before->behind = block;
    return block + 1;
  }
  static void* realloc(void* memory, std::size_t old_size, std::size_t size) {
    void* const moved = malloc(size);
    if (memory != nullptr) std::memcpy(moved, memory, std::min(old_size, size));
    free(memory);
    return moved;
  }
  static void free(void* memory) noexcept {
    if (memory == nullptr) return;
    Block* const block = static_cast<Block*>(memory) - 1;
    // The analyser cannot see that the list never contains a freed block.
    block->before->behind = block->behind;  // NOLINT(clang-analyzer-unix.Malloc)
    block->behind->before = block->before;
    std::free(block);
  }

 private:
  /// The header before each allocated block.
  struct alignas(std::max_align_t) Block {
    Block* before = nullptr;
    Block* behind = nullptr;
  };

  inline static thread_local StbMemory* current_ = nullptr;
  Block ring_{&ring_, &ring_};
};

}  // namespace ablaze::image
