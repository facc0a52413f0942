#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets into FOLDER/TARGET/: small valid files of every kind, made here or taken
from the tests' data. Needs nothing but Python."""

import json
import pathlib
import struct
import sys

data = pathlib.Path(__file__).resolve().parents[1] / "data"


def safetensors(shapes, metadata=None, dtype="F32"):
    """Tensors of ones halved again and again, by the format's few rules."""
    width = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8}[dtype]
    header, content = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, shape in shapes.items():
        count = 1
        for n in shape:
            count *= n
        values = (struct.pack("<f", 0.125) if width == 4 else bytes(width)) * count
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(content), len(content) + len(values)]}
        content += values
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + content


def norm(shapes, name, channels):
    for part in ["weight", "bias", "running_mean", "running_var"]:
        shapes[f"{name}.{part}"] = [channels]


def resnet(bottleneck):
    shapes = {"conv1.weight": [2, 3, 7, 7]}
    norm(shapes, "bn1", 2)
    inputs, outputs = 2, 8 if bottleneck else 2
    for stage in range(1, 5):
        block = f"layer{stage}.0."
        convolutions = [(2, inputs, 1), (2, 2, 3), (outputs, 2, 1)] if bottleneck else [(2, inputs, 3), (2, 2, 3)]
        for i, (o, n, k) in enumerate(convolutions, 1):
            shapes[f"{block}conv{i}.weight"] = [o, n, k, k]
            norm(shapes, f"{block}bn{i}", o)
        if stage > 1 or bottleneck:
            shapes[f"{block}downsample.0.weight"] = [outputs, inputs, 1, 1]
            norm(shapes, f"{block}downsample.1", outputs)
        inputs = outputs
    shapes["fc.weight"], shapes["fc.bias"] = [3, outputs], [3]
    return shapes


def cifar():
    shapes = {"conv1.weight": [2, 3, 3, 3]}
    norm(shapes, "bn1", 2)
    inputs = 2
    for stage, outputs in enumerate([2, 4, 6], 1):
        for i, n in [(1, inputs), (2, outputs)]:
            shapes[f"layer{stage}.0.conv{i}.weight"] = [outputs, n, 3, 3]
            norm(shapes, f"layer{stage}.0.bn{i}", outputs)
        inputs = outputs
    shapes["linear.weight"], shapes["linear.bias"] = [3, inputs], [3]
    return shapes


def vgg():
    shapes, inputs = {}, 3
    for index in [0, 3, 6]:
        shapes[f"features.{index}.weight"], shapes[f"features.{index}.bias"] = [2, inputs, 3, 3], [2]
        inputs = 2
    for index, (o, n) in {0: (4, 8), 3: (4, 4), 6: (3, 4)}.items():
        shapes[f"classifier.{index}.weight"], shapes[f"classifier.{index}.bias"] = [o, n], [o]
    return shapes


# ---- ONNX, field by field ----------------------------------------------------------------------------


def varint(value):
    value &= 2**64 - 1
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def onnx_tensor(name, shape, integers=None, value=0.5):
    count = 1
    for n in shape:
        count *= n
    raw = struct.pack(f"<{count}q", *integers) if integers else struct.pack("<f", value) * count
    return text(5, b"".join(number(1, n) for n in shape) + number(2, 7 if integers else 1) + text(8, name) + text(9, raw))


def onnx_node(op, inputs, outputs, **attributes):
    content = b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) + text(4, op)
    content += text(3, f"/block/block.0/{op}")
    for name, value in attributes.items():
        if isinstance(value, list):
            packed, kind = text(8, b"".join(varint(v) for v in value)), 7
        elif isinstance(value, float):
            packed, kind = varint(2 << 3 | 5) + struct.pack("<f", value), 1
        else:
            packed, kind = number(3, value), 2
        content += text(5, text(1, name) + packed + number(20, kind))
    return text(1, content)


def onnx_model(*parts, channels=3):
    def value(name, shape):
        dims = b"".join(text(1, number(1, n)) for n in shape)
        return text(1, name) + text(2, text(1, number(1, 1) + text(2, dims)))

    graph = b"".join(parts) + text(11, value("x", [1, channels, 8, 8])) + text(12, value("y", [1, 3]))
    return number(1, 7) + text(2, "seeds") + text(7, graph) + text(8, text(1, "") + number(2, 13))


