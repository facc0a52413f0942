// A thin vector type over the intrinsics: all that an instruction set has to provide. Included only by the
// sources of each instruction set, with internal linkage. To add an instruction set, add a block below;
// vector_plain.hpp states what it must contain. Only headers without inline library functions may be included
// here: the linker keeps one copy of an inline function for the whole program, and it might be the one built
// for AVX-512.
#pragma once

#if defined(ABLAZE_PLAIN_WIDTH) || !defined(__SSE2__)

#include "kernels/vector_plain.hpp"

#else

#include <immintrin.h>

namespace {

#if defined(__AVX512F__)

struct Lanes {
  __m512i v;
  static Lanes load(const int* p) { return {_mm512_loadu_si512(p)}; }
};

struct Vector {
  static constexpr int width = 16;
  static constexpr int registers = 32;
  static constexpr bool widens = true;
  __m512 v;
  static Vector load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vector load_half(const unsigned short* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Vector all(float x) { return {_mm512_set1_ps(x)}; }
  static Vector pick(const float* window, Lanes lanes) {
    return {_mm512_permutexvar_ps(lanes.v, _mm512_loadu_ps(window))};
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
};
/// a * b + c
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vector operator/(Vector a, Vector b) { return {_mm512_div_ps(a.v, b.v)}; }
/// The maximum; b where either is NaN: max(zero, y) propagates a NaN as PyTorch does.
inline Vector max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
/// yes where a > b, else no (also where either is NaN)
inline Vector select_greater(Vector a, Vector b, Vector yes, Vector no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ), no.v, yes.v)};
}

#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

struct Lanes {
  __m256i v;
  static Lanes load(const int* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
};

struct Vector {
  static constexpr int width = 8;
  static constexpr int registers = 16;
  static constexpr bool widens = true;
  __m256 v;
  static Vector load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vector load_half(const unsigned short* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static Vector all(float x) { return {_mm256_set1_ps(x)}; }
  static Vector pick(const float* window, Lanes lanes) {
    return {_mm256_permutevar8x32_ps(_mm256_loadu_ps(window), lanes.v)};
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
};
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vector operator/(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vector max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vector select_greater(Vector a, Vector b, Vector yes, Vector no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ))};
}

#else  // SSE2, which every x86-64 has

struct Lanes {
  int at[4];
  static Lanes load(const int* p) { return {{p[0], p[1], p[2], p[3]}}; }
};

struct Vector {
  static constexpr int width = 4;
  static constexpr int registers = 16;
  static constexpr bool widens = false;
  __m128 v;
  static Vector load(const float* p) { return {_mm_loadu_ps(p)}; }
  static Vector all(float x) { return {_mm_set1_ps(x)}; }
  static Vector pick(const float* window, const Lanes& l) {
    return {_mm_setr_ps(window[l.at[0]], window[l.at[1]], window[l.at[2]], window[l.at[3]])};
  }
  void store(float* p) const { _mm_storeu_ps(p, v); }
};
inline Vector multiply_add(Vector a, Vector b, Vector c) { return {_mm_add_ps(_mm_mul_ps(a.v, b.v), c.v)}; }
inline Vector operator+(Vector a, Vector b) { return {_mm_add_ps(a.v, b.v)}; }
inline Vector operator-(Vector a, Vector b) { return {_mm_sub_ps(a.v, b.v)}; }
inline Vector operator*(Vector a, Vector b) { return {_mm_mul_ps(a.v, b.v)}; }
inline Vector operator/(Vector a, Vector b) { return {_mm_div_ps(a.v, b.v)}; }
inline Vector max(Vector a, Vector b) { return {_mm_max_ps(a.v, b.v)}; }
inline Vector select_greater(Vector a, Vector b, Vector yes, Vector no) {
  const __m128 greater = _mm_cmpgt_ps(a.v, b.v);
  return {_mm_or_ps(_mm_and_ps(greater, yes.v), _mm_andnot_ps(greater, no.v))};
}

#endif

}  // namespace

#endif
