package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.AnswerText.Piece;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Which tokens belong to which text.
class AnswerTextTest {
    private static final Tokenizer TOKENIZER = Tokens.TOKENIZER;

    private static AnswerText text(String... stops) {
        return new AnswerText(TOKENIZER.decoder(), List.of(stops), token -> token == Tokens.of("e"));
    }

    @Test
    void take_showsEachTokenWithItsText() {
        var text = text();
        text.add(Tokens.of("a"));
        assertEquals(new Piece("a", 1), text.take(false));
        text.add(Tokens.of("b"));
        text.add(Tokens.of("c"));
        assertEquals(new Piece("bc", 2), text.take(false));
        assertEquals(new Piece("", 0), text.take(false));
    }

    @Test
    void take_unfinishedCharacter_bringsAllItsTokensAtItsEnd() {
        var text = text();
        int[] bytes = Tokens.bytesOf("\u00e9");
        text.add(bytes[0]);
        assertEquals(new Piece("", 0), text.take(false));
        text.add(bytes[1]);
        assertEquals(new Piece("\u00e9", 2), text.take(false));
    }

    @Test
    void take_textThatCouldBecomeAStop_isHeldBackWithItsTokens() {
        var text = text("bcd");
        text.add(Tokens.of("a"));
        text.add(Tokens.of("b"));
        assertEquals(new Piece("a", 1), text.take(false));
        text.add(Tokens.of("c"));
        assertEquals(new Piece("", 0), text.take(false));
        text.add(Tokens.of("a"));
        assertEquals(new Piece("bca", 3), text.take(false));
    }

    @Test
    void take_afterAStop_showsNoTokenThatBeganInIt() {
        var text = text("bc");
        assertFalse(text.add(Tokens.of("a")));
        assertFalse(text.add(Tokens.of("b")));
        assertTrue(text.add(Tokens.of("c")));
        text.finish();
        assertEquals(new Piece("a", 1), text.take(true));
    }

    @Test
    void take_endToken_hasNoText_andIsShownWithTheLast() {
        var text = text();
        text.add(Tokens.of("a"));
        text.add(Tokens.of("e"));
        assertEquals(new Piece("a", 1), text.take(false));
        text.finish();
        assertEquals(new Piece("", 1), text.take(true));
    }

    @Test
    void finish_givesWhatWasHeldBack_andAnUnfinishedCharacter() {
        var text = text("bcd");
        text.add(Tokens.of("b"));
        text.add(Tokens.bytesOf("\u00e9")[0]);
        text.finish();
        assertEquals(new Piece("b\uFFFD", 2), text.take(true));
    }

    @Test
    void finish_unfinishedCharacterThatCompletesAStop_isAStop() {
        var text = text("\uFFFD");
        text.add(Tokens.of("a"));
        text.add(Tokens.bytesOf("\u00e9")[0]);
        assertTrue(text.finish());
        assertEquals(new Piece("a", 1), text.take(true));
    }
}
