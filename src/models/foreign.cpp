#include "models/foreign.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "models/families.hpp"
#include "models/names.hpp"

namespace ablaze::models {
namespace {

enum class Way { onnx, attention, recurrence, classifier };

/// A kind of network by parts of its tensors' names; the later parts may be empty.
struct Foreign {
  std::string_view what;
  Way way;
  std::array<std::string_view, 3> parts;
};

/// The first that fits counts: detectors and the like contain classifiers' bodies.
constexpr std::array kForeign{
    Foreign{"a detection network (Faster or Mask R-CNN)", Way::classifier, {"roi_heads.", "rpn."}},
    Foreign{"a detection network (Detectron2)", Way::classifier, {"proposal_generator."}},
    Foreign{"a detection network (RetinaNet, SSD or FCOS)", Way::classifier, {"head.classification_head."}},
    Foreign{"a detection network (MMDetection)", Way::classifier, {"bbox_head."}},
    Foreign{
        "a detection network (a detection transformer)", Way::classifier, {"bbox_embed.", "class_embed."}},
    Foreign{"a detection network (YOLO)", Way::classifier, {".cv1.conv.", ".cv2."}},
    Foreign{"a detection network (YOLO)", Way::classifier, {"model.0.conv.", ".m.0."}},
    Foreign{"a detection network (YOLO)", Way::classifier, {"module_list.0.", "module_list.1."}},
    Foreign{"a segmentation network", Way::classifier, {"aux_classifier."}},
    Foreign{"a segmentation network (DeepLab)", Way::classifier, {"classifier.0.convs."}},
    Foreign{"a segmentation network", Way::classifier, {"segmentation_head."}},
    Foreign{"a segmentation network (MMSegmentation)", Way::classifier, {"decode_head."}},
    Foreign{"a segmentation network (U-Net)", Way::classifier, {"inc.double_conv.", "down1.", "up1."}},
    Foreign{"a segmentation network (LR-ASPP)", Way::classifier, {"low_classifier.", "high_classifier."}},
    Foreign{"a segmentation network (FCN)",
            Way::classifier,
            {"backbone.layer4.", "classifier.4.", "classifier.0."}},
    Foreign{"a CLIP model", Way::attention, {"token_embedding.", "visual."}},
    Foreign{"a CLIP model", Way::attention, {"text_model.", "vision_model."}},
    Foreign{"a diffusion model", Way::attention, {"time_embed", "diffusion_model."}},
    Foreign{"a diffusion model", Way::attention, {"time_embedding.linear_1.", "down_blocks."}},
    Foreign{"a MaxViT", Way::attention, {"relative_position_bias_table", "MBconv"}},
    Foreign{"a Swin transformer", Way::attention, {"relative_position_bias_table"}},
    Foreign{"a Swin transformer (version 2)", Way::attention, {"cpb_mlp."}},
    Foreign{"a MaxViT or CoAtNet", Way::attention, {"rel_pos", "mbconv"}},
    Foreign{"a vision transformer", Way::attention, {"patch_embed.proj.", "attn."}},
    Foreign{"a vision transformer", Way::attention, {"patch_embeddings.projection."}},
    Foreign{"a vision transformer", Way::attention, {"conv_proj.", "encoder.layers."}},
    Foreign{"a vision transformer", Way::attention, {"to_patch_embedding."}},
    Foreign{"a vision transformer", Way::attention, {"cls_token"}},
    Foreign{"a vision transformer", Way::attention, {"class_token"}},
    Foreign{"a transformer (PVT, MiT, CaiT or similar)", Way::attention, {"patch_embed", "attn."}},
    Foreign{"an MLP-Mixer or ResMLP", Way::onnx, {"mlp_tokens."}},
    Foreign{"a language model", Way::attention, {"embed_tokens."}},
    Foreign{"a language model", Way::attention, {"word_embeddings."}},
    Foreign{"a language model", Way::attention, {"wte."}},
    Foreign{"a transformer", Way::attention, {"in_proj_weight"}},
    Foreign{"a transformer", Way::attention, {"attn.qkv."}},
    Foreign{"a recurrent network", Way::recurrence, {"weight_ih_l0"}},
    Foreign{"a ConvNeXt", Way::onnx, {"downsample_layers.", "dwconv."}},
    Foreign{"a ConvNeXt", Way::onnx, {"stages.", "conv_dw.", "gamma"}},
    Foreign{"a ConvNeXt", Way::onnx, {"convnext.", "dwconv."}},
    Foreign{"a ConvNeXt", Way::onnx, {"features.", "layer_scale"}},
    Foreign{"an EfficientNet or MobileNet of timm", Way::onnx, {"conv_stem.", "conv_head."}},
    Foreign{"an EfficientNet", Way::onnx, {"_conv_stem.", "_blocks."}},
    Foreign{"an EfficientNet", Way::onnx, {"efficientnet.", "depthwise_conv"}},
    Foreign{"a RegNet", Way::onnx, {"stem.conv.", "s1.b1.conv1."}},
    Foreign{"a RegNet", Way::onnx, {"regnet.", "encoder.stages."}},
    Foreign{"an Inception-v4 or Inception-ResNet", Way::onnx, {"conv2d_1a.", "mixed_5b."}},
    Foreign{"an Inception-v4", Way::onnx, {"features.0.conv.", "features.3.", "last_linear."}},
    Foreign{"an Xception", Way::onnx, {"block1.rep.", "conv4.pointwise."}},
    Foreign{"an HRNet", Way::onnx, {"stage2.0.fuse_layers."}},
    Foreign{"a NASNet", Way::onnx, {"cell_stem_0."}},
    Foreign{"a ResNet-v2 (BiT)", Way::onnx, {"root.conv.", "block1.unit01."}},
    Foreign{"a ResNet-v2 of timm", Way::onnx, {"stem.conv.", "stages.0.blocks.0.conv1."}},
    Foreign{"a RepVGG", Way::onnx, {"rbr_dense."}},
    Foreign{"a GhostNet", Way::onnx, {"ghost1."}},
};

bool names_contain(const TensorMap& tensors, std::string_view part) {
  return std::ranges::any_of(
      tensors, [&](const auto& tensor) { return tensor.first.find(part) != std::string::npos; });
}

}  // namespace

std::string describe_foreign(const TensorMap& tensors) {
  const auto fits = [&](const Foreign& kind) {
    return std::ranges::all_of(
        kind.parts, [&](std::string_view part) { return part.empty() || names_contain(tensors, part); });
  };
  constexpr std::size_t volume_axes = 5;
  if (std::ranges::any_of(tensors,
                          [](const auto& tensor) { return tensor.second.shape().size() == volume_axes; }))
    return "a network of videos or volumes, with convolutions over three axes; expected one of photos";
  if (is_known_network(tensors)) return {};
  const auto found = std::ranges::find_if(kForeign, fits);
  if (found == kForeign.end()) return {};
  const std::string what(found->what);
  switch (found->way) {
    case Way::classifier:
      return what + ", whose output is no class of the photo; expected a classifier";
    case Way::attention:
      return what + ": attention is not supported yet";
    case Way::recurrence:
      return what + ": its layers are not supported; expected a convolutional network of photos";
    case Way::onnx:
      return what + ": it is not read from tensors alone; " + export_advice();
  }
  return what;
}

}  // namespace ablaze::models
