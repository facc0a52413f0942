#!/usr/bin/env python3
"""Writes paddle.onnx and caffe2.onnx, two small networks in the forms of Paddle2ONNX and of Caffe2's exporter, and ONNX
Runtime's answers into expected.json. Needs Python's onnx, and onnxruntime-node in NODE_PATH."""

import json
import pathlib
import subprocess
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parent
SOURCE = FOLDER.parents[2]
random = numpy.random.default_rng(7)


def weights(*shape, scale=None):
    fan_in = numpy.prod(shape[1:]) if len(shape) > 1 else 1
    scale = scale or (2 / fan_in) ** 0.5
    return (random.standard_normal(shape) * scale).astype(numpy.float32)


def spread(count):
    return (random.random(count) + 0.5).astype(numpy.float32)


class Paddle:
    """Constants are nodes; every node is named p2o.<operator>.<count>; a convolution's bias is a Reshape and an Add;
    the hard-swish is written out; flatten reads the shape of its input; dropout is a factor or an Identity."""

    def __init__(self):
        self.nodes, self.counts = [], {}

    def node(self, kind, inputs, **attributes):
        count = self.counts[kind] = self.counts.get(kind, -1) + 1
        output = f"p2o.pd_op.{kind.lower()}.{count}.0"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"p2o.{kind}.{count}", **attributes))
        return output

    def constant(self, values):
        return self.node("Constant", [], value=numpy_helper.from_array(numpy.asarray(values)))

    def floats(self, *values):
        return self.constant(numpy.array(values, numpy.float32))

    def integers(self, *values):
        return self.constant(numpy.array(values, numpy.int64))

    def scalar(self, value):
        return self.constant(numpy.array(value, numpy.float32))

    def convolution(self, x, inputs, outputs, kernel, stride, groups=1):
        pad = kernel // 2
        x = self.node("Conv", [x, self.constant(weights(outputs, inputs // groups, kernel, kernel))], dilations=[1, 1],
                      group=groups, kernel_shape=[kernel, kernel], pads=[pad] * 4, strides=[stride, stride])
        bias = self.node("Reshape", [self.constant(weights(outputs, scale=0.2)), self.integers(1, -1, 1, 1)])
        return self.node("Add", [x, bias])

    def norm(self, x, channels):
        parameters = [spread(channels), weights(channels, scale=0.2), weights(channels, scale=0.2), spread(channels)]
        return self.node("BatchNormalization", [x, *(self.constant(p) for p in parameters)], epsilon=1e-5,
                         momentum=0.9)

    def hard_swish(self, x):
        up = self.node("Add", [x, self.floats(3)])
        clipped = self.node("Clip", [up, self.scalar(0), self.scalar(6)])
        return self.node("Div", [self.node("Mul", [x, clipped]), self.floats(6)])

    def model(self):
        x = self.node("Mul", ["x", self.scalar(0.5)])  # the scale operator
        x = self.node("Add", [x, self.scalar(0.1)])
        x = self.hard_swish(self.norm(self.convolution(x, 3, 16, 3, 2), 16))
        y = self.hard_swish(self.norm(self.convolution(x, 16, 16, 3, 1, groups=16), 16))
        squeezed = self.node("ReduceMean", [y], axes=[2, 3], keepdims=1)
        squeezed = self.node("Relu", [self.convolution(squeezed, 16, 8, 1, 1)])
        squeezed = self.convolution(squeezed, 8, 16, 1, 1)
        gate = self.node("HardSigmoid", [squeezed], alpha=1 / 6, beta=0.5)
        y = self.node("Mul", [y, gate])
        y = self.norm(self.convolution(y, 16, 16, 1, 1), 16)
        x = self.node("Relu", [self.node("Add", [x, y])])
        x = self.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=0)
        x = self.node("GlobalAveragePool", [x])
        batch = self.node("Slice", [self.node("Shape", [x]), self.integers(0), self.integers(1)])
        target = self.node("Concat", [batch, self.integers(-1)], axis=0)
        x = self.node("Reshape", [x, target])
        x = self.node("Mul", [x, self.floats(0.8)])  # dropout, downscale_in_infer
        x = self.node("MatMul", [x, self.constant(weights(16, 10, scale=0.6))])
        x = self.node("Add", [x, self.constant(weights(10, scale=0.2))])
        x = self.node("Softmax", [x], axis=-1)
        self.nodes.append(helper.make_node("Identity", [x], ["softmax_0.tmp_0"], name="p2o.Identity.0"))
        size = ["p2o.DynamicDimension.0", 3, 48, 48]
        graph = helper.make_graph(self.nodes, "PaddlePaddle Graph 0",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)],
                                  [helper.make_tensor_value_info("softmax_0.tmp_0", TensorProto.FLOAT,
                                                                 [size[0], 10])])
        model = helper.make_model(graph, producer_name="PaddlePaddle",
                                  opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 7
        return model


class Caffe2:
    """Opset 7, IR version 3: every initializer is an input as well; nodes have no names and several overwrite the name
    of their input's blob; sums are Sum; Dropout has a second output that nobody reads; the softmax is told without an
    axis."""

    def __init__(self):
        self.nodes, self.initializers, self.counts = [], [], {}

    def blob(self, values, name):
        self.initializers.append(numpy_helper.from_array(values, f"gpu_0/{name}"))
        return f"gpu_0/{name}"

    def node(self, kind, inputs, output, unread=(), **attributes):
        # Blobs that are written in place get a new version, as onnx-caffe2 renames them.
        count = self.counts[output] = self.counts.get(output, 0) + 1
        name = f"gpu_0/{output}_{count}"
        self.nodes.append(helper.make_node(kind, inputs, [name, *(f"gpu_0/{u}" for u in unread)], **attributes))
        return name

    def convolution(self, x, name, inputs, outputs, kernel, stride):
        pad = kernel // 2
        x = self.node("Conv", [x, self.blob(weights(outputs, inputs, kernel, kernel), f"{name}_w_0")], name,
                      kernel_shape=[kernel, kernel], pads=[pad] * 4, strides=[stride, stride])
        parameters = [self.blob(spread(outputs), f"{name}_bn_s_0"),
                      self.blob(weights(outputs, scale=0.2), f"{name}_bn_b_0"),
                      self.blob(weights(outputs, scale=0.2), f"{name}_bn_rm_0"),
                      self.blob(spread(outputs), f"{name}_bn_riv_0")]
        return self.node("BatchNormalization", [x, *parameters], f"{name}_bn", epsilon=1e-5, momentum=0.9)

    def model(self):
        x = self.node("Relu", [self.convolution("gpu_0/data_0", "conv1", 3, 16, 5, 2)], "conv1_bn")
        x = self.node("MaxPool", [x], "pool1", kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2])
        y = self.node("Relu", [self.convolution(x, "res2_0_branch2a", 16, 12, 3, 1)], "res2_0_branch2a_bn")
        y = self.convolution(y, "res2_0_branch2b", 12, 24, 3, 1)
        shortcut = self.convolution(x, "res2_0_branch1", 16, 24, 1, 1)
        x = self.node("Relu", [self.node("Sum", [y, shortcut], "res2_0_branch2b_bn")], "res2_0_branch2b_bn")
        x = self.node("AveragePool", [x], "pool5", kernel_shape=[10, 10], strides=[1, 1], pads=[0, 0, 0, 0])
        x = self.node("Dropout", [x], "pool5_dropout", unread=["_pool5_mask"], ratio=0.5)
        shape = self.blob(numpy.array([1, 24], numpy.int64), "OC2_DUMMY_0")
        x = self.node("Reshape", [x, shape], "OC2_DUMMY_1")
        x = self.node("Gemm", [x, self.blob(weights(10, 24, scale=0.15), "pred_w_0"),
                               self.blob(weights(10, scale=0.2), "pred_b_0")], "pred", transB=1)
        x = self.node("Softmax", [x], "softmax")
        inputs = [helper.make_tensor_value_info("gpu_0/data_0", TensorProto.FLOAT, [1, 3, 40, 40])]
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in self.initializers]
        graph = helper.make_graph(self.nodes, "squeezed", inputs,
                                  [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 10])],
                                  initializer=self.initializers)
        model = helper.make_model(graph, producer_name="onnx-caffe2", opset_imports=[helper.make_opsetid("", 7)])
        model.ir_version = 3
        return model


