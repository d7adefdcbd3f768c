"""NumPy, OpenCV, PyTorch and safetensors, one thread each, as seen by the Rust program that starts this.

Reads a question a line: `versions`, `make ROW H W C fresh|warm`, `time PEER TIMES`. Answers a line.
A row of files is `files:FORMAT:write|read:u8|f32`, with a folder, or `-` for memory, as its last word.
"""

import ctypes
import io
import os
import sys
import time

import numpy as np

try:
    import cv2

    cv2.setNumThreads(1)
except ImportError:
    cv2 = None
try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

try:
    import safetensors
    import safetensors.numpy
except ImportError:
    safetensors = None

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
SCALE = np.float32(1 / 255)


def mix(start, n):
    """The same random numbers as `input.rs`."""
    x = (np.arange(start + 1, start + n + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


def floats(start, n):
    return ((mix(start, n) >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)).astype(np.float32)


def middle(n):
    return slice(n // 4, n // 4 + n // 2)


def digest(result):
    if isinstance(result, (bool, float, np.bool_, np.floating)):
        return float(result)
    flat = np.asarray(result).astype(np.float64).ravel()
    return float(np.dot(flat, np.arange(flat.size) % 251 + 1))


def numpy_row(name, h, w, c, fresh):
    """A function without arguments that does the row and returns the result."""
    n = h * w * c
    u8 = lambda: (mix(0, n) >> np.uint64(56)).astype(np.uint8)
    f32 = lambda: floats(1 << 40, n)
    data = u8 if name.endswith("u8") or name in ("cast_scale", "preproc") else f32
    views = {
        "copy": lambda: data().reshape(h, w, c),
        "crop": lambda: data().reshape(h, w, c)[middle(h), middle(w)],
        "hwc2chw": lambda: data().reshape(h, w, c).transpose(2, 0, 1),
        "chw2hwc": lambda: data().reshape(c, h, w).transpose(1, 2, 0),
        "t2d": lambda: data().reshape(h, w * c).T,
        "hflip": lambda: data().reshape(h, w, c)[:, ::-1],
    }
    kind = name.rsplit("_", 1)[0]
    if kind in views:
        view = views[kind]()
        if fresh:
            return lambda: view.copy(order="C")
        out = np.zeros(view.shape, view.dtype)
        return lambda: (np.copyto(out, view), out)[1]
    if name == "cast_scale":
        image = data().reshape(h, w, c)
        if fresh:
            return lambda: np.multiply(image, SCALE, dtype=np.float32)
        out = np.zeros(image.shape, np.float32)
        return lambda: np.multiply(image, SCALE, out=out, dtype=np.float32)
    if name == "preproc":
        image = data().reshape(h, w, c)
        mean, deviation = MEAN.reshape(3, 1, 1), DEVIATION.reshape(3, 1, 1)

        def prepare(out):
            planes = image[middle(h), middle(w)].transpose(2, 0, 1)
            np.multiply(planes, SCALE, out=out, dtype=np.float32)
            np.subtract(out, mean, out=out)
            return np.divide(out, deviation, out=out)

        shape = (c, h // 2, w // 2)
        out = np.zeros(shape, np.float32)
        return (lambda: prepare(np.empty(shape, np.float32))) if fresh else (lambda: prepare(out))
    a = f32().reshape(h, w, c)
    out = np.zeros(a.shape, np.float32)
    to = None if fresh else out
    if name in ("add_f32", "add_perm"):
        b = floats(2 << 40, n)
        b = b.reshape(h, w, c) if name == "add_f32" else b.reshape(c, h, w).transpose(1, 2, 0)
        return lambda: np.add(a, b, out=to, order="C")
    if name == "mul_bcast":
        return lambda: np.multiply(a, MEAN, out=to)
    if name == "fill":
        value = np.float32(0.75)
        return (lambda: np.full((h, w, c), value)) if fresh else (lambda: (out.fill(value), out)[1])
    if name == "map":

        def mapped():
            result = np.multiply(a, np.float32(0.5), out=to)
            return np.add(result, np.float32(1), out=result)

        return mapped
    return {
        "sum_all": lambda: a.sum(),
        "sum_ax0": lambda: a.sum(axis=0),
        "sum_last": lambda: a.sum(axis=2),
        "eq": lambda copy=a.copy(): np.array_equal(a, copy),
    }.get(name)


def cv2_row(name, h, w, c, fresh):
    n = h * w * c
    u8 = lambda: (mix(0, n) >> np.uint64(56)).astype(np.uint8)
    data = u8 if name.endswith("u8") or name in ("cast_scale", "preproc") else lambda: floats(1 << 40, n)
    image = data().reshape(h, w, c)
    kind = name.rsplit("_", 1)[0]
    if kind == "copy" or kind == "crop":
        part = image if kind == "copy" else image[middle(h), middle(w)]
        to = None if fresh else np.zeros(part.shape, part.dtype)
        return lambda: cv2.copyTo(part, None, to)
    if kind == "hwc2chw":
        planes = np.zeros((c, h, w), image.dtype)

        def split():
            to = np.empty_like(planes) if fresh else planes
            cv2.split(image, [to[0], to[1], to[2]])
            return to

        return split
    if kind == "chw2hwc":
        planes = data().reshape(c, h, w)
        to = None if fresh else np.zeros((h, w, c), image.dtype)
        return lambda: cv2.merge([planes[0], planes[1], planes[2]], to)
    if kind == "t2d":
        matrix = data().reshape(h, w * c)
        to = None if fresh else np.zeros((w * c, h), image.dtype)
        return lambda: cv2.transpose(matrix, to)
    if kind == "hflip":
        to = None if fresh else np.zeros(image.shape, image.dtype)
        return lambda: cv2.flip(image, 1, to)
    if name == "preproc":
        if not fresh:
            return None

        def prepare():
            means = tuple(float(255 * mean) for mean in MEAN)
            blob = cv2.dnn.blobFromImage(image[middle(h), middle(w)], float(SCALE), mean=means)[0]
            for channel in range(3):
                blob[channel] /= DEVIATION[channel]
            return blob

        return prepare
    if name == "cast_scale":
        scale = (float(SCALE),) * 4
        to = None if fresh else np.zeros(image.shape, np.float32)
        return lambda: cv2.multiply(image, scale, to, 1, cv2.CV_32F)
    to = None if fresh else np.zeros((h, w, c), np.float32)
    if name == "add_f32":
        b = floats(2 << 40, n).reshape(h, w, c)
        return lambda: cv2.add(image, b, to)
    if name == "mul_bcast":
        return lambda: cv2.multiply(image, tuple(map(float, MEAN)) + (0,), to)
    if name == "map":
        return lambda: cv2.addWeighted(image, 0.5, image, 0, 1, to)
    if name == "sum_all":
        return lambda: float(sum(cv2.sumElems(image)))
    if name == "sum_ax0":
        return lambda: cv2.reduce(image, 0, cv2.REDUCE_SUM)
    if name == "sum_last":
        ones = np.ones((1, 3), np.float32)
        return lambda: cv2.transform(image, ones)
    if name == "eq":
        copy = image.copy()
        return lambda: float(cv2.norm(image, copy, cv2.NORM_INF) == 0)
    return None


def torch_row(name, h, w, c, fresh):
    n = h * w * c
    u8 = lambda: (mix(0, n) >> np.uint64(56)).astype(np.uint8)
    data = u8 if name.endswith("u8") or name in ("cast_scale", "preproc") else lambda: floats(1 << 40, n)
    tensor = lambda *shape: torch.from_numpy(data()).reshape(shape)
    kind = name.rsplit("_", 1)[0]
    views = {
        "copy": lambda: tensor(h, w, c),
        "crop": lambda: tensor(h, w, c)[middle(h), middle(w)],
        "hwc2chw": lambda: tensor(h, w, c).permute(2, 0, 1),
        "chw2hwc": lambda: tensor(c, h, w).permute(1, 2, 0),
        "t2d": lambda: tensor(h, w * c).T,
    }
    if kind in views:
        view = views[kind]()
        if fresh:
            return lambda: view.clone(memory_format=torch.contiguous_format)
        out = torch.zeros(view.shape, dtype=view.dtype)
        return lambda: out.copy_(view)
    image = tensor(h, w, c)
    if kind == "hflip":
        return (lambda: image.flip(1)) if fresh else None
    out = None if fresh else torch.zeros(h, w, c)
    if name == "cast_scale":
        if fresh:
            return lambda: image.to(torch.float32).mul_(float(SCALE))
        return lambda: torch.mul(image, float(SCALE), out=out)
    if name == "preproc":
        mean = torch.from_numpy(MEAN).reshape(3, 1, 1)
        deviation = torch.from_numpy(DEVIATION).reshape(3, 1, 1)

        def prepare():
            planes = image[middle(h), middle(w)].permute(2, 0, 1).to(
                torch.float32, memory_format=torch.contiguous_format
            )
            return planes.mul_(float(SCALE)).sub_(mean).div_(deviation)

        return prepare if fresh else None
    if name in ("add_f32", "add_perm"):
        b = torch.from_numpy(floats(2 << 40, n))
        b = b.reshape(h, w, c) if name == "add_f32" else b.reshape(c, h, w).permute(1, 2, 0)
        return lambda: torch.add(image, b, out=out)
    if name == "mul_bcast":
        by = torch.from_numpy(MEAN)
        return lambda: torch.mul(image, by, out=out)
    if name == "fill":
        return (lambda: torch.full((h, w, c), 0.75)) if fresh else (lambda: out.fill_(0.75))
    if name == "map":

        def mapped():
            result = torch.mul(image, 0.5, out=out)
            return result.add_(1)

        return mapped
    return {
        "sum_all": lambda: image.sum(),
        "sum_ax0": lambda: image.sum(0),
        "sum_last": lambda: image.sum(2),
        "eq": lambda copy=image.clone(): float(torch.equal(image, copy)),
    }.get(name)


def image_of(kind, h, w, c):
    n = h * w * c
    data = (mix(0, n) >> np.uint64(56)).astype(np.uint8) if kind == "u8" else floats(1 << 40, n)
    return data.reshape(h, w, c)


def directions(direction, write, read):
    """Two functions: the work, and from its result the array that it stands for."""
    written = write()
    if direction == "write":
        return write, read
    return lambda: read(written), lambda result: result


def numpy_files(form, direction, kind, h, w, c, place):
    image = image_of(kind, h, w, c)
    saves = {"npy": lambda to: np.save(to, image), "npz": lambda to: np.savez(to, image=image)}
    loads = {"npy": np.load, "npz": lambda file: np.load(file)["image"]}
    if form not in saves:
        return None
    path = os.path.join(place, f"numpy.{form}")

    def to_memory():
        file = io.BytesIO()
        saves[form](file)
        return file

    def to_file():
        saves[form](path)
        return path

    def from_memory(file):
        file.seek(0)
        return loads[form](file)

    if place == "-":
        return directions(direction, to_memory, from_memory)
    return directions(direction, to_file, loads[form])


def safetensors_files(form, direction, kind, h, w, c, place):
    image = image_of(kind, h, w, c)
    named = {"image": image}
    path = os.path.join(place, "python.safetensors")

    def to_file():
        safetensors.numpy.save_file(named, path)
        return path

    def load(path):
        return safetensors.numpy.load_file(path, backend="pread")["image"]

    def mapped(path):
        return safetensors.numpy.load_file(path)["image"]

    if form == "mapped":
        return directions(direction, to_file, mapped)
    if form != "safetensors":
        return None
    if place == "-":
        return directions(
            direction,
            lambda: safetensors.numpy.save(named),
            lambda data: safetensors.numpy.load(data)["image"],
        )
    return directions(direction, to_file, load)


FILE_PEERS = {"numpy": numpy_files}
if safetensors is not None:
    FILE_PEERS["safetensors"] = safetensors_files


def keep_heap():
    """As the Rust side does, see its `heap.rs`."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def made(name, h, w, c, mode):
    """For each peer that can do the row, the work and how to look at its result."""
    if name.startswith("files:"):
        keep_heap()
        form, direction, kind = name.split(":")[1:]
        for peer, row in FILE_PEERS.items():
            yield peer, lambda row=row: row(form, direction, kind, h, w, c, mode)
    else:
        for peer, row in PEERS.items():

            def simple(row=row):
                run = row(name, h, w, c, mode == "fresh")
                return run and (run, lambda result: result)

            yield peer, simple


PEERS = {"numpy": numpy_row}
if cv2 is not None:
    PEERS["cv2"] = cv2_row
if torch is not None:
    PEERS["torch"] = torch_row


def versions():
    found = [f"numpy {np.__version__}"]
    found += [f"cv2 {cv2.__version__}"] if cv2 else []
    found += [f"torch {torch.__version__}"] if torch else []
    found += [f"safetensors {safetensors.__version__}"] if safetensors else []
    return ", ".join(found)


def main():
    runs = {}
    for line in sys.stdin:
        question = line.split()
        if question == ["versions"]:
            answer = versions()
        elif question[0] == "make":
            name, h, w, c, mode = question[1], *map(int, question[2:5]), question[5]
            runs.clear()
            found = []
            for peer, make in made(name, h, w, c, mode):
                try:
                    both = make()
                    if both is None:
                        continue
                    run, look = both
                    run()
                    found.append(f"{peer}={digest(look(run()))!r}")
                    runs[peer] = run
                except Exception as error:  # a version without it: the row goes on without
                    print(f"{peer} cannot do {name}: {error}", file=sys.stderr)
            answer = " ".join(found)
        else:
            run, times = runs[question[1]], int(question[2])
            start = time.perf_counter_ns()
            for _ in range(times):
                run()
            answer = str(time.perf_counter_ns() - start)
        print(answer, flush=True)


main()
