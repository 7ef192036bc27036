#!/usr/bin/env python3
"""Writes the tiny Llama models of src/test/resources/models and, beside each, what transformers computes with it.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_fixtures.py src/test/resources/models

Weights are random. Their sizes are chosen so that greedy decoding neither loops on one token nor hangs on ties; the
script prints what it found and fails where a model is degenerate. The reference is float32, eager attention, on the
weights as they are dequantised from the written file, so only the arithmetic of an engine can differ, not its weights.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import make_goldens

GREEDY_TOKENS = 32
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named Tiny<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n'"
    " + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n'"
    " }}{% endif %}"
)

# Merges are learnt from this; what it says does not matter.
TEXT = (
    "The server keeps the keys and the values of every token in blocks. When a sequence of tokens is longer than the "
    "blocks it has, it takes another block from the pool, and when it is done it gives all of them back. The table of "
    "a sequence says which blocks hold its tokens, in the order of their positions. There is no other place for them. "
)


@dataclass
class Model:
    name: str
    matrices: Type  # of every matrix but the embedding
    embeddings: Type
    tied: bool
    embedding: int
    heads: int
    kv_heads: int
    head_dim: int
    feed_forward: int
    vocabulary: int
    seed: int
    layers: int = 2
    context_length: int = 1024


TIED = dict(tied=True, embedding=64, heads=4, kv_heads=2, head_dim=16, feed_forward=96, vocabulary=320, seed=4)
MODELS = [
    Model("tiny-llama-f32", Type.F32, Type.F32, **TIED),
    Model("tiny-llama-f16", Type.F16, Type.F16, **TIED),
    Model("tiny-llama-q8_0", Type.Q8_0, Type.Q8_0, **TIED),
    # As the SmolLM2 file that the server fetches: Q4_1 matrices, Q8_0 embedding that is also the output head.
    Model("tiny-llama-q4_1", Type.Q4_1, Type.Q8_0, **TIED),
    # Odd sizes: three query heads on one key/value head, a vocabulary that fills no tile of 16 rows.
    Model(
        "tiny-llama-untied", Type.F16, Type.F16, tied=False, embedding=96, heads=3, kv_heads=1, head_dim=32,
        feed_forward=64, vocabulary=289, seed=1,
    ),
]


def vocabulary(size):
    """Control tokens, 256 bytes, then as many merges as fit: the order of SmolLM2's list."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    learner.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=size, special_tokens=CONTROL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    ))
    learnt = json.loads(learner.to_str())["model"]
    tokens = sorted(learnt["vocab"], key=learnt["vocab"].get)
    assert len(tokens) == size, len(tokens)
    return tokens, [" ".join(merge) for merge in learnt["merges"]]


