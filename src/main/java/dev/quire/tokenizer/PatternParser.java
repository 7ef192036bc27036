package dev.quire.tokenizer;

import dev.quire.tokenizer.PatternNode.Greed;
import java.util.ArrayList;
import java.util.List;

/// Reads a regular expression in Oniguruma's Ruby syntax, as Hugging Face tokenizers takes it (Oniguruma, doc/RE):
/// alternatives, groups, quantifiers, classes with `&&` and nested classes, properties, `(?i:…)`, and assertions on
/// the next character. What else the syntax has (looking further ahead or back, word boundaries, back-references) is
/// refused, because an automaton that reads each character once cannot follow it.
///
/// Recursive descent. Bounds: a pattern's length and the depth of its groups.
final class PatternParser {
    private static final int LONGEST = 1 << 15; // characters
    private static final int DEEPEST = 100; // groups and classes in one another
    private static final int MOST_REPEATS = 1000;

    private final String pattern;
    private int position;
    private int depth;
    private boolean ignoresCase;

    private PatternParser(String pattern) {
        this.pattern = pattern;
    }

    static PatternNode parse(String pattern) {
        if (pattern.length() > LONGEST) {
            throw new PatternException(
                    "pattern must have at most " + LONGEST + " characters: length=" + pattern.length());
        }
        var parser = new PatternParser(pattern);
        PatternNode node = parser.choice();
        if (parser.position < pattern.length()) {
            throw parser.unknown("group must be opened before it is closed");
        }
        return node;
    }

    /// A pattern for exactly this text.
    static PatternNode literal(String text) {
        List<PatternNode> characters = new ArrayList<>();
        text.codePoints().forEach(c -> characters.add(new PatternNode.One(CodePointSet.range(c, c))));
        return new PatternNode.Sequence(characters);
    }

    private PatternNode choice() {
        if (++depth > DEEPEST) {
            throw unknown("groups must be at most " + DEEPEST + " deep");
        }
        List<PatternNode> branches = new ArrayList<>();
        do {
            branches.add(sequence());
        } while (take("|"));
        depth--;
        return branches.size() == 1 ? branches.getFirst() : new PatternNode.Choice(branches);
    }

    private PatternNode sequence() {
        List<PatternNode> parts = new ArrayList<>();
        while (position < pattern.length() && peek() != '|' && peek() != ')') {
            parts.add(quantified(atom()));
        }
        return parts.size() == 1 ? parts.getFirst() : new PatternNode.Sequence(parts);
    }

    private PatternNode quantified(PatternNode atom) {
        PatternNode node = atom;
        while (position < pattern.length()) {
            int least;
            int most;
            boolean interval = false;
            if (take("*")) {
                least = 0;
                most = PatternNode.Repeat.MANY;
            } else if (take("+")) {
                least = 1;
                most = PatternNode.Repeat.MANY;
            } else if (take("?")) {
                least = 0;
                most = 1;
            } else if (peek() == '{') {
                int[] bounds = bounds();
                least = bounds[0];
                most = bounds[1];
                interval = true;
            } else {
                return node;
            }
            node = new PatternNode.Repeat(node, least, most, greed(interval, least == most));
        }
        return node;
    }

    /// In Ruby's syntax a plus after an interval is a second quantifier.
    private Greed greed(boolean interval, boolean exact) {
        if (interval && exact && position < pattern.length() && peek() == '?') {
            throw unknown("exact interval must not be followed by ?");
        }
        if (take("?")) {
            return Greed.LAZY;
        }
        return !interval && take("+") ? Greed.POSSESSIVE : Greed.GREEDY;
    }

    private int[] bounds() {
        int close = pattern.indexOf('}', position);
        String inside = close < 0 ? "" : pattern.substring(position + 1, close);
        if (!inside.matches("\\d{1,4}|\\d{1,4},\\d{0,4}|,\\d{1,4}")) {
            throw unknown("interval must be {n}, {n,}, {n,m} or {,m}");
        }
        int comma = inside.indexOf(',');
        String low = comma < 0 ? inside : inside.substring(0, comma);
        String high = comma < 0 ? inside : inside.substring(comma + 1);
        int least = low.isEmpty() ? 0 : Integer.parseInt(low);
        int most = high.isEmpty() ? PatternNode.Repeat.MANY : Integer.parseInt(high);
        if (least > most || least > MOST_REPEATS || (most > MOST_REPEATS && !high.isEmpty())) {
            throw unknown("interval must ascend and end at " + MOST_REPEATS);
        }
        position = close + 1;
        return new int[] {least, most};
    }

