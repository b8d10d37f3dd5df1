"""The matrix products of an item and nothing else: cblas_sgemm, as numpy.matmul calls it, into arrays that stay."""

import numpy

from data_files import read_floats


def products_of(network):
    """Operands and result of each product of a training step, transposed as the step has them (no copies)."""
    layers, batch = network["layers"], network["batch"]
    random = numpy.random.default_rng(7)

    def matrix(*shape):
        return random.random(shape, dtype=numpy.float32)

    products = []
    for i, (inputs, outputs) in enumerate(zip(layers, layers[1:])):
        x, weight, error = matrix(batch, inputs), matrix(outputs, inputs), matrix(batch, outputs)
        products.append((x, weight.T, matrix(batch, outputs)))
        products.append((error.T, x, matrix(outputs, inputs)))
        if i > 0:
            products.append((error, weight, matrix(batch, inputs)))
    return products


class Products:
    def __init__(self, products):
        self.products = products
        self.name = f"cblas products alone, NumPy {numpy.__version__}"
        self.notes = []

    def verify(self):
        self.run(1)
        return self.products[0][2]

    def run(self, times):
        for _ in range(times):
            for a, b, out in self.products:
                numpy.matmul(a, b, out=out)


def load(item, files):
    if item["kind"] == "gemm":
        m, k, n = item["gemm"]
        a, b = read_floats(files["a"], (m, k)), read_floats(files["b"], (k, n))
        return Products([(a, b, numpy.empty((m, n), dtype=numpy.float32))])
    return Products(products_of(item["network"]))
