#include "cli/shell/inputs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include <ablaze/error.hpp>

#include "base/folders.hpp"
#include "base/text.hpp"
#include "formats/npy.hpp"

namespace ablaze::cli {

namespace fs = std::filesystem;

namespace {

enum class Content { jpeg, png, tensor, other, unreadable };

Content content_of(const fs::path& file) {
  // Opening a named pipe would wait for a writer.
  if (!base::is_regular_file(file)) return Content::unreadable;
  std::array<char, 8> start{};
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in && errno == ENOMEM) throw std::bad_alloc();
  if (!in) return Content::unreadable;
  in.read(start.data(), start.size());
  const std::string_view bytes(start.data(), static_cast<std::size_t>(in.gcount()));
  if (formats::looks_like_npy(std::as_bytes(std::span(bytes)))) return Content::tensor;
  if (bytes.starts_with("\xFF\xD8\xFF")) return Content::jpeg;
  if (bytes == "\x89PNG\r\n\x1A\n") return Content::png;
  return Content::other;
}

bool is_named_like_an_input(const fs::path& file) {
  constexpr std::array endings{".jpg", ".jpeg", ".jfif", ".png", ".npy"};
  return std::find(endings.begin(), endings.end(), base::lower(file.extension().string())) != endings.end();
}

bool is_wanted(const fs::path& file) {
  const Content content = content_of(file);
  return content == Content::jpeg || content == Content::png || content == Content::tensor ||
         is_named_like_an_input(file);
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

using Folders = std::span<const fs::path>;

bool is_one_of(const fs::path& folder, Folders others) {
  std::error_code ignored;
  return std::any_of(others.begin(), others.end(), [&](const fs::path& other) {
    return !other.empty() && fs::equivalent(folder, other, ignored);
  });
}

/// All matching files below a folder, sorted. Does not follow symbolic links to folders, which might form a
/// cycle; skips folders that may not be read.
std::vector<fs::path> files_below(const fs::path& top, Folders leave_out) {
  std::vector<fs::path> files, folders{top};
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    for (fs::path& entry : base::entries_of(folder)) {
      if (is_hidden(entry)) continue;
      std::error_code ignored;
      if (base::is_folder(entry)) {
        if (!fs::is_symlink(entry, ignored) && !is_one_of(entry, leave_out))
          folders.push_back(std::move(entry));
      } else if (base::is_regular_file(entry) && is_wanted(entry)) {
        files.push_back(std::move(entry));
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add_folder(const fs::path& folder, Folders leave_out, FoundInputs& found) {
  const auto files = files_below(folder, leave_out);
  if (files.empty()) {
    throw Error(folder.string() +
                ": expected images (JPEG or PNG) or .npy tensors in this folder, found none");
  }
  for (const fs::path& file : files) {
    found.inputs.push_back({file, file.parent_path().lexically_relative(folder)});
  }
}

void add_word(const std::string& word, Folders leave_out, FoundInputs& found) {
  std::error_code error;
  const auto status = fs::status(word, error);
  base::failed(error);
  if (fs::is_directory(status)) {
    add_folder(word, leave_out, found);
  } else if (fs::exists(status)) {
    found.inputs.push_back({word, {}});
  } else {
    throw Error(word + ": " + (error ? error.message() : "No such file or folder"));
  }
}

}  // namespace

FoundInputs find_inputs(std::span<const std::string> words, Folders leave_out) {
  FoundInputs found;
  for (const std::string& word : words) {
    try {
      add_word(word, leave_out, found);
    } catch (const Error& error) {
      found.failures.emplace_back(error.what());
    }
  }
  return found;
}

bool is_photo(const fs::path& file) {
  const Content content = content_of(file);
  return content == Content::jpeg || content == Content::png;
}

Picture load_picture(const fs::path& file) {
  const Content content = content_of(file);
  Picture picture;
  if (content == Content::tensor) {
    picture.tensor = formats::read_npy(file);
  } else {
    picture.photo = Image::load(file, &picture.notes);
    if (content == Content::jpeg) picture.jpeg_decoder = jpeg_decoder();
  }
  return picture;
}

namespace {

Tensor brightness(const Image& image) {
  Tensor out({image.height(), image.width()});
  const auto pixels = image.pixels();
  for (std::size_t i = 0; i < static_cast<std::size_t>(out.size()); ++i) {
    const int sum = pixels[3 * i] + pixels[3 * i + 1] + pixels[3 * i + 2];
    out.data()[i] = static_cast<float>(sum) / (3 * 255.0F);
  }
  return out;
}

}  // namespace

Tensor load_mask(const fs::path& file) {
  Picture picture = load_picture(file);
  if (!picture.tensor) return brightness(picture.photo);
  const Tensor& mask = *picture.tensor;
  if (mask.rank() != 2) {
    throw Error(file.string() + ": expected a mask of height and width (HxW), found a tensor of " +
                to_string(mask.shape()));
  }
  const auto values = mask.values();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return v >= 0 && v <= 1; })) {
    throw Error(file.string() +
                ": expected a mask with values from 0 (keep) to 1 (remove), found values outside");
  }
  return mask;
}

}  // namespace ablaze::cli
