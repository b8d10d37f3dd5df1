#!/usr/bin/env python3
"""Writes test/fixtures/math-vectors.json: arguments and true values of the transcendental functions in float64.

    python3 scripts/math-vectors.py [points] > test/fixtures/math-vectors.json    (needs mpmath; 40 points a range unless told)

Each row is the arguments, the value rounded to float64, and what rounding took off, in units in the last place of the value:
true value = value + fraction · ulp, so that errors below one ulp can be told apart. Only finite values; the limits have their own test.
"""
import json
import math
import random
import sys

from mpmath import acos, asin, atan, cos, cosh, erf, exp, fabs, log, mp, mpf, pi, sin, sinh, tan, tanh

mp.prec = 2400  # sin of the largest floats, and differences from 1 of tiny arguments
POINTS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
seeded = random.Random(20240229)


def uniform(low, high):
    return lambda: seeded.uniform(low, high)


def powers(low, high, signed=True):
    """Magnitudes spread evenly over the exponents low … high of two."""
    return lambda: math.ldexp(seeded.uniform(1, 2), seeded.randint(low, high - 1)) * (seeded.choice((1, -1)) if signed else 1)


def near(centre, low=-50, high=-3):
    return lambda: centre + powers(low, high)()


def multiples(step, largest):
    """The floats about multiples of a number."""
    def draw():
        value = float(seeded.randint(1, largest) * step)
        return seeded.choice((value, math.nextafter(value, 0), math.nextafter(value, math.inf), -value))
    return draw


def hardest_angle(exponent, bits):
    """The n·2^exponent, n < 2^bits, that comes closest to a multiple of π/2: n is a convergent's denominator of 2^exponent / (π/2)."""
    ratio = mpf(2) ** exponent / (pi / 2)
    previous, current = 0, 1
    while True:
        ratio = 1 / (ratio - mp.floor(ratio))
        previous, current = current, int(mp.floor(ratio)) * current + previous
        if current >= 2**bits:
            return math.ldexp(previous, exponent)


def true_atan2(y, x):
    if x > 0:
        return atan(y / x)
    return (pi if y >= 0 else -pi) + atan(y / x)


def pair(first, second):
    return lambda: (first(), second())


def power_pair():
    """A base, and an exponent such that the result spreads over all exponents of two."""
    x = seeded.choice((powers(-1074, 1024, False), powers(-3, 3, False), near(1)))()
    target = seeded.uniform(-1074, 1024)
    return x, target / math.log2(x) if x != 1 else target


def integer_power_pair():
    return -seeded.choice((powers(-20, 20, False), uniform(0.5, 2)))(), float(seeded.randint(-45, 45))


anything = powers(-1074, 1024)
angles = [powers(-30, 3), uniform(-100, 100), powers(6, 40), powers(40, 1024), multiples(pi / 2, 2**12), multiples(pi / 2, 2**50), lambda: hardest_angle(seeded.randint(-50, 970), 53), lambda: seeded.choice((6381956970095103.0 * 2.0**797, 5.319372648326541e255, 1e22, 1e8, 1e300, 2.0**1023))]
FUNCTIONS = {
    'exp': (exp, [uniform(-1, 1), uniform(-745, 709), powers(-60, 0), uniform(-745.1, -708), uniform(709, 709.78)]),
    'expm1': (lambda x: exp(x) - 1, [uniform(-1, 1), uniform(-40, 709), powers(-1074, 0), multiples(log(mpf(2)) / 2, 20), uniform(709, 709.78)]),
    'log': (log, [uniform(0, 4), powers(-1074, 1024, False), near(1), powers(-1074, -1022, False), near(math.sqrt(0.5), -50, -5)]),
    'log1p': (lambda x: log(1 + x), [uniform(-0.9, 4), powers(-1074, 0), powers(0, 1024, False), lambda: -1 + powers(-52, 0, False)(), near(math.sqrt(0.5) - 1, -50, -5), near(math.sqrt(2) - 1, -50, -5)]),
    'sin': (sin, angles),
    'cos': (cos, angles),
    'tan': (tan, angles),
    'asin': (asin, [uniform(-1, 1), powers(-1074, 0), near(0.5), lambda: 1 - powers(-53, -2, False)()]),
    'acos': (acos, [uniform(-1, 1), powers(-60, 0), near(0.5), lambda: 1 - powers(-53, -2, False)(), lambda: -1 + powers(-53, -2, False)()]),
    'atan': (atan, [uniform(-4, 4), anything, near(1), powers(-30, 30)]),
    'sinh': (sinh, [uniform(-4, 4), uniform(-710, 710), powers(-1074, 0), near(1), uniform(709, 710.47)]),
    'cosh': (cosh, [uniform(-4, 4), uniform(-710, 710), powers(-30, 0), uniform(709, 710.47)]),
    'tanh': (tanh, [uniform(-2, 2), uniform(-25, 25), powers(-1074, 0), near(0.625)]),
    'sigmoid': (lambda x: 1 / (1 + exp(-x)), [uniform(-2, 2), uniform(-745, 50), powers(-60, 0), uniform(-745.1, -708)]),
    'erf': (erf, [uniform(-2, 2), uniform(-7, 7), powers(-1074, 0), near(0.9)]),
    'pow': (lambda x, y: x**y, [power_pair, power_pair, power_pair, integer_power_pair, pair(near(1), powers(-10, 10))]),
    'atan2': (true_atan2, [pair(uniform(-4, 4), uniform(-4, 4)), pair(anything, anything), pair(powers(-30, 30), powers(-30, 30))]),
}


def row(function, arguments):
    exact = function(*(mpf(a) for a in arguments))
    if fabs(exact) >= mpf(2) ** 1024 * (1 - mpf(2) ** -54):
        return None
    # mpf to float would flush or double-round denormals.
    exponent = max(math.floor(float(log(fabs(exact), 2))) if exact else -1074, -1080)
    if exact and mpf(2) ** exponent > fabs(exact):
        exponent -= 1
    elif exact and mpf(2) ** (exponent + 1) <= fabs(exact):
        exponent += 1
    unit = mpf(2) ** max(exponent - 52, -1074)
    units = exact / unit
    whole = mp.nint(units)
    return [*arguments, math.ldexp(int(whole), int(mp.log(unit, 2))), round(float(units - whole), 3)]


def main():
    vectors = {}
    for name, (function, ranges) in FUNCTIONS.items():
        rows = []
        for draw in ranges:
            for _ in range(POINTS):
                drawn = draw()
                found = row(function, drawn if isinstance(drawn, tuple) else (drawn,))
                if found is not None:
                    rows.append(found)
        vectors[name] = rows
    # Arguments only: float64 arithmetic is exact enough to judge float32.
    vectors['hardFloat32Angles'] = sorted({hardest_angle(exponent, 24) for exponent in range(-22, 104)})
    lines = (f'{json.dumps(name)}: {json.dumps(rows, separators=(",", ":"))}' for name, rows in vectors.items())
    print('{\n' + ',\n'.join(lines) + '\n}')


main()
