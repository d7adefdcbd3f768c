"""Writes with NumPy and safetensors what the crate has to read."""
import os
import sys

import numpy as np
from safetensors.numpy import save_file
from values import cases, values

os.chdir(sys.argv[1])
everything = {}
for name, array in cases():
    everything[name] = array
    for order in "CF":
        for endian in "<>":
            swapped = array.astype(array.dtype.newbyteorder(endian))
            np.save(f"{name}-{order}-{'little' if endian == '<' else 'big'}.npy", np.asarray(swapped, order=order))
    for major in (1, 2, 3):
        with open(f"{name}-version-{major}.npy", "wb") as file:
            np.lib.format.write_array(file, array, version=(major, 0))
np.savez("stored.npz", **everything)
np.savez_compressed("compressed.npz", **everything)
save_file(everything, "everything.safetensors", metadata={"by": "the original"})
np.save("number.npy", np.float64(-2.5))
np.savez("number.npz", number=np.float64(-2.5))
save_file({"number": np.array(-2.5)}, "number.safetensors")

with open("two.npy", "wb") as file:
    np.save(file, values("u1", (3,)))
    np.save(file, values("f4", (2, 2)))
np.save("objects.npy", np.array([{}, None]), allow_pickle=True)
np.save("structures.npy", np.zeros(3, dtype=[("x", "<f4"), ("y", "<u2", (2,))]))
np.save("text.npy", np.array(["ab", "c"]))
np.save("times.npy", np.array(["2026-01-01"], dtype="datetime64[D]"))
np.save("complex.npy", np.zeros(2, dtype="c16"))
np.save("long.npy", np.zeros(2, dtype=np.longdouble))
