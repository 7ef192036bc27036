package dev.quire.api;

import java.util.OptionalLong;

/// Which part of a list is asked for, in OpenAI's two parameters.
///
/// - `after`: entries behind this id; below 0 from the first one on
/// - `limit`: at most as many, 1 … {@link #MOST}
record PageQuery(long after, int limit) {
    static final int MOST = 1000;
    static final int USUAL = 100;

    /// Larger than any id: a server that takes a million a second needs 31,000 years.
    static final long MOST_ID = 999_999_999_999_999_999L;

    private static final long FIRST = -1;

    /// From the parameters as they came, null where they did not. `mostAfter`: the largest id that there can be.
    static PageQuery of(String after, String limit, long mostAfter) {
        return new PageQuery(
                after == null ? FIRST : whole("after", after, 0, mostAfter),
                limit == null ? USUAL : (int) whole("limit", limit, 1, MOST));
    }

    /// What `text` names, if it can be an id.
    static OptionalLong id(String text) {
        // Digits alone: parseLong would take a sign, and other scripts' digits, too.
        return text.matches("[0-9]{1,18}") ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
    }

    private static long whole(String name, String text, long least, long most) {
        OptionalLong value = id(text);
        if (value.isEmpty() || value.getAsLong() < least || value.getAsLong() > most) {
            throw ApiException.invalid(
                    name,
                    name + " must be a whole number from " + least + " to " + most + ": " + name + "="
                            + ApiException.excerpt(text, ApiException.MAX_EXCERPT));
        }
        return value.getAsLong();
    }
}