def onnx_models():
    tail = onnx_node("GlobalAveragePool", ["z"], ["p"]) + onnx_node("Flatten", ["p"], ["y"], axis=1)
    conv = onnx_tensor("w", [4, 3, 3, 3]) + onnx_tensor("b", [4])
    yield "conv", onnx_model(conv, onnx_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2], group=1),
                             onnx_node("Relu", ["c"], ["r"]),
                             onnx_node("MaxPool", ["r"], ["z"], kernel_shape=[2, 2], strides=[2, 2]), tail)
    yield "norm", onnx_model(*(onnx_tensor(n, [3]) for n in "abcd"),
                             onnx_node("BatchNormalization", ["x", "a", "b", "c", "d"], ["n"], epsilon=1e-5),
                             onnx_node("LeakyRelu", ["n"], ["l"], alpha=0.1),
                             onnx_node("Clip", ["l", "low", "high"], ["z"]),
                             onnx_tensor("low", [1], value=0.0), onnx_tensor("high", [1], value=6.0), tail)
    yield "concat", onnx_model(onnx_tensor("s", [2], [1, 2]), onnx_node("Split", ["x", "s"], ["a", "b"], axis=1),
                               onnx_node("Concat", ["b", "a", "b"], ["z"], axis=1), tail)
    yield "shuffle", onnx_model(onnx_tensor("s", [5], [1, 2, 3, 8, 8]), onnx_tensor("t", [4], [1, 6, 8, 8]),
                                onnx_node("Reshape", ["x", "s"], ["a"]),
                                onnx_node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]),
                                onnx_node("Reshape", ["b", "t"], ["z"]), tail, channels=6)
    yield "chain", onnx_model(onnx_tensor("zero", [1], [0]), onnx_tensor("minus", [1], [-1]),
                              onnx_node("Relu", ["x"], ["r"]),
                              onnx_node("ReduceMean", ["r"], ["m"], axes=[2, 3], keepdims=1),
                              onnx_node("Shape", ["m"], ["s"]), onnx_node("Gather", ["s", "zero"], ["n"], axis=0),
                              onnx_node("Unsqueeze", ["n"], ["u"], axes=[0]),
                              onnx_node("Concat", ["n", "minus"], ["t"], axis=0),
                              onnx_node("Reshape", ["m", "t"], ["f"]), onnx_tensor("w", [3, 3]), onnx_tensor("b", [3]),
                              onnx_node("MatMul", ["f", "w"], ["g"]), onnx_node("Add", ["g", "b"], ["h"]),
                              onnx_node("Gemm", ["h", "w", "b"], ["i"], transB=1), onnx_node("Softmax", ["i"], ["y"]))
    yield "slices", onnx_model(onnx_tensor("f", [2], [0, 0]), onnx_tensor("t", [2], [9, 9]),
                               onnx_tensor("a", [2], [2, 3]), onnx_tensor("d", [2], [2, 2]),
                               onnx_tensor("around", [8], [0, 1, 0, 0, 0, 1, 0, 0]),
                               onnx_node("Slice", ["x", "f", "t", "a", "d"], ["s"]),
                               onnx_node("Pad", ["s", "around"], ["q"]), onnx_node("Sub", ["q", "q"], ["z"]), tail)


CSV = {
    "boxes": "path,label,xmin,ymin,xmax,ymax\na.jpg,tench,1,2,30,40\na.jpg,tench,5.5,6,7,8\nb.jpg,,,,,\n",
    "quoted": '\ufeffpath,boxes\r\n"a, ""b"".png","1 2 3 4; 5 6 7 8"\r\n\r\n"two\nlines",\r\n',
}

XML = {
    "voc": "<?xml version='1.0'?>\n<annotation><size a=\"1\"/><object><name>church</name><bndbox><xmin>1</xmin>"
           "<ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>\n",
    "text": "<!-- a --><a>1 &lt; 2 &amp; &#65;&#x1F600; <![CDATA[<b>]]><b c='d'></b ></a><?e?>",
}


