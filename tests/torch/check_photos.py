#!/usr/bin/env python3
"""Real ImageNet weights give the same five best classes, in the same order, as PyTorch from the JPEG files of nearly a
thousand photos. A program without libjpeg-turbo decodes other pixels, so that some photos may differ there."""

import subprocess
import tempfile

from common import Ablaze, Report, arguments, load_photos, networks, preprocessing, read_safetensors, skip, torch

MODELS = ["resnet18", "resnet50"]
FOLDERS = ["imagenet", "imagenette", "imagenette-boxes"]
BATCH = 20
# Two classes nearer than this may change places: logits in float32 differ in their last digits.
TIE = 1e-4
MOST_DIFFERENT_BY_STB = 0.1  # of all photos


def photos_of(folder):
    endings = {".jpeg", ".jpg"}
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)


def logits_of(network, photos):
    transform = preprocessing()
    rows = [network(load_photos(photos[i : i + BATCH], transform)) for i in range(0, len(photos), BATCH)]
    return torch.cat(rows)


def differs(ours, logits):
    """Whether the classes differ from the best of the logits, other than by a tie."""
    best = logits.topk(len(ours))
    return bool(((logits[ours] - best.values).abs() > TIE).any()), ours != best.indices.tolist()


def main():
    options = arguments(__doc__)
    weights = options.data / "weights" / "imagenet"
    sets = {name: photos_of(options.data / "photos" / name) for name in FOLDERS}
    sets = {name: photos for name, photos in sets.items() if photos}
    if not sets or not weights.is_dir():
        skip(f"no ImageNet weights and photos in {options.data}")
    version = subprocess.run([options.ablaze, "--version"], capture_output=True, text=True, check=True).stdout
    bitwise = "libjpeg-turbo" in version
    report = Report()
    report.line(version.strip())
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)
        for name in MODELS:
            if options.only and options.only not in name:
                continue
            model = weights / f"{name}.f16.safetensors"
            network = networks.from_state(read_safetensors(model)[0])
            for folder, photos in sets.items():
                answers = runner.run("classify", *photos, "--model", model, "--json", "--top", 5)
                ours = {answer["input"]: [best["index"] for best in answer["top"]] for answer in answers}
                theirs = logits_of(network, photos)
                found = [differs(ours[str(photo)], logits) for photo, logits in zip(photos, theirs)]
                different = sum(real for real, _ in found)
                ties = sum(other and not real for real, other in found)
                most = 0 if bitwise else MOST_DIFFERENT_BY_STB * len(photos)
                report.line(f"{name}  {folder}: the top five of {different} of {len(photos)} photos differ from "
                            f"PyTorch's, {ties} more by a tie", different <= most)
    report.finish()


if __name__ == "__main__":
    main()
