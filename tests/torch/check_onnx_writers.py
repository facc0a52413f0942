#!/usr/bin/env python3
"""torchvision's networks as PyTorch's exporter writes them in several opsets, and rewritten into the forms of PyTorch's
newer exporter and of tf2onnx: logits at several sizes against PyTorch in float64. Where onnxruntime-node is found
(NODE_PATH), it checks that the rewritten files mean the same, and its distance is told beside."""

import json
import os
import subprocess
import tempfile

from common import SOURCE, Ablaze, Report, arguments, networks, skip, torch

import ablation
import check_onnx

try:
    import onnx
    import rewrite_onnx
except ImportError as missing:
    skip(f"Python's onnx is not installed ({missing})")

# network, sizes: one of 224 alone where an adaptive pool allows no other
ANY = [(224, 224), (161, 127), (97, 201)]
NETWORKS = [("resnet18", ANY), ("resnet50", ANY), ("vgg11_bn", [(224, 224)]), ("alexnet", [(224, 224)]),
            ("mobilenet_v2", ANY), ("mobilenet_v3_small", ANY), ("squeezenet1_1", ANY), ("densenet121", ANY),
            ("googlenet", ANY), ("shufflenet_v2_x1_0", ANY), ("mnasnet1_0", ANY), ("efficientnet_b0", ANY),
            ("regnet_x_400mf", ANY), ("convnext_tiny", [(224, 224)])]
FORMS = ["opset 9", "opset 13", "opset 17", "newer 18", "newer 20", "tf2onnx"]
LARGEST_ERROR = 1e-5
LARGEST_HARD_SWISH_ERROR = 1e-4


def onnxruntime(path, tensor, scratch):
    """ONNX Runtime's logits; None where it is not installed."""
    if not os.environ.get("NODE_PATH"):
        return None
    raw = f"{scratch}/input.f32"
    tensor.contiguous().numpy().tofile(raw)
    shape = ",".join(map(str, tensor.shape))
    result = subprocess.run(["node", SOURCE / "bench/peers/onnxruntime.cjs", path, raw, shape, "2", "0", "1"],
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"ONNX Runtime on {path}: {result.stderr[-600:]}")
    return torch.tensor(json.loads(result.stdout)["logits"], dtype=torch.float64)[None]


def written(form, network, size, sizes, scratch):
    """The file of a form. Sizes are left open where a form allows it."""
    path = f"{scratch}/{form.replace(' ', '')}_{size[0]}.onnx"
    is_open = len(sizes) > 1 and form != "tf2onnx"
    opset = int(form.split()[1]) if form.startswith("opset") else 17 if form.startswith("newer") else 13
    picture = networks.named_tensor("input", (1, 3, *size), torch.float32)
    axes = {"dynamic_axes": {"input": {2: "height", 3: "width"}}} if is_open else {}
    with check_onnx.quiet():
        try:
            torch.onnx.export(network, picture, path, opset_version=opset, input_names=["input"], **axes)
        except RuntimeError:  # PyTorch cannot leave every network's sizes open
            is_open = False
            torch.onnx.export(network, picture, path, opset_version=opset, input_names=["input"])
    if form.startswith("newer"):
        onnx.save(rewrite_onnx.newer_exporter(onnx.load(path), int(form.split()[1])), path)
    if form == "tf2onnx":
        onnx.save(rewrite_onnx.tf2onnx(onnx.load(path)), path)
    return path, is_open


def check(name, sizes, options, report):
    picture = networks.named_tensor("input", (1, 3, *sizes[0]), torch.float32)
    network = check_onnx.seeded_network(name, picture if name.startswith(check_onnx.GATED) else None)
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)
        answers = []
        for size in sizes:
            image = networks.named_tensor("input", (1, 3, *size), torch.float32)
            single = network.float()(image).double()
            expected = network.double()(image.double())
            answers.append((size, image, expected, ablation.relative_error(single, expected)))
        network.float()
        for form in FORMS:
            errors, others, holds, path = [], [], True, None
            for size, image, expected, float32 in answers:
                if path is None or not is_open:
                    path, is_open = written(form, network, size, sizes, scratch)
                limit = LARGEST_HARD_SWISH_ERROR if "mobilenet_v3" in name else LARGEST_ERROR
                error = ablation.relative_error(runner.logits(path, image), expected)
                errors.append(f"{error:8.1e}")
                holds = holds and error <= max(limit, 2 * float32)
                other = onnxruntime(path, image.permute(0, 2, 3, 1) if form == "tf2onnx" else image, scratch)
                if other is not None:
                    distance = ablation.relative_error(other, expected)
                    others.append(f"{distance:8.1e}")
                    holds = holds and distance <= max(limit, 5 * float32)
            told = f"  ONNX Runtime {' '.join(others)}" if others else ""
            layers = check_names(network, runner, path) if form.startswith(("opset", "newer")) else ""
            holds = holds and not layers
            report.line(f"{name:20} {form:9} {' '.join(errors)}{told}{layers}", holds)


def check_names(network, runner, path):
    """Convolutions and linear layers have their modules' names; a note on the first that has not."""
    (inspected,) = runner.run("inspect", path, "--json")
    names = {layer["name"] for layer in inspected["layers"]}
    for module_name, module in network.named_modules():
        own = isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))
        if own and module_name not in names and not module_name.startswith("aux"):
            return f"  no layer {module_name}"
    return ""


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 errors of logits: at most {LARGEST_ERROR:g} (hard-swish {LARGEST_HARD_SWISH_ERROR:g}), or twice "
                "that of PyTorch in float32")
    for name, sizes in NETWORKS:
        if not options.only or options.only in name:
            check(name, sizes, options, report)
    report.finish()


if __name__ == "__main__":
    main()
