#!/usr/bin/env python3
"""Makes the tokenizer's golden fixtures with Hugging Face tokenizers.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 src/test/scripts/tokenizer_vectors.py SmolLM2-135M-Instruct.Q4_1.gguf

writes into src/test/resources/tokenizer:

    tiny.gguf.gz     vocabulary only: byte-level BPE of 600 tokens, trained on the texts below
    vectors.json.gz  texts, and their ids with that vocabulary ("tiny") and with the model's ("smollm2")

--count N and --seed S give other texts (for a wider comparison, with --out elsewhere); --classes also writes the
code points that each pre-tokenizer takes for letters, numbers and spaces.
"""

import argparse
import gzip
import json
import os
import random
import tempfile

from gguf import GGUFReader, GGUFWriter, TokenType
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

# Article 1 of the Universal Declaration of Human Rights, and code.
TEXTS = [
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and "
    "should act towards one another in a spirit of brotherhood.",
    "I'm sure they'll say we've won, but you'd better check: it's 3.14, isn't it? DON'T SHOUT, THAT'S RUDE, WE'LL SEE.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison.",
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神互相对待。",
    "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。　全角の空白。",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. ١٢٣٤٥٦٧٨٩٠",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। १२३",
    "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "public final class BlockPool {\n\tprivate final int[] refCount;\n\n\tint acquire() {\n\t\treturn free.pop();\n\t}\n}\n",
    "def f(x):\n    if x > 10:\n        return x ** 2  # squared\n    return [i for i in range(x) if i % 2 == 0]\n",
    "SELECT id, name FROM users WHERE age >= 18 AND name LIKE '%s' ORDER BY id DESC LIMIT 100;\r\n",
    '<a href="https://example.org/a?b=c&amp;d=e#f">link</a>\n{"key": [1, 2.5e-3, null, true], "s": "\\u00e9\\n"}',
    "👩‍👩‍👧‍👦 family, 🇩🇪 flag, 👍🏽 thumb, ☃️ snow, 𝒜𝓁𝓅𝒽𝒶, 𐍈𐌰, 𠜎𠜱, e\u0301 a\u030a\u0323 n\u0303",
    "Ⅷ ⅷ ² ³ ¹ ½ ¾ ⅓ ① ⑳ ㊿ 〇 一 Ⅻ٤ १ ꩐ 𝟘𝟙 𒐀 ෦ ༳",
    "tab\tspace  two   three    four\u00a0nbsp\u3000wide\u2028line\u2029para\u0085nel\u200bzero\u202fnarrow\ufeffbom \r\n\r\n end  ",
]
SPACES = " \t\n\r\u000b\u000c\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u180e\ufeff\u001c"
NUMBERS = "0123456789²³¹½¾٠١٩०९ⅧⅫⅷ①⑳〇㊿𝟘𝟡𒐀༳\U00011de0\U00011de9\U00016ff4"
PIECES = (
    ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'LL", "'", "''", "’s", " '", "'1", "1's", "_", "...", "--"]
    + ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start", "|>", "<|", "<|im_end|>>", "<repo_name>", "<note>", "<note>!"]
    + [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "a", "Z", "é", "ß", "ǅ", "ʰ", "ª", "中", "あ", "ा", "\u0301", "\u20dd", "€", "🙂", "\ue000"]
    + ["the", " of", " and", "public", " static", "ing", "100", " 2024"]
)
TINY_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def random_text(source):
    """One text: of a kind chosen at random, most of them short."""
    kind = source.randrange(6)
    length = source.choice([1, 2, 3, 5, 8, 13, 30])
    if kind == 0:  # part of a real text
        text = source.choice(TEXTS)
        start = source.randrange(len(text))
        return text[start : start + 4 * length]
    if kind == 1:
        return "".join(source.choice(PIECES) for _ in range(length))
    if kind == 2:  # all that decides a cut
        return "".join(source.choice([source.choice(SPACES), source.choice(NUMBERS), source.choice(PIECES)]) for _ in range(length))
    if kind == 3:  # any assigned or unassigned code point but surrogates
        return "".join(any_character(source) for _ in range(min(length, 8)))
    if kind == 4:
        return "".join(source.choice([any_character(source), source.choice(SPACES), source.choice("ab1'.")]) for _ in range(length))
    return "".join(chr(source.randrange(0x80)) for _ in range(length))


