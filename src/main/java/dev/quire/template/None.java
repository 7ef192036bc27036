package dev.quire.template;

/// Python's `None`.
enum None {
    NONE
}
