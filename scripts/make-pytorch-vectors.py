#!/usr/bin/env python3
"""Writes test/fixtures/pytorch/*.json: values and vector-Jacobian products computed by PyTorch.

Run (Debian: `apt-get install python3-torch`; made with PyTorch 1.13.1):

    OPENBLAS_NUM_THREADS=1 /usr/bin/python3 scripts/make-pytorch-vectors.py

It needs torch and numpy, takes some five seconds and rewrites every file. The fixtures are committed: the tests
(test/pytorch/vectors.test.ts) only read them, so nobody needs PyTorch to run them. Each case draws its inputs from a
generator seeded by the case's own name, so that adding a case leaves the others as they are.

A case, in the terms of the library's API:

    name       a claim, unique over all files
    op         the function's name; `args` its positional arguments that are not tensors, `options` its options object
    inputs     [{ dtype, shape, data }]
    output     { dtype, shape, data, scale? }, or a list of them for an operation with several results
    cotangent  { shape, data }, or a list; absent when only the value is claimed
    gradients  one { shape, data, scale? } per input, or null for an input without one

What is trained has forms of its own, which the tests that read them declare: `optimizers` and `sgd` hold trajectories,
`layers` a layer's arguments, state, output and gradients, and `reader.safetensors` is a state dict in its file format.

NaN, Infinity and -Infinity are the strings "NaN", "Infinity", "-Infinity".

How float32 is made. PyTorch computes in float64 from inputs that are exactly representable in float32, and the result
is rounded once. A float32 vector is thus the correctly rounded truth (to within a double rounding), not another
float32 implementation's error.

What `scale` is. A rounding error is proportional to the magnitudes that were added, not to what is left after they
cancel. `scale` holds, for each element y_i, the sum of those magnitudes to first order, |y_i| + Σ_j |∂y_i/∂x_j · x_j|
(for a matrix product: the classical Σ|a||b| bound), measured here with PyTorch's own derivatives and rounded up to two
digits. Without `scale` it is |y_i|: the case claims accuracy relative to the element itself.
"""
import copy
import functools
import json
import math
import os
import sys
import warnings
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
# "same" with an even window costs PyTorch a copy.
warnings.filterwarnings("ignore", message="Using padding='same'")

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures", "pytorch")
NAN, INF = float("nan"), float("inf")
FLOATS = ("float32", "float64")


# ----------------------------------------------------------------------------------------------------
# Inputs: a specification, made into numbers by the generator of its case
# ----------------------------------------------------------------------------------------------------


class Spec:
    def __init__(self, shape, draw, dtype="float64", differentiate=True):
        self.shape, self.draw, self.dtype, self.differentiate = list(shape), draw, dtype, differentiate

    def to(self, dtype):
        return Spec(self.shape, self.draw, dtype, self.differentiate)

    def constant(self):
        """The same input, held fixed: it gets no gradient."""
        return Spec(self.shape, self.draw, self.dtype, False)

    def realise(self, rng):
        array = np.asarray(self.draw(rng), dtype=np.float64).reshape(self.shape)
        return array.astype(np.float32).astype(np.float64) if self.dtype == "float32" else array


def normal(*shape):
    """Standard normal values with three decimals."""
    return Spec(shape, lambda rng: np.round(rng.standard_normal(shape), 3))


def uniform(low, high, *shape):
    return Spec(shape, lambda rng: np.round(rng.uniform(low, high, shape), 3))


def distinct(*shape):
    """Values all different, at least 0.07 apart: nothing ties."""
    count = int(np.prod(shape))
    return Spec(shape, lambda rng: np.round((rng.permutation(count) - count / 2) * 0.1 + rng.uniform(0, 0.03, count), 3))


def values(nested, dtype="float64"):
    array = np.asarray(nested, dtype=np.float64)
    return Spec(array.shape, lambda rng: array, dtype)


def integers(nested):
    return values(nested, "int32")


def booleans(nested):
    return values(nested, "bool")


def probabilities(*shape):
    """Rows that are distributions."""

    def draw(rng):
        rows = rng.uniform(0.1, 1, shape)
        rows = np.round(rows / rows.sum(-1, keepdims=True), 3)
        rows[..., -1] = 1 - rows[..., :-1].sum(-1)
        return rows

    return Spec(shape, draw)


# ----------------------------------------------------------------------------------------------------
# Operations: the library's name and argument forms, in PyTorch's terms
# ----------------------------------------------------------------------------------------------------


def second(xs, args):
    return xs[1] if len(xs) > 1 else torch.tensor(float(args[0]))


def axes_of(x, args):
    axis = args[0] if args else None
    if axis is None:
        return list(range(x.dim()))
    return axis if isinstance(axis, list) else [axis]


def reduction(function):
    return lambda xs, args, options: function(xs[0], axes_of(xs[0], args), options.get("keepDims", False))


def product(x, axes, keep):
    """torch.prod takes one axis: multiply over them from the last."""
    for axis in sorted((a % x.dim() for a in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def cast(x, dtype):
    """Float results are rounded when they are written."""
    return x != 0 if dtype == "bool" else x.detach().trunc() if dtype == "int32" else x.double()


def slice_axes(x, *index):
    """NumPy's basic indexing, negative steps included, one axis at a time."""
    axis = 0
    for item in index:
        if isinstance(item, (int, float)):
            x = x.select(axis, int(item))
            continue
        if item is not None:
            kept = list(range(x.shape[axis]))[slice(*item) if len(item) > 1 else slice(item[0], None)]
            x = x.index_select(axis, torch.tensor(kept, dtype=torch.long))
        axis += 1
    return x


def pad(x, pairs, value=0.0):
    """torch's pad lists the last axis first."""
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


def transpose(x, permutation=None):
    return x.permute(permutation or list(reversed(range(x.dim()))))


def take(x, indices, axis=0):
    axis %= x.dim()
    flat = x.index_select(axis, indices.reshape(-1))
    return flat.reshape(list(x.shape[:axis]) + list(indices.shape) + list(x.shape[axis + 1 :]))


def scatter_add(target, indices, updates, axis=0):
    axis %= target.dim()
    shape = list(target.shape[:axis]) + [-1] + list(target.shape[axis + 1 :])
    return target.index_add(axis, indices.reshape(-1), updates.reshape(shape))


def spatial(padding, x):
    """`padding` of a window operation as (an explicitly padded x, what is left for PyTorch)."""
    if isinstance(padding, list):
        return pad(x, padding), 0
    return x, padding


def conv(x, w, stride=1, padding=0, dilation=1, groups=1):
    x, padding = spatial(padding, x)
    function = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
    return function(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


def conv_transpose(x, w, stride=1, padding=0):
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.dim() - 3]
    return function(x, w, stride=stride, padding=padding)


def max_pool(x, size, stride=None, padding=0):
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.dim() - 3]
    return function(x, size, stride=stride, padding=padding)


def avg_pool(x, size, stride=None, padding=0):
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.dim() - 3]
    return function(x, size, stride=stride, padding=padding, count_include_pad=True)


def triangular_solve(a, b, lower=True, transpose=False, unitDiagonal=False):
    """torch's triangle is that of the matrix as it is solved with."""
    a = a.transpose(-2, -1) if transpose else a
    upper = not lower if not transpose else lower
    solve = functools.partial(torch.linalg.solve_triangular, upper=upper, unitriangular=unitDiagonal)
    return of_columns(solve, a, b)


def of_columns(solve, a, b):
    """NumPy's rule: of one axis is a vector, and nothing else is."""
    return solve(a, b.unsqueeze(-1)).squeeze(-1) if b.dim() == 1 else solve(a, b)


UNARY = {
    "neg": torch.neg,
    "abs": torch.abs,
    "sign": torch.sign,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": torch.log,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "square": torch.square,
    "reciprocal": torch.reciprocal,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "asin": torch.asin,
    "acos": torch.acos,
    "atan": torch.atan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "relu": torch.relu,
    "silu": F.silu,
    "erf": torch.erf,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "isNaN": torch.isnan,
    "isFinite": torch.isfinite,
    "not": torch.logical_not,
}

BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "mod": torch.remainder,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "atan2": torch.atan2,
    "eq": torch.eq,
    "ne": torch.ne,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "and": torch.logical_and,
    "or": torch.logical_or,
}

