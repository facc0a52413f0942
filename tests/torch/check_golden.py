#!/usr/bin/env python3
"""The thin networks are torchvision's where their widths are, and the golden files follow from their script."""

import argparse
import pathlib
import tempfile

from common import Report, SOURCE, networks, np, seeded_network, torch, torchvision

import make_golden


def twins():
    """(torchvision's name, the same as networks.py builds it)"""
    stages = (64, 128, 256, 512)
    wide = (256, 512, 1024, 2048)
    basic, bottleneck = networks.BASIC, networks.BOTTLENECK
    yield "resnet18", lambda: networks.ResNet(basic[18], 64, stages, classes=1000)
    yield "resnet34", lambda: networks.ResNet(basic[34], 64, stages, classes=1000)
    yield "resnet50", lambda: networks.ResNet(bottleneck[50], 64, wide, stages, classes=1000)
    yield "resnext50_32x4d", lambda: networks.ResNet(
        bottleneck[50], 64, wide, (128, 256, 512, 1024), groups=32, classes=1000)
    yield "wide_resnet50_2", lambda: networks.ResNet(bottleneck[50], 64, wide, (128, 256, 512, 1024), classes=1000)
    yield "vgg11", lambda: networks.Vgg(networks.VGG[11], (64, 128, 256, 512, 512), False, 4096, 1000)
    yield "vgg16_bn", lambda: networks.Vgg(networks.VGG[16], (64, 128, 256, 512, 512), True, 4096, 1000)


def check_twins(report):
    image = networks.named_tensor("input", (1, 3, 45, 61), torch.float32)
    for name, make in twins():
        theirs = seeded_network(getattr(torchvision.models, name))
        ours = seeded_network(make)
        same = list(theirs.state_dict()) == list(ours.state_dict())
        report.line(f"{name:16} the same names and logits", same and torch.equal(theirs(image), ours(image)))


def check_golden_files(report, names):
    committed = SOURCE / "tests" / "data" / "golden"
    table = make_golden.thin_networks() | make_golden.other_networks()
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            index, numbers = make_golden.golden(name, *table[name])
            fresh = pathlib.Path(scratch) / f"{name}.f64"
            numbers.write(fresh)
            a, b = np.fromfile(fresh), np.fromfile(committed / f"{name}.f64")
            same = make_golden.dump(index) == (committed / f"{name}.json").read_text() and a.shape == b.shape
            report.line(f"{name:16} the golden file is what its script writes",
                        same and np.allclose(a, b, rtol=1e-9, atol=1e-11))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_known_args()
    found = Report()
    check_twins(found)
    check_golden_files(found, ["bottleneck", "resnext_odd", "vgg13_bn", "mobilenet_v3_small", "densenet"])
    found.finish()
