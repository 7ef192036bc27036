package dev.quire.simulation;

import dev.quire.scheduler.TokenBuffer;
import java.util.Arrays;

/// What one sequence must come to: computed alone, with endless memory, in one loop.
///
/// The keys and values of a position stand for everything up to it; here they are a number, the *content*, which
/// names salt and tokens up to that position. The token that is drawn next depends on the last content, the seed
/// and the position.
final class Twin {
    final int[] token; // prompt and answer
    final long[] content; // [token]
    final int promptLength;
    final TokenBuffer.Ending ending;

    Twin(Workload.Request request, int choice, int vocabulary) {
        promptLength = request.prompt().length;
        int[] tokens = Arrays.copyOf(request.prompt(), promptLength + request.maxTokens());
        long[] contents = new long[tokens.length];
        long before = mix(request.salt().hashCode());
        var how = TokenBuffer.Ending.LENGTH;
        int length = promptLength;
        for (int at = 0; at < tokens.length; at++) {
            if (at >= promptLength) {
                tokens[at] = draw(request.seed() + choice, at, before, vocabulary);
                length = at + 1;
            }
            before = content(before, tokens[at]);
            contents[at] = before;
            if (at >= promptLength && request.ends() && tokens[at] == vocabulary - 1) {
                how = TokenBuffer.Ending.STOP;
                break;
            }
        }
        token = Arrays.copyOf(tokens, length);
        content = Arrays.copyOf(contents, length);
        ending = how;
    }

    int answerLength() {
        return token.length - promptLength;
    }

    /// The token at `position` of a sequence with `seed`, after content `last`.
    static int draw(long seed, int position, long last, int vocabulary) {
        return (int) Long.remainderUnsigned(mix(last ^ mix(seed + position)), vocabulary);
    }

    /// Never one of the special contents of `FakeMemory`, which are small.
    private static long content(long before, int token) {
        return mix(before * 31 + token) | 1L << 62;
    }

    /// Stafford's variant 13 of MurmurHash3's finalizer.
    private static long mix(long value) {
        long mixed = value + 0x9E3779B97F4A7C15L;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}
