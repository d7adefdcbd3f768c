"""Writes files that are odd, and what NumPy and safetensors make of each.

`verdicts.txt` has a line for each array: file, name (of a header: what is odd about it), and either `refused` or type, shape and the bytes of
the elements in row-major order, separated by tabs.
"""
import io
import json
import os
import struct
import sys
import warnings
import zipfile

import numpy as np
import safetensors.numpy

os.chdir(sys.argv[1])
warnings.simplefilter("ignore")
verdicts = open("verdicts.txt", "w", encoding="utf-8")
ELEMENTS = np.arange(6, dtype="<f4").tobytes()


def verdict(file, name, read):
    try:
        array = read()
        assert isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
        shape = ",".join(map(str, array.shape))
        if array.dtype == bool:
            array = array.view(np.uint8) != 0  # any byte but 0 is true
        little = array.astype(array.dtype.newbyteorder("<"))
        line = f"{little.dtype.str}\t{shape}\t{little.tobytes().hex()}"
    except BaseException:
        line = "refused"
    print(file, name, line, sep="\t", file=verdicts)


def array(name, line, version=(1, 0), elements=ELEMENTS, odd=None):
    line = line if isinstance(line, bytes) else line.encode("utf-8" if version[0] == 3 else "latin1")
    length = struct.pack("<H" if version[0] == 1 else "<I", len(line))
    with open(f"{name}.npy", "wb") as file:
        file.write(b"\x93NUMPY" + bytes(version) + length + line + elements)
    odd = name if odd is None else repr(odd)[1:-1]
    verdict(f"{name}.npy", odd, lambda: np.load(f"{name}.npy"))


