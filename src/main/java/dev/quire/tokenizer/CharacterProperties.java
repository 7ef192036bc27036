package dev.quire.tokenizer;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/// The character properties that patterns name, as Oniguruma 6.9 knows them in Hugging Face tokenizers 0.23.3. Its
/// data and Java 25's are Unicode 16: `tokenizer_classes.py` writes out its sets, and `CharacterPropertiesTest` holds
/// these against them.
final class CharacterProperties {
    private static final int LETTER = bits(
            Character.UPPERCASE_LETTER,
            Character.LOWERCASE_LETTER,
            Character.TITLECASE_LETTER,
            Character.MODIFIER_LETTER,
            Character.OTHER_LETTER);
    private static final int MARK =
            bits(Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK);
    private static final int NUMBER =
            bits(Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER);
    private static final int PUNCTUATION = bits(
            Character.CONNECTOR_PUNCTUATION,
            Character.DASH_PUNCTUATION,
            Character.START_PUNCTUATION,
            Character.END_PUNCTUATION,
            Character.INITIAL_QUOTE_PUNCTUATION,
            Character.FINAL_QUOTE_PUNCTUATION,
            Character.OTHER_PUNCTUATION);
    private static final int SYMBOL =
            bits(Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL);
    private static final int SEPARATOR =
            bits(Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR);
    private static final int OTHER =
            bits(Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED);

    /// General categories by their short names (Unicode Standard Annex 44, table 12).
    private static final Map<String, Integer> CATEGORIES = Map.ofEntries(
            Map.entry("l", LETTER),
            Map.entry("lu", bits(Character.UPPERCASE_LETTER)),
            Map.entry("ll", bits(Character.LOWERCASE_LETTER)),
            Map.entry("lt", bits(Character.TITLECASE_LETTER)),
            Map.entry("lm", bits(Character.MODIFIER_LETTER)),
            Map.entry("lo", bits(Character.OTHER_LETTER)),
            Map.entry("m", MARK),
            Map.entry("mn", bits(Character.NON_SPACING_MARK)),
            Map.entry("mc", bits(Character.COMBINING_SPACING_MARK)),
            Map.entry("me", bits(Character.ENCLOSING_MARK)),
            Map.entry("n", NUMBER),
            Map.entry("nd", bits(Character.DECIMAL_DIGIT_NUMBER)),
            Map.entry("nl", bits(Character.LETTER_NUMBER)),
            Map.entry("no", bits(Character.OTHER_NUMBER)),
            Map.entry("p", PUNCTUATION),
            Map.entry("pc", bits(Character.CONNECTOR_PUNCTUATION)),
            Map.entry("pd", bits(Character.DASH_PUNCTUATION)),
            Map.entry("ps", bits(Character.START_PUNCTUATION)),
            Map.entry("pe", bits(Character.END_PUNCTUATION)),
            Map.entry("pi", bits(Character.INITIAL_QUOTE_PUNCTUATION)),
            Map.entry("pf", bits(Character.FINAL_QUOTE_PUNCTUATION)),
            Map.entry("po", bits(Character.OTHER_PUNCTUATION)),
            Map.entry("s", SYMBOL),
            Map.entry("sm", bits(Character.MATH_SYMBOL)),
            Map.entry("sc", bits(Character.CURRENCY_SYMBOL)),
            Map.entry("sk", bits(Character.MODIFIER_SYMBOL)),
            Map.entry("so", bits(Character.OTHER_SYMBOL)),
            Map.entry("z", SEPARATOR),
            Map.entry("zs", bits(Character.SPACE_SEPARATOR)),
            Map.entry("zl", bits(Character.LINE_SEPARATOR)),
            Map.entry("zp", bits(Character.PARAGRAPH_SEPARATOR)),
            Map.entry("c", OTHER),
            Map.entry("cc", bits(Character.CONTROL)),
            Map.entry("cf", bits(Character.FORMAT)),
            Map.entry("cn", bits(Character.UNASSIGNED)),
            Map.entry("co", bits(Character.PRIVATE_USE)));

