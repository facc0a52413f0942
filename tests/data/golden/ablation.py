"""Ablation drops by brute force: for each channel the whole network runs again, with a forward hook that
replaces the channel."""

import torch

import networks

KINDS = ("zero", "scale", "mean", "mask")
SCALE = 0.5


def mask_for(shape):
    """The [H, W] mask that the tests use at a layer of shape [.., H, W]."""
    height, width = shape[-2:]
    return networks.named_tensor(f"mask {height}x{width}", (height, width))


def replaced(channel, kind):
    """A' of a channel's activations [..., H, W], or of a unit [...]."""
    if kind == "zero":
        return torch.zeros_like(channel)
    if kind == "scale":
        return SCALE * channel
    if kind == "mean":
        return channel.mean(dim=(-2, -1), keepdim=True).expand_as(channel)
    return (1 - mask_for(channel.shape)) * channel


def ablated_logits(network, image, layer, kind, channels, batch=64):
    """Logits [len(channels), classes] with one channel of `layer` replaced in each row; image is [1, 3, H, W].
    The rows are reruns of everything: a batch is only a way to run several at once."""
    rows = []
    for begin in range(0, len(channels), batch):
        some = channels[begin : begin + batch]

        def replace(output):
            output = output.clone()
            for row, channel in enumerate(some):
                output[row, channel] = replaced(output[row, channel], kind)
            return output

        handle = networks.hook_output(network, layer, replace)
        rows.append(network(image.expand(len(some), -1, -1, -1)))
        handle.remove()
    return torch.cat(rows)


def score(logits, kind, index):
    """The class score of every row of logits."""
    if kind == "softmax":
        return torch.softmax(logits, 1)[:, index]
    if kind == "sigmoid":
        return torch.sigmoid(logits)[:, index]
    return logits[:, index]


def relative_error(found, expected):
    """||found - expected|| / ||expected||"""
    return float(torch.linalg.norm(found - expected) / torch.linalg.norm(expected))