def permute(rows, heads):
    """What llama.cpp's converter does to query and key rows: pairs (i, i + half) become neighbours."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def weights(m):
    """Random matrices in the layout of GGUF, `[rows, columns]`. A standard deviation of gain / sqrt(columns) keeps
    activations of order one; queries and keys get more, so that attention picks tokens instead of averaging them."""
    random = np.random.default_rng(m.seed)

    def matrix(rows, columns, gain):
        return (random.standard_normal((rows, columns)) * gain / np.sqrt(columns)).astype(np.float32)

    def norm(size):
        return (1 + 0.2 * random.standard_normal(size)).astype(np.float32)

    # The embedding is small in the residual stream, or a tied model would repeat its input; as the output head its
    # rows have length 2.5, so that logits have about that standard deviation.
    yield "token_embd.weight", matrix(m.vocabulary, m.embedding, 2.5)
    if not m.tied:
        yield "output.weight", matrix(m.vocabulary, m.embedding, 2.5)
    yield "output_norm.weight", norm(m.embedding)
    for layer in range(m.layers):
        prefix = f"blk.{layer}."
        yield prefix + "attn_norm.weight", norm(m.embedding)
        yield prefix + "attn_q.weight", permute(matrix(m.heads * m.head_dim, m.embedding, 1.5), m.heads)
        yield prefix + "attn_k.weight", permute(matrix(m.kv_heads * m.head_dim, m.embedding, 1.5), m.kv_heads)
        yield prefix + "attn_v.weight", matrix(m.kv_heads * m.head_dim, m.embedding, 1.5)
        yield prefix + "attn_output.weight", matrix(m.embedding, m.heads * m.head_dim, 1.5)
        yield prefix + "ffn_norm.weight", norm(m.embedding)
        yield prefix + "ffn_gate.weight", matrix(m.feed_forward, m.embedding, 1.5)
        yield prefix + "ffn_up.weight", matrix(m.feed_forward, m.embedding, 1.5)
        yield prefix + "ffn_down.weight", matrix(m.embedding, m.feed_forward, 1.5)


def write(m, path):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(m.name)
    writer.add_block_count(m.layers)
    writer.add_context_length(m.context_length)
    writer.add_embedding_length(m.embedding)
    writer.add_feed_forward_length(m.feed_forward)
    writer.add_head_count(m.heads)
    writer.add_head_count_kv(m.kv_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(m.vocabulary)
    writer.add_rope_dimension_count(m.head_dim)
    if m.head_dim * m.heads != m.embedding:
        writer.add_key_length(m.head_dim)
        writer.add_value_length(m.head_dim)
    tokens, merges = vocabulary(m.vocabulary)
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(False)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in CONTROL else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHAT_TEMPLATE)
    for name, rows in weights(m):
        kind = Type.F32 if rows.ndim == 1 else m.embeddings if name in ("token_embd.weight", "output.weight") else m.matrices
        writer.add_tensor(name, gguf.quants.quantize(rows, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def prompts(vocabulary_size):
    """Texts, then random ids of lengths around the cache's block of 16 tokens and up to 200."""
    texts = ["a", "The blocks of a sequence", "2 tokens, größer 😀 and\n\ttabs",
             "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"]
    for text in texts:
        yield text, None
    random = np.random.default_rng(7)
    for length in (2, 15, 16, 17, 33, 64, 200):
        yield None, [int(i) for i in random.integers(0, vocabulary_size, length)]


def reference(m, path):
    fields, model = make_goldens.load(path)
    encoder = make_goldens.tokenizer(fields)
    entries, all_margins = [], []
    for text, prompt_ids in prompts(m.vocabulary):
        if text is not None:
            prompt_ids = encoder.encode(text, add_special_tokens=False).ids
        logits, greedy_ids, margins = make_goldens.greedy(model, prompt_ids, GREEDY_TOKENS)
        entries.append({
            "text": text,
            "prompt_ids": prompt_ids,
            "greedy_ids": greedy_ids,
            "top1_top2_margin": margins,
            "logits": [float(f"{v:.6g}") for v in logits],
        })
        all_margins += margins
    distinct = [len(set(e["greedy_ids"])) for e in entries]
    wide = float(np.mean(np.array(all_margins) > 0.05))
    spread = float(np.std(entries[0]["logits"]))
    return entries, {"distinct": distinct, "wide": wide, "smallest": min(all_margins), "logit_std": round(spread, 3)}


def as_json(m, entries):
    """One line per list: readable in a diff, and short."""
    head = {
        "model": m.name + ".gguf",
        "note": "made by src/test/scripts/make_fixtures.py: transformers float32, eager attention, on the dequantised"
        " weights; logits: after the last token of the prompt; greedy_ids: EOS not stopped at; top1_top2_margin: gap of"
        " the best two logits at each greedy step; text: null where the prompt is random ids",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    items = ["  {\n" + ",\n".join(f"   {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in e.items()) + "\n  }"
             for e in entries]
    return "{\n" + ",\n".join(lines) + ',\n "prompts": [\n' + ",\n".join(items) + "\n ]\n}\n"


def main(folder):
    for m in MODELS:
        path = Path(folder) / f"{m.name}.gguf"
        write(m, path)
        entries, found = reference(m, path)
        target = path.with_suffix(".json")
        target.write_text(as_json(m, entries))
        print(m.name, path.stat().st_size, target.stat().st_size, found, flush=True)
        assert min(found["distinct"]) >= 6 and found["wide"] > 0.9, "the model is degenerate: choose another seed"
        assert path.stat().st_size < 350_000 and target.stat().st_size < 150_000


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_fixtures.py <folder>")
    main(sys.argv[1])