def any_character(source):
    while True:
        limit = source.choice([0x250, 0x3000, 0x10000, 0x20000, 0x32000, 0x110000])
        code_point = source.randrange(limit)
        if not 0xD800 <= code_point < 0xE000:
            return chr(code_point)


def pre_tokenizer():
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
        ]
    )


def hugging_face(tokens, types, merges):
    """The tokenizer that tokenizer.json of SmolLM2 describes, from a GGUF's arrays."""
    vocabulary = {name: token for token, name in enumerate(tokens)}
    result = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges]))
    result.pre_tokenizer = pre_tokenizer()
    result.decoder = decoders.ByteLevel()
    for name, kind in zip(tokens, types):
        if kind == TokenType.CONTROL:
            result.add_special_tokens([AddedToken(name, special=True, normalized=False)])
        elif kind == TokenType.USER_DEFINED:
            result.add_tokens([AddedToken(name, special=False, normalized=False)])
    return result


def read(path):
    fields = GGUFReader(path).fields
    return [fields["tokenizer.ggml." + key].contents() for key in ("tokens", "token_type", "merges")]


def write_tiny(path, alphabet):
    """Trains the tiny vocabulary and writes it as GGUF."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizer()
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    user_defined = ["<note>", "<note>!"]
    trained.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=600, special_tokens=control + user_defined, initial_alphabet=alphabet, limit_alphabet=len(alphabet), show_progress=False
        ),
    )
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    kinds = [TokenType.CONTROL if t in control else TokenType.USER_DEFINED if t in user_defined else TokenType.NORMAL for t in tokens]
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "tiny.gguf")
        writer = GGUFWriter(plain, "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(tokens)
        writer.add_token_types(kinds)
        writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        writer.add_pad_token_id(2)
        writer.add_add_bos_token(False)
        writer.add_chat_template(TINY_TEMPLATE)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        arrays = read(plain)
        with open(plain, "rb") as file:
            write_gzip(path, file.read())
    return arrays


def write_gzip(path, content):
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="", compresslevel=9) as packed:
        packed.write(content)


def write_classes(folder):
    """What each code point is: by the pieces it makes between two letters, two digits and two exclamation marks."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    classes = {"letter": [], "number": [], "space": [], "digit": []}
    for code_point in range(0x110000):
        if 0xD800 <= code_point < 0xE000:
            continue
        character = chr(code_point)
        if len(byte_level.pre_tokenize_str("a" + character + "a")) == 1:
            classes["letter"].append(code_point)
        elif len(byte_level.pre_tokenize_str("1" + character + "1")) == 1:
            classes["number"].append(code_point)
        elif len(byte_level.pre_tokenize_str("!" + character + "!")) > 1:
            classes["space"].append(code_point)
        if len(digits.pre_tokenize_str("!" + character + "!")) > 1:
            classes["digit"].append(code_point)
    with open(os.path.join(folder, "classes.json"), "w") as file:
        json.dump(classes, file)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("gguf")
    arguments.add_argument("--count", type=int, default=4000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", default="src/test/resources/tokenizer")
    arguments.add_argument("--classes", action="store_true")
    given = arguments.parse_args()

    model = read(given.gguf)
    # The tiny vocabulary lacks the same bytes as the model's, so that losing them is tested, too.
    alphabet = [c for c in sorted(pre_tokenizers.ByteLevel.alphabet()) if c in set(model[0])]
    tiny = write_tiny(os.path.join(given.out, "tiny.gguf.gz"), alphabet)
    source = random.Random(given.seed)
    texts = list(dict.fromkeys(TEXTS + ["", " ", "  "] + [random_text(source) for _ in range(given.count)]))
    tokenizers = {"tiny": hugging_face(*tiny), "smollm2": hugging_face(*model)}
    vectors = {"made_with": "tokenizer_vectors.py --count %d --seed %d" % (given.count, given.seed), "texts": texts}
    for name, tokenizer in tokenizers.items():
        vectors[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    write_gzip(
        os.path.join(given.out, "vectors.json.gz"),
        json.dumps(vectors, ensure_ascii=False, separators=(",", ":")).encode(),
    )
    if given.classes:
        write_classes(given.out)


if __name__ == "__main__":
    main()
