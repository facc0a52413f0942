#pragma once

#include <cstdint>

namespace ablaze {

/// Uninitialised memory for numbers, aligned to a cache line; nullptr for no bytes. Requests huge pages for
/// large blocks: kernels read many planes and many images at once, and small pages would need more address
/// translations than a TLB holds. Throws std::bad_alloc.
void* allocate_numbers(std::uint64_t bytes);
void free_numbers(void* numbers) noexcept;

}  // namespace ablaze
