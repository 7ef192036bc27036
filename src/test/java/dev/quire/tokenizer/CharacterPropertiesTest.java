package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every code point of every property against Hugging Face tokenizers 0.23.3, so that another Unicode version in a
/// later JDK shows.
class CharacterPropertiesTest {
    static final List<String> names = names();

    @ParameterizedTest
    @FieldSource("names")
    void everyCodePoint_isOfThePropertyAsInHuggingFace(String name) {
        CodePointSet set =
                switch (name) {
                    case "Digits" -> CharacterProperties.numbers();
                    case "Punctuation" -> CharacterProperties.punctuation();
                    default -> ((PatternNode.One) PatternParser.parse(name)).set();
                };
        var expected = new BitSet();
        JsonNode bounds = ByteLevelVectors.json("classes.json.gz").get(name);
        for (int i = 0; i < bounds.size(); i += 2) {
            expected.set(bounds.get(i).intValue(), bounds.get(i + 1).intValue() + 1);
        }
        var found = new BitSet();
        for (int codePoint = 0; codePoint < CodePointSet.LIMIT; codePoint++) {
            found.set(codePoint, set.contains(codePoint));
        }
        expected.clear(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1); // which no text has
        found.clear(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1);
        found.xor(expected);
        assertEquals("{}", found.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"L", "M", "N", "P", "S", "Z", "C"})
    void group_isTheUnionOfItsCategories(String group) {
        var union = names.stream()
                .filter(name -> name.matches("\\\\p\\{" + group + ".}"))
                .map(name -> CharacterProperties.named(name.substring(3, 5)).orElseThrow())
                .reduce(CodePointSet.NONE, CodePointSet::union);
        CodePointSet set = CharacterProperties.named(group).orElseThrow();
        for (int codePoint = 0; codePoint < CodePointSet.LIMIT; codePoint++) {
            boolean isSurrogate = Character.getType(codePoint) == Character.SURROGATE;
            assertEquals(set.contains(codePoint), union.contains(codePoint) || (isSurrogate && group.equals("C")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Nonsense", "", "Lx", "In Greek"})
    void named_unknownName_isEmpty(String name) {
        assertTrue(CharacterProperties.named(name).isEmpty());
    }

    private static List<String> names() {
        Stream.Builder<String> found = Stream.builder();
        ByteLevelVectors.json("classes.json.gz").fieldNames().forEachRemaining(found);
        return found.build().toList();
    }
}