OPERATIONS = {
    **{name: (lambda f: lambda xs, args, options: f(xs[0]))(f) for name, f in UNARY.items()},
    **{name: (lambda f: lambda xs, args, options: f(xs[0], second(xs, args)))(f) for name, f in BINARY.items()},
    "leakyRelu": lambda xs, args, options: F.leaky_relu(xs[0], *args),
    "elu": lambda xs, args, options: F.elu(xs[0], *args),
    "gelu": lambda xs, args, options: F.gelu(xs[0], approximate=options.get("approximate", "none")),
    "clip": lambda xs, args, options: torch.clamp(xs[0], *args),
    "where": lambda xs, args, options: torch.where(xs[0], xs[1], xs[2]),
    "cast": lambda xs, args, options: cast(xs[0], args[0]),
    # reductions
    "sum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "mean": reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "max": reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "min": reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "prod": reduction(product),
    "var": reduction(lambda x, axes, keep: x.var(axes, unbiased=False, keepdim=keep)),
    "std": reduction(lambda x, axes, keep: x.std(axes, unbiased=False, keepdim=keep)),
    "norm": reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keepdim=keep)),
    "all": reduction(lambda x, axes, keep: (x == 0).sum(axes, keepdim=keep) == 0),
    "any": reduction(lambda x, axes, keep: (x != 0).sum(axes, keepdim=keep) > 0),
    "logSumExp": reduction(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "argmax": lambda xs, args, options: xs[0].argmax(*args),
    "argmin": lambda xs, args, options: xs[0].argmin(*args),
    "softmax": lambda xs, args, options: xs[0].softmax(*(args or [-1])),
    "logSoftmax": lambda xs, args, options: xs[0].log_softmax(*(args or [-1])),
    "cumsum": lambda xs, args, options: xs[0].cumsum(*args),
    "sort": lambda xs, args, options: xs[0].sort(dim=(args or [-1])[0], stable=True)[0],
    "argsort": lambda xs, args, options: xs[0].sort(dim=(args or [-1])[0], stable=True)[1],
    "topKValues": lambda xs, args, options: xs[0].topk(*args)[0],
    "topKIndices": lambda xs, args, options: xs[0].topk(*args)[1],
    # movement
    "reshape": lambda xs, args, options: xs[0].reshape(*args),
    "flatten": lambda xs, args, options: xs[0].flatten(),
    "transpose": lambda xs, args, options: transpose(xs[0], *args),
    "swapAxes": lambda xs, args, options: xs[0].swapaxes(*args),
    "expandDims": lambda xs, args, options: xs[0].unsqueeze(*args),
    "squeeze": lambda xs, args, options: xs[0].squeeze(*args),
    "broadcastTo": lambda xs, args, options: xs[0].expand(*args),
    "flip": lambda xs, args, options: xs[0].flip(axes_of(xs[0], args)),
    "tile": lambda xs, args, options: xs[0].tile(*args),
    "pad": lambda xs, args, options: pad(xs[0], *args),
    "slice": lambda xs, args, options: slice_axes(xs[0], *args),
    "concat": lambda xs, args, options: torch.cat(xs, *args),
    "stack": lambda xs, args, options: torch.stack(xs, *args),
    "split": lambda xs, args, options: list(xs[0].split(xs[0].shape[args[1]] // args[0], args[1])),
    # indexing
    "take": lambda xs, args, options: take(*xs, *args),
    "takeAlong": lambda xs, args, options: xs[0].gather(args[0], xs[1]),
    "scatterAdd": lambda xs, args, options: scatter_add(*xs, *args),
    # contraction
    "matmul": lambda xs, args, options: torch.matmul(*xs),
    "dot": lambda xs, args, options: torch.dot(*xs),
    "outer": lambda xs, args, options: torch.outer(*xs),
    "einsum": lambda xs, args, options: torch.einsum(args[0], *xs),
    # linear algebra
    "cholesky": lambda xs, args, options: torch.linalg.cholesky(xs[0]),
    "triangularSolve": lambda xs, args, options: triangular_solve(*xs, **options),
    "solve": lambda xs, args, options: of_columns(torch.linalg.solve, *xs),
    "inv": lambda xs, args, options: torch.linalg.inv(xs[0]),
    "det": lambda xs, args, options: torch.linalg.det(xs[0]),
    "logDet": lambda xs, args, options: torch.logdet(xs[0]),
    "slogDetSign": lambda xs, args, options: torch.linalg.slogdet(xs[0])[0],
    "slogDetLog": lambda xs, args, options: torch.linalg.slogdet(xs[0])[1],
    # windows
    "conv": lambda xs, args, options: conv(*xs, **options),
    "convTranspose": lambda xs, args, options: conv_transpose(*xs, **options),
    "maxPool": lambda xs, args, options: max_pool(*xs, **options),
    "avgPool": lambda xs, args, options: avg_pool(*xs, **options),
    # losses
    "meanSquaredError": lambda xs, args, options: F.mse_loss(*xs),
    "quadratic": lambda xs, args, options: (0.5 * (xs[0] - xs[1]).square().sum(-1)).mean(),
    "softmaxCrossEntropy": lambda xs, args, options: F.cross_entropy(*xs),
    "sigmoidCrossEntropy": lambda xs, args, options: F.binary_cross_entropy_with_logits(*xs),
}

#: Results of these are integers or booleans, whatever went in.
RESULT_DTYPE = {
    **{name: "int32" for name in ("argmax", "argmin", "argsort", "topKIndices")},
    **{name: "bool" for name in ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not")},
    **{name: "bool" for name in ("isNaN", "isFinite", "all", "any")},
}

#: One of several results: (the library's name, which result).
ONE_RESULT = {
    "topKValues": ("topK", 0),
    "topKIndices": ("topK", 1),
    "slogDetSign": ("slogDet", 0),
    "slogDetLog": ("slogDet", 1),
}

#: Adding a constant to the input changes nothing (or adds it to the result): implementations subtract the maximum
#: first, without error, so gradients and magnitudes are taken after that shift.
SHIFT_INVARIANT = {
    "softmax": lambda x, args: x.amax(args[0] if args else -1, keepdim=True),
    "logSoftmax": lambda x, args: x.amax(args[0] if args else -1, keepdim=True),
    "logSumExp": lambda x, args: x.amax(axes_of(x, args), keepdim=True),
    "softmaxCrossEntropy": lambda x, args: x.amax(-1, keepdim=True),
}

#: Element-wise operations whose values are held to accuracy relative to the element itself: no `scale` on values.
POINTWISE = (set(UNARY) | set(BINARY) | {"leakyRelu", "clip", "where", "cast"}) - {
    # x^y = exp(y log x) is conditioned by |y log x|, and x mod y = x - y⌊x/y⌋ cancels.
    "pow",
    "mod",
}

#: Where the usual formula cancels against 1 (or x) whatever the derivative there: a floor under `scale`, as a multiple
#: of the largest |input| (for values) or |cotangent| (for gradients).
VALUE_FLOOR = {
    # x/2 · (1 + erf(x/√2)), and the tanh form alike: for x < 0 the bracket cancels
    "gelu": 1,
    # PyTorch computes e^x - 1 as written
    "elu": 1,
}
GRADIENT_FLOOR = {
    # 1 - tanh²
    "tanh": lambda x: 1,
    # σ(1 - σ)
    "sigmoid": lambda x: 1,
    "silu": lambda x: 1,
    "gelu": lambda x: 1,
    # expm1(x) + 1
    "expm1": lambda x: 1,
    # (p - y)/batch, where y may be 1
    "softmaxCrossEntropy": lambda x: 1 / x.shape[0],
}


# ----------------------------------------------------------------------------------------------------
# Running a case
# ----------------------------------------------------------------------------------------------------


def as_tensor(array, dtype):
    tensor = torch.tensor(np.asarray(array))
    return tensor.long() if dtype == "int32" else tensor.bool() if dtype == "bool" else tensor.double()


def promote(dtypes):
    order = ("bool", "int32", "float32", "float64")
    return order[max(order.index(d) for d in dtypes)]


def magnitudes(outputs, arguments):
    """|y_i| + Σ_j |∂y_i/∂x_j · x_j| for every element of every output."""
    results = []
    for y in outputs:
        flat, scale = y.reshape(-1), y.detach().abs().reshape(-1).clone()
        if y.requires_grad:
            for i in range(flat.numel()):
                rows = torch.autograd.grad(flat[i], arguments, retain_graph=True, allow_unused=True)
                for row, x in zip(rows, arguments):
                    if row is not None:
                        terms = (row * x).detach().abs()
                        scale[i] += terms[torch.isfinite(terms)].sum()
        results.append(scale.reshape(y.shape))
    return results


def number(value, dtype):
    if dtype in ("int32", "bool"):
        return str(int(value))
    value = float(np.float32(value)) if dtype == "float32" else float(value)
    if math.isnan(value):
        return '"NaN"'
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    # A float32 needs only the digits that tell it from its float32 neighbours.
    text = repr(value) if dtype == "float64" else str(np.float32(value))
    return text[:-2] if text.endswith(".0") else text


class Raw(str):
    """Text that is JSON already."""


def dump(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(dump(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def numbers(array, dtype):
    with np.errstate(over="ignore"):
        return Raw("[" + ", ".join(number(v, dtype) for v in np.asarray(array).reshape(-1)) + "]")


def round_up(value):
    """Two significant digits, upwards: all that an error bound needs."""
    value = float(value)
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(value)) - 1
    return f"{math.ceil(value / 10**exponent)}e{exponent}" if exponent > -300 else repr(value)


def array_json(tensor, dtype, scale=None, with_dtype=True):
    tensor = tensor.detach()
    result = {"dtype": dtype} if with_dtype else {}
    result.update(shape=list(tensor.shape), data=numbers(tensor.double().numpy(), dtype))
    if scale is not None and dtype in FLOATS:
        finite = torch.isfinite(tensor)
        scale = torch.maximum(scale, tensor.abs())
        if bool((scale[finite] > 2 * tensor[finite].abs()).any()):
            kept = torch.where(finite, scale, torch.zeros_like(scale)).reshape(-1)
            result["scale"] = Raw("[" + ", ".join(round_up(v) for v in kept) + "]")
    return result


FILES = {}
NAMES = set()


def add_case(group, entry):
    if entry["name"] in NAMES:
        sys.exit(f"two cases are named {entry['name']!r}")
    NAMES.add(entry["name"])
    FILES.setdefault(group, []).append(entry)


def away_from_zero(rng, shape):
    """Cotangents and tangents: magnitudes 0.3 to 1.7, either sign."""
    shape = tuple(shape)
    return np.round(rng.uniform(0.3, 1.7, shape) * rng.choice([-1, 1], shape), 3)


class Inputs:
    """The inputs of a case as tensors."""

    def __init__(self, name, specs):
        self.specs, self.rng = specs, np.random.default_rng(zlib.crc32(name.encode()))
        self.tensors = [as_tensor(spec.realise(self.rng), spec.dtype) for spec in specs]
        self.track()

    def track(self):
        #: What rounding is measured against: every float, those held fixed too.
        self.floats = [t.requires_grad_() for t, s in zip(self.tensors, self.specs) if s.dtype in FLOATS]
        #: What is differentiated.
        self.variables = [t for t, s in zip(self.tensors, self.specs) if differentiable(s)]

    def shifted(self, shift):
        """The same with the first tensor moved down by `shift`."""
        moved = copy.copy(self)
        shift = torch.where(torch.isfinite(shift), shift, torch.zeros_like(shift))
        moved.tensors = [t.detach().clone() for t in [self.tensors[0] - shift, *self.tensors[1:]]]
        moved.track()
        return moved


def differentiable(spec):
    return spec.dtype in FLOATS and spec.differentiate


def gradients_of(outputs, variables, weights):
    """Vector-Jacobian products that can be differentiated again; zeros where nothing depends on a variable."""
    found = torch.autograd.grad(outputs, variables, weights, create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, variables)]


def beside(specs, entries):
    """One entry for each differentiated input, None for the others."""
    remaining = iter(entries)
    return [next(remaining) if differentiable(spec) else None for spec in specs]


def header(name, op, inputs, args, options):
    function, result = ONE_RESULT.get(op, (op, None))
    described = [array_json(t, s.dtype) for t, s in zip(inputs.tensors, inputs.specs)]
    entry = {"name": name, "op": function, "inputs": described}
    if args:
        entry["args"] = args
    if options:
        entry["options"] = options
    if result is not None:
        entry["result"] = result
    return entry


def result_dtype(op, specs, args):
    if op in RESULT_DTYPE:
        return RESULT_DTYPE[op]
    if op == "cast":
        return args[0]
    return promote([s.dtype for s in specs if s.dtype in FLOATS] or [s.dtype for s in specs])


def case(group, name, op, *specs, args=(), options=None, cotangent=None, value_only=False):
    """One case. `cotangent` is a number for a constant one; without it, one is drawn at random."""
    args, options = list(args), options or {}
    dtype = result_dtype(op, specs, args)

    def evaluate(inputs):
        result = OPERATIONS[op](inputs.tensors, args, options)
        return result if isinstance(result, list) else [result]

    inputs = measured = Inputs(name, specs)
    outputs = measured_outputs = evaluate(inputs)
    if op in SHIFT_INVARIANT:
        measured = inputs.shifted(SHIFT_INVARIANT[op](inputs.tensors[0].detach(), args))
        measured_outputs = evaluate(measured)

    def listed(entries):
        return entries if op == "split" else entries[0]

    entry = header(name, op, inputs, args, options)
    exempt = op in POINTWISE or op in RESULT_DTYPE
    scales = [None] * len(outputs) if exempt else magnitudes(measured_outputs, measured.floats)
    if op in VALUE_FLOOR:
        scales = [s.clamp(min=VALUE_FLOOR[op] * finite_max(inputs.tensors[0])) for s in scales]
    entry["output"] = listed([array_json(y, dtype, s) for y, s in zip(outputs, scales)])

    if inputs.variables and dtype in FLOATS and not value_only:
        weights = []
        for y in outputs:
            shape = tuple(y.shape)
            drawn = away_from_zero(inputs.rng, shape) if cotangent is None else np.full(shape, float(cotangent))
            drawn = drawn.astype(dtype).astype(np.float64)
            weights.append(torch.tensor(drawn).requires_grad_())
        gradients = gradients_of(outputs, inputs.variables, weights)
        if measured is not inputs:
            # At 1000, PyTorch's exp(x - logSumExp) carries the rounding of 1000; after the shift it does not.
            rounded, gradients = gradients, gradients_of(measured_outputs, measured.variables, weights)
            assert all(torch.allclose(g, r, rtol=1e-11, atol=0) for g, r in zip(gradients, rounded)), name
        scales = magnitudes(gradients, [*measured.floats, *weights])
        if op in GRADIENT_FLOOR:
            floor = GRADIENT_FLOOR[op](inputs.tensors[0]) * finite_max(weights[0])
            scales = [s.clamp(min=floor) for s in scales]
        entry["cotangent"] = listed([array_json(w, dtype, with_dtype=False) for w in weights])
        dtypes = [s.dtype for s in specs if differentiable(s)]
        found = [array_json(g, d, s, with_dtype=False) for g, d, s in zip(gradients, dtypes, scales)]
        entry["gradients"] = beside(specs, found)
    add_case(group, entry)


def finite_max(tensor):
    kept = tensor.detach().abs()
    kept = kept[torch.isfinite(kept)]
    return float(kept.max()) if kept.numel() else 0.0


def hessian_vector(name, op, *specs, args=(), options=None):
    """H·v of s(x) = Σ c ⊙ op(x) over all differentiated inputs together, c and v drawn at random."""
    args, options = list(args), options or {}
    inputs = Inputs(name, specs)
    output = OPERATIONS[op](inputs.tensors, args, options)
    weights, *tangents = [
        torch.tensor(away_from_zero(inputs.rng, x.shape)).requires_grad_() for x in (output, *inputs.variables)
    ]
    first = gradients_of([output], inputs.variables, [weights])
    slope = sum((g * v).sum() for g, v in zip(first, tangents))
    products = gradients_of([slope], inputs.variables, None)
    # Derivatives of saturating functions are differences of terms of the size of the weights and tangents.
    floor = finite_max(weights) * max(finite_max(v) for v in tangents)
    scales = [s + floor for s in magnitudes(products, [*inputs.floats, *tangents, weights])]

    entry = header(name, op, inputs, args, options)
    entry["cotangent"] = array_json(weights, "float64", with_dtype=False)
    entry["tangents"] = beside(specs, [array_json(v, "float64", with_dtype=False) for v in tangents])
    found = [array_json(p, "float64", s, with_dtype=False) for p, s in zip(products, scales)]
    entry["hessianVector"] = beside(specs, found)
    add_case("secondOrder", entry)


# ----------------------------------------------------------------------------------------------------
# The cases
# ----------------------------------------------------------------------------------------------------

POINTS = {
    "neg": normal(8),
    "abs": normal(8),
    "sign": normal(8),
    "exp": uniform(-5, 5, 12),
    "expm1": uniform(-2, 2, 12),
    "log": uniform(0.05, 9, 12),
    "log1p": uniform(-0.9, 4, 12),
    "sqrt": uniform(0.05, 9, 12),
    "rsqrt": uniform(0.05, 9, 12),
    "square": normal(8),
    "reciprocal": normal(8),
    "sin": uniform(-9, 9, 12),
    "cos": uniform(-9, 9, 12),
    "tan": uniform(-1.5, 1.5, 12),
    "asin": uniform(-0.99, 0.99, 12),
    "acos": uniform(-0.99, 0.99, 12),
    "atan": uniform(-5, 5, 12),
    "sinh": uniform(-4, 4, 12),
    "cosh": uniform(-4, 4, 12),
    "tanh": uniform(-3, 3, 12),
    "sigmoid": uniform(-8, 8, 12),
    # not between 20, where PyTorch's softplus becomes x, and 36, where it is x in float64
    "softplus": uniform(-15, 15, 12),
    "relu": normal(8),
    "leakyRelu": normal(8),
    "elu": normal(8),
    "gelu": uniform(-4, 4, 12),
    "silu": uniform(-8, 8, 12),
    "erf": uniform(-3, 3, 12),
    "floor": uniform(-4, 4, 8),
    "ceil": uniform(-4, 4, 8),
    "round": uniform(-4, 4, 8),
}


def elementwise():
    group = "elementwise"
    for op, spec in POINTS.items():
        for dtype in FLOATS:
            case(group, f"{op} and its derivative agree in {dtype}", op, spec.to(dtype))
    for dtype in FLOATS:
        case(
            group, f"gelu in the tanh form agrees in {dtype}", "gelu", uniform(-4, 4, 12).to(dtype),
            options={"approximate": "tanh"},
        )
        case(
            group, f"clip passes the cotangent inside its bounds only, in {dtype}", "clip",
            uniform(-3, 3, 10).to(dtype), args=[-1.25, 0.75],
        )
    case(group, "leakyRelu takes another slope", "leakyRelu", normal(8), args=[0.25])
    case(group, "elu takes another alpha", "elu", normal(8), args=[1.5])
    case(group, "pow takes a number as exponent", "pow", uniform(0.3, 3, 6), args=[2.5])
    case(group, "pow by 2 of negative values is their square", "pow", normal(6), args=[2])
    case(group, "pow by 3 keeps the sign", "pow", normal(6), args=[3])
    case(group, "pow by -1 is the reciprocal, at negative values too", "pow", normal(6), args=[-1])
    case(group, "pow by 0.5 is the square root", "pow", uniform(0.3, 3, 6), args=[0.5])
    for op in ("add", "sub", "mul", "div"):
        case(group, f"{op} takes a number on the right", op, normal(2, 3), args=[1.5])
    both = {
        "add": (normal, normal),
        "sub": (normal, normal),
        "mul": (normal, normal),
        "div": (normal, lambda *s: uniform(0.4, 3, *s)),
        "pow": (lambda *s: uniform(0.3, 3, *s), normal),
        "mod": (lambda *s: uniform(-7, 7, *s), lambda *s: uniform(0.6, 2.5, *s)),
        "maximum": (distinct, normal),
        "minimum": (distinct, normal),
        "atan2": (normal, normal),
    }
    for op, (left, right) in both.items():
        case(group, f"{op} of equal shapes agrees in float64", op, left(2, 4), right(2, 4))
        case(
            group, f"{op} of equal shapes agrees in float32", op, left(2, 4).to("float32"),
            right(2, 4).to("float32"),
        )
        case(group, f"{op} broadcasts [2, 1, 3] against [4, 1]", op, left(2, 1, 3), right(4, 1))
    case(group, "add sums the cotangent back to a row", "add", normal(4, 3), normal(3))
    case(group, "mul sums the cotangent back to a column", "mul", normal(4, 3), normal(4, 1))
    case(group, "mul sums the cotangent back to a scalar", "mul", normal(2, 3), normal())
    case(group, "sub of a scalar from a scalar keeps rank 0", "sub", normal(), normal())
    case(group, "div broadcasts a numerator", "div", normal(3), uniform(0.5, 2, 2, 3))
    case(group, "add of zero-size operands is zero-size", "add", normal(0, 3), normal(3))
    case(
        group, "mod takes the sign of the divisor", "mod", values([5.5, -5.5, 5.5, -5.5, 6, -6]),
        values([2, 2, -2, -2, 4, 4]),
    )
    case(group, "float32 beside float64 is float64", "mul", normal(4).to("float32"), normal(4))
    case(
        group, "int32 beside float32 is float32", "mul", integers([1, -2, 3]),
        values([0.5, 1.5, -2.5], "float32"),
    )
    case(group, "cast to float32 casts the cotangent back", "cast", values([0.5, -1.25, 3]), args=["float32"])
    case(
        group, "cast to float64 casts the cotangent back", "cast", values([0.5, -1.25, 3], "float32"),
        args=["float64"],
    )
    case(
        group, "cast to int32 truncates towards zero", "cast", values([2.7, -2.7, 0.5, -0.5]), args=["int32"]
    )
    case(group, "cast to bool is inequality with zero", "cast", values([2.7, 0, -0.5]), args=["bool"])
    case(
        group, "where takes the cotangent apart", "where", booleans([[1, 0, 1], [0, 0, 1]]), normal(2, 3),
        normal(2, 3),
    )
    case(
        group, "where broadcasts its condition and its branches", "where", booleans([[1], [0]]), normal(3),
        normal(2, 1),
    )
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        case(
            group, f"{op} compares, broadcasting", op, values([[1, 2, 3], [NAN, 2, -INF]]),
            values([2, 2, -INF]),
        )
    for op in ("and", "or"):
        case(group, f"{op} of booleans", op, booleans([1, 1, 0, 0]), booleans([1, 0, 1, 0]))
    case(group, "not of booleans", "not", booleans([1, 0]))
    case(group, "isNaN finds NaN only", "isNaN", values([NAN, 0, INF, -INF, 1]))
    case(group, "isFinite refuses NaN and both infinities", "isFinite", values([NAN, 0, INF, -INF, 1e300]))


def numerics():
    """The points where systems differ: one case a row of the table in the documentation."""
    group = "numerics"
    one = {"cotangent": 1}
    for dtype in FLOATS:
        def v(nested):
            return values(nested, dtype)

        case(group, f"relu has gradient 0 at 0, in {dtype}", "relu", v([-1, 0, 1]), **one)
        case(group, f"abs has gradient 0 at 0, in {dtype}", "abs", v([-2, 0, 2]), **one)
        case(group, f"max splits the gradient evenly over a tie, in {dtype}", "max", v([1, 3, 3, 2]), **one)
        case(
            group, f"maximum of equal operands halves the gradient, in {dtype}", "maximum", v([1, 2, 3]),
            v([1, 2, 0]), **one,
        )
        case(
            group, f"clip has gradient 1 at both bounds, in {dtype}", "clip", v([-1, 2, -1.5, 2.5, 0]),
            args=[-1, 2], **one,
        )
        case(group, f"sqrt has an infinite gradient at 0, in {dtype}", "sqrt", v([0, 4]), **one)
        case(group, f"norm has gradient 0 at the zero vector, in {dtype}", "norm", v([0, 0, 0]), **one)
        case(
            group, f"prod with one zero has a gradient at the zero only, in {dtype}", "prod",
            v([2, 0, 3, -4]), **one,
        )
        case(group, f"prod with two zeros has gradient 0, in {dtype}", "prod", v([2, 0, 3, 0]), **one)
        case(
            group, f"softmax is finite at ±1000, in {dtype}", "softmax",
            v([[1000, -1000, 999], [-1000, -1000, -1000]]),
        )
        case(
            group, f"logSoftmax is finite at ±1000, in {dtype}", "logSoftmax",
            v([[1000, -1000, 999], [-1000, -1000, -1000]]),
        )
        case(
            group, f"logSumExp is finite at ±1000, in {dtype}", "logSumExp",
            v([[1000, -1000, 999], [-1000, -1000, -1000]]), args=[-1],
        )
        case(group, f"sigmoid is finite at ±1000, in {dtype}", "sigmoid", v([1000, -1000, 0]))
        case(group, f"softplus is finite at ±1000, in {dtype}", "softplus", v([1000, -1000, 0]))
        case(group, f"silu is finite at ±1000, in {dtype}", "silu", v([1000, -1000, 0]))
        case(group, f"gelu is finite at ±1000, in {dtype}", "gelu", v([1000, -1000, 0]))
        case(
            group, f"gelu in the tanh form is finite at ±1000, in {dtype}", "gelu", v([1000, -1000, 0]),
            options={"approximate": "tanh"},
        )
        case(group, f"tanh is finite at ±1000, in {dtype}", "tanh", v([1000, -1000, 0]))
        case(
            group, f"softmaxCrossEntropy is finite at ±1000, in {dtype}", "softmaxCrossEntropy",
            v([[1000, -1000, 0], [-1000, 1000, 0]]), integers([1, 1]), **one,
        )
        case(
            group, f"sigmoidCrossEntropy is finite at ±1000, in {dtype}", "sigmoidCrossEntropy",
            v([1000, -1000, 1000, -1000]), v([1, 1, 0, 0]).constant(), **one,
        )
        case(
            group, f"round goes half to even, in {dtype}", "round",
            v([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.49]), **one,
        )
        case(group, f"relu keeps NaN, in {dtype}", "relu", v([NAN, -1, 1]), value_only=True)
        case(group, f"max keeps NaN, in {dtype}", "max", v([1, NAN, 3]), value_only=True)
        case(
            group, f"maximum keeps NaN from either side, in {dtype}", "maximum", v([NAN, 1, NAN]),
            v([1, NAN, NAN]), value_only=True,
        )
        case(
            group, f"argmax takes the first of equals, in {dtype}", "argmax", v([[1, 3, 3], [2, 2, 2]]),
            args=[1],
        )
        case(group, f"the sum of nothing is 0, in {dtype}", "sum", values(np.zeros((0,)), dtype), **one)
        case(
            group, f"the mean of nothing is NaN, in {dtype}", "mean", values(np.zeros((0,)), dtype),
            value_only=True,
        )

    case(
        group, "minimum keeps NaN from either side", "minimum", values([NAN, 1, NAN]), values([1, NAN, NAN]),
        value_only=True,
    )
    case(group, "min keeps NaN", "min", values([1, NAN, 3]), value_only=True)
    case(group, "clip keeps NaN", "clip", values([NAN, -5, 5]), args=[-1, 1], value_only=True)
    case(group, "argmin takes the first of equals", "argmin", values([3, 1, 1, 2]))
    case(group, "the product of nothing is 1", "prod", values(np.zeros((0,))), value_only=True)
    case(group, "the sum over an empty axis is zeros", "sum", values(np.zeros((2, 0))), args=[1], cotangent=1)
    case(group, "relu passes the cotangent at NaN", "relu", values([NAN, 2]), cotangent=1)
    case(group, "max over a tie of all elements gives each 1/n", "max", values([[2, 2], [2, 2]]), cotangent=1)
    case(
        group, "max over an axis splits each row's tie", "max", values([[5, 5, 1], [0, 7, 7], [1, 2, 3]]),
        args=[1],
    )
    case(
        group, "min over an axis splits each row's tie", "min", values([[1, 1, 5], [7, 0, 0], [3, 2, 1]]),
        args=[1],
    )
    case(
        group, "minimum of equal operands halves the gradient", "minimum", values([1, 2, 3]),
        values([1, 2, 0]), cotangent=1,
    )
    case(
        group, "maximum with an equal number halves the gradient", "maximum", values([-1, 0, 1]), args=[0],
        cotangent=1,
    )
    case(group, "max of infinities ties like any value", "max", values([INF, 1, INF]), cotangent=1)
    case(group, "sqrt of a negative value is NaN, with its gradient", "sqrt", values([-1, 1]), cotangent=1)
    case(group, "rsqrt at 0 is infinite, with its gradient", "rsqrt", values([0, 4]), cotangent=1)
    case(group, "log at 0 is -Infinity with an infinite gradient", "log", values([0, 1]), cotangent=1)
    case(group, "log1p at -1 is -Infinity with an infinite gradient", "log1p", values([-1, 0]), cotangent=1)
    case(group, "reciprocal at 0 is infinite, with its gradient", "reciprocal", values([0, 2]), cotangent=1)
    case(
        group, "div by 0 gives infinities and NaN", "div", values([1, -1, 0]), values([0, 0, 0]),
        value_only=True,
    )
    case(group, "asin has infinite gradients at ±1", "asin", values([-1, 0, 1]), cotangent=1)
    case(group, "acos has infinite gradients at ±1", "acos", values([-1, 0, 1]), cotangent=1)
    case(group, "asin outside [-1, 1] is NaN", "asin", values([1.5, -1.5]), value_only=True)
    case(group, "sign has gradient 0, at 0 too", "sign", values([-2, 0, 2]), cotangent=1)
    case(group, "floor has gradient 0 at an integer", "floor", values([-1, 0, 2.5]), cotangent=1)
    case(group, "leakyRelu has its slope as gradient at 0", "leakyRelu", values([-1, 0, 1]), cotangent=1)
    case(group, "elu has its alpha as gradient at 0", "elu", values([-1, 0, 1]), args=[1.5], cotangent=1)
    case(group, "silu has gradient 1/2 at 0", "silu", values([0]), cotangent=1)
    case(group, "gelu has gradient 1/2 at 0", "gelu", values([0]), cotangent=1)
    case(group, "softplus has gradient 1/2 at 0", "softplus", values([0]), cotangent=1)
    case(group, "pow 0⁰ is 1 with gradient 0 to both", "pow", values([0]), values([0]), cotangent=1)
    case(
        group, "pow of 0 by 2 and by 1 has gradients 0 and 1", "pow", values([0, 0]), values([2, 1]),
        cotangent=1,
    )
    case(group, "pow of 0 by 1/2 has an infinite gradient", "pow", values([0]), args=[0.5], cotangent=1)
    case(group, "pow by the number 0 is 1 with gradient 0", "pow", values([-2, 0, 3]), args=[0], cotangent=1)
    case(group, "pow by the number 1 has gradient 1 at 0", "pow", values([-2, 0, 3]), args=[1], cotangent=1)
    case(group, "pow by the number 2 has gradient 0 at 0", "pow", values([-2, 0, 3]), args=[2], cotangent=1)
    case(
        group, "pow of a negative base to integers keeps signs", "pow", values([-2, -2, -0.5]),
        values([3, -2, 2]).constant(), cotangent=1,
    )
    case(
        group, "pow of a negative base to a fraction is NaN", "pow", values([-2]), values([0.5]),
        value_only=True,
    )
    case(
        group, "pow with exponent 0 is 1 even for NaN", "pow", values([NAN, INF]), values([0, 0]),
        value_only=True,
    )
    case(
        group, "atan2 finds every quadrant and axis", "atan2", values([1, 1, -1, -1, 0, 0, 1, -1]),
        values([1, -1, 1, -1, 1, -1, 0, 0]),
    )
    case(group, "mod at a multiple is 0", "mod", values([6, -6, 7.5]), values([3, 3, 2.5]), cotangent=1)
    case(
        group, "norm of rows has gradient 0 at the zero row only", "norm", values([[3, 4], [0, 0]]), args=[1],
        cotangent=1,
    )
    case(group, "std of equal values is 0 with gradient 0", "std", values([2, 2, 2]), cotangent=1)
    case(group, "var of equal values is 0 with gradient 0", "var", values([2, 2, 2]), cotangent=1)
    case(
        group, "prod over rows with no, one and two zeros", "prod",
        values([[2, 3, 4], [2, 0, 4], [0, 3, 0], [0, 0, 0]]), args=[1],
    )
    case(
        group, "softmax of a masked row gives the mask no gradient", "softmax",
        values([[1, -INF, 2], [0.5, 0.25, -INF]]),
    )
    case(
        group, "logSumExp of a masked row gives the mask no gradient", "logSumExp",
        values([[1, -INF, 2], [0.5, 0.25, -INF]]), args=[1],
    )
    case(
        group, "logSumExp of -Infinity alone is -Infinity", "logSumExp", values([-INF, -INF]),
        value_only=True,
    )
    case(group, "logSumExp with +Infinity is +Infinity", "logSumExp", values([INF, 1]), value_only=True)
    case(group, "a saturated sigmoid has a vanishing gradient", "sigmoid", values([-30, 30]), cotangent=1)
    case(
        group, "softmax does not change when a constant is added", "softmax",
        values([[1, 2, 3], [1001, 1002, 1003]]),
    )
    case(
        group, "where gives the branch not taken no gradient", "where", booleans([1, 0]), values([1, 2]),
        values([3, 4]), cotangent=1,
    )
    case(group, "sum of values that cancel", "sum", values([1e8, 1, -1e8, 0.5]), cotangent=1)
    case(
        group, "var does not cancel for values far from 0", "var", values([1e6 + 1, 1e6 + 2, 1e6 + 4]),
        cotangent=1,
    )


EDGES = {
    "float64": [0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-20, 1e-8, 0.5, 1, 2, 30, 700],
    "float32": [0, 1e-45, 1e-40, 1.1754943508222875e-38, 1e-20, 1e-4, 0.5, 1, 2, 30, 80],
}


def edges():
    """Values alone at the ends of the number line, for the accuracy table: zero, subnormal, tiny, overflow, ∞, NaN."""
    group = "edges"
    # around the last finite, the last normal and the last subnormal result
    limits = {"float64": [709.78, 709.79, -708.3, -720, -745], "float32": [88.72, 88.73, -87.33, -95, -103.9]}
    largest = {"float64": 1.7976931348623157e308, "float32": 3.4028234663852886e38}

    def signed(points):
        return points + [-p for p in points if p != 0]

    for dtype in FLOATS:
        tiny, top = EDGES[dtype], largest[dtype]
        domains = {
            "exp": signed(tiny) + [INF, -INF, NAN] + limits[dtype],
            "expm1": signed(tiny) + [INF, -INF, NAN],
            "log": [0, *tiny[1:], top, INF, NAN, -1],
            # without the largest number, where PyTorch's vectorised log1p overflows
            "log1p": [0, *tiny[1:], top / 1e8, INF, NAN, -1, -0.5, -1e-10, -2],
            "sqrt": [0, *tiny[1:], top, INF, NAN, -1],
            "rsqrt": [*tiny[3:], top, INF, NAN, -1],
            "sin": signed(tiny[:10]) + [100, 1000, INF, NAN],
            "cos": signed(tiny[:10]) + [100, 1000, INF, NAN],
            "tan": signed(tiny[:10]) + [100, 1000, INF, NAN],
            "asin": signed(tiny[:8]) + [1.5, NAN],
            "acos": signed(tiny[:8]) + [1.5, NAN],
            "atan": signed(tiny) + [top, -top, INF, -INF, NAN],
            "sinh": signed(tiny) + [INF, -INF, NAN],
            "cosh": signed(tiny) + [INF, -INF, NAN],
            "tanh": signed(tiny) + [top, -top, INF, -INF, NAN],
            "sigmoid": signed(tiny) + [top, -top, INF, -INF, NAN],
            # without 30, where PyTorch's softplus is x already and log(1 + e³⁰) is 14 ULP from it in float64
            "softplus": signed([p for p in tiny if p != 30]) + [top, -top, INF, -INF, NAN],
            "erf": signed(tiny) + [3.5, 5.5, -5.5, top, -top, INF, -INF, NAN],
            "relu": signed(tiny) + [top, -top, INF, -INF, NAN],
            "floor": signed(tiny) + [2147483648.5, 4503599627370497, top, -top, INF, -INF, NAN],
            "round": signed(tiny) + [2147483649, 4503599627370497, top, -top, INF, -INF, NAN],
            "square": signed(tiny) + [top, -top, INF, -INF, NAN],
        }
        for op, points in domains.items():
            case(group, f"{op} at the edges of {dtype}", op, values(points, dtype), value_only=True)
        for op in ("sin", "tan", "asin", "atan", "sinh", "tanh", "expm1", "log1p", "erf"):
            near = values([1e-3, -1e-3, 1e-5, -1e-5, 1e-7, -1e-7], dtype)
            case(group, f"{op} keeps its relative accuracy near 0, in {dtype}", op, near)


def reductions():
    group = "reductions"
    specs = {
        "sum": normal,
        "mean": normal,
        "max": distinct,
        "min": distinct,
        "prod": normal,
        "var": normal,
        "std": normal,
        "norm": normal,
        "logSumExp": normal,
    }
    for op, spec in specs.items():
        case(group, f"{op} over all axes", op, spec(3, 4))
        case(group, f"{op} over axis 0", op, spec(3, 4), args=[0])
        case(
            group, f"{op} over the last axis, kept", op, spec(2, 3, 2), args=[-1], options={"keepDims": True}
        )
        case(group, f"{op} in float32", op, spec(3, 4).to("float32"), args=[1])
        if op != "logSumExp":
            case(group, f"{op} over axes 0 and 2", op, spec(2, 3, 2), args=[[0, 2]])
    case(group, "sum of a scalar is the scalar", "sum", normal())
    case(
        group, "sum over all axes, kept, has rank 2", "sum", normal(2, 3), args=[[0, 1]],
        options={"keepDims": True},
    )
    case(group, "mean over an axis of length 1", "mean", normal(3, 1), args=[1])
    case(group, "prod of one element", "prod", normal(1), cotangent=1)
    case(group, "var of one element is 0", "var", normal(1), cotangent=1)
    case(group, "sum of 500 values in float32", "sum", normal(500).to("float32"))
    for op in ("softmax", "logSoftmax"):
        case(group, f"{op} over the last axis by default", op, normal(3, 4))
        case(group, f"{op} over axis 0", op, normal(3, 4), args=[0])
        case(group, f"{op} over a middle axis", op, normal(2, 3, 2), args=[1])
        case(group, f"{op} in float32", op, normal(3, 4).to("float32"))
    case(group, "cumsum over axis 0", "cumsum", normal(4, 3), args=[0])
    case(group, "cumsum over the last axis", "cumsum", normal(2, 5), args=[-1])
    case(group, "cumsum in float32", "cumsum", normal(12).to("float32"), args=[0])
    case(group, "sort carries the cotangent back to where values came from", "sort", distinct(7))
    case(group, "sort over axis 0", "sort", distinct(4, 3), args=[0])
    case(group, "sort in float32", "sort", distinct(3, 4).to("float32"))
    case(group, "sort of equal values is stable under differentiation", "sort", values([2, 1, 2, 1, 2]))
    case(group, "argsort over the last axis", "argsort", distinct(3, 5))
    case(group, "argsort over axis 0", "argsort", distinct(4, 3), args=[0])
    case(group, "argsort is stable", "argsort", values([2, 1, 2, 1, 2]))
    case(group, "topK values over the last axis", "topKValues", distinct(3, 5), args=[2])
    case(group, "topK values over axis 0", "topKValues", distinct(5, 3), args=[3, 0])
    case(group, "topK values in float32", "topKValues", distinct(8).to("float32"), args=[4])
    case(group, "topK indices over the last axis", "topKIndices", distinct(3, 5), args=[2])
    case(group, "argmax over all elements", "argmax", distinct(3, 4))
    case(group, "argmax over axis 0", "argmax", distinct(3, 4), args=[0])
    case(group, "argmin over the last axis", "argmin", distinct(3, 4), args=[-1])
    case(group, "all over an axis", "all", booleans([[1, 1], [1, 0]]), args=[1])
    case(group, "any over an axis", "any", booleans([[0, 0], [1, 0]]), args=[1])
    case(group, "all of everything", "all", booleans([[1, 1], [1, 0]]))


def movement():
    group = "movement"
    case(group, "reshape keeps row-major order", "reshape", normal(2, 6), args=[[3, 4]])
    case(group, "reshape infers a length given as -1", "reshape", normal(2, 6), args=[[4, -1]])
    case(group, "reshape to rank 0", "reshape", normal(1, 1), args=[[]])
    case(group, "flatten makes one axis", "flatten", normal(2, 2, 3))
    case(group, "transpose reverses the axes by default", "transpose", normal(2, 3, 4))
    case(group, "transpose by a permutation", "transpose", normal(2, 3, 4), args=[[1, 2, 0]])
    case(
        group, "transpose by a permutation in float32", "transpose", normal(2, 3, 4).to("float32"),
        args=[[2, 0, 1]],
    )
    case(group, "transpose of a matrix", "transpose", normal(2, 3))
    case(group, "swapAxes of the first and the last", "swapAxes", normal(2, 3, 2), args=[0, -1])
    case(group, "expandDims at the front", "expandDims", normal(3), args=[0])
    case(group, "expandDims at the end", "expandDims", normal(2, 3), args=[-1])
    case(group, "squeeze drops every axis of length 1", "squeeze", normal(1, 3, 1))
    case(group, "squeeze drops one named axis", "squeeze", normal(1, 3, 1), args=[2])
    case(
        group, "broadcastTo sums the cotangent over the new axes", "broadcastTo", normal(3, 1),
        args=[[2, 3, 4]],
    )
    case(group, "broadcastTo of a scalar", "broadcastTo", normal(), args=[[2, 2]])
    case(group, "flip of one axis", "flip", normal(2, 4), args=[1])
    case(group, "flip of two axes", "flip", normal(2, 2, 3), args=[[0, 2]])
    case(group, "tile of each axis", "tile", normal(2, 2), args=[[2, 3]])
    case(group, "tile with more repeats than axes", "tile", normal(3), args=[[2, 2]])
    case(group, "pad with zeros", "pad", normal(2, 3), args=[[[1, 0], [2, 1]]])
    case(group, "pad with a value", "pad", normal(2, 2), args=[[[0, 1], [1, 1]], -1.5])
    case(group, "pad in float32", "pad", normal(4).to("float32"), args=[[[2, 3]]])
    case(group, "slice by an index drops the axis", "slice", normal(3, 4), args=[1])
    case(group, "slice by a negative index", "slice", normal(3, 4), args=[None, -1])
    case(group, "slice of a range", "slice", normal(5, 4), args=[[1, 4], [0, 2]])
    case(group, "slice from a start to the end", "slice", normal(5), args=[[2]])
    case(group, "slice from a negative start", "slice", normal(5), args=[[-3]])
    case(group, "slice with a step", "slice", normal(7), args=[[0, 7, 3]])
    case(group, "slice with a negative step", "slice", normal(7), args=[[5, 0, -2]])
    case(group, "slice that reverses an axis", "slice", normal(2, 6), args=[None, [-1, -7, -1]])
    case(
        group, "slice that mixes an index, a whole axis and a step", "slice", normal(3, 2, 5),
        args=[2, None, [1, 5, 2]],
    )
    case(group, "slice beyond the end is cut off there", "slice", normal(4), args=[[2, 9]])
    case(group, "slice of nothing is zero-size", "slice", normal(4), args=[[2, 2]])
    case(
        group, "concat along axis 0 hands each part its rows", "concat", normal(2, 3), normal(1, 3),
        normal(3, 3), args=[0],
    )
    case(group, "concat along the last axis", "concat", normal(2, 1), normal(2, 3), args=[-1])
    case(group, "concat in float32", "concat", normal(2).to("float32"), normal(3).to("float32"), args=[0])
    case(group, "concat with a zero-size part", "concat", normal(0, 2), normal(2, 2), args=[0])
    case(group, "stack along a new first axis", "stack", normal(2, 3), normal(2, 3), args=[0])
    case(group, "stack along a new last axis", "stack", normal(3), normal(3), normal(3), args=[-1])
    case(group, "split into equal parts", "split", normal(2, 6), args=[3, 1])
    case(group, "split of the first axis", "split", normal(4, 2), args=[2, 0])


def indexing():
    group = "indexing"
    case(group, "take of rows", "take", normal(4, 3), integers([2, 0]))
    case(group, "take of a repeated row adds its cotangents", "take", normal(4, 3), integers([1, 3, 1, 1]))
    case(group, "take along the last axis", "take", normal(2, 5), integers([4, 0, 2]), args=[-1])
    case(group, "take with indices of rank 2", "take", normal(5, 2), integers([[0, 1, 4], [4, 2, 0]]))
    case(
        group, "take with indices of rank 2 along axis 1", "take", normal(2, 4), integers([[3, 1], [0, 0]]),
        args=[1],
    )
    case(group, "take with a scalar index drops the axis", "take", normal(3, 2), integers(2))
    case(group, "take in float32", "take", normal(6).to("float32"), integers([5, 5, 0]))
    case(
        group, "takeAlong picks one element a row", "takeAlong", normal(4, 3), integers([[2], [0], [1], [1]]),
        args=[1],
    )
    case(group, "takeAlong axis 0", "takeAlong", normal(4, 3), integers([[3, 0, 1], [0, 0, 2]]), args=[0])
    case(
        group, "takeAlong with repeats adds their cotangents", "takeAlong", normal(2, 3),
        integers([[1, 1, 1, 0], [2, 2, 0, 0]]), args=[-1],
    )
    case(
        group, "takeAlong in float32", "takeAlong", normal(2, 3).to("float32"), integers([[1], [2]]),
        args=[1],
    )
    case(group, "scatterAdd adds rows", "scatterAdd", normal(4, 3), integers([2, 0]), normal(2, 3))
    case(
        group, "scatterAdd adds repeated rows up", "scatterAdd", normal(4, 2), integers([1, 3, 1]),
        normal(3, 2),
    )
    case(
        group, "scatterAdd along axis 1", "scatterAdd", normal(2, 4), integers([3, 3, 0]), normal(2, 3),
        args=[1],
    )
    case(group, "scatterAdd into a vector", "scatterAdd", normal(5), integers([4, 4, 4, 0]), normal(4))
    case(
        group, "scatterAdd with indices of rank 2", "scatterAdd", normal(3, 2), integers([[0, 1], [1, 1]]),
        normal(2, 2, 2),
    )
    case(
        group, "scatterAdd in float32", "scatterAdd", normal(4).to("float32"), integers([1, 1]),
        normal(2).to("float32"),
    )


def contraction():
    group = "contraction"
    pairs = [
        ([3], [3]),
        ([3], [3, 2]),
        ([2, 3], [3]),
        ([2, 3], [3, 4]),
        ([3], [2, 3, 2]),
        ([2, 2, 3], [3]),
        ([2, 3], [2, 3, 2]),
        ([2, 2, 3], [3, 2]),
        ([2, 2, 3], [2, 3, 2]),
        ([1, 2, 3], [3, 3, 2]),
        ([2, 1, 2, 3], [3, 3, 2]),
        ([2, 2, 2, 3], [2, 2, 3, 1]),
        ([2, 1, 2, 2], [1, 3, 2, 2]),
        ([1, 1], [1, 1]),
        ([2, 0], [0, 3]),
    ]
    for left, right in pairs:
        case(group, f"matmul of {left} and {right}", "matmul", normal(*left), normal(*right))
    case(group, "matmul in float32", "matmul", normal(5, 7).to("float32"), normal(7, 4).to("float32"))
    case(
        group, "matmul of 9 x 17 and 17 x 11 in float32", "matmul", normal(9, 17).to("float32"),
        normal(17, 11).to("float32"),
    )
    case(
        group, "batched matmul in float32", "matmul", normal(2, 3, 4).to("float32"),
        normal(2, 4, 2).to("float32"),
    )
    case(group, "dot of vectors", "dot", normal(5), normal(5))
    case(group, "dot of vectors in float32", "dot", normal(9).to("float32"), normal(9).to("float32"))
    case(group, "outer of vectors", "outer", normal(3), normal(4))
    specs = {
        "bi,ij->bj": ([2, 3], [3, 4]),
        "ij,kj->ik": ([2, 3], [4, 3]),
        "bij,bjk->bik": ([2, 2, 3], [2, 3, 2]),
        "bhid,bhjd->bhij": ([2, 2, 2, 3], [2, 2, 3, 3]),
        "i,i->": ([4], [4]),
        "i,j->ij": ([2], [3]),
        "ij->ji": ([2, 3],),
        "ij->i": ([2, 3],),
        "ij->": ([2, 3],),
        "ij,ij->ij": ([2, 3], [2, 3]),
        "ijk,jil->kl": ([2, 3, 2], [3, 2, 2]),
        "bi,ij,bj->b": ([2, 3], [3, 2], [2, 2]),
        "ii->": ([3, 3],),
        "ii->i": ([3, 3],),
        "ij,k->kj": ([2, 3], [2]),
    }
    for spec, shapes in specs.items():
        case(group, f"einsum {spec}", "einsum", *(normal(*s) for s in shapes), args=[spec])
    case(
        group, "einsum bi,ij->bj in float32", "einsum", normal(3, 4).to("float32"),
        normal(4, 2).to("float32"), args=["bi,ij->bj"],
    )


def positive_definite(*shape):
    """M·Mᵀ + n·I with three decimals, exactly symmetric."""

    def draw(rng):
        m = rng.standard_normal(shape)
        a = np.round(m @ np.swapaxes(m, -1, -2) + shape[-1] * np.eye(shape[-1]), 3)
        return np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)

    return Spec(shape, draw)


def linalg():
    group = "linalg"
    for shape in ([1, 1], [2, 2], [5, 5], [3, 2, 2], [2, 2, 3, 3], [0, 0], [0, 2, 2]):
        case(group, f"cholesky of {shape}", "cholesky", positive_definite(*shape))
        for op in ("inv", "det", "slogDetSign", "slogDetLog"):
            case(group, f"{op} of {shape}", op, normal(*shape), value_only=op == "slogDetSign")
        case(group, f"logDet of {shape}", "logDet", positive_definite(*shape))
    case(group, "cholesky in float32", "cholesky", positive_definite(6, 6).to("float32"))
    for op in ("inv", "det", "logDet"):
        case(group, f"{op} in float32", op, positive_definite(6, 6).to("float32"))
    pairs = [([1, 1], [1]), ([3, 3], [3]), ([4, 4], [4, 2]), ([2, 3, 3], [2, 3, 2]), ([3, 3], [2, 3, 2]),
             ([2, 1, 2, 2], [3, 2, 1]), ([2, 2], [2, 0]), ([0, 0], [0, 3])]
    for left, right in pairs:
        case(group, f"solve of {left} and {right}", "solve", normal(*left), normal(*right))
    case(group, "solve in float32", "solve", positive_definite(5, 5).to("float32"), normal(5, 3).to("float32"))
    for lower in (True, False):
        for transposed in (True, False):
            for unit in (True, False):
                chosen = {"lower": lower, "transpose": transposed, "unitDiagonal": unit}
                title = ", ".join(name if value else f"not {name}" for name, value in chosen.items())
                inputs = positive_definite(3, 3), normal(3, 2)
                case(group, f"triangularSolve, {title}", "triangularSolve", *inputs, options=chosen)
    inputs = positive_definite(2, 4, 4), normal(2, 4, 3)
    case(group, "triangularSolve of a batch", "triangularSolve", *inputs)
    case(group, "triangularSolve of a vector", "triangularSolve", positive_definite(4, 4), normal(4))
    negative = values([[0, 1], [1, 0]])
    case(group, "logDet of a negative determinant is NaN", "logDet", negative, value_only=True)
    singular = values([[1, 2], [2, 4]])
    for op in ("det", "logDet", "slogDetSign", "slogDetLog"):
        case(group, f"{op} of a singular matrix", op, singular, value_only=True)


def windows():
    group = "windows"

    def convolution(claim, x, w, dtype="float64", op="conv", **options):
        case(group, claim, op, normal(*x).to(dtype), normal(*w).to(dtype), options=options)

    convolution("conv 1-d", (2, 2, 6), (3, 2, 3))
    convolution("conv 1-d with stride 2 and padding 1", (1, 2, 7), (2, 2, 3), stride=2, padding=1)
    convolution("conv 1-d with dilation 2", (1, 2, 8), (2, 2, 3), dilation=2)
    convolution("conv 1-d with padding on one side", (1, 1, 5), (2, 1, 3), padding=[[2, 0]])
    convolution("conv 1-d depthwise", (1, 3, 6), (3, 1, 2), groups=3)
    convolution("conv 1-d in float32", (2, 2, 6), (3, 2, 3), "float32", padding=1)
    convolution("conv 1-d with a window as long as the input", (2, 1, 4), (2, 1, 4))
    convolution("conv 2-d", (2, 2, 4, 5), (3, 2, 3, 2))
    convolution("conv 2-d in float32", (1, 2, 5, 4), (2, 2, 3, 3), "float32", padding=1)
    convolution("conv 2-d with stride 2", (1, 2, 5, 6), (2, 2, 2, 2), stride=2)
    convolution(
        "conv 2-d with a stride and a padding an axis", (1, 1, 5, 6), (2, 1, 3, 2), stride=[2, 1],
        padding=[[1, 1], [0, 2]],
    )
    convolution("conv 2-d whose stride leaves a rest", (1, 1, 6, 5), (1, 1, 3, 3), stride=2)
    convolution("conv 2-d with dilation 2 and padding 2", (1, 1, 5, 5), (2, 1, 3, 3), dilation=2, padding=2)
    convolution("conv 2-d with a dilation an axis", (1, 1, 6, 5), (1, 1, 2, 3), dilation=[3, 2])
    convolution("conv 2-d in two groups", (1, 4, 3, 4), (6, 2, 2, 2), groups=2)
    convolution(
        "conv 2-d with stride, padding, dilation and groups together", (2, 2, 6, 6), (2, 1, 2, 2), stride=2,
        padding=1, dilation=2, groups=2,
    )
    convolution("conv 2-d with padding same, odd window", (1, 1, 4, 4), (2, 1, 3, 3), padding="same")
    convolution(
        "conv 2-d with padding same, even window, pads the far side", (1, 1, 4, 4), (1, 1, 2, 4),
        padding="same",
    )
    convolution("conv 2-d with padding valid", (1, 1, 4, 4), (1, 1, 3, 3), padding="valid")
    convolution("conv 2-d with a 1 x 1 window mixes channels", (2, 3, 2, 2), (2, 3, 1, 1))
    convolution("conv 3-d", (1, 2, 3, 3, 3), (2, 2, 2, 2, 2))
    convolution("conv 3-d with stride and padding", (1, 1, 3, 4, 3), (2, 1, 2, 3, 2), stride=2, padding=1)
    convolution("convTranspose 1-d", (2, 2, 4), (2, 3, 3), op="convTranspose")
    convolution("convTranspose 1-d with stride 2", (1, 2, 4), (2, 2, 3), op="convTranspose", stride=2)
    convolution(
        "convTranspose 1-d with stride 2 and padding 1", (1, 2, 4), (2, 2, 4), op="convTranspose", stride=2,
        padding=1,
    )
    convolution(
        "convTranspose 1-d whose stride exceeds its window", (1, 1, 3), (1, 1, 2), op="convTranspose",
        stride=3,
    )
    convolution("convTranspose 2-d", (1, 2, 3, 3), (2, 2, 2, 2), op="convTranspose")
    convolution(
        "convTranspose 2-d with stride 2 and padding 1", (1, 2, 3, 3), (2, 1, 3, 3), op="convTranspose",
        stride=2, padding=1,
    )
    convolution(
        "convTranspose 2-d with a stride an axis", (1, 1, 2, 3), (1, 2, 2, 3), op="convTranspose",
        stride=[2, 1],
    )
    convolution(
        "convTranspose 2-d in float32", (1, 2, 3, 3), (2, 2, 2, 2), "float32", op="convTranspose", stride=2
    )

    def pool(claim, op, x, dtype="float64", **options):
        case(group, claim, op, (distinct if op == "maxPool" else normal)(*x).to(dtype), options=options)

    for op in ("maxPool", "avgPool"):
        pool(f"{op} 1-d", op, (2, 2, 6), size=2, stride=2)
        pool(f"{op} 1-d with overlapping windows", op, (1, 2, 6), size=3, stride=1)
        pool(f"{op} 2-d", op, (2, 1, 4, 4), size=2, stride=2)
        pool(f"{op} 2-d takes its size as stride by default", op, (1, 1, 4, 6), size=2)
        pool(f"{op} 2-d with overlapping windows", op, (1, 2, 5, 5), size=3, stride=2)
        pool(f"{op} 2-d with padding 1", op, (1, 1, 4, 4), size=3, stride=2, padding=1)
        pool(f"{op} 2-d with a size and a stride an axis", op, (1, 1, 4, 5), size=[2, 3], stride=[2, 1])
        pool(f"{op} 2-d that leaves a rest", op, (1, 1, 5, 5), size=2, stride=2)
        pool(f"{op} 2-d in float32", op, (1, 2, 4, 4), "float32", size=2, stride=2)
        pool(f"{op} 3-d", op, (1, 1, 2, 4, 4), size=2, stride=2)


def losses():
    group = "losses"
    one = {"cotangent": 1}
    for dtype in FLOATS:
        case(
            group, f"meanSquaredError is the mean over all elements, in {dtype}", "meanSquaredError",
            normal(4, 3).to(dtype), normal(4, 3).to(dtype), **one,
        )
        case(
            group, f"quadratic is half the squared distance, averaged over the batch, in {dtype}",
            "quadratic", normal(4, 3).to(dtype), normal(4, 3).to(dtype), **one,
        )
        case(
            group, f"softmaxCrossEntropy with labels, in {dtype}", "softmaxCrossEntropy",
            normal(4, 5).to(dtype), integers([3, 0, 4, 3]), **one,
        )
        case(
            group, f"softmaxCrossEntropy with distributions, in {dtype}", "softmaxCrossEntropy",
            normal(4, 5).to(dtype), probabilities(4, 5).to(dtype).constant(), **one,
        )
        case(
            group, f"sigmoidCrossEntropy of [6], in {dtype}", "sigmoidCrossEntropy", normal(6).to(dtype),
            values([1, 0, 1, 1, 0, 0.25], dtype).constant(), **one,
        )
    case(
        group, "sigmoidCrossEntropy of [3, 2] is the mean over all elements", "sigmoidCrossEntropy",
        normal(3, 2), values([[1, 0], [0, 1], [1, 1]]).constant(), **one,
    )
    case(group, "meanSquaredError of a vector", "meanSquaredError", normal(5), normal(5), **one)
    case(
        group, "meanSquaredError is 0 with gradient 0 at its target", "meanSquaredError", values([1, 2]),
        values([1, 2]), **one,
    )
    case(
        group, "softmaxCrossEntropy scales with its cotangent", "softmaxCrossEntropy", normal(3, 4),
        integers([0, 1, 2]), cotangent=-2.5,
    )
    case(
        group, "softmaxCrossEntropy of one example", "softmaxCrossEntropy", normal(1, 3), integers([2]),
        **one,
    )
    case(
        group, "softmaxCrossEntropy of a sure and right answer is 0", "softmaxCrossEntropy",
        values([[100, 0, 0]]), integers([0]), **one,
    )
    case(
        group, "softmaxCrossEntropy with one-hot distributions equals labels", "softmaxCrossEntropy",
        normal(2, 3), values([[0, 1, 0], [0, 0, 1]]).constant(), **one,
    )


def second_order():
    h = hessian_vector
    for op in ("exp", "log", "sqrt", "rsqrt", "reciprocal", "log1p"):
        h(f"Hessian of {op}", op, uniform(0.3, 3, 5))
    for op in ("square", "sin", "tanh", "sigmoid", "softplus", "gelu", "silu", "erf", "sinh", "atan"):
        h(f"Hessian of {op}", op, uniform(-2, 2, 5))
    h("Hessian of gelu in the tanh form", "gelu", uniform(-2, 2, 5), options={"approximate": "tanh"})
    h("Hessian of mul, broadcast", "mul", normal(2, 3), normal(3))
    h("Hessian of div", "div", normal(4), uniform(0.5, 2, 4))
    h("Hessian of pow in base and exponent", "pow", uniform(0.5, 2, 4), normal(4))
    h("Hessian of pow by the number 3", "pow", normal(4), args=[3])
    h("Hessian of atan2", "atan2", normal(4), normal(4))
    h("Hessian of prod", "prod", normal(5))
    h("Hessian of prod with a zero", "prod", values([2, 0, 3, -4]))
    h("Hessian of prod with two zeros", "prod", values([2, 0, 3, 0]))
    h("Hessian of var", "var", normal(5))
    h("Hessian of std", "std", normal(2, 4), args=[1])
    h("Hessian of norm", "norm", normal(4))
    h("Hessian of logSumExp", "logSumExp", normal(2, 3), args=[1])
    h("Hessian of softmax", "softmax", normal(2, 3))
    h("Hessian of logSoftmax", "logSoftmax", normal(2, 3))
    h("Hessian of matmul", "matmul", normal(2, 3), normal(3, 2))
    h("Hessian of batched matmul, broadcast", "matmul", normal(2, 2, 3), normal(3, 2))
    h("Hessian of einsum of three", "einsum", normal(2, 3), normal(3, 2), normal(2, 2), args=["bi,ij,bj->b"])
    h(
        "Hessian of conv 2-d", "conv", normal(1, 2, 4, 4), normal(2, 2, 3, 3),
        options={"stride": 1, "padding": 1},
    )
    h(
        "Hessian of convTranspose 1-d", "convTranspose", normal(1, 2, 3), normal(2, 2, 3),
        options={"stride": 2},
    )
    h("Hessian of meanSquaredError", "meanSquaredError", normal(3, 2), normal(3, 2))
    h("Hessian of quadratic", "quadratic", normal(3, 2), normal(3, 2))
    h("Hessian of softmaxCrossEntropy with labels", "softmaxCrossEntropy", normal(3, 4), integers([1, 0, 3]))
    h("Hessian of sigmoidCrossEntropy", "sigmoidCrossEntropy", normal(4), values([1, 0, 1, 0]).constant())


# ----------------------------------------------------------------------------------------------------
# SGD
# ----------------------------------------------------------------------------------------------------


def sgd():
    """Five steps of torch.optim.SGD on ½‖A w + b − y‖² with w [3] and a scalar b."""
    settings = [
        ("plain SGD", {"learningRate": 0.05}),
        ("SGD with momentum", {"learningRate": 0.05, "momentum": 0.9}),
        ("SGD with Nesterov momentum", {"learningRate": 0.05, "momentum": 0.9, "nesterov": True}),
        ("SGD with weight decay", {"learningRate": 0.05, "weightDecay": 0.1}),
        ("SGD with momentum and weight decay", {"learningRate": 0.05, "momentum": 0.5, "weightDecay": 0.1}),
        (
            "SGD with Nesterov momentum and weight decay",
            {"learningRate": 0.02, "momentum": 0.8, "nesterov": True, "weightDecay": 0.01},
        ),
    ]
    rng = np.random.default_rng(5)
    data = [np.round(rng.standard_normal(shape), 3) for shape in ((4, 3), (4,), (3,))] + [np.asarray(0.25)]
    for dtype in FLOATS:
        a, y, w0, b0 = (torch.tensor(v.astype(dtype).astype(np.float64)).requires_grad_() for v in data)
        for claim, options in settings:
            w, b = (v.detach().clone().requires_grad_() for v in (w0, b0))
            optimizer = torch.optim.SGD(
                [w, b],
                lr=options["learningRate"],
                momentum=options.get("momentum", 0),
                nesterov=options.get("nesterov", False),
                weight_decay=options.get("weightDecay", 0),
            )
            trajectory = []
            for loss_, w_, b_ in sgd_by_formula(a, y, w0, b0, options):
                optimizer.zero_grad()
                loss = squared_distance(a.detach(), y.detach(), w, b)
                loss.backward()
                optimizer.step()
                assert torch.allclose(w, w_, rtol=1e-13) and torch.allclose(b, b_, rtol=1e-13), claim
                scales = magnitudes([loss_, w_, b_], [a, y, w0, b0])
                step = {}
                for key, value, scale in zip(("loss", "w", "b"), (loss, w, b), scales):
                    step[key] = array_json(value, dtype, scale, with_dtype=False)
                trajectory.append(step)
            entry = {
                "name": f"{claim} takes PyTorch's five steps in {dtype}",
                "dtype": dtype,
                "options": options,
                "problem": {k: array_json(v, dtype, with_dtype=False) for k, v in (("a", a), ("y", y))},
                "start": {k: array_json(v, dtype, with_dtype=False) for k, v in (("w", w0), ("b", b0))},
                "trajectory": trajectory,
            }
            add_case("sgd", entry)


def squared_distance(a, y, w, b):
    return 0.5 * (a @ w + b - y).square().sum()


def sgd_by_formula(a, y, w, b, options):
    """PyTorch's rule written out and differentiable, so that rounding magnitudes can be measured through the steps."""
    rate, momentum = options["learningRate"], options.get("momentum", 0)
    decay, nesterov = options.get("weightDecay", 0), options.get("nesterov", False)
    params, buffers, steps = [w, b], None, []
    for _ in range(5):
        loss = squared_distance(a, y, *params)
        gradients = torch.autograd.grad(loss, params, create_graph=True)
        gradients = [g + decay * p for g, p in zip(gradients, params)]
        if momentum:
            buffers = gradients if buffers is None else [momentum * m + g for m, g in zip(buffers, gradients)]
            gradients = [g + momentum * m for g, m in zip(gradients, buffers)] if nesterov else buffers
        params = [p - rate * g for p, g in zip(params, gradients)]
        steps.append((loss, *params))
    return steps


# ----------------------------------------------------------------------------------------------------
# Training: optimizers, schedules, layers
# ----------------------------------------------------------------------------------------------------

STEPS = 25

OPTIMIZERS = {
    "sgd": lambda p, lr, o: torch.optim.SGD(
        p, lr=lr, momentum=o.get("momentum", 0), dampening=o.get("dampening", 0),
        weight_decay=o.get("weightDecay", 0), nesterov=o.get("nesterov", False)),
    "adam": lambda p, lr, o: torch.optim.Adam(p, lr=lr, **adam_options(o, 0)),
    "adamW": lambda p, lr, o: torch.optim.AdamW(p, lr=lr, **adam_options(o, 0.01)),
    "rmsprop": lambda p, lr, o: torch.optim.RMSprop(
        p, lr=lr, alpha=o.get("decay", 0.99), eps=o.get("epsilon", 1e-8), momentum=o.get("momentum", 0),
        centered=o.get("centered", False), weight_decay=o.get("weightDecay", 0)),
    "adagrad": lambda p, lr, o: torch.optim.Adagrad(
        p, lr=lr, lr_decay=o.get("rateDecay", 0), weight_decay=o.get("weightDecay", 0),
        initial_accumulator_value=o.get("initialSum", 0), eps=o.get("epsilon", 1e-10)),
    "lion": lambda p, lr, o: Lion(p, lr, o),
}


def adam_options(options, decay):
    return dict(
        betas=(options.get("beta1", 0.9), options.get("beta2", 0.999)),
        eps=options.get("epsilon", 1e-8),
        weight_decay=options.get("weightDecay", decay),
        amsgrad=options.get("amsgrad", False),
    )


class Lion:
    """Algorithm 2 of Chen et al. 2023 in NumPy, which PyTorch 1.13 does not have."""

    def __init__(self, params, rate, options):
        self.params, self.rate = params, rate
        self.beta1, self.beta2 = options.get("beta1", 0.9), options.get("beta2", 0.99)
        self.decay = options.get("weightDecay", 0)
        self.moments = [np.zeros(p.shape) for p in params]

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        for i, p in enumerate(self.params):
            gradient, moment, value = p.grad.numpy(), self.moments[i], p.detach().numpy()
            update = np.sign(self.beta1 * moment + (1 - self.beta1) * gradient)
            p.data = torch.tensor(value - self.rate * (update + self.decay * value))
            self.moments[i] = self.beta2 * moment + (1 - self.beta2) * gradient


SCHEDULES = {
    "cosine": lambda opt, o: torch.optim.lr_scheduler.CosineAnnealingLR(opt, o["steps"], o.get("end", 0)),
    "stepDecay": lambda opt, o: torch.optim.lr_scheduler.StepLR(opt, o["every"], o.get("factor", 0.1)),
    "exponential": lambda opt, o: torch.optim.lr_scheduler.ExponentialLR(opt, o["factor"]),
    "linearWarmup": lambda opt, o: torch.optim.lr_scheduler.LinearLR(opt, o.get("startFactor", 1 / 3), 1, o["steps"]),
    "oneCycle": lambda opt, o: torch.optim.lr_scheduler.OneCycleLR(
        opt, o["learningRate"], o["steps"], pct_start=o.get("warmup", 0.3), div_factor=o.get("startDivisor", 25),
        final_div_factor=o.get("endDivisor", 1e4), anneal_strategy={"cosine": "cos"}.get(o.get("shape", "cosine"),
            "linear"),
        cycle_momentum=False),
}


def optimizers():
    """Trajectories on ½‖A w + b − y‖² with w [3] and a scalar b, and with clipping and schedules."""
    settings = [
        ("SGD with momentum and dampening", "sgd", {"learningRate": 0.05, "momentum": 0.9, "dampening": 0.5}),
        ("SGD with Nesterov momentum", "sgd", {"learningRate": 0.02, "momentum": 0.9, "nesterov": True}),
        ("Adam", "adam", {"learningRate": 0.1}),
        ("Adam with its options", "adam", {"learningRate": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 0.01}),
        ("Adam with weight decay", "adam", {"learningRate": 0.05, "weightDecay": 0.3}),
        ("Adam without averages", "adam", {"learningRate": 0.01, "beta1": 0, "beta2": 0}),
        ("AMSGrad", "adam", {"learningRate": 0.3, "beta2": 0.6, "amsgrad": True}),
        ("AdamW", "adamW", {"learningRate": 0.1}),
        ("AdamW with its options", "adamW", {"learningRate": 0.1, "weightDecay": 0.5, "beta1": 0.8, "amsgrad": True}),
        ("RMSprop", "rmsprop", {"learningRate": 0.02}),
        ("RMSprop with momentum", "rmsprop", {"learningRate": 0.01, "decay": 0.9, "momentum": 0.5, "epsilon": 0.001}),
        ("centered RMSprop", "rmsprop", {"learningRate": 0.01, "centered": True, "weightDecay": 0.1}),
        ("centered RMSprop with momentum", "rmsprop", {"learningRate": 0.01, "centered": True, "momentum": 0.3,
            "decay": 0.8}),
        ("AdaGrad", "adagrad", {"learningRate": 0.5}),
        ("AdaGrad with its options", "adagrad",
         {"learningRate": 0.5, "rateDecay": 0.1, "weightDecay": 0.2, "initialSum": 0.5, "epsilon": 0.01}),
        ("Lion", "lion", {"learningRate": 0.02}),
        ("Lion with its options", "lion", {"learningRate": 0.02, "beta1": 0.5, "beta2": 0.7, "weightDecay": 0.4}),
        ("SGD clipped by global norm", "sgd", {"learningRate": 0.1}, {"clipByGlobalNorm": 0.5}),
        ("Adam clipped by value", "adam", {"learningRate": 0.1}, {"clipByValue": 0.1}),
    ]
    schedules = [
        ("cosine", {"learningRate": 0.05, "steps": 30}),
        ("cosine", {"learningRate": 0.05, "steps": 26, "end": 0.01}),
        ("stepDecay", {"learningRate": 0.05, "every": 7}),
        ("stepDecay", {"learningRate": 0.05, "every": 4, "factor": 0.5}),
        ("exponential", {"learningRate": 0.05, "factor": 0.9}),
        ("linearWarmup", {"learningRate": 0.05, "steps": 5}),
        ("linearWarmup", {"learningRate": 0.05, "steps": 10, "startFactor": 0.1}),
        ("oneCycle", {"learningRate": 0.05, "steps": 25}),
        ("oneCycle", {"learningRate": 0.05, "steps": 30, "warmup": 0.5, "startDivisor": 10, "endDivisor": 100,
            "shape": "linear"}),
    ]
    for name, options in schedules:
        given = ", ".join(f"{k} {v}" for k, v in options.items())
        settings.append((f"SGD on the schedule {name} ({given})", "sgd", {"momentum": 0.5}, {"schedule": [name,
            options]}))
        settings.append((f"Adam on the schedule {name} ({given})", "adam", {}, {"schedule": [name, options]}))
    rng = np.random.default_rng(6)
    a, y, w0, b0 = (torch.tensor(np.round(rng.standard_normal(shape), 3)) for shape in ((4, 3), (4,), (3,), ()))
    for claim, kind, options, *rest in settings:
        extra = rest[0] if rest else {}
        w, b = (v.clone().requires_grad_() for v in (w0, b0))
        name, scheduled = extra.get("schedule", (None, None))
        optimizer = OPTIMIZERS[kind]([w, b], (scheduled or options)["learningRate"], options)
        scheduler = SCHEDULES[name](optimizer, scheduled) if name else None
        rates, trajectory = [], []
        for _ in range(STEPS):
            optimizer.zero_grad()
            squared_distance(a, y, w, b).backward()
            if "clipByGlobalNorm" in extra:
                torch.nn.utils.clip_grad_norm_([w, b], extra["clipByGlobalNorm"])
            if "clipByValue" in extra:
                torch.nn.utils.clip_grad_value_([w, b], extra["clipByValue"])
            if scheduler:
                rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            if scheduler:
                scheduler.step() if len(rates) < STEPS else None
            trajectory.append([*w.tolist(), b.item()])
        entry = {"name": f"{claim} takes the reference's {STEPS} steps", "optimizer": kind, "options": options, **extra}
        entry.update(problem={"a": a.tolist(), "y": y.tolist()}, start={"w": w0.tolist(), "b": b0.item()})
        if rates:
            entry["rates"] = rates
        entry["trajectory"] = trajectory
        add_case("optimizers", entry)


class RmsNorm(torch.nn.Module):
    """y = x / √(mean(x²) + ε) · weight, which PyTorch 1.13 does not have."""

    def __init__(self, shape, eps):
        super().__init__()
        self.weight, self.eps = torch.nn.Parameter(torch.ones(shape)), eps

    def forward(self, x):
        axes = list(range(-self.weight.dim(), 0))
        return x / (x.square().mean(axes, keepdim=True) + self.eps).sqrt() * self.weight


class FirstResult(torch.nn.Module):
    """A module that gives several results, by its first; its state has the module's own names."""

    def __init__(self, module, causal=False):
        super().__init__()
        self.module, self.causal = module, causal

    def forward(self, x):
        time = x.shape[1]
        mask = torch.triu(torch.full((time, time), -INF), 1) if self.causal else None
        if isinstance(self.module, torch.nn.MultiheadAttention):
            return self.module(x, x, x, attn_mask=mask)[0]
        if isinstance(self.module, torch.nn.TransformerEncoderLayer):
            return self.module(x, src_mask=mask)
        return self.module(x)[0]


def layer_case(claim, layer, args, options, module, x, train=False):
    """A layer's output, gradients for a random cotangent, and what its state is afterwards where that changes."""
    rng = np.random.default_rng(zlib.crc32(claim.encode()))
    inner = module.module if isinstance(module, FirstResult) else module
    module.train(train)
    with torch.no_grad():
        for name, value in inner.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            drawn = np.round(rng.uniform(0.5, 1.5, value.shape) if "var" in name else 0.5 * rng.standard_normal(value.shape), 3)
            value.copy_(torch.tensor(drawn))
    before = {k: v.clone() for k, v in inner.state_dict().items()}
    floating = x.is_floating_point()
    if floating:
        x.requires_grad_()
    y = module(x)
    weights = torch.tensor(away_from_zero(rng, y.shape))
    parameters = dict(inner.named_parameters())
    variables = [*parameters.values(), *([x] if floating else [])]
    gradients = torch.autograd.grad(y, variables, weights) if variables else []
    dtype = "float64" if floating else "int32"
    entry = {
        "name": claim,
        "layer": layer,
        "args": args,
        "options": options,
        "train": train,
        "state": {k: array_json(v, "int32" if v.dtype == torch.long else "float64") for k, v in before.items()},
        "input": array_json(x, dtype),
        "output": array_json(y, "float64"),
        "cotangent": array_json(weights, "float64"),
        "gradients": {k: array_json(g, "float64") for k, g in zip(parameters, gradients)},
    }
    if floating:
        entry["inputGradient"] = array_json(gradients[-1], "float64")
    after = {k: v for k, v in inner.state_dict().items() if k not in parameters}
    if train and after:
        entry["after"] = {k: array_json(v, "int32" if v.dtype == torch.long else "float64") for k, v in after.items()}
    add_case("layers", entry)


def drawn(claim, *shape):
    return torch.tensor(np.round(np.random.default_rng(zlib.crc32(claim.encode())).standard_normal(shape), 3))


def layers():
    nn, f64 = torch.nn, {"dtype": "float64"}

    def add(claim, layer, args, options, module, *shape, train=False, kinds=f64):
        layer_case(f"{layer}: {claim}", layer, args, {**options, **kinds}, module, drawn(claim, *shape), train)

    add("a batch", "Linear", [3, 2], {}, nn.Linear(3, 2), 4, 3)
    add("without bias, further axes", "Linear", [3, 2], {"bias": False}, nn.Linear(3, 2, bias=False), 2, 2, 3)
    add("stride and padding", "Conv1d", [2, 3, 3], {"stride": 2, "padding": 1}, nn.Conv1d(2, 3, 3, 2, 1), 2, 2, 9)
    add("groups and dilation", "Conv1d", [4, 2, 2], {"groups": 2, "dilation": 3},
        nn.Conv1d(4, 2, 2, dilation=3, groups=2), 2, 4, 7)
    add("a 3×3 window", "Conv2d", [2, 3, 3], {"padding": 1}, nn.Conv2d(2, 3, 3, padding=1), 2, 2, 5, 4)
    add("other extents and strides along each axis", "Conv2d", [2, 2, [3, 2]],
        {"stride": [2, 1], "padding": [[1, 1], [0, 0]]},
        nn.Conv2d(2, 2, (3, 2), stride=(2, 1), padding=(1, 0)), 2, 2, 6, 5)
    add("as many groups as channels, without bias", "Conv2d", [3, 6, 2],
        {"groups": 3, "bias": False, "padding": "same"},
        nn.Conv2d(3, 6, 2, groups=3, bias=False, padding="same"), 2, 3, 4, 4)
    add("a 3×3 window spread", "ConvTranspose2d", [3, 2, 3], {}, nn.ConvTranspose2d(3, 2, 3), 2, 3, 3, 4)
    add("stride, padding and output padding", "ConvTranspose2d", [2, 3, 3],
        {"stride": 2, "padding": 1, "outputPadding": 1},
        nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), 2, 2, 3, 3)
    add("output padding beyond all windows", "ConvTranspose2d", [2, 1, 2],
        {"stride": 3, "outputPadding": 2, "bias": False},
        nn.ConvTranspose2d(2, 1, 2, 3, 0, 2, bias=False), 1, 2, 2, 3)
    for layer, make in (("MaxPool2d", nn.MaxPool2d), ("AvgPool2d", nn.AvgPool2d)):
        add(f"windows side by side ({layer})", layer, [2], {}, make(2), 2, 2, 5, 4, kinds={})
        add(f"windows that overlap and padding ({layer})", layer, [[3, 2]], {"stride": 2, "padding": 1},
            make((3, 2), stride=2, padding=1), 2, 2, 5, 6, kinds={})
    for train in (True, False):
        when = "in training" if train else "afterwards"
        add(f"vectors, {when}", "BatchNorm", [3], {}, nn.BatchNorm1d(3), 5, 3, train=train)
        add(f"images, {when}", "BatchNorm", [2], {"momentum": 0.3, "epsilon": 0.01},
            nn.BatchNorm2d(2, 0.01, 0.3), 2, 2, 3, 2, train=train)
        add(f"plain means, no weights, {when}", "BatchNorm", [2], {"momentum": None, "affine": False},
            nn.BatchNorm1d(2, momentum=None, affine=False), 3, 2, 4, train=train)
        add(f"no statistics kept, {when}", "BatchNorm", [2], {"track": False},
            nn.BatchNorm1d(2, track_running_stats=False), 4, 2, train=train)
    add("the last axis", "LayerNorm", [4], {}, nn.LayerNorm(4), 3, 2, 4)
    add("the last two axes", "LayerNorm", [[3, 2]], {"epsilon": 0.1}, nn.LayerNorm((3, 2), eps=0.1), 2, 3, 2)
    add("without weights", "LayerNorm", [4], {"affine": False}, nn.LayerNorm(4, elementwise_affine=False), 3, 4)
    add("two groups of images", "GroupNorm", [2, 4], {}, nn.GroupNorm(2, 4), 2, 4, 2, 2)
    add("every channel by itself, vectors", "GroupNorm", [1, 4], {"epsilon": 0.01}, nn.GroupNorm(1, 4, eps=0.01), 3, 4)
    add("the last axis (RMS)", "RMSNorm", [4], {}, RmsNorm(4, 2**-52), 3, 4)
    add("the last two axes (RMS)", "RMSNorm", [[3, 2]], {"epsilon": 0.1}, RmsNorm((3, 2), 0.1), 2, 3, 2)
    layer_case("Embedding: rows by number, one of them twice", "Embedding", [5, 3], f64, nn.Embedding(5, 3),
               torch.tensor([[4, 0, 1], [2, 1, 1]]))
    for layer, make in (("LSTM", nn.LSTM), ("GRU", nn.GRU)):
        add(f"two layers ({layer})", layer, [3, 2], {"layers": 2},
            FirstResult(make(3, 2, 2, batch_first=True)), 2, 4, 3)
        add(f"without bias ({layer})", layer, [2, 3], {"bias": False},
            FirstResult(make(2, 3, bias=False, batch_first=True)), 2, 3, 2)
    add("every position sees all", "MultiHeadAttention", [4, 2], {},
        FirstResult(nn.MultiheadAttention(4, 2, batch_first=True)), 2, 3, 4)
    add("causal, without bias", "MultiHeadAttention", [4, 1], {"causal": True, "bias": False},
        FirstResult(nn.MultiheadAttention(4, 1, bias=False, batch_first=True), causal=True), 2, 3, 4)
    add("normalised after the sums", "TransformerBlock", [4, 2], {"hidden": 6, "dropout": 0},
        FirstResult(nn.TransformerEncoderLayer(4, 2, 6, 0, batch_first=True)), 2, 3, 4, train=True)
    add("normalised first, causal, GELU", "TransformerBlock", [4, 2],
        {"hidden": 5, "dropout": 0, "activation": "gelu", "normFirst": True, "causal": True, "epsilon": 0.001},
        FirstResult(nn.TransformerEncoderLayer(4, 2, 5, 0, "gelu", 0.001, batch_first=True, norm_first=True),
            causal=True),
        2, 3, 4, train=True)


class Reader(torch.nn.Module):
    """A model of several parts, for its state as a file."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(1, 3, 3), torch.nn.GroupNorm(1, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
        self.memory = torch.nn.LSTM(3, 4, batch_first=True)
        self.block = torch.nn.TransformerEncoderLayer(4, 2, 8, 0, batch_first=True)
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        y = self.features(x).flatten(2).transpose(1, 2)
        return self.head(self.block(self.memory(y)[0]).mean(1))


def state_file():
    """A state dict as a safetensors file (its format written out here), with an input and the output."""
    torch.manual_seed(11)
    model, x = Reader(), drawn("reader", 2, 1, 8, 8)
    header, blobs, at = {}, [], 0
    for name, value in model.state_dict().items():
        data = value.numpy().astype("<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(value.shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(DIRECTORY, "reader.safetensors"), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))
    entry = {"name": "a model of several parts gives the same outputs from its file", "file": "reader.safetensors"}
    entry.update(input=array_json(x, "float64"), output=array_json(model(x), "float64"))
    add_case("reader", entry)


def main():
    for make in (elementwise, numerics, edges, reductions, movement, indexing, contraction, linalg, windows, losses):
        make()
    second_order()
    sgd()
    os.makedirs(DIRECTORY, exist_ok=True)
    optimizers()
    layers()
    state_file()
    total = 0
    for group, entries in FILES.items():
        path = os.path.join(DIRECTORY, f"{group}.json")
        text = "[\n" + ",\n".join("  " + dump(e) for e in entries) + "\n]\n"
        json.loads(text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        total += len(text.encode())
        print(f"{group:12s} {len(entries):4d} cases {len(text.encode()) / 1000:7.1f} kB")
    print(f"{'together':12s} {len(NAMES):4d} cases {total / 1000:7.1f} kB  (PyTorch {torch.__version__})")


if __name__ == "__main__":
    main()
