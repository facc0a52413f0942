"""PyTorch's ONNX files in the forms of other writers, with the same answers.

newer_exporter: what torch.onnx.export(..., dynamo=True) writes. Opset 18 and later, no scopes in the nodes' names, but in
their metadata_props; parameters under their state dict's names.

tf2onnx: what tf2onnx and Keras write. The input is N x H x W x C, Transposes stand around elementwise operators, means go
over axes 1 and 2, linear layers are MatMul and Add, planes are flattened in the order H, W, C, pads that no window reads
are left out, and names are paths of another kind.
"""

import onnx
from onnx import helper, numpy_helper, shape_inference

import numpy as np

NCHW, NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


def field(number, content):
    """A length-delimited field of a protobuf message."""
    size, head = len(content), b""
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def attribute(node, name, otherwise=None):
    for own in node.attribute:
        if own.name == name:
            return helper.get_attribute_value(own)
    return otherwise


def without(node, *names):
    kept = [own for own in node.attribute if own.name not in names]
    del node.attribute[:]
    node.attribute.extend(kept)


def constant(graph, name, values):
    graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    return name


def newer_exporter(model, opset):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    model.opset_import[0].version = opset
    graph, counts = model.graph, {}
    for node in graph.node:
        if node.op_type in ("ReduceMean", "ReduceMax", "ReduceSum") and attribute(node, "axes") is not None:
            node.input.append(constant(graph, node.output[0] + "_axes", np.array(attribute(node, "axes"), np.int64)))
            without(node, "axes")
        if node.op_type == "Split" and len(node.input) < 2:
            node.attribute.append(helper.make_attribute("num_outputs", len(node.output)))
        call = node.op_type.lower()
        counts[call] = counts.get(call, -1) + 1
        path, before, modules = "", "", [""]
        for scope in [scope for scope in node.name.split("/")[:-1] if scope]:
            repeats = before and scope.startswith(before + ".")  # "conv.0" inside "conv"
            path = path + scope[len(before):] if repeats else f"{path}.{scope}" if path else scope
            before = scope
            modules.append(path)
        scopes = repr(modules + [call])
        node.name = f"node_{call}_{counts[call]}"
        node.MergeFromString(field(9, field(1, b"pkg.torch.onnx.name_scopes") + field(2, scopes.encode())))
    return model


def tf2onnx(model):
    model = shape_inference.infer_shapes(onnx.ModelProto.FromString(model.SerializeToString()))
    graph = model.graph
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
              for value in [*graph.value_info, *graph.input, *graph.output]}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes, renamed = [], {}

    def emit(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=f"model/{op.lower()}_{len(nodes)}/{op}", **attributes))
        return output

    def as_array(name):
        return numpy_helper.to_array(weights[name])

    source = graph.input[0]
    first = emit("Transpose", [source.name], "input_nchw", perm=NCHW)
    dims = source.type.tensor_type.shape.dim
    sizes = [(d.dim_value, d.dim_param) for d in dims]
    for dim, (value, param) in zip(dims, [sizes[i] for i in NHWC]):
        dim.Clear()
        if param:
            dim.dim_param = param
        else:
            dim.dim_value = value
    renamed[source.name] = first
    flat_of = {}  # features flattened in the order H, W, C: their planes' shape
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        output = node.output[0]
        planes = shapes.get(output, [])
        if node.op_type in ("Relu", "Clip", "Sigmoid", "HardSwish") and len(planes) == 4:
            turned = emit("Transpose", [node.input[0]], output + "_nhwc", perm=NHWC)
            changed = helper.make_node(node.op_type, [turned, *node.input[1:]], [output + "_own"],
                                       name=f"model/{len(nodes)}/{node.op_type}")
            changed.attribute.extend(node.attribute)
            nodes.append(changed)
            emit("Transpose", [output + "_own"], output, perm=NCHW)
        elif node.op_type == "GlobalAveragePool":
            turned = emit("Transpose", [node.input[0]], output + "_nhwc", perm=NHWC)
            mean = emit("ReduceMean", [turned], output + "_mean", axes=[1, 2], keepdims=1)
            emit("Transpose", [mean], output, perm=NCHW)
        elif node.op_type == "Flatten" and shapes.get(node.input[0], [0, 0, 1, 1])[2:] != [1, 1]:
            inner = shapes[node.input[0]]
            turned = emit("Transpose", [node.input[0]], output + "_nhwc", perm=NHWC)
            emit("Reshape", [turned, constant(graph, output + "_shape", np.array([-1, inner[1] * inner[2] * inner[3]]))],
                 output)
            flat_of[output] = inner
        elif node.op_type in ("Dropout", "Identity") and node.input[0] in flat_of:
            flat_of[output] = flat_of[node.input[0]]
            nodes.append(node)
        elif node.op_type == "Gemm" and attribute(node, "transB") == 1 and node.input[1] in weights:
            weight = as_array(node.input[1])
            if node.input[0] in flat_of:
                _, channels, height, width = flat_of[node.input[0]]
                weight = weight.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(weight), -1)
            product = emit("MatMul", [node.input[0], constant(graph, output + "_kernel", weight.T.copy())],
                           output + "_product")
            emit("Add", [product, node.input[2]], output)
        else:
            pads = attribute(node, "pads")
            if node.op_type in ("Conv", "MaxPool") and pads and not attribute(node, "ceil_mode", 0):
                trim(node, pads, shapes.get(node.input[0], []), planes, weights)
            node.name = f"model/{len(nodes)}/{node.op_type}"
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return model


def trim(node, pads, before, after, weights):
    """Pads below and to the right that no window reads are left out, as by TensorFlow's SAME."""
    if len(before) != 4 or len(after) != 4 or not all(before[2:] + after[2:]):
        return
    kernel = list(weights[node.input[1]].dims[2:]) if node.op_type == "Conv" else attribute(node, "kernel_shape")
    strides, dilations = attribute(node, "strides", [1, 1]), attribute(node, "dilations", [1, 1])
    least = list(pads)
    for axis in range(2):
        last = (after[axis + 2] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] - pads[axis]
        least[axis + 2] = max(0, last - before[axis + 2] + 1)
    without(node, "pads")
    node.attribute.append(helper.make_attribute("pads", least))
