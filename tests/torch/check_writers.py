#!/usr/bin/env python3
"""Files of every writer of PyTorch give the same model: zip and legacy form, bare and nested, with and without a
wrapper's prefix, as safetensors (written here by its few rules), in all float storages."""

import pathlib
import tempfile

import common
from common import torch, torchvision


def safetensors(path, state):
    """The format in its plainest: one header, float32 tensors behind each other."""
    import json

    header, data = {}, b""
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        values = tensor.contiguous().float().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def optimizer_of(network):
    with torch.enable_grad():
        optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)  # its state is what counts
        network(torch.zeros(2, 3, 32, 32)).sum().backward()
        optimizer.step()
    return optimizer.state_dict()


def strided(tensor):
    """The same numbers in a larger storage, not contiguous where there is more than one axis."""
    if tensor.dim() < 2:
        return tensor
    return torch.cat([tensor, tensor], dim=-1).transpose(0, 1).contiguous().transpose(0, 1)[..., : tensor.shape[-1]]


def timm_vgg(state):
    renamed = {}
    for name, tensor in state.items():
        for own, theirs, side in [("classifier.0.", "pre_logits.fc1.", 7), ("classifier.3.", "pre_logits.fc2.", 1),
                                  ("classifier.6.", "head.fc.", 0)]:
            if name.startswith(own):
                name = theirs + name[len(own):]
                if side and tensor.dim() == 2:
                    tensor = tensor.reshape(tensor.shape[0], -1, side, side)
        renamed[name] = tensor
    return renamed


def main():
    arguments = common.arguments(__doc__)
    report = common.Report()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        ablaze = common.Ablaze(arguments.ablaze, scratch)

        def converted(content, zipped=True, save=torch.save):
            source, out = scratch / "source.pth", scratch / "out.safetensors"
            if save is torch.save:
                torch.save(content, source, _use_new_zipfile_serialization=zipped)
            else:
                save(source, content)
            ablaze.run("convert", source, "--out", out, "--provenance", "seeded")
            return out.read_bytes()

        def same(what, expected, *arguments, **options):
            report.line(f"{what:44} same bytes", converted(*arguments, **options) == expected)

        network = common.seeded_network(torchvision.models.resnet18)
        state = network.state_dict()
        expected = converted(state)
        for zipped in [True, False]:
            form = "zip" if zipped else "legacy"
            nested = {"epoch": 3, "state_dict": {"module." + k: v for k, v in state.items()}, "best": torch.tensor(0.5)}
            same(f"{form}: state dict", expected, state, zipped)
            same(f"{form}: under state_dict, with module.", expected, nested, zipped)
            same(f"{form}: under ema, with model.backbone.", expected,
                 {"ema": {"model.backbone." + k: v for k, v in state.items()}}, zipped)
            same(f"{form}: not contiguous", expected, {k: strided(v) for k, v in state.items()}, zipped)
            same(f"{form}: double", expected, {k: v.double() if v.is_floating_point() else v for k, v in state.items()},
                 zipped)
        same("safetensors", expected, state, save=safetensors)
        trained = {"optimizer": optimizer_of(network), "net": network.state_dict()}
        report.line(f"{'with optimizer state: zip and legacy':44} same bytes",
                    converted(trained) == converted(trained, False))
        for dtype in [torch.half, torch.bfloat16]:
            short = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
            wide = {k: v.float() if v.is_floating_point() else v for k, v in short.items()}
            for zipped in [True, False]:
                same(f"{dtype}, {'zip' if zipped else 'legacy'}", converted(wide), short, zipped)

        thin = torchvision.models.vgg11(num_classes=7)
        thin.classifier[0], thin.classifier[3] = torch.nn.Linear(25088, 24), torch.nn.Linear(24, 24)
        thin.classifier[6] = torch.nn.Linear(24, 7)
        state = thin.state_dict()
        same("timm's VGG, as safetensors", converted(state), timm_vgg(state), save=safetensors)
    report.finish()


if __name__ == "__main__":
    main()
