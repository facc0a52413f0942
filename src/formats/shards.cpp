#include "formats/shards.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/json.hpp"
#include "formats/bytes.hpp"

namespace ablaze::formats {
namespace {

constexpr std::string_view kIndexEnd = ".index.json";
constexpr std::size_t kLargestIndex = std::size_t{64} << 20;
constexpr std::size_t kMostShards = 1000;

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "model-00001-of-00003.safetensors" -> "model.safetensors.index.json"; nothing for another name.
std::optional<std::string> index_of_shard(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string_view stem = std::string_view(name).substr(0, dot);
  const std::size_t of = stem.rfind("-of-");
  if (of == std::string_view::npos || of == 0) return std::nullopt;
  const std::size_t dash = stem.rfind('-', of - 1);
  if (dash == std::string_view::npos || !is_digits(stem.substr(dash + 1, of - dash - 1)) ||
      !is_digits(stem.substr(of + 4)))
    return std::nullopt;
  if (stem.find_first_not_of('0', of + 4) == stem.size() - 1 && stem.back() == '1')
    return std::nullopt;  // one of one
  return std::string(stem.substr(0, dash)) + name.substr(dot) + std::string(kIndexEnd);
}

/// The shards' names. They come from a file: only names in its own folder are opened.
std::set<std::string> shards_of(const base::Json& map, const std::string& name) {
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string()) throw malformed(name, "its weight_map gives no file for " + in_quotes(tensor));
    const auto& file = shard.get_ref<const std::string&>();
    if (file.empty() || file == "." || file == ".." || file.find_first_of("/\\:") != std::string::npos ||
        file.find('\0') != std::string::npos)
      throw malformed(name, "its weight_map names the file " + in_quotes(file) +
                                "; expected the name of a file in the same folder");
    shards.insert(file);
    if (shards.size() > kMostShards)
      throw malformed(name, "it names more than " + std::to_string(kMostShards) + " files");
  }
  return shards;
}

TensorFile read_index(const base::MappedFile& index, const std::filesystem::path& file) {
  const std::string name = file.string();
  if (index.bytes().size() > kLargestIndex)
    throw malformed(name, "an index has at most " + std::to_string(kLargestIndex) + " bytes; it has " +
                              std::to_string(index.bytes().size()));
  const auto document = base::parse_json<base::Json>(as_text(index.bytes()));
  const auto map = document.is_object() ? document.find("weight_map") : document.end();
  if (!document.is_object() || map == document.end() || !map->is_object() || map->empty())
    throw malformed(name,
                    "expected the index of a model in several files, JSON with \"weight_map\"; this is none");
  TensorFile all;
  const std::set<std::string> shards = shards_of(*map, name);
  for (const std::string& shard : shards) {
    const std::filesystem::path path = file.parent_path() / shard;
    const auto mapped = base::MappedFile::open(path);
    TensorFile part = parse_tensor_file(mapped->bytes(), mapped, path.string());
    all.tensors.merge(part.tensors);
    all.parts.push_back(path.string());
    if (all.tensors.size() > kMostTensors)
      throw malformed(name, "its files have more than " + std::to_string(kMostTensors) + " tensors");
  }
  for (const auto& [tensor, shard] : map->items()) {
    // A PyTorch file's integer tensors are not read.
    if (!all.tensors.contains(tensor) && !tensor.ends_with("num_batches_tracked"))
      throw malformed(name, "it names the tensor " + in_quotes(tensor) + " in " +
                                in_quotes(shard.get_ref<const std::string&>()) +
                                ", which does not hold it; download the files again");
  }
  all.notes.push_back("read " + std::to_string(shards.size()) + " files that " +
                      in_quotes(file.filename().string()) + " names");
  return all;
}

}  // namespace

TensorFile parse_sharded(const std::shared_ptr<const base::MappedFile>& mapped,
                         const std::filesystem::path& file, const std::string& under) {
  const std::string name = file.filename().string();
  TensorFile read;
  if (name.ends_with(kIndexEnd)) {
    read = read_index(*mapped, file);
  } else if (const auto index = index_of_shard(name)) {
    const std::filesystem::path path = file.parent_path() / *index;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
      throw malformed(file.string(), "it is one of several files of a model; expected their index " +
                                         in_quotes(*index) + " in its folder, with all files that it names");
    read = read_index(*base::MappedFile::open(path), path);
  } else {
    return parse_tensor_file(mapped->bytes(), mapped, file.string(), under);
  }
  read.under = under;
  return read;
}

}  // namespace ablaze::formats
