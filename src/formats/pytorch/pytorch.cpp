#include "formats/pytorch/pytorch.hpp"

#include <map>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "formats/bytes.hpp"
#include "formats/pytorch/pickle.hpp"
#include "formats/pytorch/state_dict.hpp"
#include "formats/pytorch/zip.hpp"

namespace ablaze::formats {
namespace {

using Kind = PickleValue::Kind;

/// torch.save uses one folder, named after the file: "resnet18/data.pkl".
std::string find_folder(const ZipArchive& archive, const std::string& name) {
  std::string folder;
  bool found = false;
  for (const auto& [entry, content] : archive.entries()) {
    const std::size_t slash = entry.find('/');
    if (slash == std::string::npos || entry.substr(slash) != "/data.pkl") continue;
    if (found)
      throw malformed(
          name, "the zip archive has two pickles, in " + in_quotes(folder) + " and " + in_quotes(entry));
    folder = entry.substr(0, slash + 1);
    found = true;
  }
  if (!found && archive.contains("model.weights.h5"))
    throw malformed(name,
                    "it is a Keras archive: export the network to ONNX (in Python, with tf2onnx: "
                    "tf2onnx.convert.from_keras(keras.models.load_model('model.keras'), "
                    "output_path='model.onnx'))");
  if (!found && !archive.entries().empty() && archive.entries().begin()->first.ends_with(".npy"))
    throw malformed(name,
                    "it is an archive of NumPy's arrays (.npz). Save them as tensors: torch.save({k: "
                    "torch.as_tensor(v) for k, v in numpy.load('weights.npz').items()}, 'weights.pth')");
  if (!found)
    throw malformed(
        name,
        "it is a zip archive without data.pkl: not a file of torch.save. Expected a PyTorch state dict "
        "(.pth) or a safetensors file");
  return folder;
}

void refuse_other_kinds(const ZipArchive& archive, const std::string& folder, const std::string& name) {
  if (archive.contains(folder + "constants.pkl"))
    throw malformed(name,
                    "it is a TorchScript archive (a compiled program), not a state dict. Export its weights: "
                    "torch.save(torch.jit.load('model.pt').state_dict(), 'weights.pth'); where its network "
                    "is not a supported family, export the module that it was made from to ONNX");
  const std::string order = folder + "byteorder";
  if (archive.contains(order) && as_text(archive.read(order)) != "little")
    throw malformed(name, "its numbers are " + in_quotes(as_text(archive.read(order))) +
                              "-endian; expected 'little'. Save it again on a little-endian machine");
}

TensorFile parse_zip(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                     const std::string& name, const std::string& under) {
  const ZipArchive archive(bytes, name);
  const std::string folder = find_folder(archive, name);
  refuse_other_kinds(archive, folder, name);
  const Pickle pickle = parse_pickle(archive.read(folder + "data.pkl"), name);
  const auto storage = [&](std::string_view key) {
    return archive.read(folder + "data/" + std::string(key));
  };
  return read_state_dict(pickle, storage, bytes.size(), std::move(owner), name, under);
}

// The legacy form is five consecutive pickles (a magic number, the protocol's version, system information,
// the object, the keys of its storages), then each storage: its element count and its numbers. Nothing is
// aligned.

constexpr std::int64_t kLegacyVersion = 1001;

/// The size of the pickled magic number at the start; 0 where there is none. Each protocol writes it in its
/// way.
std::size_t magic_size(std::span<const std::byte> bytes) {
  const std::string_view binary = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const std::string_view decimal = "L119547037146038801333356L\n.";  // protocol 1, without a header
  if (starts_with(bytes, decimal)) return decimal.size();
  std::size_t at = 2;
  if (bytes.size() < at || bytes[0] != std::byte{0x80}) return 0;
  const auto protocol = std::to_integer<int>(bytes[1]);
  if (protocol < 2 || protocol > 5) return 0;
  constexpr std::size_t frame = 9;  // the opcode and the frame's size
  if (protocol >= 4 && bytes.size() > at + frame && bytes[at] == std::byte{0x95}) at += frame;
  return starts_with(bytes.subspan(at), binary) ? at + binary.size() : 0;
}

void check_version(const Pickle& version, const std::string& name) {
  const PickleValue& found = version[version.root];
  if (found.kind == Kind::integer && found.integer == kLegacyVersion) return;
  throw malformed(name, "its form is PyTorch's, of version " +
                            (found.kind == Kind::integer ? std::to_string(found.integer) : "unknown") +
                            "; expected " + std::to_string(kLegacyVersion) +
                            ". Open it in PyTorch and save it again with torch.save");
}

void check_little_endian(const Pickle& machine, const std::string& name) {
  const PickleValue& facts = machine[machine.root];
  for (std::size_t i = 0; facts.kind == Kind::dict && i + 1 < facts.items.size(); i += 2) {
    if (machine[facts.items[i]].text != "little_endian" || machine[facts.items[i + 1]].integer != 0) continue;
    throw malformed(
        name, "its numbers are big-endian; expected little-endian. Save it again on a little-endian machine");
  }
}

using StorageMap = std::map<std::string_view, std::span<const std::byte>>;

/// The storages lie one behind the other: an unknown one hides the following ones.
std::size_t element_size(const Pickle& object, const PickleValue& type, std::string_view key,
                         const std::string& name) {
  if (const auto known = storage_type(type.text)) return known->element;
  throw malformed(name, "its storage " + in_quotes(key) + " has the type " +
                            in_quotes(type_name(object, type)) +
                            ", whose size is not known. Open it in PyTorch and save the weights only: "
                            "torch.save(model.state_dict(), 'weights.pth')");
}

/// Bytes per element of each storage referenced by the object.
std::map<std::string_view, std::size_t> element_sizes(const Pickle& object, const std::string& name) {
  std::map<std::string_view, std::size_t> sizes;
  for (const PickleValue& value : object.values)
    if (value.kind == Kind::storage)
      sizes.emplace(value.text, element_size(object, object[value.items[0]], value.text, name));
  return sizes;
}

StorageMap find_storages(const Pickle& object, const Pickle& keys, std::span<const std::byte> bytes,
                         const std::string& name) {
  const auto sizes = element_sizes(object, name);
  ByteReader reader(bytes, name, "the storages");
  StorageMap storages;
  const PickleValue& list = keys[keys.root];
  if (list.kind != Kind::list)
    throw malformed(name, "its list of storages is " + std::string(describe(list.kind)) +
                              "; the file is damaged, download it again");
  for (const std::uint32_t item : list.items) {
    const std::string_view key = keys[item].text;
    const auto size = sizes.find(key);
    if (size == sizes.end())
      throw malformed(name, "it has a storage " + in_quotes(key) +
                                " that no tensor names; the file is damaged, download it again");
    const std::uint64_t elements = reader.u64();
    if (elements > reader.left() / size->second)
      throw malformed(name, "its storage " + in_quotes(key) + " should have " + std::to_string(elements) +
                                " elements, but only " + std::to_string(reader.left()) +
                                " bytes are left; the file is truncated, download it again");
    storages[key] = reader.take(elements * size->second);
  }
  return storages;
}

TensorFile parse_legacy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                        const std::string& name, const std::string& under) {
  const std::size_t file_size = bytes.size();
  bytes = bytes.subspan(magic_size(bytes));
  check_version(take_pickle(bytes, name), name);
  check_little_endian(take_pickle(bytes, name), name);
  const Pickle object = take_pickle(bytes, name);
  const Pickle keys = take_pickle(bytes, name);
  const StorageMap storages = find_storages(object, keys, bytes, name);
  const auto storage = [&](std::string_view key) {
    const auto found = storages.find(key);
    if (found == storages.end())
      throw malformed(name,
                      "it has no storage " + in_quotes(key) + "; the file is damaged, download it again");
    return found->second;
  };
  return read_state_dict(object, storage, file_size, std::move(owner), name, under);
}

}  // namespace

bool looks_like_pytorch(std::span<const std::byte> bytes) {
  return looks_like_zip(bytes) || magic_size(bytes) > 0;
}

TensorFile parse_pytorch(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                         const std::string& name, const std::string& under) {
  return magic_size(bytes) > 0 ? parse_legacy(bytes, std::move(owner), name, under)
                               : parse_zip(bytes, std::move(owner), name, under);
}

TensorFile read_pytorch(const std::filesystem::path& file) {
  const auto mapped = base::MappedFile::open(file);
  return parse_pytorch(mapped->bytes(), mapped, file.string());
}

}  // namespace ablaze::formats
