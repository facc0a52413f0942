"""torchvision's families at any width.

The classes of torchvision fix the stem at 64 planes and a bottleneck's expansion at 4; these take any number
anywhere, keep torchvision's module names, and are torchvision's networks at torchvision's widths
(tests/torch/check_golden.py compares them). The other families are torchvision's own classes.
"""

import re

import torch
from torch import nn

import seeded


class Block(nn.Module):
    """A basic block (mid is None) or a bottleneck with `mid` planes inside."""

    def __init__(self, inputs, mid, outputs, stride, groups):
        super().__init__()
        if mid is None:
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU()
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
        else:
            self.conv1 = nn.Conv2d(inputs, mid, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(mid)
            self.conv2 = nn.Conv2d(mid, mid, 3, stride, 1, groups=groups, bias=False)
            self.bn2 = nn.BatchNorm2d(mid)
            self.conv3 = nn.Conv2d(mid, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "conv3"):
            y = self.bn3(self.conv3(self.relu(y)))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, depths, stem, widths, mids=None, groups=1, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = stem
        for stage, (depth, outputs) in enumerate(zip(depths, widths)):
            blocks = []
            for i in range(depth):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Block(inputs, mids[stage] if mids else None, outputs, stride, groups))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Vgg(nn.Module):
    """`repeats` convolutions of `widths` planes, a pool after each group."""

    def __init__(self, repeats, widths, bn, fc=24, classes=10):
        super().__init__()
        layers, inputs = [], 3
        for repeat, outputs in zip(repeats, widths):
            for _ in range(repeat):
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                layers += [nn.BatchNorm2d(outputs)] if bn else []
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(inputs * 49, fc), nn.ReLU(), nn.Dropout(),
            nn.Linear(fc, fc), nn.ReLU(), nn.Dropout(),
            nn.Linear(fc, classes),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
BOTTLENECK = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
VGG = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


# The last BatchNorm of a residual branch, in RegNet, MNASNet and MobileNet-v2 (3: behind a widening convolution).
BRANCH_ENDS = r"\.(f\.c\.1|layers\.7|conv\.3)\.weight$"


def ends_block(name, state):
    """The same in MobileNet-v3 and EfficientNet."""
    found = re.fullmatch(r"(.*\.block\.)(\d+)\.1\.weight", name)
    return found and not any(other.startswith(f"{found[1]}{int(found[2]) + 1}.") for other in state)


def gain(name, state, head, branch):
    """Gains that keep activations and logits of order one whatever the depth, so that every block counts and
    no probability is saturated: `branch` for the last BatchNorm of a residual branch, `head` for the last
    layer."""
    if name == [other for other, t in state.items() if t.ndim > 1][-1]:
        return head
    if re.search(BRANCH_ENDS, name) or ends_block(name, state):
        return branch
    block, _, leaf = name.partition(".bn")
    last = leaf == "3.weight" or (leaf == "2.weight" and block + ".conv3.weight" not in state)
    return branch if last and "." in block else 1.0


def parameters(network, head=0.5, branch=0.5):
    """[name, shape, gain] of every tensor that counts (num_batches_tracked does not)."""
    state = network.state_dict()
    return [
        [name, list(t.shape), gain(name, state, head, branch)]
        for name, t in state.items()
        if not name.endswith("num_batches_tracked")
    ]


def fill(network, head=0.5, branch=0.5):
    """Seeds a network's tensors and puts it in evaluation mode; returns it."""
    with torch.no_grad():
        state = network.state_dict()
        for name, shape, factor in parameters(network, head, branch):
            state[name].copy_(torch.from_numpy(seeded.tensor(name, shape, factor)))
    return network.eval()


def named_tensor(name, shape, dtype=torch.float64):
    return torch.from_numpy(seeded.tensor(name, shape)).to(dtype)


def hook_output(network, layer, replace):
    """Lets replace(output) stand for a layer's output, for its last call where it is called repeatedly. Returns
    the hook's handle."""
    block, _, leaf = layer.rpartition(".")
    # A block's ReLU is called two or three times; what its last call gives is what the block returns.
    module = network.get_submodule(block if leaf == "relu" and block and hasattr(network, "layer1") else layer)

    def hook(_module, _inputs, output):
        replaced = replace(output)
        # What is kept must not change: torchvision adds shortcuts, and applies functions, in place.
        return output.clone() if replaced is None else replaced

    return module.register_forward_hook(hook)


def layers(network):
    """Names of all modules that run, blocks and leaves, in torchvision's order; without EfficientNet's stochastic
    depth, which runs only beside a shortcut and does nothing."""
    return [
        name for name, module in network.named_modules()
        if name and not isinstance(module, nn.Sequential) and not name.endswith(".stochastic_depth")
    ]


def not_in_place(network):
    """Layers' outputs are those of inplace=False."""
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return network


