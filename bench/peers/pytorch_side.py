"""One side of compare.py: runs a traced network with PyTorch, frozen.

    pytorch_side.py NETWORK.pt INPUT.npy THREADS WARMUP REPEATS

prints {"version", "milliseconds": [..], "logits": [..]}.
"""

import json
import sys
import time

import numpy as np
import torch


def main(network, images, threads, warmup, repeats):
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    images = torch.from_numpy(np.load(images))
    model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(network)))

    milliseconds = []
    for i in range(int(warmup) + int(repeats)):
        begin = time.perf_counter()
        logits = model(images)
        if i >= int(warmup):
            milliseconds.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"version": torch.__version__, "milliseconds": milliseconds, "logits": logits.flatten().tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
