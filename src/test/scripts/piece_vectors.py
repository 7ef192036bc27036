#!/usr/bin/env python3
"""Makes the golden fixtures for SentencePiece vocabularies and for tokenizers in Hugging Face's layout.

    pip install sentencepiece==0.2.3 tokenizers==0.23.3 transformers==5.23.0 protobuf gguf==0.19.0
    python3 src/test/scripts/piece_vectors.py

trains a small SentencePiece model on the texts of tokenizer_vectors.py and writes into src/test/resources/tokenizer:

    pieces-texts.json.gz   texts
    pieces-KIND.json.gz    the files of one tokenizer, and for each text its ids, without and with the tokens that the
                           model puts around a text, and what they decode to if that is not the text

Kinds spm-… are GGUF files, whose ids are those of the sentencepiece package; hf-… are folders, whose ids are those of
Hugging Face tokenizers. --count N and --seed S give other texts (with --out elsewhere).

    python3 src/test/scripts/piece_vectors.py --check FILE.gguf …

compares `./quire tokenize` on real SentencePiece vocabularies with the sentencepiece package and writes nothing.
"""

import argparse
import base64
import copy
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import sentencepiece
from gguf import GGUFReader, GGUFWriter
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizer_vectors import PIECES, SPACES, TEXTS, any_character, random_text, write_gzip
from transformers.convert_slow_tokenizer import generate_merges

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
MARKS = ["▁", "▁▁", " ▁", "▁a", "▁the", "<0x41>", "<0x0A>", "<s>", "</s>", "<unk>", "[INST]", "<|user|>", " <|user|> \n", "<|left|>"]
MARKS += [" \n<|left|>", "<|both|>", "\u3000<|both|>\t", "note", "foo bar", " foo bar ", "ab", " ab ", "_ab", "e\u0301", "</p>", "  ", "\n\n\n"]


def random_piece_text(source):
    """As random_text, with more of what matters to blanks and added tokens."""
    kind = source.randrange(10)
    if kind < 5:
        return random_text(source)
    length = source.choice([1, 2, 3, 5, 8, 13, 30])
    if kind == 5:
        text = source.choice(TEXTS)
        start = source.randrange(len(text))
        return text[start : start + source.randrange(1, 120)]
    if kind == 6:
        return "".join(source.choice("ab ▁\n") for _ in range(2 * length))
    if kind == 7:
        return "".join(source.choice(["a", "e", "the", " ", "in", "er", "1", "0", "."]) for _ in range(2 * length))
    drawn = [lambda: any_character(source), lambda: source.choice(MARKS), lambda: source.choice(SPACES), lambda: source.choice(PIECES)]
    return "".join(source.choice(drawn)() for _ in range(length))


def random_texts(count, seed):
    source = random.Random(seed)
    texts = dict.fromkeys(TEXTS + ["", " ", "  ", "   ", "\n", "▁", "▁▁", " ▁ ", "a" * 300, " " * 100, "é" * 100])
    while len(texts) < count:
        texts[random_piece_text(source)] = None
    return list(texts)


