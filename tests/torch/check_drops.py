#!/usr/bin/env python3
"""Ablation drops of full-size networks on 24 channels a layer, against brute force in float64: seeded networks on a
made-up picture, and real weights on a real photo where the data are at hand.

The inputs are smaller than usual: a layer's drops take a rerun of the rest for each of its channels.
"""

import tempfile
import time

from common import (Ablaze, Report, arguments, load_photos, networks, preprocessing, read_safetensors, seeded_network,
                    torch, torchvision)

import ablation

RESNET_LAYERS = ["layer1", "layer2", "layer3", "layer3.0.conv1", "layer4"]
NETWORKS = {
    "resnet18": (96, RESNET_LAYERS),
    "resnet50": (64, RESNET_LAYERS),
    # before and after the second, the fourth and the last pool
    "vgg16": (64, ["features.8", "features.9", "features.22", "features.23", "features.29", "features.30"]),
}
REAL = {"resnet18": RESNET_LAYERS, "resnet50": RESNET_LAYERS}
REAL_SIZE = 128  # of the photo's middle
SAMPLES = 24
LARGEST_ERROR = 1e-4


def check_layer(name, layer, network, image, path, runner, report):
    begin = time.monotonic()
    answer = runner.explain(path, image, layer)
    seconds = time.monotonic() - begin
    drops = torch.tensor(answer["drops"], dtype=torch.float64)
    channels = [i * len(drops) // SAMPLES for i in range(SAMPLES)]
    target = answer["target"]["index"]

    base = network(image.double())[:, target]
    expected = base - ablation.ablated_logits(network, image.double(), layer, "zero", channels, 8)[:, target]
    error = ablation.relative_error(drops[channels], expected)
    report.line(f"{name:13} {layer:16} {len(drops):5} channels  {error:9.2e}   {seconds:6.2f} s",
                error <= LARGEST_ERROR)


def check_seeded(name, size, layers, options, report):
    network = seeded_network(getattr(torchvision.models, name))
    image = networks.named_tensor("input", (1, 3, size, size), torch.float32)
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/{name}.pth"
        torch.save(network.state_dict(), path)
        network.double()
        for layer in layers:
            check_layer(name, layer, network, image, path, Ablaze(options.ablaze, scratch), report)


def check_real(name, layers, options, report):
    model = options.data / "weights" / "imagenet" / f"{name}.f16.safetensors"
    photos = sorted((options.data / "photos" / "imagenet").glob("*.JPEG"))
    if not photos or not model.is_file():
        report.line(f"{name:10} with real weights: left out, no ImageNet weights and photos in {options.data}")
        return
    network = networks.from_state(read_safetensors(model)[0]).double()
    edge = (224 - REAL_SIZE) // 2
    image = load_photos(photos[len(photos) // 2:][:1], preprocessing())[:, :, edge:-edge, edge:-edge].contiguous()
    with tempfile.TemporaryDirectory() as scratch:
        for layer in layers:
            check_layer(f"{name} real", layer, network, image, model, Ablaze(options.ablaze, scratch), report)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error of {SAMPLES} drops a layer, at most {LARGEST_ERROR:g}; "
                "time of the whole explanation")
    for name, (size, layers) in NETWORKS.items():
        if not options.only or options.only in name:
            check_seeded(name, size, layers, options, report)
    for name, layers in REAL.items():
        if not options.only or options.only in name:
            check_real(name, layers, options, report)
    report.finish()


if __name__ == "__main__":
    main()
