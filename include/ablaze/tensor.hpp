#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ablaze {

/// Sizes of a tensor's axes, outermost first; activations are NCHW.
using Shape = std::vector<std::int64_t>;

/// Number of elements. Throws Error where an axis is negative or the product exceeds 2^60.
std::int64_t element_count(const Shape& shape);

/// "1x3x224x224"; "scalar" for an empty shape.
std::string to_string(const Shape& shape);

/// A dense float tensor in row-major order: a shape and one 64-byte aligned buffer.
/// A plain value: copying copies the numbers. What was moved from is as default-constructed.
class Tensor {
 public:
  Tensor() noexcept = default;                         ///< shape {0}, no elements; allocates nothing
  explicit Tensor(Shape shape);                        ///< filled with zeros
  static Tensor uninitialised(Shape shape);            ///< for a caller that writes every element
  Tensor(Shape shape, std::span<const float> values);  ///< throws Error where the counts differ
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() = default;

  const Shape& shape() const { return shape_.empty() && size_ == 0 ? no_elements() : shape_; }
  std::int64_t rank() const { return static_cast<std::int64_t>(shape().size()); }
  std::int64_t dim(std::size_t axis) const { return shape().at(axis); }
  std::int64_t size() const { return size_; }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::span<float> values() { return {data_.get(), static_cast<std::size_t>(size_)}; }
  std::span<const float> values() const { return {data_.get(), static_cast<std::size_t>(size_)}; }
  float& operator[](std::int64_t i) { return data_.get()[i]; }
  float operator[](std::int64_t i) const { return data_.get()[i]; }

  /// The same numbers under another shape of the same element count.
  Tensor reshaped(Shape shape) const;

 private:
  struct Free {
    void operator()(float* p) const noexcept;
  };
  static const Shape& no_elements();  ///< {0}
  Shape shape_;  ///< empty with size_ 0: stands for {0}, which would have to be allocated
  std::int64_t size_ = 0;
  std::unique_ptr<float[], Free> data_;
};

/// Number formats that a model file may hold; all are widened to float when used.
enum class DType { f32, f16, bf16 };
std::size_t byte_size(DType dtype);        ///< of one element
std::string to_string(DType dtype);        ///< "f32", "f16" or "bf16"
DType parse_dtype(std::string_view name);  ///< Throws UsageError

/// A parameter of a network as its file holds it: dtype, shape and a view of the bytes (little
/// endian, row-major). The owner (a mapped file, say) lives as long as any view of it.
/// Default-constructed: absent (a convolution without bias).
class Weight {
 public:
  Weight() = default;
  Weight(DType dtype, Shape shape, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  Weight(Tensor tensor);  // NOLINT: a float tensor is a weight

  explicit operator bool() const { return owner_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }  ///< of the bytes

  /// Elements [begin, begin + out.size()) widened to float.
  void read(std::int64_t begin, std::span<float> out) const;
  Tensor to_tensor() const;

 private:
  DType dtype_ = DType::f32;
  Shape shape_;
  std::int64_t size_ = 0;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace ablaze
