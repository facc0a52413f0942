#include "image/colours.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <ablaze/error.hpp>

#include "base/text.hpp"
#include "image/pixel.hpp"

namespace ablaze {
namespace {

/// Evenly spaced anchors 0xRRGGBB, interpolated linearly. The first four maps' anchors are least-squares fits
/// to the maps' published 256 colours (inferno, viridis and magma: S. van der Walt and N. Smith, public
/// domain; turbo: A. Mikhailov), with errors of at most 2 of 255.
constexpr std::array<std::uint32_t, 33> inferno{
    0x000004, 0x030312, 0x0a0724, 0x150b37, 0x210c4a, 0x2e0a5b, 0x3c0965, 0x4a0b6b, 0x57106e,
    0x63146f, 0x70196e, 0x7d1e6d, 0x89226a, 0x962766, 0xa32b62, 0xaf315c, 0xbb3755, 0xc63d4d,
    0xd14545, 0xdb4f3c, 0xe45932, 0xeb6528, 0xf1711e, 0xf67f14, 0xf98d09, 0xfb9c05, 0xfcab0f,
    0xfbba1f, 0xf9ca32, 0xf5d949, 0xf2e865, 0xf2f586, 0xfcffa4};
constexpr std::array<std::uint32_t, 33> viridis{
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453681, 0x424086, 0x3f4989, 0x3b528b,
    0x375a8d, 0x33638d, 0x2f6a8e, 0x2c728e, 0x297a8e, 0x26818e, 0x23898e, 0x21908d, 0x1f988b,
    0x1e9f88, 0x21a685, 0x27ae80, 0x31b57b, 0x3dbc74, 0x4cc26c, 0x5cc963, 0x6ece58, 0x81d44c,
    0x96d840, 0xabdc32, 0xc0df24, 0xd5e219, 0xeae519, 0xfde725};
constexpr std::array<std::uint32_t, 33> magma{
    0x000004, 0x030311, 0x0a0822, 0x130d33, 0x1d1146, 0x28125a, 0x36106b, 0x430f76, 0x50127c,
    0x5d177f, 0x691c81, 0x762181, 0x822682, 0x8f2a81, 0x9c2e7f, 0xa9327d, 0xb6377a, 0xc33b75,
    0xd04170, 0xdb486a, 0xe65063, 0xef5c5e, 0xf5695b, 0xf9785c, 0xfc8761, 0xfd9668, 0xfea571,
    0xfeb47b, 0xfec387, 0xfed194, 0xfde0a1, 0xfceeb0, 0xfcfdbf};
constexpr std::array<std::uint32_t, 33> turbo{
    0x30123b, 0x3a2a74, 0x4040a2, 0x4556c7, 0x476be4, 0x477ff7, 0x4393ff, 0x37a8fb, 0x29bbec,
    0x1ccdd8, 0x17dcc3, 0x1de8b0, 0x30f299, 0x4cf97e, 0x6bfe63, 0x8aff4c, 0xa3fd3c, 0xb8f734,
    0xcced34, 0xdee037, 0xedd03a, 0xf8c03a, 0xfdae35, 0xfe982c, 0xfc8022, 0xf56817, 0xec520e,
    0xe14009, 0xd23105, 0xc12302, 0xac1701, 0x950c01, 0x7a0403};
/// The rainbow of older tools; its breakpoints are at the eighths.
constexpr std::array<std::uint32_t, 9> jet{0x000080, 0x0000ff, 0x0080ff, 0x00ffff, 0x80ff80,
                                           0xffff00, 0xff8000, 0xff0000, 0x800000};
constexpr std::array<std::uint32_t, 2> grey_ramp{0x000000, 0xffffff};
/// For signed values: blue below zero, light grey at zero, red above. Designed in Oklab: lightness and chroma
/// change equally on both sides, so that neither sign looks larger.
constexpr std::array<std::uint32_t, 33> bluered{
    0x004dab, 0x0a58ba, 0x1a63c7, 0x286fd3, 0x357ade, 0x4386e8, 0x5292f0, 0x619ef7, 0x71a9fc,
    0x82b4fe, 0x94bfff, 0xa6caff, 0xb7d4fe, 0xc7ddfe, 0xd6e6ff, 0xe6effb, 0xf5f5f5, 0xfce9e4,
    0xffdcd3, 0xffcfc3, 0xffc1b2, 0xffb1a0, 0xfea18e, 0xfe8f7b, 0xf8806b, 0xf2705d, 0xea604f,
    0xe05142, 0xd54136, 0xc9322b, 0xbc2121, 0xaf0a16, 0x9e0013};

std::span<const std::uint32_t> anchors_of(ColourMap map) {
  switch (map) {
    case ColourMap::viridis:
      return viridis;
    case ColourMap::magma:
      return magma;
    case ColourMap::turbo:
      return turbo;
    case ColourMap::jet:
      return jet;
    case ColourMap::grey:
      return grey_ramp;
    case ColourMap::bluered:
      return bluered;
    case ColourMap::inferno:
      break;
  }
  return inferno;
}

const std::array<std::string, 7>& names() {
  static const std::array<std::string, 7> in_order_of_the_enum{"inferno", "viridis", "magma",  "turbo",
                                                               "jet",     "grey",    "bluered"};
  return in_order_of_the_enum;
}

}  // namespace

std::span<const std::string> colour_map_names() { return names(); }

bool is_diverging(ColourMap map) { return map == ColourMap::bluered; }

std::string to_string(ColourMap map) { return names().at(static_cast<std::size_t>(map)); }

ColourMap parse_colour_map(std::string_view name) {
  const auto found = std::find(names().begin(), names().end(), name);
  if (found != names().end()) return static_cast<ColourMap>(found - names().begin());
  throw UsageError("unknown colour map '" + base::printable(name) + "'" + base::did_you_mean(name, names()) +
                   "; known: " + base::join(names()));
}

std::array<std::uint8_t, 3> colour(ColourMap map, float value) {
  const auto anchors = anchors_of(map);
  const float clamped = value > 0.0F ? std::min(value, 1.0F) : 0.0F;  // NaN fails the comparison
  const float position = clamped * static_cast<float>(anchors.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(position), anchors.size() - 2);
  const float part = position - static_cast<float>(below);
  std::array<std::uint8_t, 3> rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto channel = [c](std::uint32_t anchor) {
      return static_cast<float>(anchor >> (16 - 8 * c) & 0xFF);
    };
    const float low = channel(anchors[below]), high = channel(anchors[below + 1]);
    rgb[c] = image::to_byte(low + (high - low) * part);
  }
  return rgb;
}

std::vector<std::array<std::uint8_t, 3>> image::colour_table(ColourMap map, int count) {
  std::vector<std::array<std::uint8_t, 3>> table(count);
  for (int i = 0; i < count; ++i) {
    table[i] = colour(map, static_cast<float>(i) / static_cast<float>(count - 1));
  }
  return table;
}

}  // namespace ablaze
