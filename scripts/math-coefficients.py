#!/usr/bin/env python3
"""Derives the polynomial coefficients and the reduction constants of src/backends/wasm/math/coefficients.ts.

    python3 scripts/math-coefficients.py > src/backends/wasm/math/coefficients.ts    (needs mpmath; then `npx biome check --write`)

Each function is written as a leading part that is exact, or nearly so, plus a polynomial in a small variable. The polynomial is the
weighted least-squares fit at Chebyshev nodes in 80-digit arithmetic: within a factor of about two of the minimax one, and free of
the exchange algorithm's failure modes. The weight turns the polynomial's error into the relative error of the function.
Coefficients are rounded one after another, lowest first, and the rest is fitted again, so that a later one absorbs what rounding
an earlier one cost. The error of the rounded polynomial, in bits, goes to standard error and beside the coefficients.
"""
import struct
import sys

from mpmath import asin, atan, atanh, cos, erf, erfc, exp, floor, ln, log, matrix, lu_solve, mp, mpf, pi, sin, sinh, sqrt, tanh

mp.dps = 80


def rounded(value, bits):
    as_float = float(value)
    return struct.unpack('f', struct.pack('f', as_float))[0] if bits == 32 else as_float


def nodes(low, high, count):
    return [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def least_squares(xs, residual, weights, first, degree):
    """Coefficients of x^first … x^degree."""
    size = degree - first + 1
    gram, right = matrix(size, size), matrix(size, 1)
    for x, y, w in zip(xs, residual, weights):
        row = [w * x ** (first + i) for i in range(size)]
        for i in range(size):
            right[i] += row[i] * w * y
            for j in range(i + 1):
                gram[i, j] += row[i] * row[j]
    for i in range(size):
        for j in range(i):
            gram[j, i] = gram[i, j]
    return list(lu_solve(gram, right))


def fit(f, low, high, weight, degree, bits):
    xs = nodes(mpf(low), mpf(high), 3 * degree + 12)
    ys = [f(x) for x in xs]
    ws = [weight(x) for x in xs]
    fixed, residual = [], list(ys)
    for first in range(degree + 1):
        c = mpf(rounded(least_squares(xs, residual, ws, first, degree)[0], bits))
        fixed.append(c)
        residual = [r - c * x**first for r, x in zip(residual, xs)]
    worst = mpf(0)
    for x in nodes(mpf(low), mpf(high), 501):
        worst = max(worst, abs(weight(x) * (sum(c * x**i for i, c in enumerate(fixed)) - f(x))))
    return [float(c) for c in fixed], float(log(worst, 2))


def away_from_zero(f, at=mpf(10) ** -12):
    """The formulas below divide by powers of their argument; they are smooth, so a point at 0 may move a little."""
    return lambda x: f(x if abs(x) > at else at)


def of_square(f):
    return away_from_zero(lambda z: f(sqrt(z), z))


TABLES = [
    # name, comment, function, low, high, weight, degree for 32 bits, degree for 64 bits
    ('EXP', '(eʳ − 1 − r) / r² in r, |r| ≤ ½·ln 2', away_from_zero(lambda r: (exp(r) - 1 - r) / r**2), -0.3475, 0.3475, lambda r: abs(r), 4, 10),
    ('EXP2', '(2ᶠ − 1) / f in f, |f| ≤ ½', away_from_zero(lambda f: (mpf(2)**f - 1) / f), -0.5005, 0.5005, lambda f: abs(f), 4, 11),
    ('LOG', '(2·atanh(s)/s − 2) / s² in s², |s| ≤ 3 − √8', of_square(lambda s, z: (2 * atanh(s) / s - 2) / z), 0, 0.02945, lambda z: z / 2, 2, 6),
    ('LOG_TAIL', '((atanh(s)/s − 1)/s² − ⅓) / s² in s², |s| ≤ 3 − √8', of_square(lambda s, z: ((atanh(s) / s - 1) / z - mpf(1) / 3) / z), 0, 0.02945, lambda z: z * z, 3, 8),
    ('SIN', '(sin(r)/r − 1) / r² in r², |r| ≤ π/4', of_square(lambda r, z: (sin(r) / r - 1) / z), 0, 0.62, lambda z: z, 3, 6),
    ('COS', '(cos(r) − 1 + r²/2) / r⁴ in r², |r| ≤ π/4', of_square(lambda r, z: (cos(r) - 1 + z / 2) / z**2), 0, 0.62, lambda z: z * z, 2, 5),
    ('TANH', '(tanh(x)/x − 1) / x² in x², |x| ≤ 0.5625', of_square(lambda x, z: (tanh(x) / x - 1) / z), 0, 0.317, lambda z: z, 3, 10),
    ('SINH', '(sinh(x)/x − 1) / x² in x², |x| ≤ 1', of_square(lambda x, z: (sinh(x) / x - 1) / z), 0, 1.001, lambda z: z, 3, 8),
    ('ATAN', '(atan(t)/t − 1) / t² in t², |t| ≤ tan ½', of_square(lambda t, z: (atan(t) / t - 1) / z), 0, 0.3, lambda z: z, 5, 13),
    ('ASIN', '(asin(x)/x − 1) / x² in x², |x| ≤ ½', of_square(lambda x, z: (asin(x) / x - 1) / z), 0, 0.2505, lambda z: z, 4, 12),
    ('ERF', 'erf(x)/x − 1 in x², |x| ≤ 0.9', of_square(lambda x, z: erf(x) / x - 1), 0, 0.811, lambda z: mpf(1), 5, 12),
]
ERFC_RANGE = {32: (0.9, 4), 64: (0.9, 6)}
ERFC_DEGREE = {32: 6, 64: 21}
ERFC_CENTRE = {32: 1.25, 64: 1.25}


def lists(values):
    return '[' + ', '.join(repr(v) for v in values) + ']'


def truncated_parts(value, bits, count):
    """value as parts of `bits` significant positions each (not rounded: the next part goes on where this one ends)."""
    parts, scale = [], mpf(2) ** (bits - 1)
    for _ in range(count):
        part = floor(value * scale) / scale
        parts.append(part)
        value -= part
        scale *= mpf(2) ** bits
    return parts, value


def high_low(value, bits):
    high = rounded(value, bits)
    return [high, rounded(value - mpf(high), bits)]


print('// Written by scripts/math-coefficients.py: change that, not this.')
print('// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: parts of constants, each beside its own correction.')
print("""
/** Coefficients by width, lowest power first; the errors named are those of the rounded polynomial, relative to the function. */
export interface ByWidth<T> {
  readonly 32: T;
  readonly 64: T;
}

export type Coefficients = ByWidth<readonly number[]>;
""")


def table(name, comment, by_width, errors):
    print(f'/** {comment}; error 2^{errors[32]:.1f}, 2^{errors[64]:.1f}. */')
    print(f'export const {name}: Coefficients = {{ 32: {lists(by_width[32])}, 64: {lists(by_width[64])} }};\n')
    print(f'{name}: 2^{errors[32]:.1f} 2^{errors[64]:.1f}', file=sys.stderr)


for name, comment, f, low, high, weight, degree32, degree64 in TABLES:
    found = {bits: fit(f, low, high, weight, degree, bits) for bits, degree in ((32, degree32), (64, degree64))}
    table(name, comment, {b: found[b][0] for b in found}, {b: found[b][1] for b in found})

found = {}
for bits in (32, 64):
    low, high = ERFC_RANGE[bits]
    c = mpf(ERFC_CENTRE[bits])
    found[bits] = fit(lambda u: log(erfc(u + c), 2), low - c, high - c, lambda u: erfc(u + c), ERFC_DEGREE[bits], bits)
table('LOG2_ERFC', 'log₂(erfc(x)) in x − centre, from 0.9 to 4 or 6, where erf is 1 (error relative to erf)', {b: found[b][0] for b in found}, {b: found[b][1] for b in found})
print('/** The point about which LOG2_ERFC is expanded, and the argument from which erf is 1. */')
print(f'export const ERFC_CENTRE: ByWidth<number> = {{ 32: {ERFC_CENTRE[32]}, 64: {ERFC_CENTRE[64]} }};')
print(f'export const ERFC_END: ByWidth<number> = {{ 32: {ERFC_RANGE[32][1]}, 64: {ERFC_RANGE[64][1]} }};\n')

# ln 2 in two parts, the first short enough that n·high is exact for every exponent n (|n| < 2^9, 2^12).
ln2 = {}
for bits, kept in ((32, 15), (64, 40)):
    high = floor(ln(2) * mpf(2) ** kept) / mpf(2) ** kept
    ln2[bits] = [float(high), rounded(ln(2) - high, bits)]
print('/** ln 2, high and low; n·high is exact for every exponent n. */')
print(f'export const LN2: Coefficients = {{ 32: {lists(ln2[32])}, 64: {lists(ln2[64])} }};\n')
for name, comment, value in (
    ('LOG2_E', '1 / ln 2, high and low', 1 / ln(2)),
    ('HALF_PI', 'π/2, high and low', pi / 2),
    ('TWO_PI', '2π, high and low', 2 * pi),
    ('THREE_QUARTER_PI', '3π/4, high and low', 3 * pi / 4),
    ('PI', 'π, high and low', pi),
    ('ONE_THIRD', '⅓, high and low', mpf(1) / 3),
):
    print(f'/** {comment}. */')
    print(f'export const {name}: Coefficients = {{ 32: {lists(high_low(value, 32))}, 64: {lists(high_low(value, 64))} }};\n')

parts = {}
for bits, width in ((32, 12), (64, 26)):
    some, rest = truncated_parts(pi / 2, width, 4)
    parts[bits] = [float(p) for p in some] + [rounded(rest, bits)]
print('/** π/2 in four parts of 12 or 26 bits, so that n·part is exact for |n| < 2^12 or 2^26, and the rest. */')
print(f'export const HALF_PI_PARTS: Coefficients = {{ 32: {lists(parts[32])}, 64: {lists(parts[64])} }};\n')

mp.dps = 500
digits = {}
for bits, width, count in ((32, 12, 18), (64, 26, 48)):
    turns, some = 1 / (2 * pi), []
    for _ in range(count):
        turns *= 2**width
        some.append(int(floor(turns)))
        turns -= floor(turns)
    digits[bits] = some
print('/** 1/(2π) as digits of 12 or 26 bits, the first after the point. */')
print(f'export const INVERSE_TURN_DIGITS: Coefficients = {{ 32: {lists(digits[32])}, 64: {lists(digits[64])} }};')
