"""Hugging Face tokenizers for the byte-level vocabularies of GGUF files.

GGUF names a pre-tokenizer (`tokenizer.ggml.pre`); tokenizer.json of the model spells it out. `PIPELINES` holds what
tokenizer.json says, as Hugging Face's own objects, for each name; `tokenizer` makes the whole from a GGUF's arrays.

    pip install tokenizers==0.23.3 gguf==0.19.0
"""

from gguf import GGUFReader, TokenType
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA_3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL
QWEN_2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL
QWEN_35 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + TAIL
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"
TEKKEN = BEFORE + UPPER + "*" + LOWER + "+|" + BEFORE + UPPER + "+" + LOWER + r"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL
GPT_4O = (
    f"{BEFORE}{UPPER}*{LOWER}+{CONTRACTIONS}?|{BEFORE}{UPPER}+{LOWER}*{CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL
)
KIMI_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
KIMI_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
KIMI_K2 = (
    rf"[\p{{Han}}]+|{BEFORE}{KIMI_UPPER}*{KIMI_LOWER}+{CONTRACTIONS}?|{BEFORE}{KIMI_UPPER}+{KIMI_LOWER}*{CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL
)
DEEPSEEK_LLM_LETTERS = (
    "A-Za-z\xb5\xc0-\xd6\xd8-\xf6\xf8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-"
    "\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-"
    "\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15"
    "\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc"
    "\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107"
    "\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149"
    "\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f"
    "\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-"
    "\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-"
    "\U000118df\U0001e900-\U0001e943"
)
DEEPSEEK_V3_WORDS = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"
JAIS_2 = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}"
)
YOUTU_SCRIPTS = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"
YOUTU = (
    f"{BEFORE}{UPPER}*{LOWER}+{CONTRACTIONS}?|{BEFORE}{UPPER}+{LOWER}*{CONTRACTIONS}?"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL
)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated", invert=False)


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=use_regex)


def splits(*patterns):
    return [split(pattern) for pattern in patterns] + [byte_level(False)]


def digits():
    return pre_tokenizers.Digits(individual_digits=True)


DEEPSEEK_HAN = "[一-龥ࠀ-一가-\ud7ff]+"
JAPANESE = "[一-龥぀-ゟ゠-ヿ]+"

# name → (normalizer or None, steps, ignore_merges)
PIPELINES = {
    "default": (None, splits(r"[\p{P}\$\+<=>\^~\|]+", GPT_2, r"\p{N}+", "[0-9][0-9][0-9]"), False),
    "gpt-2": (None, [byte_level(True)], False),
    "mpt": ("NFC", [byte_level(True)], False),
    "smollm": (None, [digits(), byte_level(True)], False),
    "command-r": ("NFC", [digits(), byte_level(True)], False),
    "falcon": (
        None,
        [
            pre_tokenizers.Punctuation(behavior="contiguous"),
            byte_level(True),
            pre_tokenizers.Digits(individual_digits=False),
            split("[0-9][0-9][0-9]"),
        ],
        False,
    ),
    "llama-bpe": (None, splits(LLAMA_3), True),
    "dbrx": (None, splits(LLAMA_3), False),
    "glm4": (None, splits(LLAMA_3), True),
    "qwen2": ("NFC", splits(QWEN_2), False),
    "grok-2": (None, splits(QWEN_2), False),
    "qwen35": ("NFC", splits(QWEN_35), False),
    "tekken": (None, splits(TEKKEN), True),
    "gpt-4o": (None, splits(GPT_4O), False),
    "deepseek-llm": (
        None,
        [split(p) for p in ("[\r\n]", "\\s?[%s]+" % DEEPSEEK_LLM_LETTERS, "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", DEEPSEEK_HAN)]
        + [digits(), byte_level(False)],
        False,
    ),
    "deepseek-coder": (
        None,
        [split(p) for p in ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_HAN)] + [digits(), byte_level(False)],
        False,
    ),
    "deepseek-v3": (None, splits(r"\p{N}{1,3}", JAPANESE, DEEPSEEK_V3_WORDS + r" ?[\p{P}\p{S}]+[\r\n]*|" + TAIL), False),
    "spark2_5": (
        None,
        splits(r"\p{N}{1,3}", JAPANESE, DEEPSEEK_V3_WORDS + r" ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"),
        False,
    ),
    "youtu": (None, splits(YOUTU_SCRIPTS, YOUTU), True),
    "bloom": (None, splits(BLOOM), False),
    "viking": (None, splits(BLOOM, r"\p{N}"), False),
    "jais-2": (None, splits(JAIS_2), False),
    "kimi-k2": (None, splits(KIMI_K2), False),
    "bailingmoe": (
        None,
        splits(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"),
        False,
    ),
    "seed-coder": (None, splits(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + TAIL), False),
    "ufakzeka": (None, splits(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL), False),
    "laguna": (None, splits(r"[^\n]+|[\n]+", QWEN_2), False),
    "minicpm5": (None, splits(r"\p{N}{1,3}", LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}+")), True),
    "exaone-moe": (
        None,
        splits(
            CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
            r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"
        ),
        False,
    ),
}
# other names for the same, of real vocabularies
ALIASES = {
    "starcoder": "smollm",
    "refact": "smollm",
    None: "default",
}


def read(path):
    """Tokens, types, merges and the pre-tokenizer's name."""
    fields = GGUFReader(path).fields
    arrays = [fields["tokenizer.ggml." + key].contents() for key in ("tokens", "token_type", "merges")]
    pre = fields.get("tokenizer.ggml.pre")
    return arrays + [pre.contents() if pre else None]


def tokenizer(tokens, types, merges, pre):
    """The tokenizer that tokenizer.json describes, from a GGUF's arrays."""
    normalizer, steps, ignore_merges = PIPELINES[ALIASES.get(pre, pre)]
    vocabulary = {name: token for token, name in enumerate(tokens)}
    result = Tokenizer(
        models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges], ignore_merges=ignore_merges)
    )
    if normalizer:
        result.normalizer = normalizers.NFC()
    result.pre_tokenizer = pre_tokenizers.Sequence(steps)
    result.decoder = decoders.ByteLevel()
    special = [n for n, kind in zip(tokens, types) if kind in (TokenType.CONTROL, TokenType.UNKNOWN)]
    plain = [n for n, kind in zip(tokens, types) if kind == TokenType.USER_DEFINED]
    result.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    result.add_tokens([AddedToken(name, special=False, normalized=False) for name in plain])
    return result
