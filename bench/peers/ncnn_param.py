"""Describes torchvision's VGG and ResNet to ncnn: the text of a .param file, BatchNorm folded and ReLU fused as ncnn's
own converters do it, the shapes of all blobs given (ncnn chooses its algorithms by them).

The descriptions that come with ncnn have the strides of ResNet-50 on the 1x1 convolutions (3.86 G multiply-adds);
torchvision's are on the 3x3 ones (4.09 G).
"""

MAGIC = 7767517
FLOAT32_WEIGHTS = 3  # "featmask": neither arithmetic nor storage in half precision


class Blob:
    def __init__(self, name, channels, height=1, width=1, flat=False):
        self.name, self.channels, self.height, self.width, self.flat = name, channels, height, width, flat

    def hint(self):
        sizes = (1, self.channels, 1, 1) if self.flat else (3, self.width, self.height, self.channels)
        return ",".join(map(str, sizes))


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def moved(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


class Description:
    """Layers in order. A blob that several layers read goes through a Split, as ncnn wants it."""

    def __init__(self, half):
        self.half = half
        self.layers = []  # (type, inputs, output, parameters)

    def add(self, kind, inputs, output, **parameters):
        self.layers.append((kind, inputs, output, {int(key[1:]): value for key, value in parameters.items()}))
        return output

    def input(self, channels, height, width):
        return self.add("Input", [], Blob("input", channels, height, width), _0=width, _1=height, _2=channels)

    def convolution(self, name, module, source, relu):
        (kernel, wide), (stride, _), (padding, _) = map(pair, (module.kernel_size, module.stride, module.padding))
        if kernel != wide or module.groups != 1 or pair(module.dilation) != (1, 1):
            raise ValueError(f"{name}: only square kernels, one group and no dilation are described")
        out = Blob(name, module.out_channels, moved(source.height, kernel, stride, padding),
                   moved(source.width, kernel, stride, padding))
        weights = module.out_channels * module.in_channels * kernel * kernel
        return self.add("Convolution", [source], out, _0=module.out_channels, _1=kernel, _3=stride, _4=padding, _5=1,
                        _6=weights, _9=int(relu))

    def max_pool(self, name, module, source):
        kernel, stride, padding = (pair(value)[0] for value in (module.kernel_size, module.stride, module.padding))
        out = Blob(name, source.channels, moved(source.height, kernel, stride, padding),
                   moved(source.width, kernel, stride, padding))
        return self.add("Pooling", [source], out, _0=0, _1=kernel, _2=stride, _3=padding, _5=1)

    def global_average(self, name, source):
        return self.add("Pooling", [source], Blob(name, source.channels, flat=True), _0=1, _4=1)

    def sum_and_relu(self, name, one, other):
        total = self.add("Eltwise", [one, other], Blob(name + ".sum", one.channels, one.height, one.width), _0=1)
        return self.add("ReLU", [total], Blob(name, one.channels, one.height, one.width))

    def linear(self, name, module, source, relu):
        more = {} if self.half else {"_31": FLOAT32_WEIGHTS}
        return self.add("InnerProduct", [source], Blob(name, module.out_features, flat=True), _0=module.out_features,
                        _1=1, _2=module.out_features * module.in_features, _9=int(relu), **more)

    def text(self):
        readers = {}
        for _, inputs, _, _ in self.layers:
            for blob in inputs:
                readers[blob.name] = readers.get(blob.name, 0) + 1
        next_reader = dict.fromkeys(readers, 0)

        def read(blob):
            if readers[blob.name] == 1:
                return blob.name
            next_reader[blob.name] += 1
            return f"{blob.name}.{next_reader[blob.name]}"

        lines, blobs = [], 0
        for kind, inputs, output, parameters in self.layers:
            words = [kind, output.name, str(len(inputs)), "1", *map(read, inputs), output.name,
                     f"-23330=4,{output.hint()}"]
            lines.append(" ".join(words + [f"{key}={value}" for key, value in parameters.items()]))
            blobs += 1
            copies = readers.get(output.name, 0)
            if copies > 1:
                names = [f"{output.name}.{i + 1}" for i in range(copies)]
                hints = ",".join([output.hint()] * copies)
                lines.append(" ".join(["Split", output.name + ".split", "1", str(copies), output.name, *names,
                                       f"-23330={4 * copies},{hints}"]))
                blobs += copies
        return f"{MAGIC}\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n"


def describe_resnet(network, description, blob):
    blob = description.convolution("conv1", network.conv1, blob, relu=True)
    blob = description.max_pool("maxpool", network.maxpool, blob)
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        for index, block in enumerate(getattr(network, stage)):
            name, source = f"{stage}.{index}", blob
            last = "conv3" if hasattr(block, "conv3") else "conv2"
            for conv in ("conv1", "conv2", "conv3")[: int(last[-1])]:
                blob = description.convolution(f"{name}.{conv}", getattr(block, conv), blob, relu=conv != last)
            if block.downsample is not None:
                source = description.convolution(f"{name}.downsample", block.downsample[0], source, relu=False)
            blob = description.sum_and_relu(name, blob, source)
    blob = description.global_average("avgpool", blob)
    description.linear("fc", network.fc, blob, relu=False)


def describe_vgg(network, description, blob):
    layers = list(network.features)
    for index, layer in enumerate(layers):
        kind = type(layer).__name__
        if kind == "Conv2d":
            blob = description.convolution(f"features.{index}", layer, blob, relu=True)
        elif kind == "MaxPool2d":
            blob = description.max_pool(f"features.{index}", layer, blob)
    # The adaptive average to 7x7 changes nothing at 224x224.
    if (blob.height, blob.width) != pair(network.avgpool.output_size):
        raise ValueError("a VGG is described for 224x224 alone")
    linears = [(index, layer) for index, layer in enumerate(network.classifier) if type(layer).__name__ == "Linear"]
    for index, layer in linears:
        blob = description.linear(f"classifier.{index}", layer, blob, relu=layer is not linears[-1][1])


def describe(network, height, width, half):
    """The .param text of a torchvision VGG or ResNet; `half`: fully connected weights in half precision, which is
    what ncnn does unless told otherwise."""
    description = Description(half)
    blob = description.input(3, height, width)
    describe_network = {"ResNet": describe_resnet, "VGG": describe_vgg}.get(type(network).__name__)
    if describe_network is None:
        raise ValueError(f"no description of a {type(network).__name__} for ncnn: it takes a VGG or a ResNet")
    describe_network(network, description, blob)
    return description.text()
