// The thin vector type behind which the intrinsics stand. Included by the per-ISA sources alone, inside whose
// namespace everything here has internal linkage; a new instruction set is one more block below.
// Only headers without inline library functions may be included here: the linker keeps one copy of an
// inline function for the whole program, and it might be the one built for AVX-512.
#pragma once

#include <immintrin.h>

namespace {

#if defined(__AVX512F__)

struct Vector {
  static constexpr int width = 16;
  __m512 v;
  static Vector load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vector all(float x) { return {_mm512_set1_ps(x)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
};
/// a * b + c
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
/// The larger; b where either is NaN: max(zero, y) lets a NaN through as PyTorch does.
inline Vector max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }

#elif defined(__AVX2__) && defined(__FMA__)

struct Vector {
  static constexpr int width = 8;
  __m256 v;
  static Vector load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vector all(float x) { return {_mm256_set1_ps(x)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
};
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vector max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }

#else  // SSE2, which every x86-64 has

struct Vector {
  static constexpr int width = 4;
  __m128 v;
  static Vector load(const float* p) { return {_mm_loadu_ps(p)}; }
  static Vector all(float x) { return {_mm_set1_ps(x)}; }
  void store(float* p) const { _mm_storeu_ps(p, v); }
};
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm_add_ps(_mm_mul_ps(a.v, b.v), c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm_mul_ps(a.v, b.v)}; }
inline Vector max(Vector a, Vector b) { return {_mm_max_ps(a.v, b.v)}; }

#endif

}  // namespace
