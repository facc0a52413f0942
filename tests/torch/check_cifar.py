#!/usr/bin/env python3
"""CIFAR's ResNets, whose shortcuts have no weights: logits and ablation drops against PyTorch in float64.

Seeded ones always; those of the `weights/cifar10` folder where the data are at hand.
"""

import tempfile

from common import Ablaze, Report, arguments, networks, torch

import ablation

LARGEST_LOGIT_ERROR = 1e-5
LARGEST_DROP_ERROR = 1e-4


class Shortcut(torch.nn.Module):
    """Every second pixel, and zeros for the new channels before and behind the others."""

    def __init__(self, new):
        super().__init__()
        self.new = new

    def forward(self, x):
        return torch.nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new, self.new))


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.shortcut = Shortcut((outputs - inputs) // 2) if stride > 1 else torch.nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))


class CifarResNet(torch.nn.Module):
    def __init__(self, depth, width=16):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        inputs = width
        for stage in range(3):
            outputs, blocks = width << stage, []
            for i in range((depth - 2) // 6):
                blocks.append(Block(inputs, outputs, 2 if stage > 0 and i == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", torch.nn.Sequential(*blocks))
        self.linear = torch.nn.Linear(inputs, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


def check(name, network, path, size, layers, program, report):
    network.eval().double()
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(program, scratch)
        image = networks.named_tensor("input", (1, 3, *size), torch.float32)
        expected = network(image.double())
        error = ablation.relative_error(runner.logits(path, image), expected)
        report.line(f"{name:20} {size[0]}x{size[1]}  logits           {error:9.2e}", error <= LARGEST_LOGIT_ERROR)
        for layer in layers:
            answer = runner.explain(path, image, layer)
            drops = torch.tensor(answer["drops"], dtype=torch.float64)
            target = answer["target"]["index"]
            channels = list(range(len(drops)))
            brute = expected[:, target] - ablation.ablated_logits(network, image.double(), layer, "zero", channels)[:, target]
            error = ablation.relative_error(drops, brute)
            report.line(f"{'':20} {'':5}  {layer:16} {error:9.2e}", error <= LARGEST_DROP_ERROR)


def main():
    options = arguments(__doc__)
    report = Report()
    report.line(f"relative L2 errors: logits at most {LARGEST_LOGIT_ERROR:g}, drops {LARGEST_DROP_ERROR:g}")
    layers = ["layer1", "layer1.2.conv2", "layer2.0.shortcut", "layer2", "layer3.0.bn2", "layer3"]
    with tempfile.TemporaryDirectory() as scratch:
        for width, size in [(16, (32, 32)), (6, (33, 29))]:
            network = networks.fill(CifarResNet(20, width), head=1.0, branch=1.0)
            path = f"{scratch}/seeded-{width}.pth"
            torch.save({"state_dict": {"module." + k: v for k, v in network.state_dict().items()}}, path)
            check(f"seeded, width {width}", network, path, size, layers, options.ablaze, report)
    for depth, name in [(20, "resnet20-12fca82f.th"), (56, "resnet56-4bfd9763.th")]:
        path = options.data / "weights" / "cifar10" / name
        if not path.exists():
            print(f"{name}: not at hand")
            continue
        network = CifarResNet(depth)
        state = torch.load(path, map_location="cpu")["state_dict"]
        network.load_state_dict({k.removeprefix("module."): v for k, v in state.items()}, strict=False)
        check(name, network, path, (32, 32), ["layer2", "layer3"], options.ablaze, report)
    report.finish()


if __name__ == "__main__":
    main()
