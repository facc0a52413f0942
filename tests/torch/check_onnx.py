#!/usr/bin/env python3
"""torchvision's families as torch.onnx.export writes them: logits, ablation drops and gradients against PyTorch in float64,
and what they come to when they are converted and read back.

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
    ("mobilenet_v3_large", 224, 14, "features.14"),
    ("mobilenet_v3_small", 96, 11, "features.12"),
    ("efficientnet_b0", 224, 13, "features.7"),
    ("efficientnet_v2_s", 160, 16, "features.7"),
    ("regnet_y_400mf", 96, 13, "trunk_output"),
]
GATED = ("mobilenet_v3", "efficientnet")
SAMPLES = 6
LARGEST_LOGIT_ERROR = 1e-5
LARGEST_HARD_SWISH_ERROR = 1e-4
LARGEST_DEEP_ERROR = 1e-4  # EfficientNet-v2's 40 gated blocks with seeded weights: PyTorch's own float32 shows 2.4e-5
LARGEST_DROP_ERROR = 1e-4
LARGEST_GRADIENT_ERROR = 2e-3  # a ReLU or a clip near its bend may decide otherwise in float32


def seeded_network(name, picture=None):
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
    calibrate(network, picture)
    return network


def calibrate(network, picture=None):
    """BatchNorm's statistics from random pictures, so that activations keep their size through any depth. Where they
    are multiplied with each other, from the picture itself: what grows there grows with its square."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum, norm.training = None, True
    side = picture.shape[2] if picture is not None else 139
    pictures = networks.named_tensor("calibration", (2, 3, side, side), torch.float32)
    network(torch.cat([picture, picture, pictures]) if picture is not None else pictures)
    for norm in norms:
        norm.training = False


@contextlib.contextmanager
def quiet():
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def export(network, picture, opset, path):
    with quiet():
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


def autograd(network, picture, layer, target):
    kept = []
    # What follows may work in place, on a copy then.
    handle = networks.hook_output(network, layer, lambda output: kept.append(output) or output.clone())
    with torch.enable_grad():
        score = network(picture.clone().requires_grad_())[0, target]
        (gradient,) = torch.autograd.grad(score, kept)
    handle.remove()
    return gradient


def check(name, side, opset, layer, options, report):
    picture = networks.named_tensor("input", (1, 3, side, side), torch.float32)
    network = seeded_network(name, picture if name.startswith(GATED) else None)
    with tempfile.TemporaryDirectory() as scratch:
        path, converted = f"{scratch}/{name}.onnx", f"{scratch}/{name}.safetensors"
        export(network, picture, opset, path)
        runner = Ablaze(options.ablaze, scratch, options.gradient)
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
        gradient = runner.gradient(path, picture, layer, target)
        gradient_error = ablation.relative_error(gradient, autograd(network, picture.double(), layer, target))
        largest = LARGEST_HARD_SWISH_ERROR if name.startswith("mobilenet_v3") else LARGEST_LOGIT_ERROR
        largest = LARGEST_DEEP_ERROR if name.startswith("efficientnet_v2") else largest
        report.line(f"{name:20} opset {opset:2}  logits {error:8.1e}  drops at {layer:16} {drop_error:8.1e}  "
                    f"gradient {gradient_error:8.1e}  converted {'the same' if same else 'OTHER'}  {seconds:5.2f} s",
                    error <= largest and drop_error <= LARGEST_DROP_ERROR and gradient_error <= LARGEST_GRADIENT_ERROR
                    and same)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 errors: logits at most {LARGEST_LOGIT_ERROR:g} (with hard-swish "
                f"{LARGEST_HARD_SWISH_ERROR:g}, EfficientNet-v2 {LARGEST_DEEP_ERROR:g}), {SAMPLES} drops {LARGEST_DROP_ERROR:g}, "
                f"gradients {LARGEST_GRADIENT_ERROR:g}; time to load and run once")
    for name, side, opset, layer in NETWORKS:
        if not options.only or options.only in name:
            check(name, side, opset, layer, options, report)
    report.finish()


if __name__ == "__main__":
    main()
