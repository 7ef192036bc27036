#!/usr/bin/env python3
"""Writes what `quire inspect --json` has to say of each committed GGUF, by the reader of the gguf package.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0
  /tmp/v/bin/python src/test/scripts/inspect_figures.py src/test/resources

Run it again whenever a fixture is added or changed: InspectFiguresTest fails for one that the result lacks.
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

from gguf import GGUFReader

BLOCK_TOKENS = 16
CACHE_ELEMENT_BYTES = 2


def without_none(figures):
    return {name: value for name, value in figures.items() if value is not None}


def figures(path):
    reader = GGUFReader(path)

    def field(name, wanted):
        found = reader.get_field(name)
        value = None if found is None else found.contents()
        return value if isinstance(value, wanted) and not isinstance(value, bool) else None

    architecture = field("general.architecture", str)

    def number(name, wanted=int):
        each = field(f"{architecture}.{name}", list)
        if each and len(set(each)) == 1 and isinstance(each[0], wanted):
            return each[0]
        return field(f"{architecture}.{name}", wanted)

    def scaling():
        key = number("rope.scaling.type", str)
        names = {tensor.name for tensor in reader.tensors}
        if key not in (None, "none"):
            return key
        if "rope_factors_long.weight" in names:
            return "longrope"
        return "llama3" if "rope_freqs.weight" in names else key

    embedding, heads = number("embedding_length"), number("attention.head_count")
    head_dim = number("attention.key_length")
    if head_dim is None and embedding is not None and heads:
        head_dim = embedding // heads
    kv_heads = number("attention.head_count_kv")
    if reader.get_field(f"{architecture}.attention.head_count_kv") is None:
        kv_heads = heads
    layers = number("block_count")
    rope_dimensions = number("rope.dimension_count")
    tokens = reader.get_field("tokenizer.ggml.tokens")
    types = {}
    for tensor in reader.tensors:
        total = types.setdefault(tensor.tensor_type.name, {"tensors": 0, "parameters": 0, "bytes": 0})
        total["tensors"] += 1
        total["parameters"] += int(tensor.n_elements)
        total["bytes"] += int(tensor.n_bytes)
    rope = None
    if all(tensor.name != "position_embd.weight" for tensor in reader.tensors):
        rope = without_none(
            {
                "base": number("rope.freq_base", (int, float)),
                "dimensions": head_dim if rope_dimensions is None else rope_dimensions,
                "scaling": scaling(),
                "factor": number("rope.scaling.factor", (int, float)),
                "original_context_length": number("rope.scaling.original_context_length"),
            }
        )
    cache = None
    if None not in (layers, kv_heads, head_dim):
        token = 2 * layers * kv_heads * head_dim * CACHE_ELEMENT_BYTES
        block = token * BLOCK_TOKENS
        cache = {
            "bytes_per_token": token,
            "block_tokens": BLOCK_TOKENS,
            "bytes_per_block": block,
            "tokens_per_gib": 2**30 // block * BLOCK_TOKENS,
        }
    return without_none(
        {
            "name": field("general.name", str),
            "architecture": architecture,
            "file_bytes": path.stat().st_size,
            "gguf_version": field("GGUF.version", int),
            "shape": without_none(
                {
                    "layers": layers,
                    "heads": heads,
                    "kv_heads": kv_heads,
                    "head_dim": head_dim,
                    "embedding": embedding,
                    "feed_forward": number("feed_forward_length"),
                    "context_length": number("context_length"),
                    "sliding_window": number("attention.sliding_window") or None,
                }
            ),
            "rope": rope,
            "vocabulary": without_none(
                {
                    "tokens": None if tokens is None else len(tokens.data),
                    "tokenizer": field("tokenizer.ggml.model", str),
                    "pre_tokenizer": field("tokenizer.ggml.pre", str),
                    "chat_template": reader.get_field("tokenizer.chat_template") is not None,
                }
            ),
            "parameters": sum(total["parameters"] for total in types.values()),
            "tensors": len(reader.tensors),
            "tensor_types": types,
            "cache": cache,
        }
    )


def main(resources):
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(resources.rglob("*.gguf*")):
            plain = path
            if path.suffix == ".gz":
                plain = Path(folder) / path.stem
                plain.write_bytes(gzip.decompress(path.read_bytes()))
            found[path.relative_to(resources).as_posix()] = figures(plain)
    target = resources / "inspect" / "figures.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"{len(found)} files, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
