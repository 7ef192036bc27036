package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class PieceCursorTest {
    @Test
    void next_everyBehaviour_cutsAsHuggingFace() {
        for (JsonNode row : ByteLevelVectors.json("splits.json.gz")) {
            var behaviour = SplitStep.behaviour(
                            row.get(0).textValue(), row.get(1).booleanValue())
                    .orElseThrow();
            var step = new SplitStep.Split(PatternParser.parse(row.get(2).textValue()), behaviour);
            List<String> expected = StreamSupport.stream(row.get(4).spliterator(), false)
                    .map(JsonNode::textValue)
                    .toList();
            assertEquals(
                    expected, pieces(PreTokenizer.of(List.of(step)), row.get(3).textValue()), row::toString);
        }
    }

    @Test
    void next_severalSteps_eachCutsThePiecesOfTheOneBefore() {
        var steps = List.<SplitStep>of(SplitStep.Split.isolated("[0-9]+"), SplitStep.Split.isolated("a|00"));
        assertEquals(List.of("b", "a", "1", "00", "0", "c"), pieces(PreTokenizer.of(steps), "ba1000c"));
    }

    /// The end of a piece is the end of the text for the next step: so is `$` there.
    @Test
    void next_assertionAtTheEndOfAPiece_holds() {
        var steps = List.<SplitStep>of(SplitStep.Split.isolated("[0-9]"), SplitStep.Split.isolated("a(?!b)|-$"));
        assertEquals(List.of("-b", "a", "1", "-", "2", "ab"), pieces(PreTokenizer.of(steps), "-ba1-2ab"));
    }

    /// C3 B2 is `ò`; GPT-2's alphabet writes B2 as `²`.
    @Test
    void next_numbersAfterByteLevel_cutInsideACharacter() {
        var steps = List.<SplitStep>of(new SplitStep.ByteLevel(true), new SplitStep.Digits(false));
        byte[] text = "xò".getBytes(StandardCharsets.UTF_8);
        PieceCursor cursor = PreTokenizer.of(steps).cursor();
        cursor.reset(text, 0, text.length);
        List<Integer> ends = new ArrayList<>();
        while (cursor.next()) {
            ends.add(cursor.end());
        }
        assertEquals(List.of(2, 3), ends);
    }

    @Test
    void next_splitAtAText_takesItsCharactersAsTheyAre() {
        var step = new SplitStep.Split(PatternParser.literal("a.👍"), SplitStep.Behaviour.ISOLATED);
        assertEquals(List.of("ab👍", "a.👍", "."), pieces(PreTokenizer.of(List.of(step)), "ab👍a.👍."));
    }

    @Test
    void next_noSteps_isTheWholeText() {
        assertEquals(List.of("a b"), pieces(PreTokenizer.of(List.of()), "a b"));
        assertEquals(List.of(), pieces(PreTokenizer.of(List.of()), ""));
    }

    @Test
    void reset_partOfAText_staysInside() {
        PieceCursor cursor =
                PreTokenizer.of(List.of(SplitStep.Split.isolated("\\s+"))).cursor();
        byte[] text = "a b  c".getBytes(StandardCharsets.UTF_8);
        cursor.reset(text, 1, 4);
        List<String> pieces = new ArrayList<>();
        while (cursor.next()) {
            pieces.add(cursor.start() + "-" + cursor.end());
        }
        assertEquals(List.of("1-2", "2-3", "3-4"), pieces);
        assertFalse(cursor.next());
    }

    static List<String> pieces(PreTokenizer preTokenizer, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        PieceCursor cursor = preTokenizer.cursor();
        cursor.reset(bytes, 0, bytes.length);
        List<String> pieces = new ArrayList<>();
        while (cursor.next()) {
            pieces.add(new String(bytes, cursor.start(), cursor.end() - cursor.start(), StandardCharsets.UTF_8));
        }
        return pieces;
    }
}
