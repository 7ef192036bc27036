#!/usr/bin/env python3
"""Writes what transformers' beam search finds with tiny models of src/test/resources/models.

  python -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 gguf==0.19.0 torch==2.9.0 transformers==5.23.0
  /tmp/v/bin/python src/test/scripts/make_beams.py src/test/resources/models src/test/resources/goldens/beams.json

Float32, eager attention, no cache, on the weights as they are dequantised from the committed files. End tokens are
picked among those that a search without any finds, so that hypotheses end at all lengths. A case whose tokens change
when log-probabilities do by a little is left out: it would tell rounding apart, not searches.

With one beam transformers decodes greedily and gives no score: tokens are its greedy ones, and the score is computed
from its log-probabilities as a search does.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import transformers

import architectures
import make_architectures
import make_goldens

NOISE = 2e-4  # thirty times the worst difference, in a log-probability, that BeamGoldenTest sees
LLAMAS = ["tiny-llama-f32", "tiny-llama-untied"]
OTHERS = ["tiny-mistral", "tiny-qwen3", "tiny-gemma3", "tiny-gpt2"]
PROMPTS = (2, 33)  # tokens
TRIOS = 4  # for each prompt
TOKENS = 16  # most generated, in most cases
EARLY = [True, False, "never"]
PENALTIES = [1.0, 0.0, 2.0, -1.0, 0.5, -0.25]


class Noise(transformers.LogitsProcessor):
    """Changes each log-probability by up to NOISE."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def __call__(self, input_ids, scores):
        return scores + torch.from_numpy(self.random.uniform(-NOISE, NOISE, tuple(scores.shape)).astype(np.float32))


def load(folder, name):
    path = Path(folder) / f"{name}.gguf"
    if name in LLAMAS:
        return make_goldens.load(path)[1]
    seed, (variant, matrices) = next((i, m) for i, m in enumerate(make_architectures.MODELS) if m[0].name == name)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / path.name
        values = make_architectures.write(variant, matrices, seed, copy)
        assert copy.read_bytes() == path.read_bytes(), f"{path} is not what make_architectures.py writes"
    return architectures.model(variant, values)


@torch.no_grad()
def search(model, prompt, case, noise=None):
    """Hypotheses in order, as (tokens, score)."""
    width = case["beam_width"]
    config = transformers.GenerationConfig(
        num_beams=width, do_sample=False, max_new_tokens=case["max_tokens"], num_return_sequences=case["returned"],
        eos_token_id=case["end_tokens"] or None, pad_token_id=0, use_cache=False, return_dict_in_generate=True,
        output_scores=True, output_logits=True,
        **({} if width == 1 else dict(length_penalty=case["length_penalty"], early_stopping=case["early_stopping"])),
    )
    # What the model's own configuration says of end tokens must not take part.
    model.generation_config = transformers.GenerationConfig()
    ids = torch.tensor([prompt])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), generation_config=config,
        logits_processor=transformers.LogitsProcessorList([] if noise is None else [Noise(noise)]),
    )
    if width == 1:
        tokens = out.sequences[0, len(prompt):].tolist()
        total = sum(float(torch.log_softmax(logits[0], -1)[token]) for logits, token in zip(out.logits, tokens))
        return [(tokens, total / len(tokens) ** case["length_penalty"])]
    found = []
    for sequence, parents, score in zip(out.sequences, out.beam_indices, out.sequences_scores):
        length = int((parents >= 0).sum())
        found.append((sequence[len(prompt):len(prompt) + length].tolist(), float(score)))
    return found


def cases(random, model, prompt):
    """Settings at random, each with every way to stop; then one without end tokens, one short and one of one beam."""
    for i in range(TRIOS):
        width, ends = int(random.choice([2, 2, 3, 3, 4, 5, 6, 7, 8])), int(random.integers(2, 9))
        case = setting(random, model, prompt, width, ends)
        for early in EARLY:
            yield case | {"early_stopping": early}
    yield setting(random, model, prompt, int(random.integers(2, 9)), 0)
    yield setting(random, model, prompt, int(random.integers(2, 9)), 3) | {"max_tokens": int(random.integers(1, 4))}
    yield setting(random, model, prompt, 1, 2)


def setting(random, model, prompt, width, ends):
    case = {
        "beam_width": width,
        "length_penalty": PENALTIES[int(random.integers(len(PENALTIES)))],
        "early_stopping": EARLY[int(random.integers(3))],
        "end_tokens": [],
        "max_tokens": TOKENS,
        "returned": int(random.integers(1, width + 1)) if random.integers(4) == 0 else width,
    }
    free = search(model, prompt, case | {"returned": width})
    seen = sorted({token for tokens, _ in free for token in tokens[1:9]})
    return case | {"end_tokens": sorted(int(t) for t in random.choice(seen, min(ends, len(seen)), replace=False))}


def differing(kept):
    """Pairs of cases that differ in when they stop, and in what they find."""
    pairs = set()
    for i, one in enumerate(kept):
        for other in kept[:i]:
            stops = [str(one["early_stopping"]), str(other["early_stopping"])]
            if {**one, "early_stopping": 0, "tokens": 0, "scores": 0} == {
                    **other, "early_stopping": 0, "tokens": 0, "scores": 0} and one["tokens"] != other["tokens"]:
                pairs.add((i, *sorted(stops)))
    return [pair[1:] for pair in pairs]


def main(folder, target):
    models, counts, differences, lengths = [], Counter(), Counter(), set()
    for number, name in enumerate(LLAMAS + OTHERS):
        model = load(folder, name)
        prompts = []
        for length in PROMPTS:
            random = np.random.default_rng([number, length])
            prompt = [int(i) for i in random.integers(0, model.config.vocab_size, length)]
            kept = []
            for case in cases(random, model, prompt):
                found = search(model, prompt, case)
                tokens = [tokens for tokens, _ in found]
                if any([t for t, _ in search(model, prompt, case, noise)] != tokens for noise in range(2)):
                    counts["unclear"] += 1
                    continue
                kept.append(case | {"tokens": tokens, "scores": [float(f"{score:.7g}") for _, score in found]})
                counts["cases"] += 1
                for t in tokens:
                    counts["ended" if t[-1] in case["end_tokens"] else "full length"] += 1
                    lengths.add(len(t))
            differences.update(differing(kept))
            prompts.append({"prompt_ids": prompt, "cases": kept})
        models.append({"model": name, "prompts": prompts})
        print(name, dict(counts), dict(differences), flush=True)
    assert len(differences) == 3 and min(differences.values()) >= 3 and len(lengths) >= TOKENS - 2, lengths
    Path(target).write_text(as_json(models))


def as_json(models):
    """A line per case."""
    note = ("made by src/test/scripts/make_beams.py: transformers' beam search in float32; returned: of the hypotheses"
            " found, the best; scores: log-probability / length^length_penalty")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    lines = []
    for model in models:
        prompts = [
            f'   {{"prompt_ids": {json.dumps(p["prompt_ids"])}, "cases": [\n    '
            + ",\n    ".join(json.dumps(case) for case in p["cases"]) + "]}"
            for p in model["prompts"]
        ]
        lines.append(f'  {{"model": {json.dumps(model["model"])}, "prompts": [\n' + ",\n".join(prompts) + "]}")
    return (f'{{"note": {json.dumps(note)},\n "versions": {json.dumps(versions)},\n "models": [\n'
            + ",\n".join(lines) + "]}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_beams.py <folder of models> <target>")
    main(*sys.argv[1:])
