#!/usr/bin/env python3
"""Ablation drops of full-size networks on 24 channels a layer, against brute force in float64.

The inputs are smaller than usual: a layer's drops take a rerun of the rest for each of its channels.
"""

import tempfile
import time

from common import Ablaze, Report, arguments, networks, seeded_network, torch, torchvision

import ablation

RESNET_LAYERS = ["layer1", "layer2", "layer3", "layer3.0.conv1", "layer4"]
NETWORKS = {
    "resnet18": (96, RESNET_LAYERS),
    "resnet50": (64, RESNET_LAYERS),
    # before and after the second, the fourth and the last pool
    "vgg16": (64, ["features.8", "features.9", "features.22", "features.23", "features.29", "features.30"]),
}
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
    report.line(f"{name:10} {layer:16} {len(drops):5} channels  {error:9.2e}   {seconds:6.2f} s",
                error <= LARGEST_ERROR)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error of {SAMPLES} drops a layer, at most {LARGEST_ERROR:g}; "
                "time of the whole explanation")
    for name, (size, layers) in NETWORKS.items():
        if options.only and options.only not in name:
            continue
        network = seeded_network(getattr(torchvision.models, name))
        image = networks.named_tensor("input", (1, 3, size, size), torch.float32)
        with tempfile.TemporaryDirectory() as scratch:
            path = f"{scratch}/{name}.pth"
            torch.save(network.state_dict(), path)
            network.double()
            for layer in layers:
                check_layer(name, layer, network, image, path, Ablaze(options.ablaze, scratch), report)
    report.finish()


if __name__ == "__main__":
    main()
