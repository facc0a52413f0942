#!/usr/bin/env python3
"""torchvision's families as torch.onnx.export writes them: logits and ablation drops against PyTorch in float64, and
what they come to when they are converted and read back.

The weights are seeded, with BatchNorm statistics and gains such that every block counts.
"""

import contextlib
import io
import tempfile
import time
import warnings

from common import Ablaze, Report, arguments, networks, seeded, torch, torchvision

import ablation

# network, its picture's side, the opset, the module whose channels are ablated
NETWORKS = [
    ("alexnet", 224, 9, "features.11"),
    ("vgg11_bn", 224, 13, "features.27"),
    ("resnet18", 96, 11, "layer4"),
    ("resnet50", 96, 16, "layer3"),
    ("resnext50_32x4d", 96, 13, "layer4.1"),
    ("squeezenet1_1", 96, 13, "features.12"),
    ("googlenet", 96, 13, "inception5b"),
    ("densenet121", 96, 13, "features.norm5"),
    ("mobilenet_v2", 160, 13, "features.18.2"),
    ("shufflenet_v2_x1_0", 96, 13, "conv5.2"),
    ("mnasnet1_0", 96, 13, "layers.16"),
    ("regnet_x_400mf", 96, 13, "trunk_output"),
    ("inception_v3", 139, 13, "Mixed_7c"),
]
SAMPLES = 6
LARGEST_LOGIT_ERROR = 1e-5
LARGEST_DROP_ERROR = 1e-4


def seeded_network(name):
    """Every convolution and linear layer keeps the size of what flows; BatchNorm's tensors are what training
    leaves: none of them 0 or 1."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network = getattr(torchvision.models, name)(**options).eval()
    with torch.no_grad():
        for tensor_name, tensor in network.state_dict().items():
            noise = networks.named_tensor(tensor_name, tuple(tensor.shape) or (1,), torch.float32)
            if tensor.dim() >= 2:
                noise = noise / noise.std()
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
            elif tensor_name.endswith("running_var") or (tensor_name.endswith("weight") and tensor.dim() == 1):
                tensor.copy_(1 + 0.3 * torch.tanh(noise))
            elif tensor.is_floating_point():
                tensor.copy_(0.2 * torch.tanh(noise))
    calibrate(network)
    return network


def calibrate(network):
    """BatchNorm's statistics from random pictures, so that activations keep their size through any depth."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum, norm.training = None, True
    picture = networks.named_tensor("calibration", (2, 3, 139, 139), torch.float32)
    network(picture)
    for norm in norms:
        norm.training = False


def export(network, picture, opset, path):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(network, picture, path, opset_version=opset)


def ablated_scores(network, picture, layer, channels, target):
    rows = []
    for channel in channels:
        def replace(_module, _inputs, output, channel=channel):
            output = output.clone()
            output[:, channel] = 0
            return output

        handle = network.get_submodule(layer).register_forward_hook(replace)
        rows.append(network(picture)[0, target])
        handle.remove()
    return torch.stack(rows)


def check(name, side, opset, layer, program, report):
    network = seeded_network(name)
    picture = networks.named_tensor("input", (1, 3, side, side), torch.float32)
    with tempfile.TemporaryDirectory() as scratch:
        path, converted = f"{scratch}/{name}.onnx", f"{scratch}/{name}.safetensors"
        export(network, picture, opset, path)
        runner = Ablaze(program, scratch)
        begin = time.monotonic()
        found = runner.logits(path, picture)
        seconds = time.monotonic() - begin
        network.double()
        expected = network(picture.double())
        error = ablation.relative_error(found, expected)
        runner.run("convert", path, "--out", converted)
        same = torch.equal(runner.logits(converted, picture), found)
        answer = runner.explain(path, picture, layer)
        drops = torch.tensor(answer["drops"], dtype=torch.float64)
        channels = [i * len(drops) // SAMPLES for i in range(SAMPLES)]
        target = answer["target"]["index"]
        brute = expected[0, target] - ablated_scores(network, picture.double(), layer, channels, target)
        drop_error = ablation.relative_error(drops[channels], brute)
        report.line(f"{name:20} opset {opset:2}  logits {error:8.1e}  drops at {layer:16} {drop_error:8.1e}  "
                    f"converted {'the same' if same else 'OTHER'}  {seconds:5.2f} s",
                    error <= LARGEST_LOGIT_ERROR and drop_error <= LARGEST_DROP_ERROR and same)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 errors: logits at most {LARGEST_LOGIT_ERROR:g}, {SAMPLES} drops {LARGEST_DROP_ERROR:g}; "
                "time to load and run once")
    for name, side, opset, layer in NETWORKS:
        if not options.only or options.only in name:
            check(name, side, opset, layer, options.ablaze, report)
    report.finish()


if __name__ == "__main__":
    main()
