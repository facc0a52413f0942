#include "models/hugging_face.hpp"

#include <algorithm>
#include <cmath>

#include "base/json.hpp"
#include "base/text.hpp"

namespace ablaze::models {
namespace {

using json = base::SortedJson;
using Colours = std::array<float, 3>;

constexpr Colours kHalves{0.5F, 0.5F, 0.5F};
constexpr Colours kImageNetMean{0.485F, 0.456F, 0.406F}, kImageNetStd{0.229F, 0.224F, 0.225F};
constexpr Colours kClipMean{0.48145466F, 0.4578275F, 0.40821073F},
    kClipStd{0.26862954F, 0.26130258F, 0.27577711F};

/// How a processor understands its size.
enum class Sizing {
  shorter,   ///< {shortest_edge}, or a number: the shorter side
  both,      ///< {height, width}, or a number: both sides
  convnext,  ///< below 384 the shorter side is size / crop_pct, cropped to size; else both sides
  share,     ///< the shorter side is size / crop_pct
  levit      ///< the shorter side is size * 256 / 224
};

/// An image processor and its defaults. Numbers of `resample` are Pillow's.
struct Processor {
  std::string_view name;  ///< without "ImageProcessor"
  Sizing sizing;
  int size, crop;
  bool crops;
  int resample;
  const Colours& mean;
  const Colours& std;
};

constexpr int kNearest = 0, kBilinear = 2, kBicubic = 3;
constexpr double kUsualShare = 0.875, kPoolFormerShare = 0.9;

constexpr std::array<Processor, 13> kProcessors{{
    {"ConvNext", Sizing::convnext, 384, 384, false, kBicubic, kHalves, kHalves},
    {"ViT", Sizing::both, 224, 224, false, kBilinear, kHalves, kHalves},
    {"DeiT", Sizing::both, 256, 224, true, kBicubic, kHalves, kHalves},
    {"Beit", Sizing::both, 256, 224, true, kBicubic, kHalves, kHalves},
    {"Bit", Sizing::shorter, 224, 224, true, kBicubic, kClipMean, kClipStd},
    {"CLIP", Sizing::shorter, 224, 224, true, kBicubic, kClipMean, kClipStd},
    {"ChineseCLIP", Sizing::shorter, 224, 224, true, kBicubic, kClipMean, kClipStd},
    {"MobileNetV1", Sizing::shorter, 256, 224, true, kBilinear, kHalves, kHalves},
    {"MobileNetV2", Sizing::shorter, 256, 224, true, kBilinear, kHalves, kHalves},
    {"EfficientNet", Sizing::both, 346, 289, false, kNearest, kHalves, kHalves},
    {"Levit", Sizing::levit, 224, 224, true, kBicubic, kImageNetMean, kImageNetStd},
    {"PoolFormer", Sizing::share, 224, 224, true, kBicubic, kImageNetMean, kImageNetStd},
    {"Siglip", Sizing::both, 224, 224, false, kBicubic, kHalves, kHalves},
}};

/// Fields without influence on a photo in RGB.
constexpr std::array<std::string_view, 12> kIrrelevant{
    "do_convert_rgb", "feature_extractor_type", "image_processor_type", "processor_class",
    "data_format",    "input_data_format",      "return_tensors",       "device",
    "auto_map",       "_valid_processor_keys",  "model_input_names",    "disable_grouping"};

/// The processor that the file names; nothing where it names none, or one that is not known.
const Processor* processor_of(Settings& settings) {
  const json* named = &settings.take("image_processor_type");
  const json& older = settings.take("feature_extractor_type");
  const char* const field = named->is_null() ? "feature_extractor_type" : "image_processor_type";
  if (named->is_null()) named = &older;
  if (!named->is_string()) return nullptr;
  std::string name = named->get<std::string>();
  for (const std::string_view ending : {"Fast", "ImageProcessor", "FeatureExtractor"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  const auto found = std::ranges::find(kProcessors, std::string_view(name), &Processor::name);
  if (found != kProcessors.end()) return &*found;
  settings.not_used(
      field, "ablaze does not know this processor's defaults; its fields are read as other processors' are");
  return nullptr;
}

/// A switch; `usual` where the file does not have it.
bool is_on(Settings& settings, const char* name, bool usual) {
  const json& value = settings.take(name);
  if (value.is_null()) return usual;
  if (value.is_boolean()) return value.get<bool>();
  settings.not_used(name, std::string(usual ? "true" : "false") + " instead; expected true or false");
  return usual;
}

/// The side of a square size: a number, {height, width} or {shortest_edge}. `squares` tells {height, width}.
/// `width`, where given, takes the width of an oblong size, whose height is returned; others are refused.
std::optional<int> square_side(Settings& settings, const char* name, bool& squares, int* width = nullptr) {
  const json& size = settings.take(name);
  squares = false;
  const auto oblong = [&](const json& across) {
    const auto side = pixels(number(across));
    if (width == nullptr || !side) return settings.refuse(name, "ablaze cuts out square pictures only");
    *width = *side;
  };
  if (size.is_null()) return std::nullopt;
  std::optional<int> side;
  if (size.is_number()) {
    side = pixels(number(size));
  } else if (size.is_array() && size.size() == 2) {
    if (size[0] != size[1]) oblong(size[1]);
    squares = true;
    side = pixels(number(size[0]));
  } else if (size.is_object()) {
    const json &height = member(size, "height"), &across = member(size, "width"),
               &edge = member(size, "shortest_edge");
    const bool other = size.size() > (edge.is_null() ? 2U : 1U);
    if (other || (edge.is_null() && (height.is_null() || across.is_null())))
      settings.refuse(name, "expected height and width, or shortest_edge");
    if (edge.is_null() && height != across) oblong(across);
    squares = edge.is_null();
    side = pixels(number(edge.is_null() ? height : edge));
  }
  if (!side) settings.not_used(name, "the usual size instead; expected a number of pixels");
  return side;
}

/// How a file without a known processor understands its size: by the fields that it has.
Sizing sizing_by_fields(const Settings& settings, bool squares) {
  if (squares) return Sizing::both;
  return settings.has("crop_pct") && !settings.has("crop_size") ? Sizing::convnext : Sizing::shorter;
}

void read_sizes(Settings& settings, const Processor* processor, Preprocess& how) {
  bool squares = false, square_crop = false;
  const bool numbered = settings.has("size") && settings.take("size").is_number();
  int width = 0;  // of an oblong size
  const auto stated = square_side(settings, "size", squares, &width);
  const auto stated_crop = square_side(settings, "crop_size", square_crop);
  if (processor == nullptr && !stated && !stated_crop) {
    // The file says nothing of sizes: those known before it stay.
    for (const char* const name : {"crop_pct", "do_center_crop"})
      if (!settings.take(name).is_null()) settings.not_used(name, "the file has no size that ablaze can use");
    return;
  }
  Sizing sizing = processor != nullptr ? processor->sizing : sizing_by_fields(settings, squares);
  // A size of another form than the processor's usual one counts for itself.
  if (squares && (sizing == Sizing::shorter || sizing == Sizing::levit)) sizing = Sizing::both;
  if (stated && !squares && !numbered && sizing == Sizing::both) sizing = Sizing::shorter;
  if (processor == nullptr && numbered && stated && sizing == Sizing::shorter && !stated_crop)
    settings.note("the size in " + settings.file() +
                  " is taken as the shorter side of the photo, and of a centre crop");
  const bool has_own_crop = sizing == Sizing::convnext;
  const bool crops_usually =
      processor != nullptr ? processor->crops : stated_crop || sizing == Sizing::shorter;
  const bool crops = is_on(settings, "do_center_crop", crops_usually);
  const int size = stated.value_or(processor != nullptr ? processor->size : how.crop);
  const int crop = stated_crop.value_or(processor != nullptr ? processor->crop : size);

  const double usual_share =
      processor != nullptr && processor->sizing == Sizing::share ? kPoolFormerShare : kUsualShare;
  const json& share_field = settings.take("crop_pct");
  double share = number(share_field).value_or(usual_share);
  if (!(share > 0) || !pixels(size / share)) {
    settings.not_used("crop_pct", "the usual share instead; expected a number from 0 to 1");
    share = usual_share;
  }
  constexpr int squashed_from = 384;
  how.fit = Fit::shorter;
  how.crop_width = 0;
  how.resize = how.crop = size;
  if (sizing == Sizing::both || (has_own_crop && size >= squashed_from)) {
    how.fit = Fit::squash;
  } else if (has_own_crop || sizing == Sizing::share) {
    how.resize = static_cast<int>(size / share);
  } else if (sizing == Sizing::levit) {
    how.resize = static_cast<int>(256.0 / 224.0 * size);
  }
  if (width > 0) {
    if (how.fit != Fit::squash || crops)
      settings.refuse("size", "ablaze makes oblong inputs of whole photos only, without a crop");
    how.crop_width = width;
  }
  if (!share_field.is_null() && sizing != Sizing::convnext && sizing != Sizing::share)
    settings.not_used("crop_pct", "this processor takes its sizes from size and crop_size");
  if (has_own_crop) {
    if (stated_crop) settings.not_used("crop_size", "this processor crops to its size");
    return;
  }
  if (crops) {
    how.crop = crop;
  } else if (how.fit == Fit::shorter) {
    settings.refuse(
        "do_center_crop",
        "the network would take a photo's whole, oblong picture; ablaze makes square inputs only");
  }
}

void read_resample(Settings& settings, const Processor* processor, Preprocess& how) {
  const json& value = settings.take("resample");
  const auto filter =
      value.is_null() && processor != nullptr ? std::optional<double>(processor->resample) : number(value);
  if (filter == kBicubic || filter == kBilinear) {
    how.interpolation = filter == kBicubic ? Interpolation::bicubic : Interpolation::bilinear;
  } else if (!value.is_null() || filter) {
    how.interpolation = Interpolation::bilinear;
    settings.not_used("resample", "bilinear, 2, instead; ablaze resizes bilinear, 2, or bicubic, 3");
  }
}

/// The chain from a byte v to the network's number as (v / 255 - mean) / std, which is what Preprocess holds.
struct Normalisation {
  std::array<double, 3> mean{0, 0, 0}, std{1, 1, 1};

  /// x becomes (x - offset) * factor.
  void then(double offset, double factor) {
    for (std::size_t c = 0; c < 3; ++c) {
      mean[c] += offset * std[c];
      std[c] /= factor;
    }
  }
  void then_normalise(const Colours& m, const Colours& s) {
    for (std::size_t c = 0; c < 3; ++c) {
      mean[c] += static_cast<double>(m[c]) * std[c];
      std[c] *= static_cast<double>(s[c]);
    }
  }
};

void read_normalisation(Settings& settings, const Processor* processor, Preprocess& how) {
  Colours mean = processor != nullptr ? processor->mean : how.mean;
  Colours std = processor != nullptr ? processor->std : how.std;
  settings.take_colours("image_mean", mean);
  settings.take_colours("image_std", std);
  const bool rescales = is_on(settings, "do_rescale", true),
             normalises = is_on(settings, "do_normalize", true);
  const json& factor_field = settings.take("rescale_factor");
  double factor = number(factor_field).value_or(1.0 / 255.0);
  if ((!factor_field.is_null() && !factor_field.is_number()) || !(std::abs(factor) > 1e-12) ||
      std::abs(factor) > 1e6) {
    settings.not_used("rescale_factor", "1/255 instead; expected a number other than 0");
    factor = 1.0 / 255.0;
  }
  const bool centred = is_on(settings, "rescale_offset", false);
  const bool again =
      is_on(settings, "include_top", processor != nullptr && processor->name == "EfficientNet");

  Normalisation chain;
  // Bytes in [0, 1], as the usual factor makes them: nothing to do, and no rounding.
  const bool usual = rescales && !centred && std::abs(factor * 255.0 - 1.0) < 1e-6;
  if (!usual) chain.then(0, 255.0);
  if (!usual && rescales) chain.then(centred ? 127.5 : 0.0, factor);
  if (normalises) chain.then_normalise(mean, std);
  if (again) chain.then_normalise({0, 0, 0}, std);
  for (std::size_t c = 0; c < 3; ++c) {
    how.mean[c] = static_cast<float>(chain.mean[c]);
    how.std[c] = static_cast<float>(chain.std[c]);
  }
}

}  // namespace

void read_hugging_face(Settings& settings, Preprocess& preprocess) {
  settings.ignore(kIrrelevant);
  const Processor* const processor = processor_of(settings);
  if (!is_on(settings, "do_resize", true))
    settings.refuse("do_resize", "the network would take photos of any size; ablaze resizes them to one");
  for (const char* const step : {"do_flip_channel_order", "do_pad", "do_color_quantize"}) {
    if (is_on(settings, step, false)) settings.refuse(step, "ablaze has no such step");
  }
  read_sizes(settings, processor, preprocess);
  read_resample(settings, processor, preprocess);
  read_normalisation(settings, processor, preprocess);
}

}  // namespace ablaze::models
