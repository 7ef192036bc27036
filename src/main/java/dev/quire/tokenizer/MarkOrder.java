package dev.quire.tokenizer;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Puts a long run of combining marks in canonical order in n log n steps (Unicode Standard, D109). Java does not tell
/// a mark's combining class, but two marks that it swaps show which class is lower; there are at most some hundred
/// different ones in a run.
final class MarkOrder {
    /// Class 240 in front and class 1 behind: whatever has a class of its own, and so takes part, moves.
    private static final String HIGHEST = "\u0345";

    private static final String LOWEST = "\u0334";

    private final Map<Integer, Integer> ranks = new HashMap<>(); // by class; 0: no mark, nothing moves across it

    private MarkOrder(int[] characters) {
        List<Integer> marks = new ArrayList<>();
        for (int character : characters) {
            if (ranks.putIfAbsent(character, 0) == null && moves(character)) {
                marks.add(character);
            }
        }
        marks.sort(MarkOrder::compare);
        int rank = 1;
        for (int i = 0; i < marks.size(); i++) {
            rank += i > 0 && compare(marks.get(i - 1), marks.get(i)) != 0 ? 1 : 0;
            ranks.put(marks.get(i), rank);
        }
    }

    /// The marks of `run` decomposed, then in order; of equal classes the first stays first.
    static String sorted(String run) {
        Map<Integer, String> decompositions = new HashMap<>();
        var decomposed = new StringBuilder(run.length());
        run.codePoints()
                .forEach(character ->
                        decomposed.append(decompositions.computeIfAbsent(character, MarkOrder::decomposition)));
        int[] characters = decomposed.codePoints().toArray();
        var order = new MarkOrder(characters);
        long[] keys = new long[characters.length]; // rank, then place
        var result = new StringBuilder(decomposed.length());
        for (int start = 0, i = 0; i <= characters.length; i++) {
            if (i == characters.length || order.ranks.get(characters[i]) == 0) {
                Arrays.sort(keys, start, i);
                for (int k = start; k < i; k++) {
                    result.appendCodePoint(characters[(int) keys[k]]);
                }
                if (i < characters.length) {
                    result.appendCodePoint(characters[i]);
                }
                start = i + 1;
            } else {
                keys[i] = (long) order.ranks.get(characters[i]) << Integer.SIZE | i;
            }
        }
        return result.toString();
    }

    private static boolean moves(int character) {
        String between = HIGHEST + Character.toString(character) + LOWEST;
        return !decomposed(between).equals(between);
    }

    private static int compare(int first, int second) {
        String ahead = Character.toString(first);
        String behind = Character.toString(second);
        if (!decomposed(ahead + behind).equals(ahead + behind)) {
            return 1;
        }
        return decomposed(behind + ahead).equals(behind + ahead) ? 0 : -1;
    }

    private static String decomposition(int character) {
        return decomposed(Character.toString(character));
    }

    private static String decomposed(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFD);
    }
}
