#!/usr/bin/env python3
"""Real ImageNet weights classify ImageNet photos as PyTorch does."""

import json
import tempfile

from common import Ablaze, Report, arguments, classify, load_photos, networks, preprocessing, read_safetensors, skip

import ablation

MODELS = ["resnet18", "resnet50"]
LARGEST_ERROR = 1e-5
MOST_DIFFERENT = 2  # of 80: a build without libjpeg-turbo decodes other pixels


def check(name, model, photos, labels, runner, report):
    network = networks.from_state(read_safetensors(model)[0])
    transform = preprocessing()
    theirs = classify(network, photos, transform)
    answers = runner.best_classes(model, [photos[0].parent])
    ours = [answers[photo.name] for photo in photos]
    different = sum(a != b for a, b in zip(ours, theirs))

    def right(found):
        return sum(labels[best] == photo.stem.partition("_")[2].replace("_", " ") for best, photo in zip(found, photos))

    report.line(f"{name}: {right(ours)} of {len(photos)} photos right, PyTorch {right(theirs)}, "
                f"{different} decided otherwise", different <= MOST_DIFFERENT)
    network.double()
    for photo in photos[:: len(photos) // 3]:
        image = load_photos([photo], transform)
        error = ablation.relative_error(runner.logits(model, image), network(image.double()))
        report.line(f"{name}  {photo.name}  logits {error:9.2e}", error <= LARGEST_ERROR)


def main():
    options = arguments(__doc__)
    weights = options.data / "weights" / "imagenet"
    photos = sorted((options.data / "photos" / "imagenet").glob("*.JPEG"))
    if not photos or not weights.is_dir():
        skip(f"no ImageNet weights and photos in {options.data}")
    labels = json.loads((weights / "labels.json").read_text())
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        for name in MODELS:
            model = weights / f"{name}.f16.safetensors"
            check(name, model, photos, labels, Ablaze(options.ablaze, scratch), report)
    report.finish()


if __name__ == "__main__":
    main()
