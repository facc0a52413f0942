"""The programs that explanations.py sets side by side. Each runs a turn as a process of its own."""

import importlib.util
import json
import pathlib
import statistics
import sys
import tempfile

import numpy as np
from sides import HERE, Missing, Turn, run

WARMUP = 1


class ExplainingTurn(Turn):
    weights = None  # [channels], of those that were worked on


def turn_of(milliseconds, weights):
    turn = ExplainingTurn(statistics.median(milliseconds), statistics.fmean(milliseconds), min(milliseconds))
    turn.weights = np.array(weights, dtype=np.float64)
    return turn


class Explain:
    """`ablaze explain` of the same input again and again; the first is the warm-up."""

    slow = False

    def __init__(self, program, job, method, layer, memory):
        if not pathlib.Path(program).is_file():
            raise Missing(f"no program {program}: build it, or give it with --ablaze")
        self.program, self.job = program, job
        self.options = ["--model", job.folder / "network.pth", "--threads", job.threads, "--quiet", "--json",
                        *(["--layer", layer] if layer else []), *(["--memory", memory] if memory else [])]
        self.method, self.name = method, f"ablaze {method}"
        self.remark = "forward and attribution, float32, all channels"
        first = self.explain(1, "random")[0]  # the cheapest to ask what the defaults are
        self.layer, self.target = first["layer"], first["target"]["index"]

    def explain(self, count, method=None):
        with tempfile.TemporaryDirectory() as folder:
            inputs = [pathlib.Path(folder) / f"{number}.npy" for number in range(count)]
            for path in inputs:
                path.symlink_to((self.job.folder / "input.npy").resolve())
            lines = run([self.program, "explain", *inputs, *self.options, "--method", method or self.method, "--out",
                         pathlib.Path(folder) / "out"]).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def turn(self):
        warmup = min(WARMUP, self.job.repeats - 1)  # a single run is of something that takes long
        answers = self.explain(warmup + self.job.repeats)[warmup:]
        times = [answer["milliseconds"] for answer in answers]
        return turn_of([time["forward"] + time["attribution"] for time in times], answers[-1]["weights"])

    def plan(self):
        if self.method != "ablation":
            return None
        return json.loads(run([self.program, "explain", self.job.folder / "input.npy", *self.options, "--method",
                               self.method, "--plan"]).stdout)


class Slow:
    """A side of PyTorch's."""

    slow = True
    tolerance = 1e-3  # float32 scores, subtracted

    def __init__(self, job, method, layer, target, channels):
        self.job, self.words = job, [job.network, job.folder / "network.pth", job.folder / "input.npy", method, layer,
                                     target, channels, job.threads, min(job.repeats, 3)]

    def turn(self):
        answer = json.loads(run([sys.executable, HERE / self.script, *self.words]).stdout)
        self.name, self.remark = answer["name"], f"{answer['worked']} of {answer['channels']} channels"
        if answer["worked"] < answer["channels"]:
            self.remark += ", their time scaled up"
        return turn_of(answer["milliseconds"], answer["weights"])


class CachedTail(Slow):
    name = "PyTorch's cached tail"
    script = "cached_tail_side.py"


class GradCam(Slow):
    name = "grad-cam"
    script = "grad_cam_side.py"

    def __init__(self, job, method, *rest):
        super().__init__(job, method, *rest)
        if method == "scorecam":
            self.tolerance = float("inf")  # it weighs by the masked pictures' scores alone, not by their rise

    @staticmethod
    def installed():
        return importlib.util.find_spec("pytorch_grad_cam") is not None
