#pragma once

#include <string>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/pictures.hpp>
#include <ablaze/tensor.hpp>

#include "image/drawing.hpp"

// What contact sheets and steps look like.

namespace ablaze::explain {

inline constexpr image::Colour paper{255, 255, 255};
inline constexpr image::Colour ink{31, 35, 40};
inline constexpr image::Colour quiet{101, 109, 118};   ///< captions
inline constexpr image::Colour line{208, 215, 222};    ///< rules and frames
inline constexpr image::Colour track{234, 238, 242};   ///< behind bars
inline constexpr image::Colour warning{154, 88, 0};    ///< notes
inline constexpr image::Colour positive{188, 33, 33};  ///< the ends of the diverging colour map
inline constexpr image::Colour negative{26, 99, 199};

inline constexpr image::Type title{22, image::Face::semibold, ink};
inline constexpr image::Type heading{15, image::Face::semibold, ink};
inline constexpr image::Type body{14, image::Face::regular, ink};
inline constexpr image::Type caption{12.5, image::Face::regular, quiet};
inline constexpr image::Type note{12.5, image::Face::regular, warning};

inline constexpr int margin = 28;
inline constexpr int gap = 12;

/// explanation_picture without words.
Image map_over_photo(const Image& photo, const CropBox& where, const Explanation& explanation,
                     const ValueRange& range, const MapStyle& style);

/// The part of a photo that a network saw, scaled to a size; black where the crop reaches beyond the photo.
Image seen_part(const Image& photo, const CropBox& where, int width, int height);

/// The size that something has when it is scaled to fit into a square.
image::Box fit(double width, double height, int side);

/// A map [h, w] as a picture of its own, each value a smooth spot.
Image map_picture(const Tensor& map, const ValueRange& range, ColourMap colours, int width, int height);

/// Lines of text one below another, the first at `top`. Returns where the next would begin.
int draw_lines(Image& on, int x, int top, const std::vector<std::string>& lines, const image::Type& type);

/// A sheet with a title and up to two lines below it, and room for `width` x `height` below these.
Image titled(const std::string& title_text, const std::string& below, int width, int height);
/// Where that room begins.
int top_of(const Image& titled_sheet, int height);

/// A class's label, short enough for a sentence.
std::string class_name(const ClassScore& target);
/// "+0.25": a number whose sign matters.
std::string signed_value(double value);

/// A colour bar to the right of a picture, with its ends' numbers and, for a diverging map, the zero.
void upright_scale(Image& on, const image::Box& box, const ValueRange& range, ColourMap colours);

}  // namespace ablaze::explain
