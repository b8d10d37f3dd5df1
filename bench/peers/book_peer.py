"""
The algorithm of chapter 1 of Michael Nielsen's Neural Networks and Deep Learning (2015), in NumPy, in words of our own: the
gradient of every example by itself, summed over the batch. float32 throughout, which is no slower than the float64 that
NumPy's random numbers would bring.
"""

import os

import numpy

from data_files import VERIFY_STEPS, one_hot, read_batches, read_weights


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def gradient_of_example(parameters, x, y):
    """The gradient of ½‖a − y‖² for one example; x and y are columns."""
    activations = [x]
    for weight, bias in parameters:
        activations.append(sigmoid(weight @ activations[-1] + bias))
    gradient = [None] * len(parameters)
    # σ′(z) = a (1 − a)
    error = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
    for layer in reversed(range(len(parameters))):
        below = activations[layer]
        gradient[layer] = (error @ below.T, error)
        if layer > 0:
            error = (parameters[layer][0].T @ error) * below * (1 - below)
    return gradient


def update(parameters, examples, learning_rate):
    """One step of mini-batch gradient descent."""
    sums = [(numpy.zeros_like(weight), numpy.zeros_like(bias)) for weight, bias in parameters]
    for x, y in examples:
        gradient = gradient_of_example(parameters, x, y)
        sums = [(dw + gw, db + gb) for (dw, db), (gw, gb) in zip(sums, gradient)]
    rate = numpy.float32(learning_rate / len(examples))
    return [(w - rate * dw, b - rate * db) for (w, b), (dw, db) in zip(parameters, sums)]


def forward(parameters, columns):
    for weight, bias in parameters:
        columns = sigmoid(weight @ columns + bias)
    return columns


def start(network, files):
    return [(w, b.reshape(-1, 1)) for w, b in read_weights(network, files["weights"])]


def columns_of(inputs, targets):
    return [(x.reshape(-1, 1), y.reshape(-1, 1)) for x, y in zip(inputs, targets)]


class Step:
    def __init__(self, network, files):
        self.network, self.files = network, files
        classes = network["layers"][-1]
        self.batches = [columns_of(x, one_hot(labels, classes)) for x, labels in read_batches(network, files)]
        self.parameters = start(network, files)
        self.next = 0

    def verify(self):
        parameters, losses = start(self.network, self.files), []
        for i in range(VERIFY_STEPS):
            examples = self.batches[i % len(self.batches)]
            costs = [0.5 * numpy.square(forward(parameters, x) - y).sum() for x, y in examples]
            losses.append(numpy.mean(costs))
            parameters = update(parameters, examples, self.network["learningRate"])
        return numpy.array(losses)

    def run(self, times):
        for _ in range(times):
            examples = self.batches[self.next % len(self.batches)]
            self.parameters = update(self.parameters, examples, self.network["learningRate"])
            self.next += 1


class Epoch:
    """From images in memory to trained weights: shuffling, batches and all."""

    def __init__(self, item, files):
        self.network, self.files = item["network"], files
        images, labels = read_idx(files["mnist"], "train")
        count = item["images"]
        self.examples = columns_of(images[:count], one_hot(labels[:count], self.network["layers"][-1]))
        self.test = read_idx(files["mnist"], "t10k")

    def epoch(self):
        parameters = start(self.network, self.files)
        batch = self.network["batch"]
        order = numpy.random.default_rng(1).permutation(len(self.examples))
        shuffled = [self.examples[i] for i in order]
        for first in range(0, len(shuffled), batch):
            parameters = update(parameters, shuffled[first : first + batch], self.network["learningRate"])
        return parameters

    def verify(self):
        images, labels = self.test
        answers = forward(self.epoch(), images.T).argmax(axis=0)
        return numpy.array([(answers == labels).mean()])

    def run(self, times):
        for _ in range(times):
            self.epoch()


def read_idx(folder, split):
    """Images [count, 784] in 0 … 1 and labels [count] of LeCun's IDX files."""
    names = {name.replace(".", "-"): os.path.join(folder, name) for name in os.listdir(folder)}
    images = numpy.fromfile(names[f"{split}-images-idx3-ubyte"], dtype=numpy.uint8)[16:].reshape(-1, 784)
    labels = numpy.fromfile(names[f"{split}-labels-idx1-ubyte"], dtype=numpy.uint8)[8:]
    return images.astype(numpy.float32) / numpy.float32(255), labels


def load(item, files):
    if item["kind"] == "step":
        loaded = Step(item["network"], files)
    elif item["kind"] == "epoch":
        loaded = Epoch(item, files)
    else:
        raise RuntimeError(f"the book has no {item['kind']}")
    loaded.name = f"the book's algorithm, NumPy {numpy.__version__}"
    loaded.notes = []
    return loaded
