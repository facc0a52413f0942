#pragma once

#include <string>
#include <vector>

#include <ablaze/image.hpp>
#include <ablaze/pictures.hpp>
#include <ablaze/tensor.hpp>

#include "image/drawing.hpp"

// The common style of contact sheets and steps.

namespace ablaze::pictures {

inline constexpr image::Colour kPaper{255, 255, 255};
inline constexpr image::Colour kInk{31, 35, 40};
inline constexpr image::Colour kQuiet{101, 109, 118};   ///< captions
inline constexpr image::Colour kLine{208, 215, 222};    ///< rules and frames
inline constexpr image::Colour kTrack{234, 238, 242};   ///< behind bars
inline constexpr image::Colour kWarning{154, 88, 0};    ///< notes
inline constexpr image::Colour kPositive{188, 33, 33};  ///< the ends of the diverging colour map
inline constexpr image::Colour kNegative{26, 99, 199};

inline constexpr image::Type kTitle{22, image::Face::semibold, kInk};
inline constexpr image::Type kHeading{15, image::Face::semibold, kInk};
inline constexpr image::Type kBody{14, image::Face::regular, kInk};
inline constexpr image::Type kCaption{12.5, image::Face::regular, kQuiet};
inline constexpr image::Type kNote{12.5, image::Face::regular, kWarning};

inline constexpr int kMargin = 28;
inline constexpr int kGap = 12;

/// explanation_picture without text.
Image map_over_photo(const Image& photo, const Rectangle& where, const Explanation& explanation,
                     const ValueRange& range, const MapStyle& style);

/// The part of a photo that the network saw, resized; black where the crop extends beyond the photo.
Image seen_part(const Image& photo, const Rectangle& where, int width, int height);

/// The size of something scaled to fit into a square.
PixelRectangle fit(double width, double height, int side);

/// A map [h, w] as an image, smoothly interpolated.
Image map_picture(const Tensor& map, const ValueRange& range, ColourMap colours, int width, int height);

/// Lines of text, the first at `top`. Returns the y of the next line.
int draw_lines(Image& on, int x, int top, const std::vector<std::string>& lines, const image::Type& type);

/// A sheet with a title and up to two lines below it, and space for `width` x `height` below these.
Image titled(const std::string& title_text, const std::string& below, int width, int height);
/// The top of that space.
int top_of(const Image& titled_sheet, int height);

/// A class's label, shortened for a sentence.
std::string class_name(const ClassScore& target);
/// "+0.25": a number with its sign.
std::string signed_value(double value);

/// A colour bar to the right of an image, with the numbers of its ends and, for a diverging map, the zero.
void upright_scale(Image& on, const PixelRectangle& box, const ValueRange& range, ColourMap colours);

}  // namespace ablaze::pictures
