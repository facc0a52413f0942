#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <ablaze/error.hpp>
#include <ablaze/tensor.hpp>

#include "base/enum_names.hpp"
#include "tensor/half.hpp"
#include "tensor/memory.hpp"

namespace ablaze {
namespace {

float* allocate(std::int64_t count) {
  return static_cast<float*>(allocate_numbers(static_cast<std::uint64_t>(count) * sizeof(float)));
}

template <float to_float(std::uint16_t)>
void widen(const std::byte* from, std::span<float> out) {
  for (float& value : out) {  // memcpy: the file does not promise alignment
    std::uint16_t bits = 0;
    std::memcpy(&bits, from, sizeof bits);
    value = to_float(bits);
    from += sizeof bits;
  }
}

}  // namespace

std::int64_t element_count(const Shape& shape) {
  constexpr std::int64_t most = std::int64_t{1} << 60;  // so that the bytes can still be counted
  std::int64_t count = 1;
  for (const std::int64_t n : shape) {
    if (n < 0) throw Error("a tensor's axis cannot be negative: " + to_string(shape));
    if (n > 0 && count > most / n) throw Error("a tensor of shape " + to_string(shape) + " is too large");
    count *= n;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : "x") + std::to_string(n);
  return text;
}

void Tensor::Free::operator()(float* p) const noexcept { free_numbers(p); }

Tensor::Tensor(Shape shape) : shape_(std::move(shape)), size_(element_count(shape_)), data_(allocate(size_)) {
  std::fill_n(data_.get(), size_, 0.0F);
}

Tensor Tensor::uninitialised(Shape shape) {
  Tensor tensor;
  tensor.size_ = element_count(shape);
  tensor.shape_ = std::move(shape);
  tensor.data_.reset(allocate(tensor.size_));
  return tensor;
}

Tensor::Tensor(Shape shape, std::span<const float> values)
    : shape_(std::move(shape)), size_(element_count(shape_)) {
  if (size_ != static_cast<std::int64_t>(values.size())) {
    throw Error("a tensor of shape " + to_string(shape_) + " takes " + std::to_string(size_) +
                " values, not " + std::to_string(values.size()));
  }
  data_.reset(allocate(size_));
  std::copy(values.begin(), values.end(), data_.get());
}

Tensor::Tensor(const Tensor& other) : shape_(other.shape_), size_(other.size_), data_(allocate(other.size_)) {
  std::copy_n(other.data_.get(), size_, data_.get());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

// A moved-from vector is empty: with its size exchanged, the other tensor has no elements.
Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::move(other.shape_)), size_(std::exchange(other.size_, 0)), data_(std::move(other.data_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  Tensor taken(std::move(other));  // first, so that self-assignment keeps the tensor
  shape_.swap(taken.shape_);
  std::swap(size_, taken.size_);
  data_.swap(taken.data_);
  return *this;
}

const Shape& Tensor::no_elements() {
  static const Shape shape{0};
  return shape;
}

Tensor Tensor::reshaped(Shape shape) const { return Tensor(std::move(shape), values()); }

std::size_t byte_size(DType dtype) { return dtype == DType::f32 ? 4 : 2; }

namespace {
constexpr base::EnumNames<DType, 3> kDtypeNames{"number format", {"f32", "f16", "bf16"}};
}
std::string to_string(DType dtype) { return kDtypeNames.name_of(dtype); }
DType parse_dtype(std::string_view name) { return kDtypeNames.parse(name); }

Weight::Weight(DType dtype, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : dtype_(dtype),
      shape_(std::move(shape)),
      size_(element_count(shape_)),
      bytes_(bytes),
      owner_(std::move(owner)) {
  if (bytes.size() / byte_size(dtype) != static_cast<std::size_t>(size_) ||
      bytes.size() % byte_size(dtype) != 0) {
    throw Error("a weight of shape " + to_string(shape_) + " in " + to_string(dtype) + " takes " +
                std::to_string(size_) + " elements, not " + std::to_string(bytes.size()) + " bytes");
  }
  if (owner_ == nullptr) owner_ = std::make_shared<int>(0);  // non-null, whoever owns the bytes
}

Weight::Weight(Tensor tensor) {
  auto owned = std::make_shared<const Tensor>(std::move(tensor));
  *this = Weight(DType::f32, owned->shape(), std::as_bytes(owned->values()), owned);
}

void Weight::read(std::int64_t begin, std::span<float> out) const {
  if (begin < 0 || begin > size_ || static_cast<std::int64_t>(out.size()) > size_ - begin) {
    throw Error("read past the end of a weight of shape " + to_string(shape_));
  }
  const std::byte* from = bytes_.data() + static_cast<std::size_t>(begin) * byte_size(dtype_);
  if (dtype_ == DType::f32) {
    if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
    return;
  }
  if (dtype_ == DType::f16) {
    widen<half_to_float>(from, out);
  } else {
    widen<bfloat16_to_float>(from, out);
  }
}

Tensor Weight::to_tensor() const {
  Tensor tensor(shape_);
  read(0, tensor.values());
  return tensor;
}

}  // namespace ablaze
