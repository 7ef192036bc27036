package dev.quire.template;

/// The text that a body prints.
final class Output {
    private final StringBuilder text = new StringBuilder();
    private final Budget budget;

    Output(Budget budget) {
        this.budget = budget;
    }

    void append(String more) {
        budget.grow(text.length(), more.length());
        text.append(more);
    }

    String text() {
        return text.toString();
    }
}