    private PatternNode atom() {
        char character = peek();
        return switch (character) {
            case '(' -> group();
            case '[' -> new PatternNode.One(characterClass());
            case '.' -> {
                position++;
                yield new PatternNode.One(CodePointSet.range('\n', '\n').complement());
            }
            case '$' -> { // in front of each line feed, too
                position++;
                yield new PatternNode.Ahead(CodePointSet.range('\n', '\n'), true);
            }
            case '\\' -> escape();
            case '^', '*', '+', '?' -> throw unknown("character must be escaped or is not supported");
            default -> new PatternNode.One(cased(literal()));
        };
    }

    private PatternNode escape() {
        if (take("\\z")) {
            return new PatternNode.Ahead(CodePointSet.NONE, true);
        }
        return new PatternNode.One(escapedSet());
    }

    private PatternNode group() {
        boolean outer = ignoresCase;
        PatternNode node;
        if (take("(?:")) {
            node = choice();
        } else if (take("(?i:")) {
            ignoresCase = true;
            node = choice();
        } else if (take("(?!")) {
            node = new PatternNode.Ahead(oneCharacter(choice()).complement(), true);
        } else if (take("(?=")) {
            node = new PatternNode.Ahead(oneCharacter(choice()), false);
        } else if (take("(?i)")) { // to the end of the group that it stands in
            ignoresCase = true;
            return choice();
        } else if (pattern.startsWith("(?", position)) {
            throw unknown("group is not supported");
        } else {
            position++;
            node = choice();
        }
        ignoresCase = outer;
        if (!take(")")) {
            throw unknown("group must be closed");
        }
        return node;
    }

    private CodePointSet oneCharacter(PatternNode node) {
        return switch (node) {
            case PatternNode.One(var set) -> set;
            case PatternNode.Choice(var branches) ->
                branches.stream().map(this::oneCharacter).reduce(CodePointSet.NONE, CodePointSet::union);
            default -> throw unknown("only the next character can be asserted");
        };
    }

    private CodePointSet characterClass() {
        if (++depth > DEEPEST) {
            throw unknown("classes must be at most " + DEEPEST + " deep");
        }
        position++;
        boolean inverted = take("^");
        CodePointSet all = null;
        CodePointSet set = CodePointSet.NONE;
        for (boolean first = true; first || position >= pattern.length() || peek() != ']'; first = false) {
            if (position >= pattern.length()) {
                throw unknown("class must be closed");
            }
            if (take("&&")) {
                all = all == null ? set : all.intersection(set);
                set = CodePointSet.NONE;
            } else {
                set = set.union(classItem());
            }
        }
        position++;
        depth--;
        set = all == null ? set : all.intersection(set);
        return inverted ? set.complement() : set;
    }

    private CodePointSet classItem() {
        if (pattern.startsWith("[:", position)) {
            throw unknown("class name is not supported");
        }
        if (peek() == '[') {
            return characterClass();
        }
        if (peek() == '\\' && isSetEscape()) {
            return escapedSet();
        }
        int low = classCharacter();
        boolean ranged = pattern.startsWith("-", position)
                && position + 1 < pattern.length()
                && pattern.charAt(position + 1) != ']';
        if (!ranged) {
            return cased(CodePointSet.range(low, low));
        }
        position++;
        int high = classCharacter();
        if (high < low) {
            throw unknown("range must ascend");
        }
        return cased(CodePointSet.range(low, high));
    }

    private int classCharacter() {
        if (peek() == '\\') {
            if (isSetEscape()) {
                throw unknown("range must end at a character");
            }
            return escapedCharacter();
        }
        int character = pattern.codePointAt(position);
        position += Character.charCount(character);
        return character;
    }

    private CodePointSet literal() {
        int character = pattern.codePointAt(position);
        position += Character.charCount(character);
        return CodePointSet.range(character, character);
    }

    private boolean isSetEscape() {
        return position + 1 < pattern.length() && "pPsSdDwWh".indexOf(pattern.charAt(position + 1)) >= 0;
    }

