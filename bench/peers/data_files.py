"""The numbers handed over by the driver, and what the peers share."""

import os

import numpy

BATCH_COUNT = 8
VERIFY_STEPS = 20


def threads():
    return int(os.environ.get("ADJOINT_BENCH_THREADS", "1"))


def read_floats(path, shape):
    return numpy.fromfile(path, dtype="<f4").reshape(shape)


def read_weights(layers, path):
    """Weights [out, in] and biases [out] of each layer."""
    flat = numpy.fromfile(path, dtype="<f4")
    parameters, start = [], 0
    for inputs, outputs in zip(layers, layers[1:]):
        weight = flat[start : start + outputs * inputs].reshape(outputs, inputs).copy()
        start += outputs * inputs
        bias = flat[start : start + outputs].copy()
        start += outputs
        parameters.append((weight, bias))
    return parameters


def read_batches(network, files):
    """Batches of inputs [batch, in] and labels [batch]."""
    batch, width = network["batch"], network["layers"][0]
    inputs = read_floats(files["inputs"], (BATCH_COUNT, batch, width))
    labels = numpy.fromfile(files["labels"], dtype="<i4").reshape(BATCH_COUNT, batch)
    return [(inputs[i].copy(), labels[i].copy()) for i in range(BATCH_COUNT)]


def one_hot(labels, classes):
    """float32 [batch, classes]"""
    return numpy.eye(classes, dtype=numpy.float32)[labels]
