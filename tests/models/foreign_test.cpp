#include "models/foreign.hpp"

#include <doctest/doctest.h>

#include "models/load.hpp"
#include "models/synthetic.hpp"

using namespace ablaze;
using namespace ablaze::testing;

namespace {

std::string foreign(const std::vector<std::string>& names) {
  Shapes shapes;
  for (const std::string& name : names) shapes[name] = {2, 2};
  return models::describe_foreign(zeros(shapes));
}

}  // namespace

TEST_CASE("networks of no supported family are named, with the way that works") {
  struct Case {
    std::vector<std::string> names;
    std::string what;
  };
  // As torchvision, timm, Hugging Face and the networks' authors name the tensors.
  const std::vector<Case> cases{
      {{"class_token", "conv_proj.weight", "encoder.layers.encoder_layer_0.ln_1.weight"},
       "vision transformer"},
      {{"cls_token", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"}, "vision transformer"},
      {{"vit.embeddings.patch_embeddings.projection.weight"}, "vision transformer"},
      {{"module.to_patch_embedding.1.weight"}, "vision transformer"},
      {{"features.1.0.attn.relative_position_bias_table", "features.0.0.weight"}, "Swin transformer"},
      {{"layers.0.blocks.0.attn.relative_position_bias_table"}, "Swin transformer"},
      {{"features.0.0.weight", "features.1.0.layer_scale"}, "ConvNeXt"},
      {{"downsample_layers.0.0.weight", "stages.0.0.dwconv.weight"}, "ConvNeXt"},
      {{"stem.0.weight", "stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.gamma"}, "ConvNeXt"},
      {{"_conv_stem.weight", "_blocks.0._depthwise_conv.weight"}, "EfficientNet"},
      {{"conv_stem.weight", "blocks.0.0.conv_dw.weight", "conv_head.weight"}, "EfficientNet"},
      {{"backbone.body.layer1.0.conv1.weight", "rpn.head.conv.weight", "roi_heads.x"}, "detection network"},
      {{"backbone.body.layer1.0.conv1.weight", "head.classification_head.x"}, "detection network"},
      {{"backbone.0.body.layer1.0.conv1.weight", "bbox_embed.layers.0.weight", "class_embed.weight"},
       "detection network"},
      {{"model.0.conv.weight", "model.2.cv1.conv.weight", "model.2.cv2.conv.weight"}, "YOLO"},
      {{"backbone.layer1.0.conv1.weight", "classifier.0.convs.0.0.weight"}, "segmentation network"},
      {{"backbone.layer4.0.conv1.weight", "classifier.0.weight", "classifier.4.weight"}, "segmentation"},
      {{"encoder.layer1.0.conv1.weight", "segmentation_head.0.weight"}, "segmentation network"},
      {{"lstm.weight_ih_l0"}, "recurrent network"},
  };
  for (const Case& c : cases) {
    const std::string found = foreign(c.names);
    CAPTURE(found);
    CHECK(found.find(c.what) != std::string::npos);
    const bool advises = found.find("torch.onnx.export") != std::string::npos ||
                         found.find("not supported") != std::string::npos ||
                         found.find("expected a classifier") != std::string::npos;
    CHECK(advises);
  }
  CHECK(foreign({"w"}).empty());
  CHECK(models::describe_foreign(zeros(resnet_shapes(thin_resnet(false)))).empty());
  CHECK(models::describe_foreign(zeros(vgg_shapes(thin_vgg(true)))).empty());
  CHECK(models::describe_foreign(zeros({{"layer1.0.conv1.0.weight", {2, 3, 3, 7, 7}}})).find("volumes") !=
        std::string::npos);
}
