"""One side of explanations.py: the grad-cam package. Words and answer as cached_tail_side.py's."""

import contextlib
import json
import os
import sys
import time

import numpy as np
import torch

from cached_tail_side import load

METHODS = {"ablation": "AblationCAM", "gradcam": "GradCAM", "scorecam": "ScoreCAM"}


def first_channels(explainer, count, seen):
    """Lets an explainer weigh its first `count` channels alone, and remembers their weights."""
    weigh = explainer.get_cam_weights

    def weigh_some(images, layer, targets, activations, grads):
        weights = weigh(images, layer, targets, activations[:, :count], grads)
        seen[:] = weights[0, :count].tolist()
        return np.pad(weights, ((0, 0), (0, activations.shape[1] - weights.shape[1])))

    explainer.get_cam_weights = weigh_some


def main(name, weights, image, method, layer, target, channels, threads, repeats):
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network = load(name, weights, threads)
    torch.set_grad_enabled(method == "gradcam")
    image = torch.from_numpy(np.load(image))
    module = dict(network.named_modules())[layer]
    explainer = getattr(pytorch_grad_cam, METHODS[method])(network, [module])

    sizes = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[1]))
    network(image)
    handle.remove()
    total = sizes[0]
    worked = total if method == "gradcam" else min(int(channels) or total, total)
    seen = []
    first_channels(explainer, worked, seen)
    milliseconds = []
    for _ in range(1 if method != "gradcam" else int(repeats)):
        begin = time.perf_counter()
        with open(os.devnull, "w", encoding="ascii") as null, contextlib.redirect_stderr(null):  # its progress bar
            explainer(input_tensor=image, targets=[ClassifierOutputTarget(int(target))])
        milliseconds.append(1e3 * (time.perf_counter() - begin) * total / worked)
    print(json.dumps({"name": f"grad-cam's {METHODS[method]}", "channels": total, "worked": worked,
                      "milliseconds": milliseconds, "weights": seen}))


if __name__ == "__main__":
    main(*sys.argv[1:])
