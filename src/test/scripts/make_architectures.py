#!/usr/bin/env python3
"""Writes a tiny model of each architecture into src/test/resources/models and, beside each, what transformers computes.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_architectures.py src/test/resources/models

As make_fixtures.py does for Llama and its weight types; here it is the architecture that differs, and what each may
have: ropes of every scaling, windows shorter than the prompts, biases, norms, heads wider than embedding / heads.
"""

import sys
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

import architectures
import make_fixtures
import make_goldens
from architectures import Variant

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
LONGROPE = {"rope_type": "longrope", "original_max_position_embeddings": 64,
            "short_factor": [1.0, 1.05, 1.1, 1.3, 1.5, 1.6], "long_factor": [1.1, 1.5, 2.0, 3.5, 5.0, 7.0]}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}

MODELS = [
    (Variant("tiny-llama3", "llama", rope=LLAMA3, tied=True, base=500.0), Type.F16),
    (Variant("tiny-llama-linear", "llama", rope={"rope_type": "linear", "factor": 4.0}), Type.Q8_0),
    (Variant("tiny-llama-yarn", "llama", rope=YARN, base=500.0), Type.Q8_0),
    (Variant("tiny-llama-biases", "llama", attention_bias=True, mlp_bias=True), Type.Q8_0),
    (Variant("tiny-mistral", "llama", window=16, kv_heads=1), Type.Q8_0),
    (Variant("tiny-qwen2", "qwen2", base=1e6, tied=True), Type.F16),
    # As Qwen2.5 for long contexts, with the first layer seeing all of it.
    (Variant("tiny-qwen2-window", "qwen2", rope=YARN, window=24, windowed=[False, True, True], layers=3), Type.Q8_0),
    (Variant("tiny-qwen3", "qwen3", head_dim=32, base=1e6, tied=True, feed_forward=64), Type.F16),
    (Variant("tiny-gemma3", "gemma3", layers=6, kv_heads=1, base=1e6, tied=True, window=16, feed_forward=64,
             rope={"rope_type": "linear", "factor": 8.0}), Type.Q8_0),
    (Variant("tiny-phi3", "phi3", window=24), Type.Q8_0),
    # As Phi-4-mini: part of a head turns, and two sets of factors stretch it.
    (Variant("tiny-phi3-longrope", "phi3", rope=LONGROPE, rope_dim=12, tied=True), Type.F16),
    (Variant("tiny-gpt2", "gpt2", kv_heads=4, feed_forward=256, tied=True, context_length=192), Type.Q8_0),
]


def weights(v, seed):
    """As in make_fixtures.py: standard deviations of gain / sqrt(columns), norms about 1, small biases."""
    random = np.random.default_rng(seed)
    for name, shape in architectures.tensors(v):
        values = random.standard_normal(shape)
        if name == "position_embd.weight":
            values *= 0.2
        elif len(shape) == 2:
            values *= (2.5 if name in ("token_embd.weight", "output.weight") else 1.5) / np.sqrt(shape[1])
        elif name.endswith(".bias"):
            values *= 0.3
        else:
            values = 1 + 0.2 * values
        # A tied model repeats its input where the embedding is large among what the layers add: Gemma's is scaled.
        shrink = {"gemma3": 8, "gpt2": 4}.get(v.architecture, 1)
        values *= {"token_embd.weight": 1 / shrink, "output_norm.weight": shrink}.get(name, 1)
        yield name, values.astype(np.float32)
    yield from architectures.rope_tensors(v)


def kind_of(name, values, matrices):
    """Matrices quantised, embeddings in F16; vectors in F32, but for one norm in F16, which some files have."""
    if values.ndim == 1:
        return Type.F16 if name == "blk.0.ffn_norm.weight" else Type.F32
    return Type.F16 if name in ("token_embd.weight", "position_embd.weight", "output.weight") else matrices


def write(v, matrices, seed, path):
    writer = gguf.GGUFWriter(str(path), v.architecture)
    for key, kind, value in architectures.metadata(v):
        if kind == "bools":
            writer.add_array(key, value)
        else:
            getattr(writer, "add_" + kind)(key, value)
    tokens, merges = make_fixtures.vocabulary(v.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in make_fixtures.CONTROL else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    values = {}
    for name, rows in weights(v, seed):
        kind = kind_of(name, rows, matrices)
        data = gguf.quants.quantize(rows, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        values[name] = gguf.quants.dequantize(data, kind).astype(np.float32).reshape(rows.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


def prompts(v):
    """Random ids of lengths around the cache's block of 16 tokens and beyond every window, with the context length that
    they are computed under. Transformers changes a LongRoPE with the length of each prompt; one set of factors is
    compared with prompts, continuations included, that stay on one side of the original length."""
    random = np.random.default_rng(7)
    original = v.rope.get("original_max_position_embeddings", 0) if v.rope.get("rope_type") == "longrope" else 0
    for length in (2, 15, 16, 17, 40, 100):
        ids = [int(i) for i in random.integers(0, v.vocabulary, length)]
        if not original or length > original:
            yield v.context_length, ids
        elif length + make_fixtures.GREEDY_TOKENS <= original:
            yield original, ids


def main(folder):
    for seed, (v, matrices) in enumerate(MODELS):
        path = Path(folder) / f"{v.name}.gguf"
        model = architectures.model(v, write(v, matrices, seed, path))
        entries, all_margins = [], []
        for context_length, ids in prompts(v):
            logits, greedy_ids, margins = make_goldens.greedy(model, ids, make_fixtures.GREEDY_TOKENS)
            entries.append({
                "context_length": context_length,
                "prompt_ids": ids,
                "greedy_ids": greedy_ids,
                "top1_top2_margin": margins,
                "logits": [float(f"{value:.6g}") for value in logits],
            })
            all_margins += margins
        found = {
            "distinct": [len(set(entry["greedy_ids"])) for entry in entries],
            "wide": round(float(np.mean(np.array(all_margins) > 0.05)), 3),
            "logit_std": round(float(np.std(entries[0]["logits"])), 3),
        }
        target = path.with_suffix(".json")
        text = make_fixtures.as_json(v, entries).replace("make_fixtures.py", "make_architectures.py")
        target.write_text(text)
        print(v.name, path.stat().st_size, target.stat().st_size, found, flush=True)
        assert min(found["distinct"]) >= 4 and found["wide"] > 0.9, f"{v.name} is degenerate: choose another seed"
        assert path.stat().st_size < 200_000 and target.stat().st_size < 150_000


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_architectures.py <folder>")
    main(sys.argv[1])
