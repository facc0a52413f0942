"""What the comparisons with PyTorch share. A check prints a table, exits 0 where every number holds, 1 where
one does not, and 77 (skipped, for CTest) where PyTorch or the data are missing."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "data" / "golden"))


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


try:
    import numpy as np
    import torch
    import torchvision
except ImportError as error:
    skip(f"PyTorch and torchvision are not installed for {sys.executable} ({error})")

import networks
import seeded

torch.set_num_threads(2)
torch.set_grad_enabled(False)


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--ablaze", type=pathlib.Path, required=True, help="the program under test")
    data = os.environ.get("ABLAZE_TEST_DATA", SOURCE.parent / "shared")
    parser.add_argument("--data", type=pathlib.Path, default=data, help="weights and photos")
    parser.add_argument("--gradient", type=pathlib.Path, help="gradient.cpp, for the checks that need it")
    parser.add_argument("--metrics", type=pathlib.Path, help="metrics.cpp, likewise")
    parser.add_argument("--only", help="networks whose name contains this")
    return parser.parse_args()


class Report:
    """Collects what does not hold; `finish` is the exit status."""

    def __init__(self):
        self.failures = 0

    def line(self, text, holds=True):
        print(text + ("" if holds else "   <-- FAILED"), flush=True)
        self.failures += not holds

    def finish(self):
        sys.exit(1 if self.failures else 0)


class Ablaze:
    """The command line as its users run it."""

    def __init__(self, program, scratch, gradient_program=None):
        self.program = str(program)
        self.gradient_program = str(gradient_program)
        self.scratch = pathlib.Path(scratch)

    def run(self, *words):
        result = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}\nexit status {result.returncode}\n{result.stderr}")
        return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]

    def save_input(self, tensor):
        path = self.scratch / "input.npy"
        np.save(path, tensor.numpy().astype(np.float32))
        return path

    def logits(self, model, tensor, *options):
        """float64 [1, classes] for a normalised [1, 3, H, W] tensor."""
        out = self.scratch / "logits.npy"
        out.unlink(missing_ok=True)
        self.run("classify", self.save_input(tensor), "--model", model, "--save-logits", out, *options)
        return torch.from_numpy(np.load(out)).double().reshape(1, -1)

    def activation(self, model, tensor, layer):
        """float64 [1, C, H, W] (or [1, C]) of a layer."""
        out = self.scratch / "activation.npy"
        out.unlink(missing_ok=True)
        self.run("activations", self.save_input(tensor), "--model", model, "--layer", layer, "--out", out)
        return torch.from_numpy(np.load(out)).double()

    def explain(self, model, tensor, layer, *options):
        words = ["explain", self.save_input(tensor), "--model", model, "--layer", layer, "--json"]
        (answer,) = self.run(*words, "--out", self.scratch / "overlays", *options)
        return answer

    def gradient(self, model, tensor, layer, target):
        """float64 dy/d layer of a class's logit, by the little program beside these scripts."""
        out = self.scratch / "gradient.npy"
        out.unlink(missing_ok=True)
        words = [self.gradient_program, model, self.save_input(tensor), layer, target, out]
        subprocess.run([str(word) for word in words], check=True)
        return torch.from_numpy(np.load(out)).double()

    def best_classes(self, model, photos):
        """{file name: index of the best class} for all photos of some folders or files."""
        answers = self.run("classify", *photos, "--model", model, "--json", "--top", 1)
        return {pathlib.Path(answer["input"]).name: answer["top"][0]["index"] for answer in answers}


def seeded_network(make, head=1.0, branch=1.0):
    """One of torchvision's networks with seeded weights, float32, without computing weights that are thrown
    away."""
    # torchvision initialises with these; a network of 140 million parameters spends seconds there.
    initialisers = ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_")
    saved = {name: getattr(torch.nn.init, name) for name in initialisers}
    for name in initialisers:
        setattr(torch.nn.init, name, lambda tensor, *_a, **_k: tensor)
    try:
        network = make()
    finally:
        for name, function in saved.items():
            setattr(torch.nn.init, name, function)
    return networks.fill(network, head, branch)


def read_safetensors(path):
    """{name: float32 tensor}, {metadata}"""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    formats = {"F16": np.float16, "F32": np.float32}
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + begin : 8 + size + end], formats[entry["dtype"]])
        state[name] = torch.from_numpy(values.astype(np.float32).reshape(entry["shape"]))
    return state, metadata


def preprocessing(resize=256, crop=224):
    from torchvision import transforms

    return transforms.Compose([
        transforms.Resize(resize),
        transforms.CenterCrop(crop),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])


def load_photos(paths, transform):
    from PIL import Image

    return torch.stack([transform(Image.open(path).convert("RGB")) for path in paths])


def classify(network, paths, transform, batch=16):
    """Index of the best class of every photo, by PyTorch in float32."""
    best = []
    for begin in range(0, len(paths), batch):
        best += network(load_photos(paths[begin : begin + batch], transform)).argmax(1).tolist()
    return best
