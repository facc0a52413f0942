#pragma once

#include <cstdint>

namespace ablaze {

/// Memory for numbers, from a cache line's beginning and not initialised; nullptr for no bytes. Where it is
/// large it asks for huge pages, which a system gives to those who ask: kernels walk through many planes and
/// many images at once, and small pages would need more addresses than a processor remembers. Throws
/// std::bad_alloc.
void* allocate_numbers(std::uint64_t bytes);
void free_numbers(void* numbers) noexcept;

}  // namespace ablaze
