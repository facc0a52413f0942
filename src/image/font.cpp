#include "image/font.hpp"

#include <cstdlib>

#include <ablaze/error.hpp>

#include "image/font_data.hpp"
#include "image/stb_memory.hpp"

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC  // avoids conflicts with a program's own stb_truetype
#define STBTT_malloc(size, user) (static_cast<void>(user), ablaze::image::StbMemory::malloc(size))
#define STBTT_free(block, user) (static_cast<void>(user), ablaze::image::StbMemory::free(block))
#include <stb/stb_truetype.h>

namespace ablaze::image {

namespace {

stbtt_fontinfo opened(std::span<const unsigned char> file) {
  stbtt_fontinfo info;
  if (stbtt_InitFont(&info, file.data(), 0) == 0) throw Error("cannot read the library's built-in font");
  return info;
}

const stbtt_fontinfo& opened_face(Face face) {
  static const stbtt_fontinfo regular = opened(inter_regular()), semibold = opened(inter_semibold());
  return face == Face::regular ? regular : semibold;
}

int code(char32_t character) { return static_cast<int>(character); }

}  // namespace

Font::Font(Face face, double size)
    : face_(face),
      scale_(static_cast<double>(
          stbtt_ScaleForMappingEmToPixels(&opened_face(face), static_cast<float>(size)))) {}

double Font::ascent() const {
  int up = 0, down = 0, gap = 0;
  stbtt_GetFontVMetrics(&opened_face(face_), &up, &down, &gap);
  return up * scale_;
}

double Font::descent() const {
  int up = 0, down = 0, gap = 0;
  stbtt_GetFontVMetrics(&opened_face(face_), &up, &down, &gap);
  return -down * scale_;
}

double Font::advance(char32_t character) const {
  int width = 0, bearing = 0;
  stbtt_GetCodepointHMetrics(&opened_face(face_), code(character), &width, &bearing);
  return width * scale_;
}

double Font::kerning(char32_t left, char32_t right) const {
  return stbtt_GetCodepointKernAdvance(&opened_face(face_), code(left), code(right)) * scale_;
}

Font::Glyph Font::glyph(char32_t character, double shift) const {
  const auto scale = static_cast<float>(scale_), moved = static_cast<float>(shift);
  int left = 0, top = 0, right = 0, bottom = 0;
  stbtt_GetCodepointBitmapBoxSubpixel(&opened_face(face_), code(character), scale, scale, moved, 0, &left,
                                      &top, &right, &bottom);
  Glyph glyph{left, top, right - left, bottom - top, {}};
  glyph.coverage.resize(static_cast<std::size_t>(glyph.width) * static_cast<std::size_t>(glyph.height));
  if (!glyph.coverage.empty()) {
    const StbMemory memory;
    stbtt_MakeCodepointBitmapSubpixel(&opened_face(face_), glyph.coverage.data(), glyph.width, glyph.height,
                                      glyph.width, scale, scale, moved, 0, code(character));
  }
  return glyph;
}

}  // namespace ablaze::image
