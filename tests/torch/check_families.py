#!/usr/bin/env python3
"""torchvision's families by their tensors' names: every module's activation in thin networks, and the full-size
networks' logits, against PyTorch in float64."""

import tempfile

from common import Ablaze, Report, arguments, networks, seeded_network, torch

import ablation
import check_onnx

LARGEST_ERROR = 1e-5
LARGEST_ERROR_OF_HARD_CURVES = 1e-4
TIMES_FLOAT32 = 5  # many gated blocks with seeded weights: a multiple of the error of PyTorch in float32
SIZES = [(224, 224), (191, 157)]
FULL_SIZE = ["alexnet", "squeezenet1_0", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
FULL_SIZE += ["densenet121", "densenet161", "densenet169", "densenet201", "googlenet", "inception_v3"]
FULL_SIZE += ["mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"]
FULL_SIZE += [f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")]
FULL_SIZE += [f"efficientnet_{variant}" for variant in ("b0", "b1", "b2", "b3", "b4", "b5", "v2_s")]
FULL_SIZE += [f"regnet_{variant}" for variant in ("x_400mf", "x_8gf", "y_400mf", "y_8gf")]


def allowed(name):
    return LARGEST_ERROR_OF_HARD_CURVES if "mobilenet_v3" in name else LARGEST_ERROR


def saved(network, name, scratch):
    path = f"{scratch}/{name}.pth"
    torch.save(network.state_dict(), path)
    return path


def module_names(network):
    """Every module, containers included; an empty container is not called."""
    return [name for name, module in network.named_modules()
            if name and (list(module.children()) or not isinstance(module, torch.nn.Sequential))]


def check_modules(name, make, report, program):
    network = networks.not_in_place(seeded_network(make, 1.0, 0.5)).double()
    image = networks.named_tensor("input", (1, 3, 79, 97), torch.float32)
    kept = {}
    handles = [
        networks.hook_output(network, layer, lambda out, layer=layer: kept.__setitem__(layer, out))
        for layer in module_names(network)
    ]
    network(image.double())
    for handle in handles:
        handle.remove()
    with tempfile.TemporaryDirectory() as scratch:
        path = saved(network.float(), name, scratch)
        worst, where = 0.0, ""
        for layer, expected in kept.items():
            found = Ablaze(program, scratch).activation(path, image, layer)
            same = found.numel() == expected.numel()
            error = ablation.relative_error(found.reshape(expected.shape), expected) if same else float("inf")
            if not error <= worst:
                worst, where = error, layer
    report.line(f"{name:20} {len(kept):4} modules, the worst {worst:9.2e} ({where})", worst <= allowed(name))


def check_logits(name, report, program):
    picture = networks.named_tensor("input", (1, 3, 224, 224), torch.float32)
    network = check_onnx.seeded_network(name, picture if name.startswith(check_onnx.GATED) else None)
    errors, limits = [], []
    with tempfile.TemporaryDirectory() as scratch:
        path = saved(network, name, scratch)
        for size in SIZES:
            image = networks.named_tensor("input", (1, 3, *size), torch.float32)
            runner = Ablaze(program, scratch)
            found, single = runner.logits(path, image), network.float()(image).double()
            expected = network.double()(image.double())
            errors.append(ablation.relative_error(found, expected))
            limits.append(max(allowed(name), TIMES_FLOAT32 * ablation.relative_error(single, expected)))
        (told,) = runner.run("inspect", path, "--json")
    report.line(f"{name:20} " + "  ".join(f"{error:9.2e} of {limit:7.1e}" for error, limit in zip(errors, limits)),
                all(map(float.__le__, errors, limits)) and told["architecture"] == name)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 error, at most {LARGEST_ERROR:g} (with hard-swish {LARGEST_ERROR_OF_HARD_CURVES:g})")
    for name, make in networks.other_families().items():
        if not options.only or options.only in name:
            check_modules(name, make, report, options.ablaze)
    for name in FULL_SIZE:
        if not options.only or options.only in name:
            check_logits(name, report, options.ablaze)
    report.finish()


if __name__ == "__main__":
    main()
