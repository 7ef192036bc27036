#!/usr/bin/env python3
"""Writes tiny models as Hugging Face's libraries do, into src/test/resources/folders.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_folders.py src/test/resources/models src/test/resources/folders

Some have the weights of a GGUF file of src/test/resources/models, so that one must give the bits of the other; what
Transformers computes with them is beside that file. The rest are smaller, in other types, with expected.json beside
their weights. Matrices are stored in the type that is named, vectors in that type too or, where a GGUF file has them in
float32, in float32. The first one has a tokenizer and can be served.
"""

import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers

import architectures
import make_architectures
import make_fixtures
import make_goldens
from architectures import Variant

# GGUF file, largest shard.
TWINS = [
    ("tiny-llama-f16", "60KB"),
    ("tiny-llama3", "1GB"),
    ("tiny-qwen2", "1GB"),
    ("tiny-qwen3", "100KB"),
    ("tiny-phi3-longrope", "1GB"),
]
SMALL = dict(embedding=32, heads=2, kv_heads=1, head_dim=16, feed_forward=48, vocabulary=160, context_length=128)
OTHERS = [
    (Variant("small-mistral", "llama", window=16, **SMALL), torch.bfloat16),
    (Variant("small-qwen2-yarn", "qwen2", rope=make_architectures.YARN, window=24, windowed=[False, True], **SMALL),
     torch.float16),
    (Variant("small-gemma3", "gemma3", layers=3, pattern=3, base=1e6, tied=True, window=16,
             rope={"rope_type": "linear", "factor": 8.0}, **SMALL), torch.bfloat16),
    (Variant("small-phi3", "phi3", window=24, **SMALL), torch.bfloat16),
    (Variant("small-gpt2", "gpt2", tied=True, **(SMALL | dict(kv_heads=2, feed_forward=128))), torch.float32),
]


def twin(models, name):
    """The model of Transformers with the weights of a GGUF file."""
    path = models / f"{name}.gguf"
    if name == "tiny-llama-f16":
        return make_goldens.load(path)[1]
    variant = next(v for v, _ in make_architectures.MODELS if v.name == name)
    tensors = gguf.GGUFReader(path).tensors
    shapes = {t.name: tuple(int(n) for n in reversed(t.shape)) for t in tensors}
    values = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(shapes[t.name]) for t in tensors}
    return architectures.model(variant, values)


def save(model, folder, shard, dtype, vectors):
    """In `dtype`, vectors in `vectors`; each value must survive that."""
    for name, parameter in model.named_parameters():
        stored = parameter.data.to(dtype if parameter.ndim > 1 else vectors)
        assert torch.equal(stored.float(), parameter.data), f"{name} loses bits"
        parameter.data = stored
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, max_shard_size=shard)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(folder.name, size, sorted(path.name for path in folder.iterdir()), flush=True)
    assert size < 300_000


def add_tokenizer(models, folder):
    """That of the GGUF file, in the files of a folder."""
    fields, _ = make_goldens.load(models / "tiny-llama-f16.gguf")
    control = make_fixtures.CONTROL
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=make_goldens.tokenizer(fields), unk_token=control[0], bos_token=control[1], eos_token=control[2],
        pad_token=control[2], chat_template=make_fixtures.CHAT_TEMPLATE)
    fast.save_pretrained(folder)


def expected(v, model):
    """Logits after random prompts around a block of 16 tokens, below and beyond the windows."""
    random = np.random.default_rng(7)
    entries = []
    for length in (2, 17, 60):
        ids = [int(i) for i in random.integers(0, v.vocabulary, length)]
        logits, greedy_ids, margins = make_goldens.greedy(model, ids, 8)
        entries.append({
            "context_length": v.context_length,
            "prompt_ids": ids,
            "greedy_ids": greedy_ids,
            "top1_top2_margin": margins,
            "logits": [float(f"{value:.6g}") for value in logits],
        })
    return make_fixtures.as_json(v, entries).replace("make_fixtures.py", "make_folders.py").replace(f"{v.name}.gguf", v.name)


def main(models, folders):
    for name, shard in TWINS:
        model = twin(models, name)
        model.config.bos_token_id = model.generation_config.bos_token_id = 1
        model.config.eos_token_id = model.generation_config.eos_token_id = 2
        save(model, folders / name, shard, torch.float16, torch.float32)
    add_tokenizer(models, folders / TWINS[0][0])
    for seed, (v, dtype) in enumerate(OTHERS):
        values = dict(make_architectures.weights(v, seed))
        model = architectures.model(v, values)
        for parameter in model.parameters():
            parameter.data = parameter.data.to(dtype).float()
        text = expected(v, model)
        save(model, folders / v.name, "1GB", dtype, dtype)
        (folders / v.name / "expected.json").write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_folders.py <models> <folders>")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
