package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreTokenizerTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "Hello world;Hello| world",
                "a  b;a| | b",
                "a   ;a|   ",
                "we'll it's DON'T;we|'ll| it|'s| DON|'|T",
                "x '1';x| '|1|'",
                "2024 12;2|0|2|4| |1|2",
                "a  1;a|  |1",
                "Ⅷ²½٣;Ⅷ|²|½|٣",
                "a\u00a0b\u3000\u3000c;a|\u00a0|b|\u3000|\u3000|c",
                "\t\tif;\t|\t|if",
                "e\u0301!;e|\u0301!",
                "\ud807\udde0\ud807\udde1;\ud807\udde0|\ud807\udde1"
            })
    void smollm_text_isCutAsByHuggingFace(String text, String pieces) {
        assertEquals(pieces, String.join("|", pieces(GgufPreTokenizer.SMOLLM, text)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {"in 2024 ok;in| 2024| ok", "a  1;a| | 1", "x²3;x|²3", "x've'v;x|'ve|'|v"})
    void gpt2_text_isCutAsByHuggingFace(String text, String pieces) {
        assertEquals(pieces, String.join("|", pieces(GgufPreTokenizer.GPT_2, text)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "in 20245 ok;in| |202|45| ok",
                "we'LL it'ſ;we|'LL| it|'ſ",
                "a  b   ;a| | b|   ",
                "!abc (abc);!abc| (|abc|)",
            })
    void llama3_text_isCutAsByHuggingFace(String text, String pieces) {
        assertEquals(pieces, String.join("|", pieces(GgufPreTokenizer.LLAMA_3, text)));
    }

    private static List<String> pieces(GgufPreTokenizer preTokenizer, String text) {
        return PieceCursorTest.pieces(preTokenizer.compile(), text);
    }
}
