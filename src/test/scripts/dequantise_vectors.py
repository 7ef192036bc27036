#!/usr/bin/env python3
"""Writes src/test/resources/tensor/blocks.json.gz: blocks of every tensor type and what the gguf package reads in them.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0
  /tmp/v/bin/python src/test/scripts/dequantise_vectors.py src/test/resources/tensor/blocks.json.gz

Per type: blocks of random bytes; blocks whose f16 scales take each extreme value (with every other one, where there are
two); blocks that gguf quantised from normally distributed rows, where it can. For each block the CRC-32 of its float32
values, little-endian, and for the first few blocks the values themselves. Every NaN of a quantised type counts as
7FC00000: which NaN an arithmetic operation makes differs between processors.
"""

import base64
import gzip
import json
import sys
import zlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

# Type and the places of its f16 scales in a block.
TYPES = {
    "F32": [], "F16": [0], "BF16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "MXFP4": [],
}
FLOATS = ("F32", "F16", "BF16")
IN_FULL = 3  # blocks of a type
# Zeros, the smallest and largest subnormal and normal numbers, one, infinities, quiet and signalling NaNs.
EXTREMES = [
    0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00,
    0x7E00, 0xFE00, 0x7C01, 0xFFFF,
]


def blocks_of(name, random):
    type_ = Type[name]
    elements, size = gguf.GGML_QUANT_SIZES[type_]

    def noise(count):
        return random.integers(0, 256, (count, size), dtype=np.uint8)

    yield noise(96 if elements == 256 else 256)
    halves = TYPES[name]
    extremes = np.array(EXTREMES, dtype="<u2")
    if len(halves) == 1:
        blocks = noise(len(extremes))
        blocks[:, halves[0] : halves[0] + 2] = extremes.view(np.uint8).reshape(-1, 2)
        yield blocks
    elif len(halves) == 2:
        first, second = np.meshgrid(extremes[::2], extremes[::2])
        blocks = noise(first.size)
        blocks[:, halves[0] : halves[0] + 2] = first.reshape(-1).view(np.uint8).reshape(-1, 2)
        blocks[:, halves[1] : halves[1] + 2] = second.reshape(-1).view(np.uint8).reshape(-1, 2)
        yield blocks
    elif name == "MXFP4":
        blocks = noise(256)
        blocks[:, 0] = np.arange(256)
        yield blocks
    try:
        rows = (random.standard_normal((32, elements)) * 0.05).astype(np.float32)
        yield gguf.quants.quantize(rows, type_).view(np.uint8).reshape(-1, size)
    except NotImplementedError:
        pass


def values(blocks, name):
    elements, _ = gguf.GGML_QUANT_SIZES[Type[name]]
    with np.errstate(all="ignore"):
        out = gguf.quants.dequantize(np.ascontiguousarray(blocks), Type[name])
    bits = np.ascontiguousarray(out, dtype="<f4").view("<u4").reshape(len(blocks), elements).copy()
    if name not in FLOATS:
        bits[(bits & 0x7FFFFFFF) > 0x7F800000] = 0x7FC00000
    return bits


def main(path):
    random = np.random.default_rng(2)
    out = {}
    for name in TYPES:
        blocks = np.concatenate(list(blocks_of(name, random)))
        bits = values(blocks, name)
        out[name] = {
            "blocks": base64.b64encode(blocks.tobytes()).decode(),
            "crc32": [zlib.crc32(row.tobytes()) for row in bits],
            "bits": [[f"{value:08X}" for value in row] for row in bits[:IN_FULL].tolist()],
        }
        print(f"{name}: blocks={len(blocks)}, not finite={np.mean((bits & 0x7F800000) == 0x7F800000):.3f}")
    with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(out).encode())


if __name__ == "__main__":
    main(sys.argv[1])