def hashed(shape):
    """x[j] = ((j * 2654435761) mod 2^32) / 2^32 * 4 - 2"""
    numbers = numpy.arange(numpy.prod(shape), dtype=numpy.uint64) * 2654435761 % 2**32
    return (numbers / 2**32 * 4 - 2).astype(numpy.float32)


def onnxruntime(path, shape):
    with tempfile.TemporaryDirectory() as scratch:
        raw = f"{scratch}/input.f32"
        hashed(shape).tofile(raw)
        command = ["node", SOURCE / "bench/peers/onnxruntime.cjs", path, raw, ",".join(map(str, shape)), "1", "0", "1"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["logits"]


def main():
    expected = json.loads((FOLDER / "expected.json").read_text())
    for name, model, shape in [("paddle", Paddle().model(), [1, 3, 48, 48]),
                               ("caffe2", Caffe2().model(), [1, 3, 40, 40])]:
        onnx.checker.check_model(model)
        path = FOLDER / f"{name}.onnx"
        onnx.save(model, path)
        answer = [round(value, 7) for value in onnxruntime(path, shape)]
        expected[path.name] = [{"shape": shape, "output": answer}]
    (FOLDER / "expected.json").write_text(json.dumps(dict(sorted(expected.items())), indent=0))


if __name__ == "__main__":
    main()
