"""NumPy and OpenCV saving many small crops, as `crops.rs` asks for them.

Reads a question a line, `numpy|cv2 FOLDER`, and answers with the seconds that it took, or with what
is missing. Started as `crops.py CROPS.npy`.
"""

import sys
import time

import numpy as np

try:
    import cv2

    cv2.setNumThreads(1)
except ImportError:
    cv2 = None

crops = np.load(sys.argv[1])


def numpy(folder):
    for number, crop in enumerate(crops):
        np.save(f"{folder}/{number}.npy", crop)


def opencv(folder):
    for number, crop in enumerate(crops):
        # The channels are not swapped: the bytes are as many.
        cv2.imwrite(f"{folder}/{number}.png", crop)


for question in sys.stdin:
    who, folder = question.rstrip("\n").split(" ", 1)
    if who == "cv2" and cv2 is None:
        print("opencv is not installed", flush=True)
        continue
    start = time.perf_counter()
    {"numpy": numpy, "cv2": opencv}[who](folder)
    print(time.perf_counter() - start, flush=True)
