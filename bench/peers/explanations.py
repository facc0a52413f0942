#!/usr/bin/env python3
"""Explanations side by side: ablaze's, PyTorch's rerun of the cached tail, and the grad-cam package's, with ONNX
Runtime's single forward pass for reference, on the same seeded network, input, class and threads.

    explanations.py --network resnet50 --layer layer4 --node-modules DIR/node_modules
    explanations.py --network vgg16 --layer features.29 --method scorecam --channels 64

Times cover the whole explanation without loading: forward pass and attribution. The programs run alternately. Skips the
grad-cam package (import name pytorch_grad_cam), with a message, if it is not installed. If it would take
minutes, --channels restricts it and the cached tail to the first channels and scales their time up.

Exit status 1: the channels' weights do not agree; 2: a program is missing or failed; 3 with --strict: the host was
too busy.
"""

import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(SOURCE / "tests" / "torch")]
METHODS = ("ablation", "gradcam", "scorecam")
PEERS = ("onnxruntime", "tail", "grad-cam")


def parse_arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablaze", type=pathlib.Path, default=SOURCE / "build" / "release" / "ablaze")
    parser.add_argument("--node-modules", type=pathlib.Path, help="folder with onnxruntime-node")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"programs to compare with, of {','.join(PEERS)}, or 'none' (default: all)")
    parser.add_argument("--network", default="resnet50", help="torchvision's name (default: resnet50)")
    parser.add_argument("--layer", help="torchvision's name of the layer (default: ablaze's)")
    parser.add_argument("--method", default="ablation", choices=METHODS)
    parser.add_argument("--channels", type=int, default=0, help="number of channels for the slow peers (default: all)")
    parser.add_argument("--memory", help="ablaze's memory limit, for example 64M")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per program (default: 5)")
    parser.add_argument("--slow-rounds", type=int, default=1, help="rounds of the cached tail and of grad-cam (default: 1)")
    parser.add_argument("--repeats", type=int, default=15, help="timed explanations and passes per round (default: 15)")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the network's files in this folder for later runs")
    parser.add_argument("--strict", action="store_true", help="exit status 3 if the host is too busy to measure")
    options = parser.parse_args(words)
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    for peer in set(options.peers) - set(PEERS):
        parser.error(f"unknown peer {peer}: expected {', '.join(PEERS)}")
    if min(options.threads, options.rounds, options.slow_rounds, options.repeats) < 1 or options.channels < 0:
        parser.error("--threads, --rounds, --slow-rounds and --repeats are at least 1, --channels is not negative")
    return options


def sides_of(options, job):
    import explaining
    from sides import Ablaze, OnnxRuntime

    ours = explaining.Explain(options.ablaze, job, options.method, options.layer, options.memory)
    sides = [ours, Ablaze(options.ablaze, job)]
    if "onnxruntime" in options.peers and options.node_modules:
        sides.append(OnnxRuntime(options.node_modules, job))
    slow = (job, options.method, ours.layer, ours.target, options.channels)
    if "tail" in options.peers and options.method == "ablation":
        sides.append(explaining.CachedTail(*slow))
    if "grad-cam" in options.peers:
        if explaining.GradCam.installed():
            sides.append(explaining.GradCam(*slow))
        else:
            print("skipped grad-cam: this Python has no module pytorch_grad_cam (pip install grad-cam)")
    return sides


def take_turns(sides, options, watch):
    """{side: its turns}; a slow side has its turns in the first rounds."""
    turns = {side: [] for side in sides}
    for number in range(1, options.rounds + 1):
        for side in sides:
            if not side.slow or number <= options.slow_rounds:
                turns[side].append(watch.during(f"round {number} of {side.name}", side.turn))
        print(f"round {number}: " + ", ".join(f"{side.name} {turns[side][-1].typical:.2f} ms" for side in sides),
              flush=True)
    for side in sides:
        watch.judge_turns(side.name, [turn.typical for turn in turns[side]])
    return turns


def typical(turns):
    return statistics.median(turn.typical for turn in turns)


def report(turns, options):
    ours, *others = turns
    print(f"\n{options.network} {ours.layer}, {options.method}, class {ours.target}, {options.threads} threads per "
          f"program, medians of {options.rounds} rounds of {options.repeats} runs:")
    for side, taken in turns.items():
        best = min(turn.best for turn in taken)
        print(f"  {side.name:34} {typical(taken):10.2f} ms (best {best:.2f})   {side.remark}")
    for side in others:
        print(f"  {ours.name} takes {typical(turns[ours]) / typical(turns[side]):.4f} times {side.name}'s time")
    plan = ours.plan()
    if plan and plan["multiply_adds"]["plan"] > 1e9:
        at_peak = 2e3 * plan["multiply_adds"]["plan"] / statistics.median(turn.peak for turn in turns[others[0]])
        print(f"  and {typical(turns[ours]) / at_peak:.3f} times what the plan's {plan['multiply_adds']['plan'] / 1e9:.2f} G "
              f"multiply-adds would take at the measured peak")


def disagreements(turns):
    """Sides whose weights of the channels point elsewhere than ablaze's. Their factor is a matter of convention."""
    import numpy as np

    found = []
    ours, *others = turns
    for side in others:
        weights = getattr(turns[side][-1], "weights", None)
        if weights is None:
            continue
        mine = turns[ours][-1].weights[:len(weights)]
        apart = float(np.linalg.norm(mine / np.linalg.norm(mine) - weights / np.linalg.norm(weights)))
        print(f"  the weights of {side.name} and ablaze are {apart:.1e} apart on {len(weights)} channels")
        if not apart <= side.tolerance:
            found.append(f"the weights of {ours.name} and {side.name} differ by {apart:.1e}")
    return found


def compare(options, folder):
    from compare import make_network
    from host import Watch
    from sides import Job

    job = Job(options.network, folder, 1, options.threads, options.repeats)
    if not (folder / "expected.npy").is_file():
        make_network(job)
    sides = sides_of(options, job)
    watch = Watch()
    watch.check_idle()
    turns = take_turns(sides, options, watch)
    report(turns, options)
    apart = disagreements(turns)
    for line in apart:
        print(f"FAILED: {line}")
    if watch.complaints:
        print("WARNING: the host was too busy to measure:", *watch.complaints, sep="\n  ")
    return 1 if apart else 3 if watch.complaints and options.strict else 0


def main():
    options = parse_arguments()
    try:
        import torchvision  # noqa: F401
    except ImportError:
        sys.exit(f"{sys.executable} has no torchvision: run this with a Python that has it")
    from sides import Failed, Missing

    with contextlib.ExitStack() as stack:
        if options.folder:
            folder = options.folder / f"{options.network}-1"
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            return compare(options, folder)
        except (Missing, Failed) as error:
            print(error, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