COCO = {"images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}, {"id": 2, "file_name": "x/b.jpg"}],
        "categories": [{"id": 1, "name": "tench"}, {"id": 90, "name": "church"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 90, "bbox": [1.5, 2, 30, 40.25], "iscrowd": 0,
                         "segmentation": [[1, 2, 3, 4, 5, 6]]},
                        {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 0, 0], "iscrowd": 1}]}

YOLO = "0 0.5 0.5 0.25 0.125\r\n2 0.1 0.2 0.3 0.4 0.9\n\n1 0.1 0.1 0.5 0.1 0.5 0.6\n"

LABELS = {
    "lines": "tench\r\n\r\ngolf ball\n",
    "array": '\ufeff["tench", "golf ball"]',
    "class_index": '{"0": ["n01440764", "tench"], "1": ["n03445777", "golf_ball"]}',
    "class_to_idx": '{"tench": 0, "golf ball": 1}',
    "id2label": '{"id2label": {"1": "golf ball", "0": "tench"}}',
    "python": "names = OrderedDict([(0, 'tench, ' \"Tinca tinca\"), (1, u'caf\\u00e9'),])  # two\n",
    "dictionary": "{0: 'tench',\n 1: {'label': 'golf ball', 'id': '03445777-n'}}",
    "synset_words": "n01440764 tench, Tinca tinca\nn03445777 golf ball\n",
    "map": "n01440764 1 tench\nn03445777 2 golf_ball\n",
    "table": 'wnid,index,label\nn03445777,1,"golf ball"\nn01440764,0,tench\n',
    "yaml": "path: ../x\nnames:\n  0: tench\n  1: 'golf ball' # two\nnc: 2\n",
    "flow": "names: {1: golf ball, 0: 'it''s'}\n",
}


METADATA = {
    "ablaze.version": "1",
    "ablaze.labels": '["a","b","c"]',
    "ablaze.preprocess": '{"size":32,"crop":32,"interpolation":"bilinear","mean":[0.5,0.5,0.5],"std":[1,1,1]}',
    "ablaze.activation": "softmax",
    "ablaze.selftest": '{"shape":[1,3,32,32],"seed":7,"logits":[1.0,2.5,-3e-2]}',
    "ablaze.provenance": "made up",
}


GRAPH = {"nodes": [
    {"name": "input", "op": "Input", "inputs": [], "shape": [3, 0, 0]},
    {"name": "conv", "op": "Conv2d", "inputs": [0], "stride": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1},
    {"name": "bn", "op": "BatchNorm", "inputs": [1], "epsilon": 1e-5},
    {"name": "relu", "op": "ReLU", "inputs": [2]},
    {"name": "pool", "op": "MaxPool2d", "inputs": [3], "kernel": [2, 2], "stride": [2, 2], "padding": [0, 0],
     "ceil_mode": False, "dilation": [1, 1]},
    {"name": "mean", "op": "AvgPool2d", "inputs": [4], "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1],
     "ceil_mode": True, "count_include_pad": True},
    {"name": "map", "op": "ChannelMap", "inputs": [5], "from": [1, -1, 0, 1], "stride": [1, 2]},
    {"name": "back", "op": "ChannelMap", "inputs": [6], "from": [0, 2], "stride": [1, 1]},
    {"name": "sum", "op": "Add", "inputs": [7, 7]},
    {"name": "same", "op": "Identity", "inputs": [8]},
    {"name": "all", "op": "AdaptiveAvgPool2d", "inputs": [9], "output": [1, 1]},
    {"name": "flat", "op": "Flatten", "inputs": [10]},
    {"name": "fc", "op": "Linear", "inputs": [11]}], "aliases": {"stem": 4}}

TIMM = {"architecture": "resnet18", "num_classes": 3, "label_names": ["a", "b", "c"], "pretrained_cfg": {
    "input_size": [3, 224, 224], "crop_pct": 0.875, "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5],
    "std": [0.2, 0.2, 0.2], "crop_mode": "squash", "test_input_size": [3, 288, 288]}}
HUGGING_FACE = {"crop_pct": 0.875, "size": {"shortest_edge": 224}, "resample": 3, "image_mean": [0.4, 0.4, 0.4],
                "image_std": [0.2, 0.2, 0.2], "do_rescale": True, "rescale_factor": 0.0078, "rescale_offset": True,
                "image_processor_type": "ConvNextImageProcessor", "do_center_crop": True, "do_normalize": False}


