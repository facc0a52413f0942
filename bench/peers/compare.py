#!/usr/bin/env python3
"""Forward passes side by side: ablaze, ONNX Runtime, PyTorch and ncnn on the same seeded network, input and threads.

    npm install --prefix DIR --ignore-scripts onnxruntime-node
    compare.py --network vgg16 --node-modules DIR/node_modules --ncnn NCNN/build/benchmark/benchncnn

The engines run alternately, A B C A B C, so that load on the host affects all of them. A round's time is the median of
its runs, an engine's time the median of its rounds. Needs PyTorch with torchvision, to create and export the network.
Skips engines without their option (--node-modules, --ncnn); --peers selects engines.

Exit status 1: the logits do not agree; 2: an engine is missing or failed; 3 with --strict: the host was too busy.
"""

import argparse
import contextlib
import itertools
import pathlib
import shlex
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(SOURCE / "tests" / "torch")]
PEERS = ("onnxruntime", "pytorch", "ncnn")


def parse_arguments(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ablaze", type=pathlib.Path, default=SOURCE / "build" / "release" / "ablaze")
    parser.add_argument("--ablaze-options", action="append", metavar="WORDS",
                        help="add ablaze with these options, for example '--isa avx2'; '' adds the default options")
    parser.add_argument("--node-modules", type=pathlib.Path, help="folder with onnxruntime-node")
    parser.add_argument("--ncnn", type=pathlib.Path, metavar="BENCHNCNN", help="ncnn's benchmark program")
    parser.add_argument("--peers", default=",".join(PEERS), help="engines to compare with, of onnxruntime,pytorch,ncnn, or 'none' (default: all)")
    parser.add_argument("--half", action="store_true",
                        help="also run ablaze with float16 weights and ncnn with its default, half precision")
    parser.add_argument("--network", default="resnet50", help="torchvision's name (default: resnet50)")
    parser.add_argument("--onnx", action="store_true",
                        help="ablaze also reads the exported ONNX file: for families without a weight file format in ablaze")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per engine (default: 5)")
    parser.add_argument("--repeats", type=int, default=15, help="timed runs per round (default: 15)")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the network's files in this folder for later runs")
    parser.add_argument("--strict", action="store_true", help="exit status 3 if the host is too busy to measure")
    options = parser.parse_args(words)
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    for peer in set(options.peers) - set(PEERS):
        parser.error(f"unknown peer {peer}: expected {', '.join(PEERS)}")
    if min(options.threads, options.batch, options.rounds, options.repeats) < 1:
        parser.error("--threads, --batch, --rounds and --repeats are at least 1")
    return options


def make_network(job):
    """Writes the network as each side reads it, its input, and PyTorch's logits in float64."""
    import ncnn_param
    from common import networks, np, seeded_network, torch, torchvision

    if job.onnx:
        from check_onnx import seeded_network as exported_network

        network = exported_network(job.network)
    else:
        network = seeded_network(getattr(torchvision.models, job.network))
    image = networks.named_tensor("input", job.shape(), torch.float32)
    torch.save(network.state_dict(), job.folder / "network.pth")
    torch.jit.trace(network, image).save(str(job.folder / "network.pt"))
    torch.onnx.export(network, image, str(job.folder / "network.onnx"), opset_version=13)
    with contextlib.suppress(ValueError):  # not every network has a description for ncnn
        for name, half in (("network.param", False), ("network.half.param", True)):
            (job.folder / name).write_text(ncnn_param.describe(network, *job.shape()[2:], half))
    np.save(job.folder / "input.npy", image.numpy())
    image.numpy().tofile(job.folder / "input.f32")
    np.save(job.folder / "expected.npy", network.double()(image.double()).numpy())


def sides_of(options, job):
    from sides import Ablaze, Ncnn, OnnxRuntime, PyTorch

    sides = [Ablaze(options.ablaze, job, shlex.split(words)) for words in options.ablaze_options or [""]]
    if options.half:
        sides.append(Ablaze(options.ablaze, job, half=True))
    if "onnxruntime" in options.peers and options.node_modules:
        sides.append(OnnxRuntime(options.node_modules, job))
    if "pytorch" in options.peers:
        sides.append(PyTorch(sys.executable, job))
    if "ncnn" in options.peers and options.ncnn:
        sides.append(Ncnn(options.ncnn, job))
        if options.half:
            sides.append(Ncnn(options.ncnn, job, half=True))
    return sides


def take_turns(sides, rounds, watch):
    """{side: its turns}"""
    turns = {side: [] for side in sides}
    for number in range(1, rounds + 1):
        for side in sides:
            turns[side].append(watch.during(f"round {number} of {side.name}", side.turn))
        print(f"round {number}: " + ", ".join(f"{side.name} {turns[side][-1].typical:.2f} ms" for side in sides),
              flush=True)
    for side in sides:
        watch.judge_turns(side.name, [turn.typical for turn in turns[side]])
    watch.judge_handovers(handovers(turns))
    return turns


def handovers(turns):
    return [turn.handover for taken in turns.values() for turn in taken if turn.handover]


def distance(one, other):
    """Relative L2, of the worst image."""
    import numpy as np

    return float(np.max(np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)))


def disagreements(turns):
    """The pairs of sides whose logits lie further apart than the less exact of the two may be off."""
    found = []
    having = [side for side in turns if turns[side][-1].logits is not None]
    for one, other in itertools.combinations(having, 2):
        apart = distance(turns[one][-1].logits, turns[other][-1].logits)
        if not apart <= max(one.tolerance, other.tolerance):
            found.append(f"the logits of {one.name} and {other.name} differ by {apart:.1e}")
    return found


def ratio(ours, theirs):
    """Medians of turns; means where the other side tells no median of its runs."""
    kind = "typical" if theirs[0].logits is not None else "mean"
    return statistics.median(getattr(turn, kind) for turn in ours) / statistics.median(
        getattr(turn, kind) for turn in theirs)


def report(turns, expected, options):
    ours = [side for side in turns if side.name.startswith("ablaze")]
    print(f"\n{options.network}, batch {options.batch}, {options.threads} threads per engine, medians of "
          f"{options.rounds} rounds of {options.repeats} runs:")
    if handovers(turns):
        print(f"  cores {min(handovers(turns)):.0f} to {max(handovers(turns)):.0f} ns apart")
    for side, taken in turns.items():
        typical = statistics.median(turn.typical for turn in taken)
        best = min(turn.best for turn in taken)
        image = f", {typical / options.batch:.2f} per image" if options.batch > 1 else ""
        logits = taken[-1].logits
        error = "no logits: weights are zeros" if logits is None else f"{distance(logits, expected):.1e} from float64"
        print(f"  {side.name:26} {typical:8.2f} ms{image} (best {best:.2f})   {error}   {side.precision}")
    for side in ours:
        for peer in (peer for peer in turns if peer not in ours):
            note = "" if turns[peer][0].logits is not None else " (means, for want of its median)"
            print(f"  {side.name} takes {ratio(turns[side], turns[peer]):.3f} times {peer.name}'s time{note}")


def compare(options, folder):
    import numpy as np

    from host import Watch
    from sides import Job

    job = Job(options.network, folder, options.batch, options.threads, options.repeats, options.onnx)
    if not (folder / "expected.npy").is_file():
        make_network(job)
    sides = sides_of(options, job)
    watch = Watch()
    watch.check_idle()
    turns = take_turns(sides, options.rounds, watch)
    report(turns, np.load(folder / "expected.npy"), options)
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
            folder = options.folder / f"{options.network}-{options.batch}{'-onnx' if options.onnx else ''}"
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
