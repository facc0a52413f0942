#!/usr/bin/env python3
"""One forward pass side by side: ablaze and ONNX Runtime on the same seeded network, input and threads.

    npm install --prefix DIR --ignore-scripts onnxruntime-node
    compare_onnxruntime.py --ablaze build/release/ablaze --node-modules DIR/node_modules

Needs PyTorch with torchvision (to make and export the network) and Node.js. The two take turns, A B A B, so that
a busy neighbour meets both; a turn counts by its median, a side by the median of its turns.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "torch"))
SHAPE = (1, 3, 224, 224)
WARMUP = 5


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablaze", type=pathlib.Path, default=SOURCE / "build" / "release" / "ablaze")
    parser.add_argument("--node-modules", type=pathlib.Path, required=True, help="folder with onnxruntime-node")
    parser.add_argument("--network", default="resnet50", help="torchvision's name (default: resnet50)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--repeats", type=int, default=15, help="timed runs a turn")
    return parser.parse_args()


def check_needs(options):
    missing = []
    if not options.ablaze.is_file():
        missing.append(f"no program {options.ablaze}: build it, or name it with --ablaze")
    if not (options.node_modules / "onnxruntime-node").is_dir():
        missing.append(f"no onnxruntime-node in {options.node_modules}: npm install --prefix DIR --ignore-scripts "
                       "onnxruntime-node, then --node-modules DIR/node_modules")
    if not shutil.which("node"):
        missing.append("no node: install Node.js")
    try:
        import torchvision  # noqa: F401
    except ImportError:
        missing.append(f"{sys.executable} has no torchvision: run this with a Python that has it")
    if missing:
        sys.exit("\n".join(missing))


def run(command, **environment):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                            env={**os.environ, **environment})
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")
    return result.stdout


def make_network(options, folder):
    """Writes the network both ways and its input; returns PyTorch's float64 logits."""
    from common import networks, np, seeded_network, torch, torchvision

    network = seeded_network(getattr(torchvision.models, options.network))
    image = networks.named_tensor("input", SHAPE, torch.float32)
    torch.save(network.state_dict(), folder / "network.pth")
    torch.onnx.export(network, image, str(folder / "network.onnx"), opset_version=13)
    np.save(folder / "input.npy", image.numpy())
    image.numpy().tofile(folder / "input.f32")
    return network.double()(image.double()).numpy()


def logits_of_ablaze(options, folder):
    import numpy as np

    run([options.ablaze, "classify", folder / "input.npy", "--model", folder / "network.pth", "--threads",
         options.threads, "--quiet", "--save-logits", folder / "logits.npy"])
    return np.load(folder / "logits.npy").astype(np.float64)


def turn_of_ablaze(options, folder):
    """The median of a turn's runs in milliseconds."""
    out = run([options.ablaze, "bench", folder / "network.pth", "--threads", options.threads, "--repeats",
               options.repeats, "--json"])
    return json.loads(out)["milliseconds"]["pass"]


def turn_of_onnxruntime(options, folder):
    """The median of a turn's runs in milliseconds, the logits, and the version."""
    import numpy as np

    script = pathlib.Path(__file__).with_name("onnxruntime.cjs")
    out = run(["node", script, folder / "network.onnx", folder / "input.f32", ",".join(map(str, SHAPE)),
               options.threads, WARMUP, options.repeats], NODE_PATH=str(options.node_modules.resolve()))
    answer = json.loads(out)
    return statistics.median(answer["milliseconds"]), np.array([answer["logits"]]), answer["version"]


def main():
    options = parse_arguments()
    check_needs(options)
    import numpy as np

    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expected = make_network(options, folder)
        logits = logits_of_ablaze(options, folder)
        for turn in range(options.rounds):
            ours.append(turn_of_ablaze(options, folder))
            median, peer_logits, version = turn_of_onnxruntime(options, folder)
            theirs.append(median)
            print(f"turn {turn + 1}: ablaze {ours[-1]:7.2f} ms, ONNX Runtime {median:7.2f} ms", flush=True)

    def error(found):
        return np.linalg.norm(found - expected) / np.linalg.norm(expected)

    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{options.network}, {'x'.join(map(str, SHAPE))}, {options.threads} threads: median of {options.rounds} turns "
          f"of {options.repeats} runs (best turn)")
    print(f"  ablaze              {a:7.2f} ms ({min(ours):.2f})   logits {error(logits):.1e} from float64")
    print(f"  ONNX Runtime {version:6} {b:7.2f} ms ({min(theirs):.2f})   logits {error(peer_logits):.1e} from float64")
    print(f"  ablaze takes {a / b:.2f} times ONNX Runtime's time")


if __name__ == "__main__":
    main()
