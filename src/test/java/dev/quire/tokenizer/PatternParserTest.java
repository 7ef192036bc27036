package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatternParserTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "(a ~ group must be closed: pattern='(a', position=2",
                "a) ~ group must be opened before it is closed: pattern='a)', position=1",
                "[a ~ class must be closed: pattern='[a', position=2",
                "[^ ~ class must be closed: pattern='[^', position=2",
                "[b-a] ~ range must ascend: pattern='[b-a]', position=4",
                "[a-\\d] ~ range must end at a character: pattern='[a-\\d]', position=3",
                "[[:digit:]] ~ class name is not supported: pattern='[[:digit:]]', position=1",
                "*a ~ character must be escaped or is not supported: pattern='*a', position=0",
                "^a ~ character must be escaped or is not supported: pattern='^a', position=0",
                "a{2,1} ~ interval must ascend and end at 1000: pattern='a{2,1}', position=1",
                "a{1001} ~ interval must ascend and end at 1000: pattern='a{1001}', position=1",
                "a{x} ~ interval must be {n}, {n,}, {n,m} or {,m}: pattern='a{x}', position=1",
                "(?<=a)b ~ group is not supported: pattern='(?<=a)b', position=0",
                "(?>a)b ~ group is not supported: pattern='(?>a)b', position=0",
                "a(?=bc) ~ only the next character can be asserted: pattern='a(?=bc)', position=6",
                "a\\b ~ escape is not supported: pattern='a\\b', position=1",
                "(a)\\1 ~ escape is not supported: pattern='(a)\\1', position=3",
                "a\\ ~ escape must have a character: pattern='a\\', position=1",
                "\\x{110000} ~ escape must name a character: pattern='\\x{110000}', position=0",
                "\\xfg ~ escape must have hexadecimal digits: pattern='\\xfg', position=0",
                "\\p{Nothing} ~ property is not known: pattern='\\p{Nothing}', position=0",
                "\\pL ~ property must be named in braces: pattern='\\pL', position=0",
                "(?i:ä) ~ case can be ignored in ASCII only: pattern='(?i:ä)', position=5",
            })
    void parse_whatIsNotSupported_isRefusedInOneLine(String pattern, String message) {
        var e = assertThrows(PatternException.class, () -> PatternParser.parse(pattern));
        assertEquals(message, e.getMessage());
    }

    @Test
    void parse_bounds_areHeld() {
        assertThrows(PatternException.class, () -> PatternParser.parse("(".repeat(5000)));
        assertThrows(PatternException.class, () -> PatternParser.parse("[".repeat(5000)));
        assertEquals(
                "pattern must have at most 32768 characters: length=40000",
                assertThrows(PatternException.class, () -> PatternParser.parse("a".repeat(40_000)))
                        .getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "[a-cx-z] ~ abcxyz ~ dw-",
                "[^a-c] ~ d- ~ abc",
                "[a\\-c] ~ a-c ~ b\\",
                "[a-] ~ a- ~ b",
                "[a[bc]] ~ abc ~ [d",
                "[a-z&&[^b]] ~ ac ~ bA",
                "[\\p{L}&&[^\\p{Lu}]] ~ aé中 ~ AÉ1",
                "[\\p{^L}] ~ 1- ~ aé",
                "\\P{L} ~ 1- ~ aé",
                "\\p{Han} ~ 中々 ~ aあ",
                "[\\]\\[^] ~ []^ ~ a\\",
                "(?i:[ak]) ~ aAkK\u212a ~ b",
                "(?i:s) ~ sS\u017f ~ b",
                "\\x41 ~ A ~ a",
                "\\u00e9 ~ é ~ e",
                "[\\x{1F44D}] ~ 👍 ~ a",
                "[(|)*+?.$] ~ (|)*+?.$ ~ a",
                "\\h ~ 09afAF ~ gG",
                ". ~ a中 ~ ''",
            })
    void parse_class_hasItsCharacters(String pattern, String inside, String outside) {
        CodePointSet set = ((PatternNode.One) PatternParser.parse(pattern)).set();
        inside.codePoints().forEach(c -> assertTrue(set.contains(c), () -> Character.toString(c)));
        outside.codePoints().forEach(c -> assertFalse(set.contains(c), () -> Character.toString(c)));
    }
}
