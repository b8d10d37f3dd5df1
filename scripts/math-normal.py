#!/usr/bin/env python3
"""Derives the coefficients of src/backends/wasm/math/normal.ts and prints them with their errors.

    python3 scripts/math-normal.py    (needs numpy and scipy)

erfcx(z) is fitted by a quotient p / q of polynomials with p(0) = q(0) = 1. The largest weighted error is made smallest by linear
programming, with the denominators of the step before in the weights (Loeb's iteration), which makes the problem linear. The weight
asks for an error of 2^-26 of e^(-z^2) where erfc is large and 2^-18 of erfc where it is small. e^r is a polynomial whose coefficients
are rounded to float32 one after another, lowest first, the rest being fitted again.
"""
import numpy as np
from scipy.optimize import linprog
from scipy.special import erfcx


def minimax(columns, target):
    """Coefficients of the columns with the smallest largest error, and that error."""
    scale = np.abs(columns).max(axis=0)
    unit = np.abs(target).max() * 1e-6
    count, terms = columns.shape
    above = np.hstack([columns / scale, -np.ones((count, 1))])
    below = np.hstack([-columns / scale, -np.ones((count, 1))])
    solved = linprog(
        np.r_[np.zeros(terms), 1],
        A_ub=np.vstack([above, below]),
        b_ub=np.r_[target, -target] / unit,
        bounds=[(None, None)] * terms + [(0, None)],
        method="highs",
    )
    return solved.x[:-1] * unit / scale, solved.x[-1] * unit


def chebyshev(low, high, count):
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def fit_erfcx(over, under, end=9.4, count=2000):
    z = chebyshev(0, end, count)
    z[0] = 0
    f = erfcx(z)
    weight = np.maximum(np.exp(-z * z) * 2.0**26, 2.0**18 / f)
    q_before = np.ones_like(z)
    best = None
    for _ in range(12):
        w = weight / q_before
        columns = [w * z**i for i in range(1, over + 1)] + [-w * f * z**i for i in range(1, under + 1)]
        x, _ = minimax(np.array(columns).T, w * (f - 1))
        p, q = np.r_[1, x[:over]], np.r_[1, x[over:]]
        q_before = np.polyval(q[::-1], z)
        error = np.max(np.abs(weight * (np.polyval(p[::-1], z) / q_before - f)))
        if best is None or error < best[0]:
            best = error, p, q
    return best[1].astype(np.float32), best[2].astype(np.float32)


def fit_exp(degree, end=0.3475, count=600):
    r = chebyshev(-end, end, count)
    fixed = [1.0]
    while len(fixed) <= degree:
        rest = np.exp(r) - np.polyval(fixed[::-1], r)
        columns = np.array([r**i / np.exp(r) for i in range(len(fixed), degree + 1)]).T
        x, _ = minimax(columns, rest / np.exp(r))
        fixed.append(float(np.float32(x[0])))
    return fixed


p, q = fit_erfcx(3, 4)
z = np.linspace(0, 9.4, 100_001)
error = np.polyval(p[::-1].astype(float), z) / np.polyval(q[::-1].astype(float), z) - erfcx(z)
print("ERFCX.p", [float(c) for c in p])
print("ERFCX.q", [float(c) for c in q])
print("error of e^(-z^2): 2^%.1f" % np.log2(np.max(np.abs(error) * np.exp(-z * z))))
print("error of erfcx: 2^%.1f" % np.log2(np.max(np.abs(error) / erfcx(z))))
c = fit_exp(5)
r = np.linspace(-0.3475, 0.3475, 100_001)
print("EXP_SHORT", c)
print("error: 2^%.1f" % np.log2(np.max(np.abs(np.polyval(c[::-1], r) / np.exp(r) - 1))))
