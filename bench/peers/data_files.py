"""The numbers handed over by the driver, and what the peers share."""

import os

import numpy

BATCH_COUNT = 8
VERIFY_STEPS = 20


def threads():
    return int(os.environ.get("ADJOINT_BENCH_THREADS", "1"))


def read_floats(path, shape):
    return numpy.fromfile(path, dtype="<f4").reshape(shape)


def convolutions_of(network):
    """What each convolution sees and gives, as src/networks.js has it."""
    channels, height, width = network.get("image", (0, 0, 0))
    found = []
    for layer in network.get("convolutions", ()):
        found.append({**layer, "inputs": channels})
        lost = layer["size"] - 1 - 2 * layer["padding"]
        shrink = 2 if layer["pool"] else 1
        channels, height, width = layer["channels"], (height - lost) // shrink, (width - lost) // shrink
    return found


def read_weights(network, path):
    """Weight and bias of each layer: [out, in, size, size] of convolutions, then [out, in] of dense layers."""
    flat = numpy.fromfile(path, dtype="<f4")
    layers = network["layers"]
    shapes = [(c["channels"], c["inputs"], c["size"], c["size"]) for c in convolutions_of(network)]
    shapes += [(outputs, inputs) for inputs, outputs in zip(layers, layers[1:])]
    parameters, start = [], 0
    for shape in shapes:
        size = int(numpy.prod(shape))
        weight = flat[start : start + size].reshape(shape).copy()
        start += size
        bias = flat[start : start + shape[0]].copy()
        start += shape[0]
        parameters.append((weight, bias))
    return parameters


def read_batches(network, files):
    """Batches of inputs [batch, in], or [batch, channels, height, width], and labels [batch]."""
    batch = network["batch"]
    shape = network.get("image", network["layers"][:1])
    inputs = read_floats(files["inputs"], (BATCH_COUNT, batch, *shape))
    labels = numpy.fromfile(files["labels"], dtype="<i4").reshape(BATCH_COUNT, batch)
    return [(inputs[i].copy(), labels[i].copy()) for i in range(BATCH_COUNT)]


def one_hot(labels, classes):
    """float32 [batch, classes]"""
    return numpy.eye(classes, dtype=numpy.float32)[labels]
