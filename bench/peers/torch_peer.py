"""PyTorch, eager: modules, an optimizer and autograd, as its tutorials write a training step."""

import numpy
import torch
from torch.nn import functional

from data_files import VERIFY_STEPS, convolutions_of, one_hot, read_batches, read_floats, read_weights, threads

torch.set_num_threads(threads())


class Step:
    def __init__(self, network, files):
        self.network, self.files = network, files
        classes = network["layers"][-1]
        quadratic = network["loss"] == "quadratic"
        self.batches = [
            (torch.from_numpy(x), torch.from_numpy(one_hot(labels, classes) if quadratic else labels.astype("int64")))
            for x, labels in read_batches(network, files)
        ]
        self.loss = self.quadratic if quadratic else functional.cross_entropy
        self.model, self.optimizer = self.start()
        self.next = 0

    def start(self):
        sigmoid = self.network["activation"] == "sigmoid"
        parameters = read_weights(self.network, self.files["weights"])
        convolutions = convolutions_of(self.network)
        modules = []
        for i, (weight, bias) in enumerate(parameters):
            if i < len(convolutions):
                layer = convolutions[i]
                module = torch.nn.Conv2d(layer["inputs"], layer["channels"], layer["size"], padding=layer["padding"])
                after = [torch.nn.ReLU()] + [torch.nn.MaxPool2d(2)] * layer["pool"]
            else:
                if i == len(convolutions) > 0:
                    modules.append(torch.nn.Flatten())
                module = torch.nn.Linear(weight.shape[1], weight.shape[0])
                last = i == len(parameters) - 1
                after = [torch.nn.Sigmoid()] if sigmoid else [] if last else [torch.nn.ReLU()]
            module.weight.data, module.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
            modules += [module, *after]
        model = torch.nn.Sequential(*modules)
        rule = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[self.network["optimizer"]]
        return model, rule(model.parameters(), lr=self.network["learningRate"])

    @staticmethod
    def quadratic(output, target):
        return (output - target).square().sum() * (0.5 / output.shape[0])

    def update(self, model, optimizer, index):
        x, y = self.batches[index % len(self.batches)]
        # cheaper than filling the gradients with zeros
        optimizer.zero_grad(set_to_none=True)
        loss = self.loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    def verify(self):
        model, optimizer = self.start()
        return numpy.array([self.update(model, optimizer, i).item() for i in range(VERIFY_STEPS)])

    def run(self, times):
        for _ in range(times):
            self.update(self.model, self.optimizer, self.next)
            self.next += 1


class FirstStep(Step):
    """A step from the start; timed as the first of a process."""

    def verify(self):
        return numpy.array([self.update(*self.start(), 0).item()])

    def run(self, times):
        self.update(self.model, self.optimizer, 0).item()


class Product:
    def __init__(self, extents, files):
        m, k, n = extents
        self.a = torch.from_numpy(read_floats(files["a"], (m, k)))
        self.b = torch.from_numpy(read_floats(files["b"], (k, n)))

    def verify(self):
        return torch.mm(self.a, self.b).numpy()

    def run(self, times):
        for _ in range(times):
            torch.mm(self.a, self.b)


class OutputAndGradient:
    functions = {
        "tanh": torch.tanh,
        "exp": torch.exp,
        "gelu": functional.gelu,
        "softmax": lambda x: functional.softmax(x, dim=-1),
        "layer-norm": lambda x: functional.layer_norm(x, x.shape[-1:], eps=1e-5),
    }

    def __init__(self, name, shape, files):
        self.function = self.functions[name]
        self.x = torch.from_numpy(read_floats(files["x"], shape)).requires_grad_()
        self.cotangent = torch.from_numpy(read_floats(files["cotangent"], shape))

    def both(self):
        y = self.function(self.x)
        return y, torch.autograd.grad(y, self.x, self.cotangent)[0]

    def verify(self):
        return numpy.concatenate([part.detach().numpy().ravel() for part in self.both()])

    def run(self, times):
        for _ in range(times):
            self.both()


def count(number, what):
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def load(item, files):
    if item["kind"] == "step":
        loaded = Step(item["network"], files)
    elif item["kind"] == "first-call":
        loaded = FirstStep(item["network"], files)
    elif item["kind"] == "gemm":
        loaded = Product(item["gemm"], files)
    elif item["kind"] == "function":
        loaded = OutputAndGradient(item["function"], item["shape"], files)
    else:
        raise RuntimeError(f"no {item['kind']} is written for it")
    loaded.name = f"PyTorch {torch.__version__.split('a')[0]}"
    loaded.notes = [f"PyTorch on {count(torch.get_num_threads(), 'thread')}"]
    return loaded
