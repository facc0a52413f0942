#!/usr/bin/env python3
"""The shipped models against the weights they were converted from, run by PyTorch: logits of the same tensors,
and decisions on photos, where the two JPEG decoders may differ."""

import json
import tempfile

from common import SOURCE, Ablaze, Report, arguments, classify, load_photos, networks, preprocessing
from common import read_safetensors, skip, torch

import ablation

MODELS = ["resnet18_thin-imagenette", "vgg11_bn_thin-imagenette"]
LARGEST_ERROR = 1e-5
MOST_DIFFERENT = 3


def reference(path):
    """The original weights rounded as the shipped file's are: tensors of two and more axes to half."""
    state = torch.load(path, map_location="cpu")
    return networks.from_state({name: t.half().float() if t.ndim > 1 else t for name, t in state.items()})


def check_logits(name, model, network, photos, transform, runner, report):
    network.double()
    for photo in photos:
        image = load_photos([photo], transform)
        error = ablation.relative_error(runner.logits(model, image), network(image.double()))
        report.line(f"{name}  {photo.name}  logits {error:9.2e}", error <= LARGEST_ERROR)
    network.float()


def check_decisions(name, model, network, photos, labels, transform, runner, report):
    truth = [labels.index(photo.parent.name) for photo in photos]
    theirs = classify(network, photos, transform)
    answers = runner.best_classes(model, sorted({photo.parent for photo in photos}))
    ours = [answers[photo.name] for photo in photos]

    def accuracy(found):
        return 100 * sum(a == b for a, b in zip(found, truth)) / len(truth)

    different = sum(a != b for a, b in zip(ours, theirs))
    report.line(f"{name}  {len(photos)} photos: ablaze {accuracy(ours):.2f}%, PyTorch {accuracy(theirs):.2f}%, "
                f"{different} decided otherwise", different <= MOST_DIFFERENT and len(photos) > 0)


def main():
    options = arguments(__doc__)
    folder = options.data / "photos" / "imagenette"
    originals = options.data / "weights"
    if not folder.is_dir() or not (originals / f"{MODELS[0]}.pth").is_file():
        skip(f"no photos in {folder} or no weights in {originals}")
    photos = sorted(folder.glob("*/*.JPEG"))
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)
        for name in MODELS:
            model = SOURCE / "weights" / f"{name}.safetensors"
            _, metadata = read_safetensors(model)
            labels = json.loads(metadata["ablaze.labels"])
            how = json.loads(metadata["ablaze.preprocess"])
            transform = preprocessing(how["size"], how["crop"])
            network = reference(originals / f"{name}.pth")
            check_logits(name, model, network, photos[:: len(photos) // 5], transform, runner, report)
            check_decisions(name, model, network, photos, labels, transform, runner, report)
    report.finish()


if __name__ == "__main__":
    main()
