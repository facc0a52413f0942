#include "memory/failing.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <new>
#include <pthread.h>
#include <sys/mman.h>

// These functions replace the C library's in the program, for all libraries. A sanitizer needs the original
// ones: with it, the linker (--wrap) redirects only the calls of this project's objects.
#ifdef ABLAZE_SANITIZED
#define ABLAZE_TAKEN(name) __wrap_##name
#define ABLAZE_BELOW(name) __real_##name
#else
#define ABLAZE_TAKEN(name) name
#define ABLAZE_BELOW(name) __libc_##name
#endif

extern "C" {
void* ABLAZE_BELOW(malloc)(std::size_t size);
void* ABLAZE_BELOW(calloc)(std::size_t count, std::size_t size);
void* ABLAZE_BELOW(realloc)(void* block, std::size_t size);
void* ABLAZE_BELOW(memalign)(std::size_t alignment, std::size_t size);
void ABLAZE_BELOW(free)(void* block);
}

namespace ablaze::testing {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> made{0}, refused{0}, first{0}, last{0}, live{0};

/// Whether to fail this request.
bool refuse() {
  if (!counting.load(std::memory_order_relaxed)) return false;
  const std::int64_t number = ++made;
  if (number < first || number > last) return false;
  ++refused;
  errno = ENOMEM;
  return true;
}

void* counted(void* block) {
  if (block != nullptr) ++live;
  return block;
}

void* allocate(std::size_t size) { return refuse() ? nullptr : counted(ABLAZE_BELOW(malloc)(size)); }

void* allocate(std::size_t alignment, std::size_t size) {
  return refuse() ? nullptr : counted(ABLAZE_BELOW(memalign)(alignment, size));
}

void give_back(void* block) {
  if (block != nullptr) --live;
  ABLAZE_BELOW(free)(block);
}

void* or_throw(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

void fail_request(std::int64_t number, Failing how) {
  made = refused = 0;
  first = number;
  last = how == Failing::once ? number : INT64_MAX;
  counting = true;
}

Requests stop_failing() {
  counting = false;
  return {made, refused > 0};
}

std::int64_t live_blocks() { return live; }

}  // namespace ablaze::testing

using namespace ablaze::testing;

extern "C" {

void* ABLAZE_TAKEN(malloc)(std::size_t size) noexcept { return allocate(size); }

void* ABLAZE_TAKEN(calloc)(std::size_t count, std::size_t size) noexcept {
  return refuse() ? nullptr : counted(ABLAZE_BELOW(calloc)(count, size));
}

void* ABLAZE_TAKEN(realloc)(void* block, std::size_t size) noexcept {
  if (refuse()) return nullptr;
  void* const moved = ABLAZE_BELOW(realloc)(block, size);
  if (block == nullptr && moved != nullptr) ++live;
  if (block != nullptr && moved == nullptr && size == 0) --live;
  return moved;
}

void* ABLAZE_TAKEN(aligned_alloc)(std::size_t alignment, std::size_t size) noexcept {
  return allocate(alignment, size);
}
void* ABLAZE_TAKEN(memalign)(std::size_t alignment, std::size_t size) noexcept {
  return allocate(alignment, size);
}

int ABLAZE_TAKEN(posix_memalign)(void** block, std::size_t alignment, std::size_t size) noexcept {
  void* const found = allocate(alignment, size);
  if (found == nullptr) return ENOMEM;
  *block = found;
  return 0;
}

void ABLAZE_TAKEN(free)(void* block) noexcept { give_back(block); }

void* ABLAZE_TAKEN(mmap)(void* address, std::size_t size, int protection, int flags, int file,
                         off_t offset) noexcept {
  static auto* const system = next<decltype(::mmap)>(sizeof(off_t) > sizeof(long) ? "mmap64" : "mmap");
  if (refuse()) return MAP_FAILED;
  void* const pages = system(address, size, protection, flags, file, offset);
  if (pages != MAP_FAILED) ++live;
  return pages;
}

int ABLAZE_TAKEN(munmap)(void* address, std::size_t size) noexcept {
  static auto* const system = next<decltype(::munmap)>("munmap");
  const int status = system(address, size);
  if (status == 0) --live;
  return status;
}

#ifndef ABLAZE_SANITIZED
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  static auto* const system = next<decltype(::pthread_create)>("pthread_create");
  return refuse() ? EAGAIN : system(thread, attributes, run, argument);
}
#endif

}  // extern "C"

// NOLINTBEGIN: all forms there are
void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(static_cast<std::size_t>(alignment), size));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(static_cast<std::size_t>(alignment), size));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(static_cast<std::size_t>(alignment), size);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(static_cast<std::size_t>(alignment), size);
}
void operator delete(void* block) noexcept { give_back(block); }
void operator delete[](void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { give_back(block); }
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept { give_back(block); }
// NOLINTEND
