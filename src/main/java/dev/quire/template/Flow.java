package dev.quire.template;

/// How a body goes on after a statement.
enum Flow {
    ON,
    BREAK,
    CONTINUE
}
