"""What the tiny models of make_architectures.py and make_type_goldens.py are made of: for each architecture the GGUF
keys and tensor names that llama.cpp's converter writes, and the same model as a configuration and a state of Hugging
Face Transformers. Two descriptions of one model, so that a test of one against the other means something."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
import transformers

import make_goldens

torch.set_num_threads(1)


@dataclass
class Variant:
    name: str
    architecture: str
    embedding: int = 64
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    feed_forward: int = 96
    vocabulary: int = 289
    layers: int = 2
    context_length: int = 256
    tied: bool = False
    base: float = 10000.0
    attention_bias: bool = False
    mlp_bias: bool = False
    window: int = 0
    windowed: list = field(default_factory=list)  # of each layer; empty: the architecture's own pattern
    pattern: int = 0  # gemma3: every so many layers one without a window, written as a key; 0: not written, 6
    rope: dict = field(default_factory=dict)  # rope_parameters of Transformers, but the base
    rope_dim: int = 0  # 0: head_dim

    def window_of(self, layer):
        if not self.window:
            return False
        if self.windowed:
            return self.windowed[layer]
        if self.architecture == "gemma3":
            return (layer + 1) % (self.pattern or 6) != 0
        return True


def metadata(v):
    """GGUF's keys of `v` without the vocabulary, as (key, kind, value); kinds are the names of GGUFWriter's methods."""
    def key(name):
        return f"{v.architecture}.{name}"

    yield "general.name", "string", v.name
    yield key("block_count"), "uint32", v.layers
    yield key("context_length"), "uint32", v.context_length
    yield key("embedding_length"), "uint32", v.embedding
    yield key("feed_forward_length"), "uint32", v.feed_forward
    yield key("attention.head_count"), "uint32", v.heads
    if v.architecture == "gpt2":
        yield key("attention.layer_norm_epsilon"), "float32", 1e-5
        return
    yield key("attention.head_count_kv"), "uint32", v.kv_heads
    yield key("attention.layer_norm_rms_epsilon"), "float32", 1e-6
    yield key("rope.freq_base"), "float32", v.base
    if v.architecture in ("llama", "phi3") or v.rope_dim:
        yield key("rope.dimension_count"), "uint32", v.rope_dim or v.head_dim
    if v.head_dim * v.heads != v.embedding or v.architecture in ("qwen3", "gemma3"):
        yield key("attention.key_length"), "uint32", v.head_dim
        yield key("attention.value_length"), "uint32", v.head_dim
    if v.window:
        yield key("attention.sliding_window"), "uint32", v.window
    if v.windowed:
        yield key("attention.sliding_window_pattern"), "bools", v.windowed
    if v.pattern:
        yield key("attention.sliding_window_pattern"), "uint32", v.pattern
    kind = v.rope.get("rope_type", "default")
    if kind in ("linear", "yarn", "longrope"):
        yield key("rope.scaling.type"), "string", kind
    if kind in ("linear", "yarn"):
        yield key("rope.scaling.factor"), "float32", v.rope["factor"]
    if kind in ("yarn", "longrope"):
        yield key("rope.scaling.original_context_length"), "uint32", v.rope["original_max_position_embeddings"]
    if kind == "longrope":
        scale = v.context_length / v.rope["original_max_position_embeddings"]
        factor = math.sqrt(1 + math.log(scale) / math.log(v.rope["original_max_position_embeddings"]))
        yield key("rope.scaling.attn_factor"), "float32", factor


def rope_tensors(v):
    """The small F32 tensors that divide the frequencies of a rope."""
    kind = v.rope.get("rope_type")
    if kind == "llama3":
        low, high = v.rope["low_freq_factor"], v.rope["high_freq_factor"]
        original, factor = v.rope["original_max_position_embeddings"], v.rope["factor"]
        factors = []
        for i in range(0, v.head_dim, 2):
            wave = 2 * math.pi * v.base ** (i / v.head_dim)
            if wave < original / high:
                factors.append(1)
            elif wave > original / low:
                factors.append(factor)
            else:
                smooth = (original / wave - low) / (high - low)
                factors.append(1 / ((1 - smooth) / factor + smooth))
        yield "rope_freqs.weight", np.array(factors, np.float32)
    if kind == "longrope":
        yield "rope_factors_long.weight", np.array(v.rope["long_factor"], np.float32)
        yield "rope_factors_short.weight", np.array(v.rope["short_factor"], np.float32)


def tensors(v):
    """Names and shapes of `v` in GGUF, `(rows, columns)` or `(elements,)`, but those of its rope."""
    queries, keys, width, hidden = v.heads * v.head_dim, v.kv_heads * v.head_dim, v.embedding, v.feed_forward
    gpt2 = v.architecture == "gpt2"
    bias = v.attention_bias or gpt2
    yield "token_embd.weight", (v.vocabulary, width)
    if gpt2:
        yield "position_embd.weight", (v.context_length, width)
    if not v.tied:
        yield "output.weight", (v.vocabulary, width)
    yield "output_norm.weight", (width,)
    if gpt2:
        yield "output_norm.bias", (width,)
    for layer in range(v.layers):
        def block(name, rows, columns, biased):
            yield f"blk.{layer}.{name}.weight", (rows, columns)
            if biased:
                yield f"blk.{layer}.{name}.bias", (rows,)

        def norm(name, size):
            yield f"blk.{layer}.{name}.weight", (size,)
            if gpt2:
                yield f"blk.{layer}.{name}.bias", (size,)

        yield from norm("attn_norm", width)
        if gpt2 or v.architecture == "phi3":
            yield from block("attn_qkv", queries + 2 * keys, width, bias)
        else:
            yield from block("attn_q", queries, width, bias or v.architecture == "qwen2")
            yield from block("attn_k", keys, width, bias or v.architecture == "qwen2")
            yield from block("attn_v", keys, width, bias or v.architecture == "qwen2")
        if v.architecture in ("qwen3", "gemma3"):
            yield from norm("attn_q_norm", v.head_dim)
            yield from norm("attn_k_norm", v.head_dim)
        yield from block("attn_output", width, queries, bias)
        if v.architecture == "gemma3":
            yield from norm("post_attention_norm", width)
        yield from norm("ffn_norm", width)
        if v.architecture == "phi3":
            yield from block("ffn_up", 2 * hidden, width, False)
        else:
            if not gpt2:
                yield from block("ffn_gate", hidden, width, v.mlp_bias)
            yield from block("ffn_up", hidden, width, v.mlp_bias or gpt2)
        yield from block("ffn_down", width, hidden, v.mlp_bias or gpt2)
        if v.architecture == "gemma3":
            yield from norm("post_ffw_norm", width)


NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
GEMMA3_NAMES = NAMES | {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
GPT2_NAMES = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}


def theirs(v, name, values):
    """Name and values of the GGUF tensor `name` in Transformers' state."""
    gpt2 = v.architecture == "gpt2"
    root = "transformer." if gpt2 else "model."
    if name == "token_embd.weight":
        return root + ("wte.weight" if gpt2 else "embed_tokens.weight"), values
    if name == "position_embd.weight":
        return root + "wpe.weight", values
    if name == "output.weight":
        return "lm_head.weight", values
    if v.architecture == "gemma3" and name.endswith("norm.weight"):
        values = values - 1  # the norm multiplies by 1 + weight, and the converter adds the 1
    if name.startswith("output_norm."):
        return root + ("ln_f." if gpt2 else "norm.") + name.split(".")[1], values
    _, layer, part, suffix = name.split(".")
    if v.architecture == "llama" and part in ("attn_q", "attn_k"):
        values = make_goldens.unpermute(values, v.heads if part == "attn_q" else v.kv_heads)
    if gpt2:
        values = values.T if values.ndim == 2 else values
        return f"{root}h.{layer}.{GPT2_NAMES[part]}.{suffix}", values
    names = GEMMA3_NAMES if v.architecture == "gemma3" else NAMES
    part = "mlp.gate_up_proj" if v.architecture == "phi3" and part == "ffn_up" else names[part]
    return f"{root}layers.{layer}.{part}.{suffix}", values


