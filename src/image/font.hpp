#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ablaze::image {

enum class Face { regular, semibold };

/// The shipped font at one size. All lengths in pixels.
class Font {
 public:
  /// `size`: of the em.
  Font(Face face, double size);

  double ascent() const;   ///< of the tallest letters, above the baseline
  double descent() const;  ///< below the baseline
  double advance(char32_t character) const;
  double kerning(char32_t left, char32_t right) const;

  /// The coverage of each pixel by a character, 0 to 255, with the character's origin `shift` (0 to 1) to the
  /// right of a pixel's left edge.
  struct Glyph {
    int left = 0, top = 0;  ///< the first pixel, relative to the origin's pixel and the baseline
    int width = 0, height = 0;
    std::vector<std::uint8_t> coverage;
  };
  Glyph glyph(char32_t character, double shift) const;

 private:
  Face face_;
  double scale_;  ///< font units to pixels
};

}  // namespace ablaze::image
