#!/usr/bin/env python3
"""Logits of torchvision's full-size networks with seeded weights, against PyTorch in float64."""

import tempfile
import time

from common import Ablaze, Report, arguments, networks, seeded_network, torch, torchvision

import ablation

NETWORKS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "wide_resnet50_2"]
NETWORKS += [f"vgg{depth}{bn}" for depth in (11, 13, 16, 19) for bn in ("", "_bn")]
LARGEST_ERROR = 1e-5


def check(name, report, scratch, program):
    network = seeded_network(getattr(torchvision.models, name))
    image = networks.named_tensor("input", (1, 3, 224, 224), torch.float32)
    path = f"{scratch}/{name}.pth"
    torch.save(network.state_dict(), path)
    begin = time.monotonic()
    found = Ablaze(program, scratch).logits(path, image)
    seconds = time.monotonic() - begin
    expected = network.double()(image.double())
    error = ablation.relative_error(found, expected)
    report.line(f"{name:18} {error:9.2e}   {seconds:6.2f} s", error <= LARGEST_ERROR)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error of the logits, at most {LARGEST_ERROR:g}; time to load and run once")
    for name in NETWORKS:
        if not options.only or options.only in name:
            # One folder each: a VGG's weights take half a gigabyte.
            with tempfile.TemporaryDirectory() as scratch:
                check(name, report, scratch, options.ablaze)
    report.finish()


if __name__ == "__main__":
    main()