def described():
    """A model file that says its graph itself, as those that were converted from ONNX do."""
    shapes = {"conv.weight": [2, 3, 3, 3], "conv.bias": [2], "fc.weight": [3, 2], "fc.bias": [3]}
    norm(shapes, "bn", 2)
    return safetensors(shapes, {**METADATA, "ablaze.graph": json.dumps(GRAPH), "ablaze.target": "bn"})


def corpora():
    files = {p.name: p.read_bytes() for p in (data / "formats").iterdir() if p.suffix in (".pth", ".pt")}
    yield "pytorch", files
    yield "zip", {name: content for name, content in files.items() if content.startswith(b"PK")}
    # The pickles inside the zip files, stored as they are; and those of the legacy form behind each other.
    import zipfile

    pickles = {}
    for name in files:
        path = data / "formats" / name
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for entry in archive.namelist():
                    if entry.endswith(".pkl"):
                        pickles[f"{name}.{entry.replace('/', '.')}"] = archive.read(entry)
        else:
            pickles[name] = files[name]
    yield "pickle", pickles
    networks = {"basic": resnet(False), "bottleneck": resnet(True), "cifar": cifar(), "vgg": vgg()}
    models = {name: safetensors(shapes) for name, shapes in networks.items()}
    for name in ("densenet", "squeezenet1_1", "shufflenet_v2", "regnet_y"):
        index = json.loads((data / "golden" / f"{name}.json").read_text())
        models[name] = safetensors({tensor: shape for tensor, shape, _ in index["tensors"]}, dtype="F16")
    models["metadata"] = safetensors(vgg(), METADATA)
    models["graph"] = described()
    models.update(onnx_models())
    yield "model", models
    yield "onnx", dict(onnx_models())
    plain = {dtype: safetensors({"a": [2, 3], "b": []}, METADATA, dtype) for dtype in ["F32", "F16", "BF16", "F64", "I64"]}
    yield "safetensors", {**plain, "empty": safetensors({}), "model": models["vgg"]}
    keys = ["ablaze.labels", "ablaze.preprocess", "ablaze.selftest", "ablaze.activation", "ablaze.version",
            "ablaze.provenance"]
    beside = {"graph": GRAPH, "config": TIMM, "preprocessor": HUGGING_FACE}
    texts = [(key, METADATA[key]) for key in keys] + [(name, json.dumps(value)) for name, value in beside.items()]
    yield "metadata", {name: bytes([i]) + content.encode() for i, (name, content) in enumerate(texts)}
    pictures = {p.name: p.read_bytes() for p in (data / "image").iterdir() if p.suffix in (".png", ".jpg")}
    kinds = ["420-progressive", "restarts-420-1", "apart-420", "411", "ycck-plain", "mixed-progressive"]
    pictures.update({f"{kind}.jpg": (data / "image" / "jpeg" / f"{kind}.jpg").read_bytes() for kind in kinds})
    yield "picture", pictures
    arrays = {}
    for version, length in [(1, "<H"), (2, "<I"), (3, "<I")]:
        for kind, width in [("<f4", 4), ("<f2", 2), ("<f8", 8)]:
            header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': (1, 3, 2, 2), }}\n".encode()
            arrays[f"v{version}{kind[1:]}"] = (b"\x93NUMPY" + bytes([version, 0]) + struct.pack(length, len(header)) +
                                               header + bytes(12 * width))
    yield "npy", arrays
    yield "csv", {name: content.encode() for name, content in CSV.items()}
    annotated = {"coco": bytes([0]) + json.dumps(COCO).encode(), "yolo": bytes([1]) + YOLO.encode(),
                 "voc": bytes([2]) + XML["voc"].encode()}
    annotated.update({"labels-" + name: bytes([3]) + content.encode() for name, content in LABELS.items()})
    annotated["labels-utf16"] = bytes([3]) + LABELS["lines"].encode("utf-16")
    yield "annotations", annotated
    yield "xml", {name: content.encode() for name, content in XML.items()}


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, files in corpora():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / target / name).write_bytes(content)
        # For libFuzzer's -seed_inputs.
        (folder / f"{target}.list").write_text(",".join(str(folder / target / name) for name in sorted(files)))


if __name__ == "__main__":
    main()