def thinner(network, divisor):
    """The same network with all widths, except the image's and the classes', divided."""
    def less(n):
        return n if n == 3 else max(n // divisor, 1)

    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                outputs = child.out_channels
                if not (isinstance(parent, nn.Sequential) and isinstance(parent[-1], nn.AdaptiveAvgPool2d)):
                    outputs = less(outputs)  # not SqueezeNet's last, which gives the classes
                new = nn.Conv2d(less(child.in_channels), outputs, child.kernel_size, child.stride, child.padding,
                                bias=child.bias is not None)
            elif isinstance(child, nn.BatchNorm2d):
                new = nn.BatchNorm2d(less(child.num_features), eps=child.eps)
            elif isinstance(child, nn.Linear):
                last = child.out_features == CLASSES
                new = nn.Linear(less(child.in_features), child.out_features if last else less(child.out_features))
            else:
                continue
            setattr(parent, name, new)
    return network


CLASSES = 10


def other_families():
    """name: how to make a thin network of torchvision's other families"""
    from torchvision import models
    from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig
    from torchvision.models.regnet import BlockParams, RegNet

    first = [MBConvConfig(*row) for row in (
        (1, 3, 1, 8, 8, 1), (6, 3, 2, 8, 8, 2), (4, 5, 2, 8, 16, 1), (2, 3, 2, 16, 16, 1), (3, 5, 1, 16, 24, 1),
        (2, 5, 2, 24, 24, 2), (1, 3, 1, 24, 32, 1))]
    second = [FusedMBConvConfig(1, 3, 1, 8, 8, 2), FusedMBConvConfig(4, 3, 2, 8, 16, 2),
              FusedMBConvConfig(2, 3, 2, 16, 16, 1)]
    second += [MBConvConfig(*row) for row in ((4, 3, 2, 16, 24, 1), (2, 3, 1, 24, 24, 2), (3, 3, 2, 24, 32, 1))]
    norm = {"norm_layer": lambda channels: nn.BatchNorm2d(channels, eps=1e-3)}

    def regnet(squeeze):
        return RegNet(BlockParams([1, 2, 1], [8, 16, 24], [4, 8, 8], [1.0] * 3, [2] * 3, squeeze), CLASSES, 8)

    return {
        "alexnet": lambda: thinner(models.alexnet(num_classes=CLASSES), 8),
        "squeezenet1_0": lambda: thinner(models.squeezenet1_0(num_classes=CLASSES), 8),
        "squeezenet1_1": lambda: thinner(models.squeezenet1_1(num_classes=CLASSES), 8),
        "mobilenet_v2": lambda: models.MobileNetV2(CLASSES, 0.25),
        "mobilenet_v3_small": lambda: models.mobilenet_v3_small(num_classes=CLASSES, width_mult=0.25),
        "mobilenet_v3_large": lambda: models.mobilenet_v3_large(num_classes=CLASSES, width_mult=0.2),
        "densenet": lambda: models.DenseNet(4, (2, 3, 1, 2), 8, 3, num_classes=CLASSES),
        "googlenet": lambda: thinner(models.googlenet(num_classes=CLASSES, aux_logits=False, init_weights=False), 8),
        "inception_v3": lambda: thinner(
            models.inception_v3(num_classes=CLASSES, aux_logits=False, init_weights=False), 16),
        "mnasnet": lambda: models.MNASNet(0.25, CLASSES),
        "shufflenet_v2": lambda: models.ShuffleNetV2([2, 1, 3], [8, 16, 24, 32, 40], CLASSES),
        "efficientnet": lambda: EfficientNet(first, 0.2, num_classes=CLASSES),
        "efficientnet_v2": lambda: EfficientNet(second, 0.2, num_classes=CLASSES, last_channel=48, **norm),
        "regnet_x": lambda: regnet(None),
        "regnet_y": lambda: regnet(0.25),
    }


def from_state(state):
    """The network that a state dict of torchvision's names belongs to, with its weights, in evaluation mode."""
    network = (resnet_from if "conv1.weight" in state else vgg_from)(state)
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"not torchvision's names: missing {missing}, unexpected {unexpected}")
    return network.eval()


def resnet_from(state):
    depths, widths, mids, groups = [], [], [], 1
    last = "conv3" if "layer1.0.conv3.weight" in state else "conv2"
    for stage in range(1, 5):
        depths.append(sum(name.startswith(f"layer{stage}.") and name.endswith(".conv1.weight") for name in state))
        widths.append(state[f"layer{stage}.0.{last}.weight"].shape[0])
        inner = state[f"layer{stage}.0.conv2.weight"].shape
        mids.append(inner[0])
        groups = inner[0] // inner[1] if last == "conv3" else 1
    classes = state["fc.weight"].shape[0]
    return ResNet(depths, state["conv1.weight"].shape[0], widths, mids if last == "conv3" else None, groups, classes)


def vgg_from(state):
    # A safetensors file lists its tensors in another order than the network's.
    convs = sorted((int(name.split(".")[1]), t.shape[0]) for name, t in state.items() if t.ndim == 4)
    bn = "features.1.running_mean" in state
    step, repeats, widths, expected = 3 if bn else 2, [], [], -1
    for index, outputs in convs:
        if index == expected:
            repeats[-1] += 1
        else:  # the first, or one behind a pool
            repeats.append(1)
            widths.append(outputs)
        expected = index + step
    return Vgg(repeats, widths, bn, state["classifier.0.weight"].shape[0], state["classifier.6.weight"].shape[0])
