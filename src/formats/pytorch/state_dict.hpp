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

/// The bytes that a PyTorch file keeps under a storage's key. Throws Error where there is none.
using Storages = std::function<std::span<const std::byte>(std::string_view key)>;

/// The tensors of the state dict in a pickle: nested dictionaries (state_dict, model, ...) are entered,
/// tensors of integers and whatever is no tensor are passed over. A contiguous tensor is a view of its
/// storage, which `owner` keeps; others are gathered. Throws Error.
TensorFile read_state_dict(const Pickle& pickle, const Storages& storages, std::uint64_t file_size,
                           std::shared_ptr<const void> owner, const std::string& name);

}  // namespace ablaze::formats
