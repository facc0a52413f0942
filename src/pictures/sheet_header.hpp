#pragma once

#include <string>

#include <ablaze/explain.hpp>
#include <ablaze/image.hpp>

namespace ablaze::pictures {

inline constexpr int kHeaderHeight = 136;
inline constexpr int kLabelWidth = 150;  ///< the column with the methods' names

std::string label_of(const ClassScore& score);
/// "63.1 %", or the logit if there are no probabilities.
std::string score_text(const ClassScore& score);

/// The header of a contact sheet: the photo, a title, the explained layer and score, and the best classes.
void draw_header(Image& on, const Image& photo, const Explanation& first, const std::string& title_text);

}  // namespace ablaze::pictures
