#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/pytorch/pickle.hpp"
#include "formats/tensor_file.hpp"

namespace ablaze::formats {

/// The bytes stored under a storage's key in a PyTorch file. Throws Error where there is none.
using Storages = std::function<std::span<const std::byte>(std::string_view key)>;

/// Whether a key's or a name's words say that an average of the weights lies there: "model_ema", "swa".
bool is_average(std::string_view path);
/// Whether they say that the state of an optimizer, a loss or the like lies there.
bool is_training_state(std::string_view path);

/// The tensors of the state dict in a pickle, or of a whole pickled module. Searches nested dictionaries and
/// objects; `under` chooses one by its path of keys ("ema", "model.teacher"); what of it names no dictionary
/// is left in TensorFile::under. Skips integer tensors and other values. A contiguous tensor is a view of its
/// storage, kept alive by `owner`; others are gathered. Throws Error, also where there are several networks
/// and `under` does not choose.
TensorFile read_state_dict(const Pickle& pickle, const Storages& storages, std::uint64_t file_size,
                           std::shared_ptr<const void> owner, const std::string& name,
                           const std::string& under = {});

}  // namespace ablaze::formats
