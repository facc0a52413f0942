#!/usr/bin/env python3
"""Writes the small PyTorch files that tests/formats reads. Made with PyTorch 1.13; any later one will do.

Element i of every float tensor is i / 8, so that each of the number formats holds it exactly.
"""

import argparse
import collections
import pathlib

import numpy
import torch

here = pathlib.Path(__file__).parent


def eighths(*shape):
    return (torch.arange(int(torch.tensor(shape).prod())) / 8).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.bn = torch.nn.BatchNorm2d(2)

    def forward(self, x):
        return self.bn(self.conv(x))


def main():
    shared = eighths(4, 6)
    tensors = {
        "f32": eighths(2, 3),
        "f16": eighths(3, 2).half(),
        "bf16": eighths(4).bfloat16(),
        "f64": eighths(5).double(),
        "i64": torch.arange(3),
        "bool": torch.tensor([True, False]),
        "parameter": torch.nn.Parameter(eighths(2, 2)),
        "scalar": torch.tensor(0.5),
        "empty": torch.zeros(0, 3),
        "transposed": shared.t(),  # strides 1, 6
        "rows": shared[1:3],       # contiguous, at an offset
        "columns": shared[:, 2:4],
        "again": shared,
    }
    torch.save(tensors, here / "kinds.pth")
    torch.save(tensors, here / "kinds-protocol4.pth", pickle_protocol=4)
    torch.save(tensors, here / "kinds-legacy.pth", _use_new_zipfile_serialization=False)

    net = Net()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(eighths(*parameter.shape))
    torch.save(net.state_dict(), here / "module.pth")  # an OrderedDict with attributes
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 1, 4, 4)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(eighths(*parameter.shape))
    parallel = collections.OrderedDict(("module." + k, v) for k, v in net.state_dict().items())
    torch.save({"epoch": 3, "arch": "net", "lr": 1e-3, "best": torch.tensor(0.9), "state_dict": parallel,
                "optimizer": optimizer.state_dict(), "params": {"lr": 0.1}}, here / "checkpoint.pth")
    scripts = {"args": argparse.Namespace(lr=0.1, milestones=[1, 2], arch="net"), "best": numpy.float64(91.5),
               "history": collections.defaultdict(list, loss=[0.5]), "mean": numpy.zeros(3), "seen": {1, 2},
               "optimizer": optimizer.state_dict(), "model": net.state_dict(), "model_ema": net.state_dict()}
    torch.save(scripts, here / "scripts.pth")
    torch.save(scripts, here / "scripts-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(net, here / "whole-module.pth")
    torch.save(eighths(3), here / "one-tensor.pth")
    torch.save({"epoch": 3, "loss": 0.5}, here / "no-tensors.pth")
    torch.jit.script(net).save(str(here / "torchscript.pt"))


if __name__ == "__main__":
    main()
