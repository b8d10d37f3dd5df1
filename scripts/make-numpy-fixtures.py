#!/usr/bin/env python3
"""Writes test/fixtures/numpy/*: arrays as NumPy writes them, what is in them, and what NumPy says of damaged ones.

Run (Debian: `apt-get install python3-numpy`; made with NumPy 1.24.2 and Python 3.11):

    /usr/bin/python3 scripts/make-numpy-fixtures.py

The fixtures are committed: the tests (test/io/numpy.test.ts) only read them, so nobody needs NumPy to run them.

    arrays.npz, arrays-deflated.npz   the same arrays, by savez and savez_compressed
    streamed.npz                      written to a pipe, so that sizes and checksums follow each member
    version-2.npy, version-3.npy      later versions of the header
    arrays.json                       { name: { dtype, shape, data } }, numbers row-major; NaN and infinities are texts
    flips.json                        for a .npy and two .npz files (hex): every bit whose flip NumPy accepts, with the arrays it
                                      then reads, or null where they are those of the whole file
"""
import io
import json
import pathlib
import subprocess
import sys
import warnings
import zipfile

import numpy as np
from numpy.lib import format as npy

warnings.simplefilter("ignore")
directory = pathlib.Path(__file__).resolve().parent.parent / "test/fixtures/numpy"


def samples():
    rng = np.random.default_rng(7)
    arrays = {}
    for kind in ["f2", "f4", "f8"]:
        values = np.array([0, -0.0, 1, -2.5, 2.0**-14, 2.0**-24, np.inf, -np.inf, np.nan, 65504])
        arrays[kind] = values.astype("<" + kind)
        arrays["big-" + kind] = values.astype(">" + kind)
    for kind in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
        info = np.iinfo(kind)
        values = np.array([0, 1, max(info.min, -(2**31)), min(info.max, 2**31 - 1)])
        arrays[kind] = values.astype("<" + kind)
        arrays["big-" + kind] = values.astype(">" + kind)
    arrays["bool"] = np.array([[True, False], [False, True]])
    arrays["by columns"] = np.asfortranarray(rng.integers(-99, 99, (2, 3, 4)))
    arrays["by columns, big"] = np.asfortranarray(rng.standard_normal((3, 2)).astype(">f8"))
    arrays["one number"] = np.array(0.1)
    arrays["empty"] = np.zeros((2, 0, 3), "f4")
    arrays["folder/ключ"] = np.array([7], "i4")
    arrays["__proto__"] = np.array([1.5], "f4")
    arrays["zeros"] = np.zeros((100, 30), "f4")
    return arrays


def described(x):
    def text(v):
        return v if not isinstance(v, float) or np.isfinite(v) else str(v).replace("inf", "Infinity").replace("nan", "NaN")
    return {"dtype": x.dtype.kind + str(x.dtype.itemsize), "shape": list(x.shape), "data": [text(v) for v in x.ravel("C").tolist()]}


def verdict(content):
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {name: loaded[name] for name in loaded.files} if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
        if not all(isinstance(x, np.ndarray) for x in arrays.values()):
            return None
        return {name: described(x) for name, x in arrays.items()}
    except Exception:  # every refusal is one, whatever its kind
        return None


def flips(content, bits):
    whole = verdict(content)
    accepted = {}
    for bit in bits:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << (bit % 8)
        found = verdict(bytes(changed))
        if found is not None:
            same = json.dumps(found) == json.dumps(whole)
            accepted[bit] = None if same else found
    return {"bytes": content.hex(), "arrays": whole, "accepted": accepted}


def saved(save, arrays):
    content = io.BytesIO()
    save(content, **arrays)
    return content.getvalue()


class Pipe(io.RawIOBase):
    """What cannot be sought in, as a pipe."""
    def __init__(self):
        self.content = bytearray()
    def writable(self):
        return True
    def seekable(self):
        return False
    def write(self, data):
        self.content += data
        return len(data)


def streamed(arrays):
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, (name, x) in enumerate(arrays.items()):
            with archive.open(name + ".npy", "w", force_zip64=i % 2 == 0) as member:
                npy.write_array(member, x)
    return bytes(pipe.content)


directory.mkdir(parents=True, exist_ok=True)
arrays = samples()
(directory / "arrays.npz").write_bytes(saved(np.savez, arrays))
(directory / "arrays-deflated.npz").write_bytes(saved(np.savez_compressed, arrays))
(directory / "streamed.npz").write_bytes(streamed({name: arrays[name] for name in ["f4", "by columns", "empty"]}))
for version in (2, 3):
    content = io.BytesIO()
    npy.write_array(content, arrays["by columns"], (version, 0))
    (directory / f"version-{version}.npy").write_bytes(content.getvalue())
(directory / "arrays.json").write_text(json.dumps({name: described(x) for name, x in arrays.items()}, ensure_ascii=False))

one = np.array([[1.5, -2, 3], [4, 5, 6]], "<f4")
small = {"w": np.array([1.5, -2], "<f4"), "k": np.array([True])}
single = io.BytesIO()
np.save(single, one)
npz = [saved(np.savez, small), saved(np.savez_compressed, small)]
(directory / "flips.json").write_text(json.dumps({
    "npy": flips(single.getvalue(), range(8 * 128)),
    "npz": flips(npz[0], range(8 * len(npz[0]))),
    "npz-deflated": flips(npz[1], range(8 * len(npz[1]))),
}))
