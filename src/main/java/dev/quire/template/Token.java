package dev.quire.template;

/// A piece of a template. `text` is an operator's or a name's spelling, else what is written; `value` is what a
/// literal means, Java's null of anything else.
record Token(Kind kind, String text, Object value, int line) {
    enum Kind {
        DATA("template data"),
        VARIABLE_BEGIN("begin of print statement"),
        VARIABLE_END("end of print statement"),
        BLOCK_BEGIN("begin of statement block"),
        BLOCK_END("end of statement block"),
        NAME("name"),
        STRING("string"),
        INTEGER("integer"),
        FLOAT("float"),
        OPERATOR("operator"),
        EOF("end of template");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    /// For messages.
    String described() {
        return switch (kind) {
            case NAME, OPERATOR, STRING, INTEGER, FLOAT -> text;
            default -> kind.words;
        };
    }
}