    /// Punctuation since Unicode 9.
    private static final int[] NEW_PUNCTUATION = {
        0x61D, 0x61D, 0x9FD, 0x9FD, 0xA76, 0xA76, 0xC77, 0xC77, 0xC84, 0xC84, 0x1B4E, 0x1B4F, 0x1B7D, 0x1B7F, 0x2E43,
        0x2E4F, 0x2E52, 0x2E5D, 0x10D6E, 0x10D6E, 0x10EAD, 0x10EAD, 0x10F55, 0x10F59, 0x10F86, 0x10F89, 0x113D4,
        0x113D5, 0x113D7, 0x113D8, 0x1144B, 0x1144F, 0x1145A, 0x1145B, 0x1145D, 0x1145D, 0x11660, 0x1166C, 0x116B9,
        0x116B9, 0x1183B, 0x1183B, 0x11944, 0x11946, 0x119E2, 0x119E2, 0x11A3F, 0x11A46, 0x11A9A, 0x11A9C, 0x11A9E,
        0x11AA2, 0x11B00, 0x11B09, 0x11BE1, 0x11BE1, 0x11C41, 0x11C45, 0x11C70, 0x11C71, 0x11EF7, 0x11EF8, 0x11F43,
        0x11F4F, 0x11FFF, 0x11FFF, 0x12FF1, 0x12FF2, 0x16D6D, 0x16D6F, 0x16E97, 0x16E9A, 0x16FE2, 0x16FE2, 0x1E5FF,
        0x1E5FF, 0x1E95E, 0x1E95F
    };

    private CharacterProperties() {}

    /// `\p{name}`: a general category, a script, or `Alphabetic`; empty for another name.
    static Optional<CodePointSet> named(String name) {
        Integer bits = CATEGORIES.get(name.toLowerCase(Locale.ROOT));
        if (bits != null) {
            return Optional.of(CodePointSet.categories(bits));
        }
        if (name.equalsIgnoreCase("alphabetic") || name.equalsIgnoreCase("alpha")) {
            return Optional.of(CodePointSet.matching(Character::isAlphabetic));
        }
        try {
            var script = Character.UnicodeScript.forName(name);
            return Optional.of(CodePointSet.matching(codePoint -> Character.UnicodeScript.of(codePoint) == script));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /// `\s`: the separators, and the controls that are white space.
    static CodePointSet spaces() {
        return CodePointSet.categories(SEPARATOR)
                .union(CodePointSet.range('\t', '\r'))
                .union(CodePointSet.range(0x85, 0x85));
    }

    /// `\d`.
    static CodePointSet digits() {
        return CodePointSet.categories(bits(Character.DECIMAL_DIGIT_NUMBER));
    }

    /// `\w`: letters and what else is alphabetic, marks, decimal digits, what connects words, and the superscript
    /// digits and fractions of Latin-1.
    static CodePointSet words() {
        IntPredicate alphabetic = Character::isAlphabetic;
        return CodePointSet.matching(alphabetic)
                .union(CodePointSet.categories(
                        MARK | bits(Character.DECIMAL_DIGIT_NUMBER, Character.CONNECTOR_PUNCTUATION)))
                .union(CodePointSet.range(0xB2, 0xB3))
                .union(CodePointSet.range(0xB9, 0xB9))
                .union(CodePointSet.range(0xBC, 0xBE));
    }

    /// What `Digits` isolates: numbers by Rust's `char::is_numeric`, which is Unicode 17: the Tolong Siki digits and
    /// three numbers of the Chinese ideographic symbols are unassigned in Java 25.
    static CodePointSet numbers() {
        return CodePointSet.categories(NUMBER)
                .union(CodePointSet.range(0x11DE0, 0x11DE9))
                .union(CodePointSet.range(0x16FF4, 0x16FF6));
    }

    /// What `Punctuation` isolates: the ASCII symbols, and the punctuation of Unicode 8 (crate unicode_categories),
    /// which took two for punctuation that are symbols and a mark today.
    static CodePointSet punctuation() {
        var set = CodePointSet.categories(PUNCTUATION)
                .intersection(CodePointSet.ranges(NEW_PUNCTUATION).complement())
                .union(CodePointSet.ranges(0x166D, 0x166D, 0x111C9, 0x111C9));
        return set.union(CodePointSet.ranges('!', '/', ':', '@', '[', '`', '{', '~'));
    }

    private static int bits(byte... categories) {
        int bits = 0;
        for (byte category : categories) {
            bits |= 1 << category;
        }
        return bits;
    }
}
