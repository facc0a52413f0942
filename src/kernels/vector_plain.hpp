// The vector type in plain C++: the complete set of operations required of an instruction set. It serves any
// processor without a block in vector.hpp; to write a block, start from a copy of this file and replace each
// loop with an intrinsic. The tests compile every kernel over it in several widths.
#pragma once

namespace {

#if !defined(ABLAZE_PLAIN_WIDTH)
#define ABLAZE_PLAIN_WIDTH 4
#endif

/// Lanes of a window of Vector::width floats, one per lane of the result.
struct Lanes {
  int at[ABLAZE_PLAIN_WIDTH];
  static Lanes load(const int* p) {
    Lanes lanes;
    for (int i = 0; i < ABLAZE_PLAIN_WIDTH; ++i) lanes.at[i] = p[i];
    return lanes;
  }
};

struct Vector {
  static constexpr int width = ABLAZE_PLAIN_WIDTH;  // a divisor of 16
  static constexpr int registers = 16;              // vectors available to a tile: 16 or 32
  static constexpr bool widens = false;             // whether load_half exists
  float v[width];

  static Vector load(const float* p) {  // unaligned
    Vector r;
    for (int i = 0; i < width; ++i) r.v[i] = p[i];
    return r;
  }
  static Vector all(float x) {
    Vector r;
    for (float& lane : r.v) lane = x;
    return r;
  }
  static Vector pick(const float* window, const Lanes& lanes) {  // lane i reads window[lanes.at[i]]
    Vector r;
    for (int i = 0; i < width; ++i) r.v[i] = window[lanes.at[i]];
    return r;
  }
  void store(float* p) const {
    for (int i = 0; i < width; ++i) p[i] = v[i];
  }
};

/// a * b + c, rounded once or twice
inline Vector multiply_add(Vector a, const Vector& b, const Vector& c) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] = a.v[i] * b.v[i] + c.v[i];
  return a;
}
inline Vector operator+(Vector a, const Vector& b) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] += b.v[i];
  return a;
}
inline Vector operator-(Vector a, const Vector& b) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] -= b.v[i];
  return a;
}
inline Vector operator*(Vector a, const Vector& b) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] *= b.v[i];
  return a;
}
inline Vector operator/(Vector a, const Vector& b) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] /= b.v[i];
  return a;
}
/// The maximum; b where either is NaN: max(zero, y) propagates a NaN as PyTorch does.
inline Vector max(Vector a, const Vector& b) {
  for (int i = 0; i < Vector::width; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
  return a;
}
/// yes where a > b, else no (also where either is NaN)
inline Vector select_greater(const Vector& a, const Vector& b, Vector yes, const Vector& no) {
  for (int i = 0; i < Vector::width; ++i) yes.v[i] = a.v[i] > b.v[i] ? yes.v[i] : no.v[i];
  return yes;
}

}  // namespace