    private CodePointSet escapedSet() {
        if (!isSetEscape()) {
            int character = escapedCharacter();
            return cased(CodePointSet.range(character, character));
        }
        char kind = pattern.charAt(position + 1);
        if (kind == 'p' || kind == 'P') {
            return property(kind == 'P');
        }
        position += 2;
        return switch (kind) {
            case 's' -> CharacterProperties.spaces();
            case 'S' -> CharacterProperties.spaces().complement();
            case 'd' -> CharacterProperties.digits();
            case 'D' -> CharacterProperties.digits().complement();
            case 'w' -> CharacterProperties.words();
            case 'W' -> CharacterProperties.words().complement();
            default ->
                CodePointSet.range('0', '9').union(CodePointSet.range('a', 'f')).union(CodePointSet.range('A', 'F'));
        };
    }

    private CodePointSet property(boolean inverted) {
        int close = pattern.indexOf('}', position);
        if (close < 0 || !pattern.startsWith("{", position + 2)) {
            throw unknown("property must be named in braces");
        }
        String name = pattern.substring(position + 3, close);
        boolean negated = name.startsWith("^");
        CodePointSet set = CharacterProperties.named(negated ? name.substring(1) : name)
                .orElseThrow(() -> unknown("property is not known"));
        position = close + 1;
        return inverted != negated ? set.complement() : set;
    }

    private int escapedCharacter() {
        if (position + 1 >= pattern.length()) {
            throw unknown("escape must have a character");
        }
        char kind = pattern.charAt(position + 1);
        if (kind == 'x' || kind == 'u') {
            return hexadecimal(kind);
        }
        if (kind < 0x80 && Character.isLetterOrDigit(kind) && "nrtfvae".indexOf(kind) < 0) {
            throw unknown("escape is not supported");
        }
        position += 2;
        return switch (kind) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            case 'v' -> 0x0B;
            case 'a' -> 0x07;
            case 'e' -> 0x1B;
            default -> {
                int character = pattern.codePointAt(position - 1);
                position += Character.charCount(character) - 1;
                yield character;
            }
        };
    }

    /// Two digits, four after a `u`, or any number in braces after an `x`.
    private int hexadecimal(char kind) {
        boolean braced = pattern.startsWith("{", position + 2);
        int start = position + (braced ? 3 : 2);
        int end = braced ? pattern.indexOf('}', start) : start + (kind == 'x' ? 2 : 4);
        if (end > pattern.length()
                || end <= start
                || !pattern.substring(start, end).matches("[0-9A-Fa-f]{1,6}")) {
            throw unknown("escape must have hexadecimal digits");
        }
        int character = Integer.parseInt(pattern.substring(start, end), 16);
        // Oniguruma takes \x80 … \xFF for bytes, which UTF-8 patterns hardly mean
        if (character >= CodePointSet.LIMIT || (kind == 'x' && !braced && character >= 0x80)) {
            throw unknown("escape must name a character");
        }
        position = end + (braced ? 1 : 0);
        return character;
    }

    /// The set and, where case is ignored, the other cases of its letters; two ASCII letters have a third form.
    private CodePointSet cased(CodePointSet set) {
        if (!ignoresCase) {
            return set;
        }
        CodePointSet folded = set;
        for (int letter = 'a'; letter <= 'z'; letter++) {
            int upper = letter - 'a' + 'A';
            int other = letter == 's' ? 0x17F : letter == 'k' ? 0x212A : letter; // long s, Kelvin sign
            if (set.contains(letter) || set.contains(upper) || set.contains(other)) {
                folded = folded.union(CodePointSet.range(letter, letter))
                        .union(CodePointSet.range(upper, upper))
                        .union(CodePointSet.range(other, other));
            }
        }
        var beyond = set.intersection(CodePointSet.range(0x80, CodePointSet.LIMIT - 1));
        if (!beyond.isEmpty() && hasCase(beyond)) {
            throw unknown("case can be ignored in ASCII only");
        }
        return folded;
    }

    private static boolean hasCase(CodePointSet set) {
        return !set.intersection(
                        CodePointSet.matching(c -> Character.toLowerCase(c) != c || Character.toUpperCase(c) != c))
                .isEmpty();
    }

    private char peek() {
        return pattern.charAt(position);
    }

    private boolean take(String text) {
        boolean found = pattern.startsWith(text, position);
        position += found ? text.length() : 0;
        return found;
    }

    private PatternException unknown(String message) {
        return new PatternException(message + ": pattern=" + Names.quoted(pattern) + ", position=" + position);
    }
}
