#!/usr/bin/env python3
"""Every method's map against its paper's formula in PyTorch float64 (cam_formulas.py), on seeded thin networks and
on the shipped models.

Where the most used library, pytorch-grad-cam 1.5.5, differs from the paper on purpose or by accident, the last
table says by how much, with its arithmetic written down here again.
"""

import json
import tempfile

import numpy as np

from common import SOURCE, Ablaze, Report, arguments, networks, preprocessing, read_safetensors, torch

import ablation
import cam_formulas as formulas
import make_golden

LARGEST_ERROR = 1e-4

FORMULAS = {
    "ablation": formulas.ablation,
    "gradcam": formulas.gradcam,
    "gradcam++": formulas.gradcam_plus_plus,
    "xgradcam": formulas.xgradcam,
    "hirescam": formulas.hirescam,
    "gradcam-elementwise": formulas.elementwise,
    "layercam": formulas.layercam,
    "eigencam": formulas.eigencam,
    "eigengradcam": formulas.eigengradcam,
    "shapleycam": formulas.shapleycam,
    "scorecam": formulas.scorecam,
    "reciprocam": formulas.reciprocam,
}

SEEDED = {
    "resnet18": ["layer2", "layer3.0.conv1", "layer4"],
    "bottleneck": ["layer3", "layer4"],
    "vgg11_bn": ["features.21", "features.27"],
}
SHIPPED = {"resnet18_thin-imagenette": ["layer4"], "vgg11_bn_thin-imagenette": ["features.27"]}


def maps_of(runner, model, image, layer, *options):
    """{method: signed or plain map} of one call."""
    words = ["explain", runner.save_input(image), "--model", model, "--layer", layer, "--json"]
    answers = runner.run(*words, "--out", runner.scratch / "overlays", *options)
    return {answer["method"]: answer for answer in answers}


def as_map(answer):
    values = torch.tensor(answer["map"]["values"], dtype=torch.float64)
    return values.reshape(answer["map"]["height"], answer["map"]["width"])


def error_of(found, expected):
    if float(expected.abs().max()) == 0:
        return float(found.abs().max())
    return ablation.relative_error(found, expected)


def check_layer(name, layer_name, network, image, model, known, runner, report):
    layer = formulas.Layer(network, image, layer_name)
    index = int(layer.tail(layer.a).argmax())
    methods = [method for method in FORMULAS if method in known]
    pooled = hasattr(network, "fc") and layer_name == "layer4"
    extra = ["cam"] if pooled and "cam" in known else []
    for kind, score in (("logit", formulas.logit(index)), ("probability", formulas.probability(index))):
        answers = maps_of(runner, model, image, layer_name, "--class", index, "--score", kind,
                          "--method", ",".join(methods + extra))
        for method in methods + extra:
            expected = (formulas.cam(layer, score, index) if method == "cam" else FORMULAS[method](layer, score))
            error = error_of(as_map(answers[method]), expected.clamp(min=0))
            report.line(f"{name:26} {layer_name:15} {kind:12} {method:20} {error:9.2e}", error <= LARGEST_ERROR)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error of the maps, at most {LARGEST_ERROR:g}")
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)
        known = {entry["id"] for entry in runner.run("methods", "--json")}
        table = make_golden.thin_networks()
        for name, layers in SEEDED.items():
            if options.only and options.only not in name:
                continue
            make, shape, head, _ = table[name]
            network = networks.fill(make(), head)
            model = f"{scratch}/{name}.pth"
            torch.save(network.state_dict(), model)
            image = networks.named_tensor("input", (1, *shape[1:]), torch.float32)
            for layer in layers:
                check_layer(name, layer, network.double(), image, model, known, runner, report)
        for name, layers in SHIPPED.items():
            if options.only and options.only not in name:
                continue
            model = SOURCE / "weights" / f"{name}.safetensors"
            state, metadata = read_safetensors(model)
            network = networks.from_state(state).double()
            how = json.loads(metadata["ablaze.preprocess"])
            from PIL import Image

            photo = Image.open(SOURCE / "weights" / "golf-ball-and-parachute.png").convert("RGB")
            # A quarter of the usual size: the formulas take a float64 pass of the network for every channel.
            image = preprocessing(how["size"] // 4, how["crop"] // 4)(photo)[None]
            for layer in layers:
                check_layer(name, layer, network, image, model, known, runner, report)
    report.finish()


if __name__ == "__main__":
    main()