def trained(**settings):
    """A SentencePiece model as its protocol buffer."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 2),
        model_writer=written,
        model_type="bpe",
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        num_threads=1,
        minloglevel=2,
        **settings,
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(written.getvalue())
    return model


class Pieces:
    """The sentencepiece package with Hugging Face's rule for special tokens: they are cut out first, and only a text
    in front of which nothing stands gets a blank. Blanks are collapsed before, in the whole text."""

    WHITE_SPACE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"

    def __init__(self, model, added, collapse=False, strips=()):
        self.collapse = collapse
        self.strips = strips  # names that take the white space behind them
        self.whole = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
        model = copy.deepcopy(model)
        model.normalizer_spec.remove_extra_whitespaces = False
        plain = copy.deepcopy(model)
        plain.normalizer_spec.add_dummy_prefix = False
        self.first = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
        self.later = sentencepiece.SentencePieceProcessor(model_proto=plain.SerializeToString())
        self.added = added
        # Alternatives by length: of the leftmost matches the longest.
        self.split = re.compile("(" + "|".join(re.escape(name) for name in sorted(added, key=len, reverse=True)) + ")")

    def ids(self, text):
        if self.collapse and not self.split.search(text):
            return self.whole.encode(text)
        found = []
        if self.collapse:
            text = re.sub(" +", " ", text).lstrip(" ").rstrip(" ▁")
        for index, part in enumerate(self.split.split(text)):
            if index % 2:
                found.append(self.added[part])
                last = part
            elif part:
                if index and last in self.strips:
                    part = re.sub("^" + self.WHITE_SPACE, "", part)
                found += (self.later if found else self.first).encode(part)
        return found


def write_gguf(model, collapse):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "vocabulary.gguf")
        writer = GGUFWriter(path, "llama")
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list([piece.piece for piece in model.pieces])
        writer.add_token_scores([piece.score for piece in model.pieces])
        writer.add_token_types([piece.type for piece in model.pieces])
        if not model.normalizer_spec.add_dummy_prefix:
            writer.add_add_space_prefix(False)
        if collapse:
            writer.add_remove_extra_whitespaces(True)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        with open(path, "rb") as file:
            return file.read()


def spm_kinds():
    """name → (files, ids without and with special tokens, decode)"""
    pieces = dict(vocab_size=1100, character_coverage=0.98, byte_fallback=True)
    llama = trained(remove_extra_whitespaces=False, **pieces)
    runs = ["\n\n", "\n\n\n", "\t\t", "▁▁", "▁▁▁", "▁▁▁▁", "</p>"]
    gemma = trained(remove_extra_whitespaces=False, add_dummy_prefix=False, user_defined_symbols=runs, **pieces)
    collapsed = trained(remove_extra_whitespaces=True, vocab_size=900, character_coverage=0.98)
    for name, model in ("llama", llama), ("gemma", gemma), ("collapsed", collapsed):
        tokens = [piece.piece for piece in model.pieces]
        # The sentencepiece package looks for user-defined symbols itself.
        added = {t: i for i, t in enumerate(tokens) if model.pieces[i].type in (UNKNOWN, CONTROL)}
        oracle = Pieces(model, added, name == "collapsed")
        files = {"vocabulary.gguf": base64.b64encode(write_gguf(model, name == "collapsed")).decode()}
        if name == "llama":
            files["tokenizer.model"] = base64.b64encode(model.SerializeToString()).decode()
        yield "spm-" + name, files, oracle.ids, lambda text, oracle=oracle: [1] + oracle.ids(text), None
    yield from hf_kinds(llama)


def hf_kinds(model):
    tokens = [piece.piece for piece in model.pieces]
    vocabulary = {name: token for token, name in enumerate(tokens)}
    merges = generate_merges(vocabulary, {piece.piece: piece.score for piece in model.pieces if piece.type == NORMAL})
    special = ["<unk>", "<s>", "</s>"]
    begins = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    around = processors.TemplateProcessing(single="<s> $A </s>", pair="$A $B", special_tokens=[("<s>", 1), ("</s>", 2)])
    fallback = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    strip = [decoders.Strip(" ", 1, 0)]

    def bpe(normalizer, pre_tokenizer, decoder, processor=begins, byte_fallback=True, fuse_unk=True, unk_token="<unk>"):
        tokenizer = Tokenizer(
            models.BPE(vocab=vocabulary, merges=merges, byte_fallback=byte_fallback, fuse_unk=fuse_unk, unk_token=unk_token)
        )
        if normalizer:
            tokenizer.normalizer = normalizer
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.decoder = decoder
        tokenizer.post_processor = processor
        tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in special])
        return tokenizer

    prepend = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama = bpe(prepend, None, decoders.Sequence(fallback + strip))
    flags = bpe(prepend, None, decoders.Sequence(fallback + strip), around)
    flags.add_special_tokens(
        [
            AddedToken("<|user|>", rstrip=True, normalized=False, special=True),
            AddedToken("<|left|>", lstrip=True, normalized=False, special=True),
            AddedToken("<|both|>", lstrip=True, rstrip=True, normalized=False, special=True),
        ]
    )
    flags.add_tokens(
        [
            AddedToken("note", normalized=True),
            AddedToken("foo bar", normalized=True, rstrip=True),
            AddedToken("ab", single_word=True, normalized=False),
            AddedToken(" the", normalized=True),
            AddedToken("ing", normalized=True, single_word=True, lstrip=True),
        ]
    )
    first = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    words = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
    gemma = bpe(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), decoders.Sequence(fallback))
    gemma.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("▁▁", normalized=False), AddedToken("</p>", normalized=False)])
    nfc = normalizers.Sequence([normalizers.NFC(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    kinds = {
        "llama": llama,
        "flags": flags,
        "first": bpe(None, first, decoders.Sequence(fallback + strip)),
        "gemma": gemma,
        "words": bpe(None, words, decoders.Metaspace("▁", prepend_scheme="always", split=True), byte_fallback=False),
        "unfused": bpe(
            None,
            pre_tokenizers.Metaspace("▁", prepend_scheme="never", split=True),
            decoders.Metaspace("▁", prepend_scheme="never"),
            byte_fallback=False,
            fuse_unk=False,
        ),
        "dropped": bpe(nfc, None, decoders.Sequence(fallback), byte_fallback=False, unk_token=None),
    }
    for name, tokenizer in kinds.items():
        yield (
            "hf-" + name,
            {"tokenizer.json": tokenizer.to_str()},
            lambda text, t=tokenizer: t.encode(text, add_special_tokens=False).ids,
            lambda text, t=tokenizer: t.encode(text, add_special_tokens=True).ids,
            lambda ids, t=tokenizer: t.decode(ids, skip_special_tokens=False),
        )


def packed(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def write_fixtures(out, texts, made_with):
    write_gzip(os.path.join(out, "pieces-texts.json.gz"), packed({"made_with": made_with, "texts": texts}))
    for name, files, plain, special, decode in spm_kinds():
        ids = [plain(text) for text in texts]
        decoded = {}
        for index, text in enumerate(texts):
            if decode and decode(ids[index]) != text:
                decoded[index] = decode(ids[index])
        vectors = {"files": files, "ids": ids, "special": [special(text) for text in texts[:200]]}
        if decode:
            vectors["decoded"] = decoded
        write_gzip(os.path.join(out, "pieces-%s.json.gz" % name), packed(vectors))


def check(path, texts):
    """Compares ./quire tokenize with the sentencepiece package on a GGUF file's pieces and scores."""
    fields = GGUFReader(path).fields
    tokens, scores, types = [fields["tokenizer.ggml." + key].contents() for key in ("tokens", "scores", "token_type")]
    prefix = fields.get("tokenizer.ggml.add_space_prefix")
    model = sentencepiece_model_pb2.ModelProto()
    unknown = types.index(UNKNOWN) if UNKNOWN in types else 0
    for token, (name, score, kind) in enumerate(zip(tokens, scores, types)):
        # Added tokens are cut out beforehand, and sentencepiece wants one unknown piece.
        kind = UNKNOWN if token == unknown else CONTROL if kind in (UNKNOWN, USER_DEFINED) else kind
        model.pieces.add(piece=name, score=score, type=kind)
    model.trainer_spec.model_type = 2
    model.trainer_spec.byte_fallback = BYTE in types
    model.trainer_spec.vocab_size = len(tokens)
    model.trainer_spec.unk_id = unknown
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = prefix is None or prefix.contents()
    model.normalizer_spec.remove_extra_whitespaces = False
    added = {name: token for token, name in enumerate(tokens) if types[token] in (UNKNOWN, CONTROL, USER_DEFINED)}
    name = fields["general.name"].contents().lower() if "general.name" in fields else ""
    strips = set(added) - {"<unk>", "<s>", "<|endoftext|>"} if "phi-3" in name or "phi3" in name else ()
    oracle = Pieces(model, added, strips=strips)
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    quire = os.path.join(os.path.dirname(__file__), "../../../quire")
    answer = subprocess.run([quire, "tokenize", path, "--escape"], input=lines, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    different = [text for text, ids in zip(texts, found) if ids != oracle.ids(text)]
    print("%s: texts=%d, different=%d" % (os.path.basename(path), len(texts), len(different)))
    for text in different[:5]:
        print("  " + repr(text))
    return not different


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, default=10000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", default="src/test/resources/tokenizer")
    arguments.add_argument("--check", nargs="+", metavar="FILE.gguf")
    given = arguments.parse_args()
    texts = random_texts(given.count, given.seed)
    if given.check:
        sys.exit(0 if all([check(path, texts) for path in given.check]) else 1)
    write_fixtures(given.out, texts, "piece_vectors.py --count %d --seed %d" % (given.count, given.seed))


if __name__ == "__main__":
    main()