def config(v):
    """The configuration of `v` in Transformers."""
    rope = {"rope_type": "default"} | v.rope | {"rope_theta": v.base}
    common = dict(
        vocab_size=v.vocabulary, hidden_size=v.embedding, intermediate_size=v.feed_forward,
        num_hidden_layers=v.layers, num_attention_heads=v.heads, num_key_value_heads=v.kv_heads,
        max_position_embeddings=v.context_length, rms_norm_eps=1e-6, tie_word_embeddings=v.tied,
        bos_token_id=None, eos_token_id=None, pad_token_id=None, attn_implementation="eager",
    )
    kinds = ["sliding_attention" if v.window_of(layer) else "full_attention" for layer in range(v.layers)]
    if v.architecture == "llama" and v.window:
        return transformers.MistralConfig(**common, head_dim=v.head_dim, sliding_window=v.window, rope_parameters=rope)
    if v.architecture == "llama":
        return transformers.LlamaConfig(
            **common, head_dim=v.head_dim, rope_parameters=rope, attention_bias=v.attention_bias, mlp_bias=v.mlp_bias)
    if v.architecture == "qwen2":
        return transformers.Qwen2Config(
            **common, rope_parameters=rope, use_sliding_window=v.window > 0, sliding_window=v.window or None,
            layer_types=kinds)
    if v.architecture == "qwen3":
        return transformers.Qwen3Config(
            **common, head_dim=v.head_dim, rope_parameters=rope, use_sliding_window=v.window > 0,
            sliding_window=v.window or None, layer_types=kinds)
    if v.architecture == "gemma3":
        return transformers.Gemma3TextConfig(
            **common, head_dim=v.head_dim, query_pre_attn_scalar=v.head_dim, sliding_window=v.window,
            layer_types=kinds, rope_parameters={
                "full_attention": rope,
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            })
    if v.architecture == "phi3":
        rope["partial_rotary_factor"] = (v.rope_dim or v.head_dim) / v.head_dim
        return transformers.Phi3Config(
            **common, sliding_window=v.window or None, rope_parameters=rope,
            original_max_position_embeddings=v.rope.get("original_max_position_embeddings", v.context_length))
    return transformers.GPT2Config(
        vocab_size=v.vocabulary, n_positions=v.context_length, n_embd=v.embedding, n_layer=v.layers, n_head=v.heads,
        n_inner=v.feed_forward, activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=v.tied,
        bos_token_id=None, eos_token_id=None, attn_implementation="eager",
    )


def model(v, values):
    """The model of Transformers with the dequantised tensors `values`, in float32."""
    result = transformers.AutoModelForCausalLM.from_config(config(v), dtype=torch.float32).eval()
    state = dict(theirs(v, name, rows) for name, rows in values.items() if not name.startswith("rope_"))
    if v.tied:
        state["lm_head.weight"] = state["transformer.wte.weight" if v.architecture == "gpt2" else "model.embed_tokens.weight"]
    result.load_state_dict({name: torch.from_numpy(np.array(rows)) for name, rows in state.items()}, strict=True)
    return result
