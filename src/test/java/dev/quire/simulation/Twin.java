package dev.quire.simulation;

import dev.quire.scheduler.TokenBuffer;
import java.util.Arrays;
import java.util.List;

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

    /// One of the beams of a search: the prompt and what was generated after it.
    Twin(Workload.Request request, List<Integer> generated) {
        promptLength = request.prompt().length;
        token = Arrays.copyOf(request.prompt(), promptLength + generated.size());
        content = new long[token.length];
        long before = mix(request.salt().hashCode());
        for (int at = 0; at < token.length; at++) {
            if (at >= promptLength) {
                token[at] = generated.get(at - promptLength);
            }
            before = content(before, token[at]);
            content[at] = before;
        }
        ending = TokenBuffer.Ending.LENGTH;
    }

    /// Log-probabilities of the tokens that may come after content `last`: multiples of ¼, so that sums are exact and
    /// often tie. Some positions are much clearer than others; a few tokens cannot come.
    static float[] logprobs(long seed, long last, int vocabulary) {
        long draw = mix(last ^ mix(seed));
        int clarity = 1 + (int) Long.remainderUnsigned(draw, 24);
        float[] logprobs = new float[vocabulary];
        int certain = clarity % 3 == 0 ? vocabulary - 1 : 0; // maybe the end, so that a beam dies
        for (int token = 0; token < vocabulary; token++) {
            draw = mix(draw + token);
            boolean possible = token == certain || Long.remainderUnsigned(draw, 5) > 0;
            logprobs[token] = possible ? -Long.remainderUnsigned(draw >>> 8, clarity) / 4f : Float.NEGATIVE_INFINITY;
        }
        return logprobs;
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
