package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TokenBufferTest {
    @Test
    void append_beyondTheRoom_isRefused() {
        var buffer = new TokenBuffer(1, TokenBuffer.NO_LOGPROBS);
        buffer.append(7);
        var e = assertThrows(IllegalStateException.class, () -> buffer.append(8));
        assertEquals("append must fit an open buffer: count=1, maxTokens=1, ending=null", e.getMessage());
    }

    @Test
    void append_afterTheEnd_isRefused() {
        var buffer = new TokenBuffer(2, TokenBuffer.NO_LOGPROBS);
        buffer.end(TokenBuffer.Ending.CANCELLED, "");
        assertThrows(IllegalStateException.class, () -> buffer.append(8));
    }

    @Test
    void end_theFirstOneCounts() {
        var buffer = new TokenBuffer(2, TokenBuffer.NO_LOGPROBS);
        buffer.end(TokenBuffer.Ending.FAILED, "why");
        buffer.end(TokenBuffer.Ending.CANCELLED, "");
        assertEquals(TokenBuffer.Ending.FAILED, buffer.ending());
        assertEquals("why", buffer.failure());
    }

    @Test
    void logprobs_belongToTheTokenAppendedNext() {
        var buffer = new TokenBuffer(3, 2);
        for (int i = 0; i < 3; i++) {
            buffer.nextLogprob(-i);
            buffer.nextAlternative(0, 10 + i, -i - 0.25f);
            buffer.nextAlternative(1, 20 + i, -i - 0.5f);
            buffer.append(i);
        }
        assertEquals(-2f, buffer.logprob(2));
        assertEquals(11, buffer.topToken(1, 0));
        assertEquals(-1.5f, buffer.topLogprob(1, 1));
    }
}
