#!/usr/bin/env python3
"""Every metric of a photo against its formula in float64 (metric_formulas.py): the maps are those that were measured,
the network's answers PyTorch's."""

import json
import pathlib
import subprocess
import sys
import tempfile

from common import SOURCE, Report, arguments, load_photos, networks, np, preprocessing, read_safetensors, torch

import cam_formulas
import metric_formulas as formulas

sys.path.insert(0, str(SOURCE / "tests" / "data" / "maps"))
from maps import enlarge  # noqa: E402

PHOTO = SOURCE / "weights" / "golf-ball-and-parachute.png"
LARGEST_ERROR = 1e-5
METHODS = {"gradcam": cam_formulas.gradcam, "layercam": cam_formulas.layercam}
STEPS = 10  # of insertion and deletion, as in metrics.cpp: each is a pass of PyTorch in float64
# Layer, methods, and whether weights are drawn anew: the VGG's passes are slow.
MODELS = {
    "resnet18_thin-imagenette": ("layer4", ["gradcam", "layercam"], True),
    "vgg11_bn_thin-imagenette": ("features.27", ["gradcam"], False),
}
BOXES = [(60, 40, 300, 240), (200, 200, 440, 421)]
CROP = (0, 0, 448, 448)  # the whole photo


def network_of(model):
    return networks.from_state(read_safetensors(model)[0]).double().eval()


def probability_of(network, index):
    def probability(images):
        parts = [torch.softmax(network(part), 1)[:, index] for part in images.split(16)]
        return torch.cat(parts)

    return probability


def measured(program, model, methods, out):
    words = [program, model, PHOTO, ",".join(methods), out] + [side for box in BOXES for side in box]
    answer = json.loads(subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True).stdout)
    values = {(m["method"], m["metric"]): m for m in answer["measurements"]}
    return answer["class"], answer["stages"], values


def map_by(method, network, image, layer, index):
    signed = METHODS[method](cam_formulas.Layer(network, image, layer), cam_formulas.logit(index))
    return np.maximum(signed.numpy(), 0)


def expected(method, map_, network, image, layer, index):
    """{metric: (value, curve or None)}"""
    probability = probability_of(network, index)
    mask = formulas.mask_of(enlarge, map_, *image.shape[2:])
    hidden = formulas.masked(image, mask)
    y, o = probability(torch.cat([image, hidden])).tolist()
    drop = max(0, y - o) / y
    again = formulas.mask_of(enlarge, map_by(method, network, hidden, layer, index), *image.shape[2:])
    coherency, complexity = (1 + formulas.pearson(mask, again)) / 2, float(mask.mean())
    insertion = formulas.curve(image, formulas.blurred(image), mask, probability, STEPS)
    deletion = formulas.curve(torch.zeros_like(image), image, mask, probability, STEPS)
    return {
        "average-drop": (100 * drop, [y, o]),
        "increase": (100.0 * (o > y), [y, o]),
        "average-gain": (100 * max(0, o - y) / (1 - y), [y, o]),
        "insertion": (formulas.area(insertion), insertion),
        "deletion": (formulas.area(deletion), deletion),
        "coherency": (coherency, None),
        "complexity": (complexity, None),
        "adcc": (formulas.adcc(coherency, complexity, drop), None),
        "energy-pointing-game": (100 * formulas.energy(mask, BOXES, CROP), None),
        "pointing-game": (100 * formulas.pointing(mask, BOXES, CROP), None),
    }


def check(report, label, value, curve, found):
    scale = 100 if value > 1 else 1
    error = abs(found["value"] - value) / scale
    if curve is not None:
        error = max(error, float(np.abs(np.array(found["curve"]) - curve).max()))
    report.line(f"{label:56} {value:11.6f} {error:9.2e}", error <= LARGEST_ERROR)


def check_randomization(report, name, network, image, layer, index, values, maps):
    curves = {method: [] for method in maps}
    for changed in formulas.cascade(network):
        for method in maps:
            map_ = map_by(method, changed, image, layer, index)
            curves[method].append(formulas.spearman(maps[method], map_) if np.ptp(map_) > 0 else 0.0)
    for method, curve in curves.items():
        check(report, f"{name} {method} randomization", float(np.mean(curve)), np.array(curve),
              values[method, "randomization"])


def main():
    options = arguments(__doc__)
    report = Report()
    image = load_photos([PHOTO], preprocessing(224, 224)).double()
    for name, (layer, methods, anew) in MODELS.items():
        if options.only and options.only not in name:
            continue
        model = SOURCE / "weights" / f"{name}.safetensors"
        network = network_of(model)
        with tempfile.TemporaryDirectory() as scratch:
            index, stages, values = measured(options.metrics, model, methods, scratch)
            maps = {m: np.load(pathlib.Path(scratch) / f"{m}.npy").astype(np.float64) for m in methods}
        for method, map_ in maps.items():
            for metric, (value, curve) in expected(method, map_, network, image, layer, index).items():
                check(report, f"{name} {method} {metric}", value, curve, values[method, metric])
        report.line(f"{name} {len(stages)} stages", stages == list(formulas.stages(network)))
        if anew:
            check_randomization(report, name, network, image, layer, index, values, maps)
    report.finish()


if __name__ == "__main__":
    main()
