#!/usr/bin/env python3
"""Every method's map against its paper's formula in PyTorch float64 (cam_formulas.py), on seeded thin networks and
on the shipped models.

Where the most used library, pytorch-grad-cam 1.5.5, differs from the paper on purpose or by accident, the last
table says by how much, with its arithmetic written down here again.
"""

import json
import tempfile

from common import SOURCE, Ablaze, Report, arguments, networks, np, preprocessing, read_safetensors, torch

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


def check_layer(name, layer_name, network, image, model, runner, report):
    layer = formulas.Layer(network, image, layer_name)
    logits = layer.tail(layer.a)
    index = int(logits.argmax())
    pooled = hasattr(network, "fc") and layer_name == "layer4"
    methods = list(FORMULAS) + (["cam"] if pooled else [])

    def line(kind, method, answer, expected):
        error = error_of(as_map(answer), expected.clamp(min=0))
        report.line(f"{name:26} {layer_name:15} {kind:12} {method:20} {error:9.2e}", error <= LARGEST_ERROR)

    runner_up = int(logits[0].topk(2).indices[1])
    scores = {"logit": formulas.logit(index), "probability": formulas.probability(index),
              "margin": formulas.margin(index, runner_up)}
    for kind, score in scores.items():
        if kind == "margin":  # scores are scores: one method of each sort is enough
            methods = ["ablation", "gradcam", "scorecam", "reciprocam"]
        answers = maps_of(runner, model, image, layer_name, "--class", index, "--score", kind,
                          "--method", ",".join(methods))
        for method in methods:
            expected = (formulas.cam(layer, score, index) if method == "cam" else FORMULAS[method](layer, score))
            line(kind, method, answers[method], expected)

    for base in ("gradcam", "ablation", "layercam"):
        answer = maps_of(runner, model, image, layer_name, "--class", index, "--method", "finercam", "--base", base)
        line("logit", "finercam " + base, answer["finercam"],
             FORMULAS[base](layer, formulas.finer_score(logits, index)))
    answer = maps_of(runner, model, image, layer_name, "--class", index, "--method", "random", "--seed", 7)
    weights = formulas.random_weights(7, index, layer.a.shape[1])
    line("logit", "random", answer["random"], formulas.weighted(weights, layer.a))
    answer = maps_of(runner, model, image, layer_name, "--class", index,
                     "--method", "integrated-gradients")["integrated-gradients"]
    nodes = answer["completeness"]["evaluations"]
    if nodes < 256:
        parts = formulas.path_parts(layer, scores["logit"], nodes + 1)
        line("logit", "integrated-gradients", answer, formulas.weighted(parts / logits[0, index].abs(), layer.a))
    whole = float(logits[0, index] - layer.tail(torch.zeros_like(layer.a))[0, index])
    gap = abs(sum(answer["attributions"]) - whole) / abs(whole)
    report.line(f"{name:26} {layer_name:15} logit        parts add up          {gap:9.2e}   {nodes} nodes", gap <= 1e-3)


def check_shapley(network, image, model, runner, report):
    """Five channels, whose 32 sets can be gone through."""
    layer = formulas.Layer(network, image, "layer3")
    index = int(layer.tail(layer.a).argmax())
    answer = maps_of(runner, model, image, "layer3", "--class", index, "--method", "shapley", "--until", 0.01)["shapley"]
    known = {}

    def value(players):
        if players not in known:
            a = torch.zeros_like(layer.a)
            a[:, sorted(players)] = layer.a[:, sorted(players)]
            known[players] = float(layer.tail(a)[0, index])
        return known[players]

    channels = list(range(layer.a.shape[1]))
    exact = formulas.shapley_values(value, channels)
    whole = value(frozenset(channels)) - value(frozenset())
    gap = abs(sum(answer["attributions"]) - whole) / abs(whole)
    report.line(f"Shapley values of {len(channels)} channels add up within {gap:.1e}", gap <= 1e-5)
    for k, (found, error) in enumerate(zip(answer["attributions"], answer["standard_errors"])):
        off = abs(found - exact[k])
        report.line(f"  channel {k}: {found:8.4f} +- {error:.4f}, by enumeration {exact[k]:8.4f}",
                    off <= 3 * error + 1e-5 * abs(whole))


LIBRARY = {
    "gradcam++": (formulas.library_gradcam_plus_plus, "1e-6 in alpha's divisor"),
    "xgradcam": (formulas.library_xgradcam, "1e-7 in the divisor"),
    "scorecam": (formulas.library_scorecam, "align_corners=True, flat channels in the softmax"),
    "eigencam": (formulas.library_eigencam, "columns centred before the decomposition"),
}


def compare_with_library(network, image, layer_name, report):
    """Says where pytorch-grad-cam differs, and by how much once each map is scaled to its largest value."""
    layer = formulas.Layer(network, image, layer_name)
    logits = layer.tail(layer.a)
    index = int(logits.argmax())
    pairs = {method: (FORMULAS[method](layer, formulas.logit(index)), theirs(layer, formulas.logit(index)), why)
             for method, (theirs, why) in LIBRARY.items()}
    pairs["finercam"] = (formulas.gradcam(layer, formulas.finer_score(logits, index)),
                         formulas.gradcam(layer, formulas.library_finer_score(logits, index)),
                         "similar classes weighted by probability")
    for method, (ours, theirs, why) in pairs.items():
        ours, theirs = (m.clamp(min=0) / m.max() for m in (ours, theirs))
        report.line(f"  {method:12} {error_of(theirs, ours):9.2e}   {why}")


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error of the maps, at most {LARGEST_ERROR:g}")
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)
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
                check_layer(name, layer, network.double(), image, model, runner, report)
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
                check_layer(name, layer, network, image, model, runner, report)
        if not options.only:
            make, shape, head, _ = table["resnet18_odd"]
            network = networks.fill(make(), head)
            model = f"{scratch}/odd.pth"
            torch.save(network.state_dict(), model)
            image = networks.named_tensor("input", (1, *shape[1:]), torch.float32)
            check_shapley(network.double(), image, model, runner, report)
            make, shape, head, _ = table["bottleneck"]
            report.line("bottleneck layer3: pytorch-grad-cam's maps are other maps, by")
            compare_with_library(networks.fill(make(), head).double(),
                                 networks.named_tensor("input", (1, *shape[1:])), "layer3", report)
    report.finish()


if __name__ == "__main__":
    main()
