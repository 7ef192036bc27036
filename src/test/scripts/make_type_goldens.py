#!/usr/bin/env python3
"""Writes src/test/resources/goldens/types-architectures.json.gz: every weight type in every architecture, what
transformers computes with it.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_type_goldens.py src/test/resources/goldens/types-architectures.json.gz

Weights are not stored: this script and GeneratedTensors.java make the same bytes from a seed, and the file holds a
SHA-256 of them. Words are SplitMix64's (Steele et al., 2014), seeded with the 64-bit FNV-1a hash of
`architecture/type/tensor`; `u` is a word's upper 53 bits as a fraction of 2^53.

- F32, F16, BF16 and all vectors: word i gives element i, mean + (2 u - 1) · sqrt(3) · std, rounded to float32, then to
  float16 or cut to the upper 16 bits.
- Quantised: the words, little-endian, are the bytes of all blocks, as many words as it takes; then, over them, for
  block b the next word but b gives the scale d = unit · std · (0.75 + u / 2), rounded to float32 and to float16, and
  the minimum is ratio · d, rounded so too. MXFP4's scale byte is 122 - 1 + (word mod 3).

`unit` is one over the standard deviation of the type's whole numbers, so that weights have about `std`.
"""

import gzip
import hashlib
import json
import sys
from collections import namedtuple

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

import architectures
from architectures import Variant

Layout = namedtuple("Layout", "elements bytes scale minimum ratio deviation")

# Offsets of d and of the minimum in a block (-1: none), minimum / d, standard deviation of what d multiplies.
LAYOUTS = {
    Type.Q8_0: Layout(32, 34, 0, -1, 0, 73.9),
    Type.Q4_0: Layout(32, 18, 0, -1, 0, 4.6),
    Type.Q4_1: Layout(32, 20, 0, 2, -7.5, 4.6),
    Type.Q5_0: Layout(32, 22, 0, -1, 0, 9.2),
    Type.Q5_1: Layout(32, 24, 0, 2, -15.5, 9.2),
    Type.Q2_K: Layout(256, 84, 80, 82, 1.5, 13.9),
    Type.Q3_K: Layout(256, 110, 108, -1, 0, 43.0),
    Type.Q4_K: Layout(256, 144, 0, 2, 7.5, 258.0),
    Type.Q5_K: Layout(256, 176, 0, 2, 15.5, 527.0),
    Type.Q6_K: Layout(256, 210, 208, -1, 0, 1366.0),
    Type.IQ4_NL: Layout(32, 18, 0, -1, 0, 66.0),
    Type.MXFP4: Layout(32, 17, 0, -1, 0, 0.0),
}
FLOATS = [Type.F32, Type.F16, Type.BF16]

