#!/usr/bin/env python3
"""Writes the byte-level pipelines of hugging_face.py as tokenizer.json spells them: normalizer, pre-tokenizer, decoder
and `ignore_merges` for each name, without the vocabulary, which is that of byte_level/vocabulary.gguf.gz.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 src/test/scripts/pipeline_vectors.py > src/test/resources/tokenizer/byte_level/pipelines.json
"""

import json
import sys

import hugging_face


def main():
    pipelines = {}
    for name in hugging_face.PIPELINES:
        whole = json.loads(hugging_face.tokenizer(["a"], [1], [], name).to_str())
        pipelines[name] = {key: whole[key] for key in ("normalizer", "pre_tokenizer", "decoder")}
        pipelines[name]["ignore_merges"] = whole["model"]["ignore_merges"]
    json.dump(pipelines, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
