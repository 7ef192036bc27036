"""Texts that tell byte-level tokenizers apart: real ones, and random ones made of all that decides a cut."""

TEXTS = [
    "I'm sure they'll say we've won, but you'd better check: it's 3.14, isn't it? DON'T SHOUT, THAT'S RUDE, WE'LL SEE.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. L'été, j'ai 1 234 567,89 € d'avance.",
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神互相对待。",
    "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。　全角の空白。",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. \u1112\u1161\u11ab\u1100\u1173\u11af",
    "Все люди рождаются свободными и равными в своем достоинстве и правах. 3 апреля 2024 г.",
    "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. ١٢٣٤٥٦٧٨٩٠ قَدْ وُهِبُوا عَقْلًا",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। १२३",
    "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם",
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ๑๒๓๔",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
    "public final class BlockPool {\n\tprivate final int[] refCount;\n\n\tint acquire() {\n\t\treturn free.pop();\n\t}\n}\n",
    "def f(x):\n    if x > 10:\n        return x ** 2  # squared\n    return [i for i in range(x) if i % 2 == 0]\n\n\n",
    "SELECT id, name FROM users WHERE age >= 18 AND name LIKE '%s' ORDER BY id DESC LIMIT 1000000;\r\n",
    '<a href="https://example.org/a?b=c&amp;d=e#f">link</a>\n{"key": [1, 2.5e-3, null, true], "s": "\\u00e9\\n"}',
    "👩‍👩‍👧‍👦 family, 🇩🇪 flag, 👍🏽 thumb, ☃️ snow, 𝒜𝓁𝓅𝒽𝒶, 𐍈𐌰, 𠜎𠜱, e\u0301 a\u030a\u0323 n\u0303 \u212b \ufb01 \u1e9b\u0323",
    "Ⅷ ⅷ ² ³ ¹ ½ ¾ ⅓ ① ⑳ ㊿ 〇 一 Ⅻ٤ १ ꩐ 𝟘𝟙 𒐀 ෦ ༳ 1234567890 12345 123,456,789.000",
    "tab\tspace  two   three    four\u00a0nbsp\u3000wide\u2028line\u2029para\u0085nel\u200bzero\u202fnarrow\ufeffbom \r\n\r\n end  ",
    "camelCaseWordsHTTPServer snake_case_words SCREAMING_SNAKE XMLHttpRequest iPhone's McDonald'S o'Clock 'tis 'Twas I'LL",
]
SPACES = " \t\n\r\u000b\u000c\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u180e\ufeff\u001c"
NUMBERS = "0123456789²³¹½¾٠١٩०९ⅧⅫⅷ①⑳〇㊿𝟘𝟡𒐀༳\U00011de0\U00011de9\U00016ff4"
MARKS = (
    "\u0301\u0300\u0308\u0323\u0327\u0345\u0334\u093c\u05b0\u064b\u0651\u3099\u20dd\u0344\u034f\u1dce\u1df6\u1abf\u0898"
    "\U0001133b\U0001d165\U0001d16e\U0001e136\U00016ff0\u200d\ufe0f\ufe0e\U000e0100"
)
LETTERS = (
    "abzASTſKkéßǅʰªµøÅ\u212b\u212aΩ\u2126ä\u1e9b\ufb01中あア한\u1112\u1161\u11abא\u0e01\u0e33\u0915\u0958\u09cb\u0b94ा"
    "\U00011935\U00011930\U000105d2\U0001d15e\U0002f800\U00010400𠜎"
)
PIECES = (
    ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'LL", "'Ve", "'ſ", "'K", "'", "''", "’s", " '", "'1", "1's", "_", "...", "--"]
    + ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start", "|>", "<|", "<|im_end|>>", "<note>", "<note>!", "<note"]
    + [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "a", "Z", "é", "ß", "ǅ", "ʰ", "ª", "中", "あ", "ा", "\u0301", "\u20dd", "€", "🙂", "\ue000"]
    + ["the", " of", " and", "public", " static", "ing", "100", " 2024", "1000000", "$", "+", "<=", "^", "`", "|", "~", "！", "。", "‘", "—"]
    + ["<sentinel:1>", "/", "//", "\\", "ABC", "Abc", "aBC", "IT", " It", ".\n", "!\n\n", " \n", "\n ", "   \n  x"]
)


def random_text(source):
    """One text: of a kind chosen at random, most of them short."""
    kind = source.randrange(9)
    length = source.choice([1, 2, 3, 4, 6, 9, 14])
    if kind == 0:  # part of a real text
        text = source.choice(TEXTS)
        start = source.randrange(len(text))
        return text[start : start + 3 * length]
    if kind == 1:
        return "".join(source.choice(PIECES) for _ in range(length))
    if kind == 2:  # all that decides a cut
        return "".join(source.choice([source.choice(SPACES), source.choice(NUMBERS), source.choice(PIECES)]) for _ in range(length))
    if kind == 3:  # any assigned or unassigned code point but surrogates
        return "".join(any_character(source) for _ in range(min(length, 6)))
    if kind == 4:
        return "".join(source.choice([any_character(source), source.choice(SPACES), source.choice("ab1'.")]) for _ in range(length))
    if kind == 5:  # what is composed, reordered, or only looks as if
        return "".join(source.choice([source.choice(LETTERS), source.choice(MARKS), source.choice(MARKS)]) for _ in range(length))
    if kind == 6:  # a few characters in runs
        few = [source.choice([source.choice(SPACES), source.choice(NUMBERS), source.choice(LETTERS), "'", "!", "\n", " "]) for _ in range(3)]
        return "".join(source.choice(few) * source.choice([1, 1, 2, 3, 4, 7]) for _ in range(min(length, 6)))
    if kind == 7:
        return "".join(source.choice(LETTERS + "  '''SsTtRrEeVvMmLlDd.1") for _ in range(length))
    return "".join(chr(source.randrange(0x80)) for _ in range(length))


def any_character(source):
    while True:
        limit = source.choice([0x250, 0x3000, 0x10000, 0x20000, 0x32000, 0x110000])
        code_point = source.randrange(limit)
        if not 0xD800 <= code_point < 0xE000:
            return chr(code_point)


def texts(source, count):
    """`count` different texts."""
    found = dict.fromkeys(TEXTS + ["", " ", "  "])
    while len(found) < count:
        found[random_text(source)] = None
    return list(found)
