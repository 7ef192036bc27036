package dev.quire.engine;

import java.util.List;

/// Finds stop texts in a stream of text. Text that could still become the beginning of a stop text is held back until
/// it is known. The stop text that is complete first counts (of two that end together the longer), so how the text is
/// cut into pieces makes no difference. Not thread-safe.
final class StopMatcher {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean matched;

    StopMatcher(List<String> stops) {
        this.stops = stops;
    }

    /// Takes more text and returns what may be shown now; nothing after a match.
    String next(String text) {
        if (stops.isEmpty() || matched) {
            return matched ? "" : text;
        }
        held.append(text);
        int match = firstMatch();
        if (match >= 0) {
            matched = true;
            return take(match);
        }
        return take(held.length() - possibleBeginning());
    }

    /// Whether a stop text was found.
    boolean matched() {
        return matched;
    }

    /// What was held back, when no more text comes.
    String finish() {
        return matched ? "" : take(held.length());
    }

    /// Where the stop text that ends first begins in what is held, or -1.
    private int firstMatch() {
        int first = -1;
        int firstEnd = Integer.MAX_VALUE;
        for (String stop : stops) {
            int at = held.indexOf(stop);
            int end = at + stop.length();
            if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
                first = at;
                firstEnd = end;
            }
        }
        return first;
    }

    /// Length of the longest end of the held text with which some stop text begins.
    private int possibleBeginning() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }

    private String take(int length) {
        String taken = held.substring(0, length);
        held.delete(0, length);
        return taken;
    }
}
