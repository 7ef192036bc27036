package dev.quire.template;

/// Where a part stands in a text, as `String.indexOf` says. A part that nearly stands everywhere makes that a matter
/// of both lengths' product, so every character that agrees is asked of the {@link Budget}.
final class TextSearch {
    private static final int CHARACTERS_PER_LOOK = 1 << 16;

    private final String text;
    private final String part;
    private final Budget budget;
    private int unpaid; // characters read since the budget was asked

    TextSearch(String text, String part, Budget budget) {
        this.text = text;
        this.part = part;
        this.budget = budget;
    }

    /// The first place at or behind `from`; -1 if there is none.
    int first(int from) {
        int end = text.length() - part.length();
        for (int at = from; at <= end; at++) {
            if (standsAt(at)) {
                return at;
            }
        }
        return -1;
    }

    /// The last place at or before `from`; -1 if there is none.
    int last(int from) {
        for (int at = Math.min(from, text.length() - part.length()); at >= 0; at--) {
            if (standsAt(at)) {
                return at;
            }
        }
        return -1;
    }

    private boolean standsAt(int at) {
        int same = 0;
        while (same < part.length() && text.charAt(at + same) == part.charAt(same)) {
            same++;
            if (++unpaid >= CHARACTERS_PER_LOOK) {
                pay();
            }
        }
        if (++unpaid >= CHARACTERS_PER_LOOK) {
            pay();
        }
        return same == part.length();
    }

    private void pay() {
        budget.scan(unpaid);
        unpaid = 0;
    }
}
