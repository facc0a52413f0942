"""The programs that compare.py sets side by side. Each runs a turn as a process of its own."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
WARMUP = 5


class Missing(Exception):
    """A side cannot run here; says what to do about it."""


class Failed(Exception):
    """A side's process failed."""


@dataclasses.dataclass
class Turn:
    """`typical` is the median of a turn's runs, or their mean where the program tells no more; milliseconds."""

    typical: float
    mean: float
    best: float
    logits: np.ndarray | None = None  # [N, classes]
    handover: float | None = None  # nanoseconds of a cache line from core to core, where the side tells it
    peak: float | None = None  # floating-point operations a second, where the side tells it

    @staticmethod
    def of(milliseconds, logits, handover=None, peak=None):
        return Turn(statistics.median(milliseconds), statistics.fmean(milliseconds), min(milliseconds), logits, handover,
                    peak)


@dataclasses.dataclass
class Job:
    """What all sides run. The folder holds network.{pth,onnx,pt}, network.f16.safetensors and input.{npy,f32}."""

    network: str
    folder: pathlib.Path
    batch: int
    threads: int
    repeats: int
    onnx: bool = False  # what ablaze reads

    def shape(self):
        return (self.batch, 3, 224, 224)


def run(command, **environment):
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if result.returncode != 0:
        raise Failed(f"{' '.join(words)}\nexit status {result.returncode}\n{result.stderr}")
    return result


class Ablaze:
    slow = False
    remark = "one forward pass"

    def __init__(self, program, job, options=(), half=False):
        if not pathlib.Path(program).is_file():
            raise Missing(f"no program {program}: build it, or give it with --ablaze")
        self.program, self.job, self.options = program, job, list(options)
        plain = "network.onnx" if job.onnx else "network.pth"
        self.file = job.folder / ("network.f16.safetensors" if half else plain)
        self.name = " ".join(["ablaze", *self.options, *(["half"] if half else [])])
        self.precision = "weights in float16, sums in float32" if half else "float32"
        self.tolerance = 1e-2 if half else 1e-5
        if half and not self.file.is_file():
            run([program, "convert", job.folder / plain, "--out", self.file, "--dtype", "f16", "--quiet"])

    def turn(self):
        logits = self.job.folder / "logits.npy"
        answer = json.loads(run([self.program, "bench", self.file, "--input", self.job.folder / "input.npy", "--threads",
                                 self.job.threads, "--repeats", self.job.repeats, "--save-logits", logits, "--json",
                                 *self.options]).stdout)
        return Turn.of(answer["milliseconds"]["passes"], np.load(logits).astype(np.float64),
                       answer["handover_nanoseconds"], 1e9 * answer["peak_gigaflops"])


class OnnxRuntime:
    slow = False
    remark = "one forward pass"
    name = "ONNX Runtime"
    precision = "float32"
    tolerance = 1e-5

    def __init__(self, node_modules, job):
        if not (node_modules / "onnxruntime-node").is_dir():
            raise Missing(f"no onnxruntime-node in {node_modules}: npm install --prefix DIR --ignore-scripts "
                          "onnxruntime-node, then --node-modules DIR/node_modules")
        if not shutil.which("node"):
            raise Missing("no node: install Node.js")
        self.node_modules, self.job = node_modules.resolve(), job

    def turn(self):
        answer = json.loads(run(["node", HERE / "onnxruntime.cjs", self.job.folder / "network.onnx",
                                 self.job.folder / "input.f32", ",".join(map(str, self.job.shape())), self.job.threads,
                                 WARMUP, self.job.repeats], NODE_PATH=str(self.node_modules)).stdout)
        self.name = f"ONNX Runtime {answer['version']}"
        return Turn.of(answer["milliseconds"], np.array(answer["logits"]).reshape(self.job.batch, -1))


class PyTorch:
    name = "PyTorch"
    precision = "float32"
    tolerance = 1e-5

    def __init__(self, python, job):
        self.python, self.job = python, job

    def turn(self):
        answer = json.loads(run([self.python, HERE / "pytorch_side.py", self.job.folder / "network.pt",
                                 self.job.folder / "input.npy", self.job.threads, WARMUP, self.job.repeats]).stdout)
        self.name = f"PyTorch {answer['version']}"
        return Turn.of(answer["milliseconds"], np.array(answer["logits"]).reshape(self.job.batch, -1))


class Ncnn:
    """ncnn's own benchmark. It warms up by itself, fills weights with zeros and tells mean and best alone. Half
    precision is its default for the weights of fully connected layers; its x86 convolutions stay in float32."""

    tolerance = None

    def __init__(self, program, job, half=False):
        if not pathlib.Path(program).is_file():
            raise Missing(f"no program {program}: build ncnn's benchncnn, and give it with --ncnn")
        if job.batch != 1:
            raise Missing("ncnn's benchmark runs one image per pass: remove --ncnn or --batch")
        self.program, self.job = pathlib.Path(program).resolve(), job
        self.param = job.folder / ("network.half.param" if half else "network.param")
        self.name = "ncnn half" if half else "ncnn"
        self.precision = "float32, fully connected weights in float16" if half else "float32"

    def turn(self):
        # Loops, threads, any core, no GPU, no pause.
        result = run([self.program, self.job.repeats, self.job.threads, 0, -1, 0, f"param={self.param}",
                      "shape=[224,224,3]"])
        return parse_benchncnn(result.stderr)


def parse_benchncnn(text):
    """"  NAME  min =   12.34  max =   15.67  avg =   13.45\""""
    found = re.search(r"min =\s*([\d.]+)\s+max =\s*([\d.]+)\s+avg =\s*([\d.]+)", text)
    if found is None:
        raise Failed(f"benchncnn printed no times:\n{text}")
    best, _, mean = map(float, found.groups())
    return Turn(mean, mean, best)
