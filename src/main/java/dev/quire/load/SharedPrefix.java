package dev.quire.load;

/// Tokens that prompts begin with in common, before those of their own. Requests take the prefixes in turn.
///
/// - `tokens`: length of a prefix; 0 is none
/// - `groups`: how many different prefixes there are
public record SharedPrefix(int tokens, int groups) {
    private static final String FORM = "must be TOKENS or TOKENS:GROUPS, with 0 to " + Lengths.MOST
            + " tokens and 1 to 100000 groups, and at most 10000000 tokens in all";

    public static final SharedPrefix NONE = new SharedPrefix(0, 1);

    public SharedPrefix {
        if (tokens < 0
                || tokens > Lengths.MOST
                || groups < 1
                || groups > 100_000
                || (long) tokens * groups > 10_000_000) {
            throw new IllegalArgumentException(FORM);
        }
    }

    /// Throws {@link IllegalArgumentException} with what the text must be.
    public static SharedPrefix parse(String text) {
        String[] parts = text.split(":", -1);
        try {
            if (parts.length <= 2) {
                return new SharedPrefix(Integer.parseInt(parts[0]), parts.length == 1 ? 1 : Integer.parseInt(parts[1]));
            }
        } catch (NumberFormatException e) {
            // Answered below, as a wrong number of parts is.
        }
        throw new IllegalArgumentException(FORM);
    }

    @Override
    public String toString() {
        return groups == 1 ? Integer.toString(tokens) : tokens + ":" + groups;
    }
}
