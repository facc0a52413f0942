#include "image/stb.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "image/stb_memory.hpp"

namespace ablaze::image {
namespace {

/// The remaining memory for the decode on this thread.
struct MemoryBudget {
  std::uint64_t left = 0;
  bool exceeded = false;   ///< the decoder requested more
  bool exhausted = false;  ///< the system had none left
};
thread_local MemoryBudget budget;

/// Before each block: its size, padded to keep the block aligned.
constexpr std::size_t kPrefix = alignof(std::max_align_t);
static_assert(kPrefix >= sizeof(std::size_t));

std::size_t& size_of(void* block) {
  return *reinterpret_cast<std::size_t*>(static_cast<std::byte*>(block) - kPrefix);
}

/// Zeroed, because for a damaged file the decoder reads memory that it never wrote: the result must not
/// depend on previous contents.
void* budget_malloc(std::size_t size) {
  if (size > budget.left) {
    budget.exceeded = true;
    return nullptr;
  }
  void* const start = std::calloc(1, kPrefix + size);
  if (start == nullptr) {
    budget.exhausted = true;
    return nullptr;
  }
  budget.left -= size;
  void* const block = static_cast<std::byte*>(start) + kPrefix;
  size_of(block) = size;
  return block;
}

void budget_free(void* block) {
  if (block == nullptr) return;
  budget.left += size_of(block);
  std::free(static_cast<std::byte*>(block) - kPrefix);
}

void* budget_realloc(void* block, std::size_t size) {
  void* const larger = budget_malloc(size);
  if (larger == nullptr || block == nullptr) return larger;
  std::memcpy(larger, block, std::min(size, size_of(block)));
  budget_free(block);
  return larger;
}

}  // namespace
}  // namespace ablaze::image

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC  // avoids conflicts with a program's own stb_image
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 16384
#define STBI_ASSERT(condition) static_cast<void>(0)  // invalid input must not terminate the program
#define STBI_MALLOC(size) ablaze::image::budget_malloc(size)
#define STBI_REALLOC(block, size) ablaze::image::budget_realloc(block, size)
#define STBI_FREE(block) ablaze::image::budget_free(block)
#include <stb/stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(size) ablaze::image::StbMemory::malloc(size)
#define STBIW_REALLOC_SIZED(block, old_size, size) ablaze::image::StbMemory::realloc(block, old_size, size)
#define STBIW_FREE(block) ablaze::image::StbMemory::free(block)
#include <stb/stb_image_write.h>

namespace ablaze::image {

void FreeDecoded::operator()(std::uint8_t* buffer) const noexcept { stbi_image_free(buffer); }

DecodedPixels stb_decode(std::span<const std::byte> file, int channels, std::uint64_t memory_limit) {
  budget = {memory_limit, false, false};
  DecodedPixels pixels;
  int channels_in_file = 0;
  pixels.bytes.reset(stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(file.data()),
                                           static_cast<int>(file.size()), &pixels.width, &pixels.height,
                                           &channels_in_file, channels));
  if (pixels.bytes == nullptr && budget.exhausted) throw std::bad_alloc();
  pixels.over_limit = pixels.bytes == nullptr && budget.exceeded;
  return pixels;
}

std::string stb_name() { return "stb_image " ABLAZE_STB_VERSION; }

std::vector<std::byte> stb_inflate(std::span<const std::byte> zlib, std::size_t most_bytes) {
  // While its buffer doubles, the decoder holds it twice.
  budget = {4 * static_cast<std::uint64_t>(most_bytes), false, false};
  int size = 0;
  const std::unique_ptr<std::uint8_t[], FreeDecoded> text(
      reinterpret_cast<std::uint8_t*>(stbi_zlib_decode_malloc(reinterpret_cast<const char*>(zlib.data()),
                                                              static_cast<int>(zlib.size()), &size)));
  if (text == nullptr && budget.exhausted) throw std::bad_alloc();
  if (text == nullptr || static_cast<std::size_t>(size) > most_bytes) return {};
  const auto bytes = std::as_bytes(std::span(text.get(), static_cast<std::size_t>(size)));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> stb_encode_png(const Image& image) {
  const StbMemory memory;
  int size = 0;
  const unsigned char* const png = stbi_write_png_to_mem(image.pixels().data(), 3 * image.width(),
                                                         image.width(), image.height(), 3, &size);
  const auto bytes = std::as_bytes(std::span(png, static_cast<std::size_t>(size)));
  return {bytes.begin(), bytes.end()};
}

}  // namespace ablaze::image
