#!/usr/bin/env python3
"""Writes small networks with the heads that fine-tuning scripts leave, and PyTorch's logits of them, for
tests/models. Made with PyTorch 1.13 and torchvision 0.14; any later ones will do.

The input is number j of (j * 2654435761 mod 2**32) / 2**32 * 4 - 2. A Sequential's layers without weights have no
tensors: the reader must find out what stands there, or say what it assumes.
"""

import json
import pathlib

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

here = pathlib.Path(__file__).parent
CHANNELS = [2, "M", 2, "M", 4, 4, "M", 4, 4, "M", 4, 4, "M"]  # VGG-11
CLASSES = 3


def features(batch_norm=True):
    layers, width = [], 3
    for channels in CHANNELS:
        if channels == "M":
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(width, channels, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(channels))
        layers.append(nn.ReLU())
        width = channels
    return nn.Sequential(*layers)


class Vgg(nn.Module):
    def __init__(self, classifier, pool=None, batch_norm=True):
        super().__init__()
        self.features = features(batch_norm)
        self.pool = pool
        self.classifier = classifier

    def forward(self, x):
        x = self.features(x)
        if self.pool is not None:
            x = self.pool(x)
        return self.classifier(x.flatten(1))


class Resnet(nn.Module):
    """A ResNet of four blocks and four channels, with torchvision's names."""

    def __init__(self, head, name="fc"):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        for stage in range(1, 5):
            down = None
            if stage > 1:
                down = nn.Sequential(nn.Conv2d(4, 4, 1, 2, bias=False), nn.BatchNorm2d(4))
            setattr(self, f"layer{stage}", nn.Sequential(BasicBlock(4, 4, 1 if stage == 1 else 2, down)))
        setattr(self, name, head)
        self.head_name = name

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))
        return getattr(self, self.head_name)(x)


def linear(*sizes, gap=(nn.ReLU, nn.Dropout), before=(), after=()):
    """Linear layers of these sizes, with the layers `gap` between them."""
    layers = [make() for make in before]
    for i in range(len(sizes) - 1):
        if i > 0:
            layers += [make() for make in gap]
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
    return nn.Sequential(*layers, *[make() for make in after])


def networks():
    yield "vgg_linear", Vgg(nn.Linear(4, CLASSES)), 32
    yield "vgg_no_norm", Vgg(nn.Linear(4, CLASSES), batch_norm=False), 32
    yield "vgg_dropout_first", Vgg(nn.Sequential(
        nn.Dropout(), nn.Linear(4, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 6), nn.ReLU(),
        nn.Linear(6, CLASSES))), 32
    yield "vgg_two", Vgg(linear(4, 6, CLASSES)), 32
    yield "vgg_64", Vgg(linear(16, 6, CLASSES)), 64
    yield "vgg_averaged", Vgg(linear(4, CLASSES, before=[nn.Dropout]), nn.AdaptiveAvgPool2d(1)), 96
    yield "vgg_one_of_seven", Vgg(linear(4 * 49, CLASSES, before=[nn.Dropout]), nn.AdaptiveAvgPool2d(7)), 224
    yield "vgg_nested", Vgg(nn.Sequential(
        nn.Linear(4 * 49, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 6), nn.ReLU(), nn.Dropout(),
        linear(6, 5, CLASSES))), 224
    yield "vgg_nested_late", Vgg(nn.Sequential(
        nn.Linear(4 * 49, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 6), nn.ReLU(), nn.Dropout(),
        linear(6, CLASSES, before=[nn.Dropout]))), 224
    yield "resnet_late", Resnet(linear(4, CLASSES, before=[nn.Dropout])), 64
    yield "resnet_fourth", Resnet(linear(4, CLASSES, before=[nn.Flatten, nn.ReLU, nn.Dropout])), 64
    yield "resnet_two", Resnet(linear(4, 6, CLASSES)), 64
    yield "resnet_relu_only", Resnet(linear(4, 6, CLASSES, gap=[nn.ReLU])), 64
    yield "resnet_nothing_between", Resnet(linear(4, 6, CLASSES, gap=[])), 64
    yield "resnet_three", Resnet(linear(4, 6, 5, CLASSES, before=[nn.Dropout])), 64
    yield "resnet_norm", Resnet(nn.Sequential(
        nn.BatchNorm1d(4), nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(), nn.Linear(6, CLASSES))), 64
    yield "resnet_norm_late", Resnet(nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, CLASSES))), 64
    yield "resnet_classifier", Resnet(linear(4, 6, CLASSES), "classifier"), 64
    yield "resnet_last_linear", Resnet(nn.Linear(4, CLASSES), "last_linear"), 64


def number(count):
    j = torch.arange(count, dtype=torch.int64) * 2654435761 % 2**32
    return j.double() / 2**32 * 4 - 2


def main():
    expected = {}
    torch.manual_seed(20200301)
    for name, network, size in networks():
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_uniform_(module.weight)
        network.eval()
        torch.save(network.state_dict(), here / f"{name}.pth", _use_new_zipfile_serialization=False)
        with torch.no_grad():
            logits = network.double()(number(3 * size * size).reshape(1, 3, size, size))
        expected[name] = {"size": size, "logits": logits[0].tolist()}
    (here / "heads.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
