"""Reads with NumPy and safetensors what the crate wrote."""
import os
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file
from values import cases, values

os.chdir(sys.argv[1])


def check(name, found, expected):
    assert found.dtype == expected.dtype, (name, found.dtype, expected.dtype)
    assert found.shape == expected.shape, (name, found.shape, expected.shape)
    assert np.array_equal(found, expected), name


stored, compressed = np.load("stored.npz"), np.load("compressed.npz")
tensors = load_file("everything.safetensors")
count = 0
for name, expected in cases():
    check(name, np.load(f"{name}.npy"), expected)
    if expected.size:
        check(name, np.load(f"{name}.npy", mmap_mode="r"), expected)
    for source in (stored, compressed, tensors):
        check(name, source[name], expected)
    count += 1
assert sorted(stored.files) == sorted(compressed.files) == sorted(tensors)
assert len(tensors) == count
with safe_open("everything.safetensors", "np") as file:
    assert file.metadata() == {"by": "kornia-tensor"}, file.metadata()

check("number", np.load("number.npy"), np.array(-2.5))
crop = values("u2", (20, 30, 3))[3:17, 5:25, ::-1]
check("crop", np.load("crop.npy"), crop)
check("planes", np.load("planes.npy"), crop.transpose(2, 0, 1))
with open("two.npy", "rb") as file:
    check("first", np.load(file), values("u1", (3,)))
    check("second", np.load(file), values("f4", (2, 2)))
print(count, "arrays were read")
