#!/usr/bin/env python3
"""Compares `./quire tokenize` with Hugging Face tokenizers on real vocabularies.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 src/test/scripts/tokenizer_check.py FILE.gguf …

Each file is a model or a vocabulary with byte-level BPE. Its own special tokens stand in some of the texts. Prints one
line a file; exit code 1 if any text's ids differ. --count N and --seed S give other texts.
"""

import argparse
import json
import random
import subprocess
import sys

import byte_level_texts
import hugging_face
from gguf import TokenType


def with_tokens(texts, tokens, types, source):
    """The texts, a part of them with names of added tokens inside."""
    added = [n for n, kind in zip(tokens, types) if kind in (TokenType.CONTROL, TokenType.USER_DEFINED)]
    if not added:
        return texts
    result = []
    for text in texts:
        if source.random() < 0.2:
            cut = source.randrange(len(text) + 1)
            text = text[:cut] + source.choice(added) + text[cut:]
        result.append(text)
    return result


def check(path, command, count, seed):
    source = random.Random(seed)
    tokens, types, merges, pre = hugging_face.read(path)
    expected = hugging_face.tokenizer(tokens, types, merges, pre)
    texts = with_tokens(byte_level_texts.texts(source, count), tokens, types, source)
    # whole tokens, in a row and by themselves: what merging alone would not always make of them
    plain = [t for t, kind in enumerate(types) if kind == TokenType.NORMAL]
    for _ in range(count // 5):
        texts.append(expected.decode([source.choice(plain) for _ in range(source.randint(1, 3))]).replace("\ufffd", ""))
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    answer = subprocess.run([*command, "--escape", path], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    found = [json.loads(line) for line in answer.stdout.decode().splitlines()]
    wrong = 0
    for text, ids in zip(texts, found, strict=True):
        right = expected.encode(text, add_special_tokens=False).ids
        if ids != right:
            wrong += 1
            if wrong <= 5:
                print("  %r: expected %s, found %s" % (text, right, ids))
    print("%s: pre=%s, texts=%d, different=%d" % (path.split("/")[-1], pre, len(texts), wrong), flush=True)
    return wrong == 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("files", nargs="+")
    arguments.add_argument("--count", type=int, default=12000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--command", default="./quire tokenize")
    given = arguments.parse_args()
    results = [check(path, given.command.split(), given.count, given.seed) for path in given.files]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
