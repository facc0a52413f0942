#!/usr/bin/env python3
"""Fused, augmented, smoothed and larger maps of the shipped ResNet, against PyTorch in float64: weights by brute force,
each layer and view run again for each channel."""

import sys
import tempfile

from common import SOURCE, Ablaze, Report, arguments, load_photos, networks, np, preprocessing, read_safetensors, torch

import ablation

sys.path.insert(0, str(SOURCE / "tests" / "data" / "maps"))
import maps  # noqa: E402

MODEL = SOURCE / "weights" / "resnet18_thin-imagenette.safetensors"
PHOTO = SOURCE / "weights" / "golf-ball-and-parachute.png"
LARGEST_ERROR = 1e-4
CLASS = 8  # the golf ball
SIZE = 96  # small: each of 384 channels takes a run of the network for each view
LAYERS = ["layer3", "layer4"]


def activations(network, image, layer):
    kept = []

    def keep(output):
        kept.append(output.clone())
        return output

    handle = networks.hook_output(network, layer, keep)
    logits = network(image)
    handle.remove()
    return kept[0], logits[0, CLASS]


def weighted(network, image, layer):
    """Activations [1, C, H, W] and Ablation-CAM's weights [C], float64."""
    a, y = activations(network, image, layer)
    ablated = ablation.ablated_logits(network, image, layer, "zero", list(range(a.shape[1])), 32)[:, CLASS]
    return a.numpy(), ((y - ablated) / y.abs()).numpy()


def signed_map(network, image, layer, smooth=None):
    a, w = weighted(network, image, layer)
    if smooth == "principal":
        return maps.principal(a, w)
    return np.einsum("k,khw->hw", w, a[0])


def augmented(network, image, layer):
    total = 0
    height, width = activations(network, image, layer)[0].shape[2:]
    views = maps.views(*image.shape[2:])
    for size, mirrored in views:
        found = signed_map(network, maps.seen_through(image, size, mirrored), layer)
        total = total + maps.enlarge(found[:, ::-1] if mirrored else found, height, width)
    return total / len(views)


def main():
    options = arguments(__doc__)
    report = Report()
    state, _ = read_safetensors(MODEL)
    network = networks.from_state(state).double()
    image = load_photos([PHOTO], preprocessing(SIZE, SIZE)).double()
    plain = {layer: signed_map(network, image, layer) for layer in LAYERS}

    with tempfile.TemporaryDirectory() as scratch:
        runner = Ablaze(options.ablaze, scratch)

        def check(what, layer, expected, *words, photo=image):
            found = runner.explain(MODEL, photo, layer, "--class", CLASS, "--signed", *words)
            for key, map_ in (("signed_map", expected), ("map", np.maximum(expected, 0))):
                if key == "map" and "--fuse" in " ".join(words):
                    continue  # fused of its own, below
                values = torch.tensor(found[key]["values"], dtype=torch.float64)
                error = ablation.relative_error(values, torch.from_numpy(map_.ravel().copy()))
                report.line(f"{what:28} {key:12} {error:9.2e}", error <= LARGEST_ERROR)
            return found

        check("plain", "layer3", plain["layer3"])
        for how in ("mean", "max", "product"):
            both = ",".join(LAYERS)
            found = check(f"fused, {how}", both, maps.fuse([plain[layer] for layer in LAYERS], how), f"--fuse={how}")
            positive = maps.fuse([np.maximum(plain[layer], 0) for layer in LAYERS], how)
            error = ablation.relative_error(torch.tensor(found["map"]["values"], dtype=torch.float64),
                                            torch.from_numpy(positive.ravel().copy()))
            report.line(f"fused, {how:21} map          {error:9.2e}", error <= LARGEST_ERROR)
        check("principal", "layer3", signed_map(network, image, "layer3", "principal"), "--smooth", "principal")
        check("augmented", "layer1", augmented(network, image, "layer1"), "--smooth", "augment")

        large = load_photos([PHOTO], preprocessing(2 * SIZE, 2 * SIZE)).double()
        (found,) = runner.run("explain", PHOTO, "--model", MODEL, "--layer", "layer2", "--class", CLASS, "--json",
                              "--size", 2 * SIZE, "--out", runner.scratch / "overlays")
        expected = np.maximum(signed_map(network, large, "layer2"), 0)
        error = ablation.relative_error(torch.tensor(found["map"]["values"], dtype=torch.float64),
                                        torch.from_numpy(expected.ravel()))
        report.line(f"{'--size 192':28} {'map':12} {error:9.2e}", error <= LARGEST_ERROR)
    report.finish()


if __name__ == "__main__":
    main()