def line(descr="'<f4'", order="False", shape="(2, 3)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


SHAPES = """(6)|(6,)|(006,)|(06,)|(0,)|(00,)|(6L,)|(6l,)|(2,3)|(2 , 3 , )|( 2,3)|[6]|6|(+6,)|(-6,)|(-1,)|(6.0,)|(0x6,)
(0_6,)|(6_,)|(True,)|()|(,)|(6,,)|(2,3|((6,),)|('6',)|(2*3,)|(18446744073709551615,)|(99999999999999999999,)
(0, 18446744073709551615)|(0, 9223372036854775808)|(2L, 3L)|(02, 3)|(2, 03)|(2\t,\n3)|(1, 6)|(6, 1, 1)|(3)|(0)|((6,))|(1_0,)|(6e0,)|(6 L,)
(6,)#|(\xa06,)|(2;3)|(2 3)|None|(6, None)""".replace("\n", "|").split("|")
DESCRS = r"""'<f4'|'f4'|'=f4'|'|f4'|'>f4'|'<f'|'float32'|'<f04'|'<F4'|b'<f4'|u'<f4'|'\x3cf4'|'<f4 '|' <f4'|'|b1'|'<b1'|'>b1'|'b1'
'?'|'|u1'|'<u1'|'>u1'|'=u1'|'B'|''|'<f4,'|'1f4'|'(1,)f4'|'<' 'f4'|"<f4"|'''<f4'''|"'<f4"|f4|'<i4'|'>i4'|'<u4'|'!f4'|'@f4'|'<<f4'|'<c8'
'<U1'|'|S4'|'|V4'|'<V2'|'<M8[ns]'|'|O'|'<e'|'<f2'|'<f16'|[('x', '<f4')]|('<f4', (2,))|None|4|'<i04'|'< f4'|'<f4\n'|r'<f4'|f'<f4'""".replace("'|", "'\0").replace('"|', '"\0')
DESCRS = [d for row in DESCRS.split("\n") for d in row.replace("]|", "]\0").replace(")|", ")\0").split("\0")]
ORDERS = "False|True|0|1|None|'False'|false|FALSE|not True|False or True|-1|(False)|[]".split("|")
LINES = {
    "no-comma": line()[:-3] + "}",
    "no-spaces": line().replace(" ", ""),
    "many-spaces": line().replace(" ", "   "),
    "two-commas": line()[:-2] + ", }",
    "other-order": "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
    "double-quotes": line().replace("'", '"'),
    "missing": "{'descr': '<f4', 'fortran_order': False}",
    "extra": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
    "twice-same": "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
    "twice-other": "{'descr': '<i4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
    "shape-twice": "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'shape': (2, 3)}",
    "junk": line() + " x",
    "second": line() + line(),
    "comment": line() + " # why",
    "comment-inside": line().replace(", 'shape'", ", # why\n'shape'"),
    "leading-space": " " + line(),
    "leading-newline": "\n" + line(),
    "leading-tab": "\t" + line(),
    "trailing-newlines": line() + "\n\n\n",
    "form-feed": "\f" + line(),
    "vertical-tab": line() + "\v",
    "carriage": line() + "\r\n",
    "zero": line() + "\0",
    "brackets": "(" + line() + ")",
    "call": "dict(descr='<f4', fortran_order=False, shape=(2, 3))",
    "empty": "",
    "braces": "{}",
    "list": "[" + line() + "]",
    "accent": line().replace("more", "é"),
    "accent-key": "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'é': 1}",
    "upper-key": line().replace("descr", "Descr"),
    "bytes-key": line().replace("'descr'", "b'descr'"),
    "unicode-key": line().replace("'descr'", "u'descr'"),
    "joined-key": line().replace("'descr'", "'de' 'scr'"),
    "escaped-key": line().replace("'descr'", "'\\x64escr'"),
    "continued": line().replace(", 'shape'", ", \\\n'shape'"),
    "no-break-space": line().replace(" ", "\xa0"),
    "long": line() + " " * 9000,
    "longer": line() + " " * 11000,
    "longest": line() + " " * 65000,
}

for place, shape in enumerate(SHAPES):
    array(f"shape-{place}", line(shape=shape), odd=shape)
    array(f"shape3-{place}", line(shape=shape), (3, 0), odd=shape)
for place, descr in enumerate(DESCRS):
    array(f"descr-{place}", line(descr=descr), odd=descr)
    array(f"ones-{place}", line(descr=descr), elements=bytes([1]) * 24, odd=descr)
    array(f"bytes-{place}", line(descr=descr), elements=bytes([0, 1, 1, 0, 1, 0]), odd=descr)
for place, order in enumerate(ORDERS):
    array(f"order-{place}", line(order=order), odd=order)
for name, odd in LINES.items():
    for major in (1, 2, 3):
        array(f"line{major}-{name}", odd, (major, 0), odd=name)
for major in range(6):
    for minor in (0, 1, 7, 9, 255):
        array(f"version-{major}-{minor}", line(), (major, minor))
array("short", line(), elements=ELEMENTS[:-1])
array("rest", line(), elements=ELEMENTS + b"rest")
array("bools", line("'|b1'"), elements=bytes([0, 1, 2, 255, 128, 1]))
array("axes-65", line(shape="(" + "1, " * 65 + ")"), elements=ELEMENTS[:4])


def npy(value):
    file = io.BytesIO()
    np.save(file, np.full(2, value, dtype="<f4"))
    return file.getvalue()


def archive(file, members, method=zipfile.ZIP_STORED, change=lambda data: data):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as out:
        for name, content in members:
            out.writestr(name, content)
    with open(file, "wb") as out:
        out.write(change(written.getvalue()))
    names = list(dict.fromkeys([n.removesuffix(".npy") for n, _ in members] + [n for n, _ in members] + ["none"]))
    try:
        names += [name for name in np.load(file).files if name not in names]
    except BaseException:
        pass
    for name in names:
        if "\0" not in name and "\t" not in name and "\n" not in name:
            verdict(file, name, lambda: np.load(file)[name])


one, two = npy(1), npy(2)
archive("both.npz", [("f.npy", one), ("f", two)])
archive("both-turned.npz", [("f", two), ("f.npy", one)])
archive("double-ending.npz", [("f.npy.npy", one), ("f.npy", two)])
archive("only-double.npz", [("f.npy.npy", one)])
archive("no-ending.npz", [("f", one)])
archive("upper.npz", [("f.NPY", one), ("F.npy", two)])
archive("folder.npz", [("deep/f.npy", one), ("deep/", b"")])
archive("back.npz", [("../f.npy", one), ("/f.npy", two)])
archive("backslash.npz", [("deep\\f.npy", one)])
archive("ending.npz", [(".npy", one), ("g", two)])
archive("utf-8.npz", [("é深.npy", one)])
archive("spaces.npz", [(" f .npy", one)])
archive("bytes.npz", [("f.npy", b"no array")])
archive("cut.npz", [("f.npy", one[:-1])])
archive("more.npz", [("f.npy", one + b"more")])
archive("empty-member.npz", [("f.npy", b"")])
archive("nothing.npz", [])
archive("deflated.npz", [("f.npy", one)], zipfile.ZIP_DEFLATED)
archive("bzip2.npz", [("f.npy", one)], zipfile.ZIP_BZIP2)
archive("lzma.npz", [("f.npy", one)], zipfile.ZIP_LZMA)
archive("twice.npz", [("f.npy", one), ("f.npy", two)])
archive("prefixed.npz", [("f.npy", one)], change=lambda data: b"in front" + data)
archive("followed.npz", [("f.npy", one)], change=lambda data: data + b"behind")
archive("cp437.npz", [("fXX.npy", one)], change=lambda data: data.replace(b"fXX.npy", b"f\x82\xe1.npy"))
archive("local.npz", [("f.npy", one)], change=lambda data: data.replace(b"f.npy", b"g.npy", 1))
archive("central.npz", [("f.npy", one)], change=lambda data: data[::-1].replace(b"ypn.f", b"ypn.g", 1)[::-1])
archive("sum.npz", [("f.npy", one)], change=lambda data: data[::-1].replace(one[::-1][:4], b"\0\0\0\0", 1)[::-1])


def tensors(name, index, elements=bytes(range(8)), length=None):
    index = index if isinstance(index, bytes) else index.encode()
    length = len(index) if length is None else length
    data = struct.pack("<Q", length) + index + elements
    with open(f"{name}.safetensors", "wb") as file:
        file.write(data)
    names = ["a", "b", "__metadata__"]
    for tensor in names:
        verdict(f"{name}.safetensors", tensor, lambda: safetensors.numpy.load(data)[tensor])


def entry(dtype="F32", shape="[2]", offsets="[0, 8]", more=""):
    return f'{{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}{more}}}'


INDICES = {
    "plain": f'{{"a": {entry()}}}',
    "padded": f'{{"a": {entry()}}}' + " " * 7,
    "leading": " " + f'{{"a": {entry()}}}',
    "twice": f'{{"a": {entry()}, "a": {entry()}}}',
    "twice-other": f'{{"a": {entry("I32")}, "a": {entry()}}}',
    "twice-apart": f'{{"a": {entry(shape="[1]", offsets="[0, 4]")}, "a": {entry(shape="[1]", offsets="[4, 8]")}}}',
    "overlap": f'{{"a": {entry()}, "b": {entry()}}}',
    "gap": f'{{"a": {entry(shape="[1]", offsets="[4, 8]")}}}',
    "rest": f'{{"a": {entry(shape="[1]", offsets="[0, 4]")}}}',
    "beyond": f'{{"a": {entry(shape="[4]", offsets="[0, 16]")}}}',
    "turned": f'{{"a": {entry(offsets="[8, 0]")}}}',
    "negative": f'{{"a": {entry(offsets="[-8, 0]")}}}',
    "shape-short": f'{{"a": {entry(shape="[1]")}}}',
    "shape-float": f'{{"a": {entry(shape="[2.0]")}}}',
    "shape-negative": f'{{"a": {entry(shape="[-2]")}}}',
    "shape-large": f'{{"a": {entry(shape="[18446744073709551615, 18446744073709551615]")}}}',
    "scalar": f'{{"a": {entry("F64", "[]")}}}',
    "empty-tensor": f'{{"a": {entry(shape="[0]", offsets="[0, 0]")}, "b": {entry()}}}',
    "lower": f'{{"a": {entry("f32")}}}',
    "unknown": f'{{"a": {entry("F31")}}}',
    "complex": f'{{"a": {entry("C64", "[1]")}}}',
    "bool": f'{{"a": {entry("BOOL", "[8]")}}}',
    "extra": f'{{"a": {entry(more=", 1: 2")}}}',
    "extra-key": f'{{"a": {entry(more=chr(44) + chr(34) + "x" + chr(34) + ": 2")}}}',
    "metadata": f'{{"__metadata__": {{"b": "c"}}, "a": {entry()}}}',
    "metadata-number": f'{{"__metadata__": {{"b": 1}}, "a": {entry()}}}',
    "metadata-tensor": f'{{"__metadata__": {entry()}}}',
    "no-object": f'[{entry()}]',
    "empty-index": "{}",
    "junk": f'{{"a": {entry()}}}x',
    "comma": f'{{"a": {entry()},}}',
    "nothing": "",
}
for name, index in INDICES.items():
    tensors(name, index)
tensors("short-index", INDICES["plain"], length=len(INDICES["plain"]) + 100)
tensors("huge-index", INDICES["plain"], length=2**63)
tensors("zero-index", INDICES["plain"], length=0)
tensors("cut", INDICES["plain"], bytes(7))
tensors("none", "{}", b"")
tensors("text", b'{"\xff": 1}')
verdicts.close()
