"""One side of explanations.py: Ablation-CAM's drops with PyTorch, what lies behind the layer run again in batches.

    cached_tail_side.py NETWORK NETWORK.pth INPUT.npy METHOD LAYER CLASS CHANNELS THREADS REPEATS

prints {"name", "channels", "worked", "milliseconds": [..], "weights": [..]}; CHANNELS 0: all of them.
"""

import json
import sys
import time

import numpy as np
import torch
import torchvision

BATCH = 32


def load(name, weights, threads):
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    network = getattr(torchvision.models, name)()
    network.load_state_dict(torch.load(weights))
    return network.eval()


def stages(network):
    """The network as (name, module) in order; torchvision's VGGs and ResNets."""
    listed = []
    for name, child in network.named_children():
        if isinstance(child, torch.nn.Sequential) and not name.startswith("layer"):
            listed += [(f"{name}.{inner}", module) for inner, module in child.named_children()]
        else:
            listed.append((name, child))
        if name == "avgpool":
            listed.append(("flatten", torch.nn.Flatten()))
    return listed


def split(network, layer):
    listed = stages(network)
    at = [name for name, _ in listed].index(layer) + 1
    return (torch.nn.Sequential(*(module for _, module in part)) for part in (listed[:at], listed[at:]))


def drops_of(head, tail, image, target, channels):
    activation = head(image)
    score = tail(activation)[0, target]
    drops = []
    for first in range(0, channels, BATCH):
        ablated = range(first, min(first + BATCH, channels))
        batch = activation.repeat(len(ablated), 1, 1, 1)
        for row, channel in enumerate(ablated):
            batch[row, channel] = 0
        drops.append(score - tail(batch)[:, target])
    return torch.cat(drops)


def main(name, weights, image, _method, layer, target, channels, threads, repeats):
    head, tail = split(load(name, weights, threads), layer)
    image = torch.from_numpy(np.load(image))
    total = head(image).shape[1]
    worked = min(int(channels) or total, total)
    drops_of(head, tail, image, int(target), min(worked, BATCH))  # warm-up
    milliseconds = []
    for _ in range(int(repeats)):
        begin = time.perf_counter()
        drops = drops_of(head, tail, image, int(target), worked)
        milliseconds.append(1e3 * (time.perf_counter() - begin) * total / worked)
    print(json.dumps({"name": f"PyTorch {torch.__version__}, cached tail", "channels": total, "worked": worked,
                      "milliseconds": milliseconds, "weights": drops.tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
