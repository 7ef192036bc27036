#!/usr/bin/env python3
"""Makes the golden fixtures of the byte-level pre-tokenizers with Hugging Face tokenizers.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 src/test/scripts/byte_level_vectors.py

writes into src/test/resources/tokenizer/byte_level:

    vocabulary.gguf.gz  byte-level BPE, trained without any cuts, so that its merges cross whatever a pre-tokenizer
                        cuts; some of its tokens no merge makes, so that taking whole tokens shows
    texts.json.gz       the texts
    NAME.bin.gz         for each name of tokenizer.ggml.pre the ids of all texts, each number as LEB128: for a text 0 if
                        its ids are those of gpt-2, else their count + 1 and the ids
    splits.json.gz      what each behaviour of Split makes of short texts
    classes.json.gz     the code points of each property that a pattern can name, as first and last in turn

--count N and --seed S give other texts, --out another folder; --no-classes leaves out the last, which takes a minute.
"""

import argparse
import collections
import gzip
import json
import os
import random
import tempfile

import byte_level_texts
import hugging_face
from gguf import GGUFWriter, TokenType
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER_DEFINED = ["<note>", "<note>!", "<sentinel:1>"]
BASE = "gpt-2"
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cn Co".split()


def train(texts):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1600,
        special_tokens=CONTROL + USER_DEFINED,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=10,
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return tokens, [" ".join(merge) for merge in model["merges"]]


def unreachable(texts, tokens, count):
    """Frequent words that are no tokens yet."""
    words = collections.Counter()
    splitter = pre_tokenizers.Sequence(hugging_face.PIPELINES["llama-bpe"][1])
    for text in texts:
        words.update(piece for piece, _ in splitter.pre_tokenize_str(text) if len(piece) > 2)
    known = set(tokens)
    return [word for word, _ in words.most_common() if word not in known][:count]


def write_vocabulary(path, tokens, merges):
    kinds = [TokenType.CONTROL if t in CONTROL else TokenType.USER_DEFINED if t in USER_DEFINED else TokenType.NORMAL for t in tokens]
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "vocabulary.gguf")
        writer = GGUFWriter(plain, "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(BASE)
        writer.add_token_list(tokens)
        writer.add_token_types(kinds)
        writer.add_token_merges(merges)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        with open(plain, "rb") as file:
            write_gzip(path, file.read())
    return kinds


def leb128(number):
    result = bytearray()
    while number >= 0x80:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return result


def pack(ids, base):
    result = bytearray()
    for found, plain in zip(ids, base, strict=True):
        if base is not ids and found == plain:
            result += leb128(0)
        else:
            result += leb128(len(found) + 1)
            for token in found:
                result += leb128(token)
    return bytes(result)


def write_gzip(path, content):
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="", compresslevel=9) as packed:
        packed.write(content)


def write_json(path, value):
    write_gzip(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def classes():
    """What Oniguruma, Rust and the crates that Hugging Face tokenizers use take for what."""
    characters = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)

    def members(step):
        return [b for piece, (a, _) in step.pre_tokenize_str(characters) for b in (ord(piece[0]), ord(piece[-1]))]

    def pattern(expression):
        return members(pre_tokenizers.Split(Regex("(?:%s)+" % expression), "removed", invert=True))

    found = {"\\p{%s}" % name: pattern("\\p{%s}" % name) for name in CATEGORIES + ["Han"]}
    found |= {name: pattern(name) for name in ("\\s", "\\d", "\\w", "(?i:s)", "(?i:k)", "(?i:t)")}
    # these two give pieces of all kinds: one character at a time, between letters that are neither
    for name, step in (("Digits", hugging_face.digits()), ("Punctuation", pre_tokenizers.Punctuation())):
        found[name] = []
        for c in characters:
            if len(step.pre_tokenize_str("a" + c + "a")) > 1:
                if found[name] and found[name][-1] == ord(c) - 1:
                    found[name][-1] = ord(c)
                else:
                    found[name] += [ord(c), ord(c)]
    return found


def behaviours(source):
    """[behaviour, invert, pattern, text, pieces]"""
    rows = []
    for behaviour in ("Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"):
        snake = "".join("_" + c.lower() if c.isupper() else c for c in behaviour).lstrip("_")
        for invert in (False, True):
            for pattern in ("[0-9]", "-+", "[a-c]", "ab|b+", "a$", "(?:ab)*c", "b{2}(?!-)|a{1,2}?"):
                step = pre_tokenizers.Split(Regex(pattern), snake, invert=invert)
                for _ in range(12):
                    text = "".join(source.choice("abb-1c é") for _ in range(source.randrange(12)))
                    rows.append([behaviour, invert, pattern, text, [piece for piece, _ in step.pre_tokenize_str(text)]])
    return rows


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, default=11000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", default="src/test/resources/tokenizer/byte_level")
    arguments.add_argument("--no-classes", dest="classes", action="store_false")
    given = arguments.parse_args()
    os.makedirs(given.out, exist_ok=True)
    source = random.Random(given.seed)
    learned = byte_level_texts.texts(random.Random(0), 3000) + 8 * byte_level_texts.TEXTS
    tokens, merges = train(learned)
    tokens += unreachable(learned, tokens, 300)
    kinds = write_vocabulary(os.path.join(given.out, "vocabulary.gguf.gz"), tokens, merges)
    texts = byte_level_texts.texts(source, given.count)
    write_json(os.path.join(given.out, "texts.json.gz"), texts)
    ids = {}
    for name in hugging_face.PIPELINES:
        tokenizer = hugging_face.tokenizer(tokens, kinds, merges, name)
        ids[name] = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    for name, found in ids.items():
        write_gzip(os.path.join(given.out, name + ".bin.gz"), pack(found, ids[BASE]))
    write_json(os.path.join(given.out, "splits.json.gz"), behaviours(source))
    if given.classes:
        write_json(os.path.join(given.out, "classes.json.gz"), classes())


if __name__ == "__main__":
    main()