WIDE = dict(embedding=256, heads=4, kv_heads=2, head_dim=64, feed_forward=256, vocabulary=72, context_length=64)
LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
MODELS = [
    Variant("llama", "llama", **WIDE, base=500.0, rope=LLAMA3),
    Variant("qwen2", "qwen2", **WIDE, tied=True),
    Variant("qwen3", "qwen3", **(WIDE | dict(head_dim=128)), tied=True),
    Variant("gemma3", "gemma3", **WIDE, window=12, pattern=2, base=1e6),
    Variant("phi3", "phi3", **WIDE, window=20),
    Variant("gpt2", "gpt2", **(WIDE | dict(kv_heads=4)), tied=True),
]
POSITIONS = [0, 15, 16, 39]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def words(seed, first, count):
    """Words first … first + count - 1 of the stream."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + GOLDEN * np.arange(first + 1, first + count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def fractions(values):
    return (values >> np.uint64(11)).astype(np.float64) * 2.0**-53


def raw(kind, seed, shape, mean, std):
    """Bytes of the tensor, `[rows, bytes of a row]` or `[elements]` of float32."""
    count = int(np.prod(shape))
    if kind in FLOATS:
        values = (mean + (2 * fractions(words(seed, 0, count)) - 1) * np.sqrt(3.0) * std).astype(np.float32)
        if kind == Type.F16:
            values = values.astype(np.float16)
        if kind == Type.BF16:
            values = (values.view(np.uint32) >> 16).astype(np.uint16)
        return values.view(np.uint8).reshape(*shape[:-1], -1)
    layout = LAYOUTS[kind]
    blocks = count // layout.elements
    length = -(-blocks * layout.bytes // 8)
    data = words(seed, 0, length).astype("<u8").view(np.uint8)[:blocks * layout.bytes].copy().reshape(blocks, -1)
    scales = words(seed, length, blocks)
    if kind == Type.MXFP4:
        data[:, 0] = 121 + (scales % np.uint64(3)).astype(np.uint8)
    else:
        d = (std / layout.deviation * (0.75 + fractions(scales) / 2)).astype(np.float32).astype(np.float16)
        data[:, layout.scale:layout.scale + 2] = d.view(np.uint8).reshape(-1, 2)
        if layout.minimum >= 0:
            m = (layout.ratio * d.astype(np.float64)).astype(np.float32).astype(np.float16)
            data[:, layout.minimum:layout.minimum + 2] = m.view(np.uint8).reshape(-1, 2)
    return data.reshape(shape[0], -1)


def plan(v):
    """Name, shape, mean and standard deviation of each tensor."""
    for name, shape in architectures.tensors(v):
        if name == "position_embd.weight":
            yield name, shape, 0.0, 0.2
        elif len(shape) == 2:
            yield name, shape, 0.0, (2.5 if name in ("token_embd.weight", "output.weight") else 1.5) / shape[1] ** 0.5
        elif name.endswith(".bias"):
            yield name, shape, 0.0, 0.25
        else:
            yield name, shape, 1.0, 0.125


def logits_of(v, kind, ids):
    values, digest = {}, hashlib.sha256()
    for name, shape, mean, std in plan(v):
        own = kind if len(shape) == 2 else Type.F32
        data = raw(own, fnv1a(f"{v.architecture}/{kind.name}/{name}"), shape, mean, std)
        digest.update(data.tobytes())
        if own == Type.F32:
            values[name] = data.view(np.float32).reshape(shape)
        elif own == Type.F16:
            values[name] = data.view(np.float16).astype(np.float32).reshape(shape)
        else:
            values[name] = gguf.quants.dequantize(data, own).astype(np.float32).reshape(shape)
    for name, factors in architectures.rope_tensors(v):
        values[name] = factors
    with torch.no_grad():
        logits = architectures.model(v, values)(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    spread = {name: float(rows.std()) for name, rows in values.items() if rows.ndim == 2}
    return digest.hexdigest(), logits.numpy(), spread


def main(target):
    random = np.random.default_rng(3)
    answer = {
        "note": "made by src/test/scripts/make_type_goldens.py: transformers float32, eager attention, on dequantised"
        " weights that are made from a seed",
        "versions": {"torch": torch.__version__, "transformers": architectures.transformers.__version__},
        "positions": POSITIONS,
        "architectures": {},
        "cases": [],
    }
    for v in MODELS:
        ids = [int(i) for i in random.integers(0, v.vocabulary, max(POSITIONS) + 1)]
        answer["architectures"][v.architecture] = {
            "prompt_ids": ids,
            "vocabulary": v.vocabulary,
            "metadata": [[key, kind, value] for key, kind, value in architectures.metadata(v)],
            "tensors": [[name, list(shape), mean, std] for name, shape, mean, std in plan(v)],
            "rope": {name: [float(f) for f in factors] for name, factors in architectures.rope_tensors(v)},
        }
        for kind in FLOATS + list(LAYOUTS):
            digest, logits, spread = logits_of(v, kind, ids)
            rows = logits[POSITIONS]
            answer["cases"].append({
                "architecture": v.architecture,
                "type": kind.name,
                "sha256": digest,
                "logits": [[float(f"{value:.6g}") for value in row] for row in rows],
            })
            matrix = spread["blk.0.ffn_down.weight"] * 16
            print(v.architecture, kind.name, "logits", round(float(rows.std()), 2), "weights", round(matrix, 2), flush=True)
            assert np.isfinite(rows).all() and 0.5 < rows.std() < 20 and 1 < matrix < 2.2
    text = json.dumps(answer, separators=(",", ":"))
    with open(target, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
        packed.write(text.encode())
    print(len(text), "->", target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_type_goldens.py <target.json.gz>")
    main(sys.argv[1])
