package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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
        assertEquals(pieces, String.join("|", pieces(PreTokenizer.SMOLLM, text)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {"in 2024 ok;in| 2024| ok", "a  1;a| | 1", "x²3;x|²3", "x've'v;x|'ve|'|v"})
    void gpt2_text_isCutAsByHuggingFace(String text, String pieces) {
        assertEquals(pieces, String.join("|", pieces(PreTokenizer.GPT_2, text)));
    }

    private static List<String> pieces(PreTokenizer preTokenizer, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var pieces = new ArrayList<String>();
        for (int start = 0; start < bytes.length; ) {
            int end = preTokenizer.pieceEnd(bytes, start, bytes.length);
            pieces.add(new String(bytes, start, end - start, StandardCharsets.UTF_8));
            start = end;
        }
        return pieces;
    }
}
