"""What both sides agree on: the arrays, and the names of their files."""
import numpy as np

TYPES = ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
SHAPES = [(2, 3, 4), (0, 2, 3), (2, 0, 3), (1, 1, 1), (70, 41, 13)]


def values(dtype, shape):
    numbers = np.arange(int(np.prod(shape)))
    if dtype == "bool":
        numbers = numbers % 3 == 0
    elif dtype[0] == "f":
        numbers = (numbers % 1000) / 2 - 3
    elif dtype[0] == "i":
        numbers = numbers % 100 - 5
    else:
        numbers = numbers % 200
    return numbers.astype(dtype).reshape(shape)


def cases():
    for dtype in TYPES:
        for index, shape in enumerate(SHAPES):
            yield f"{dtype}-{index}", values(dtype, shape)
