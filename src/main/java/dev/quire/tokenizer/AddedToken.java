package dev.quire.tokenizer;

/// A token that is found in a text by its name, before anything is merged (Hugging Face's `AddedToken`).
///
/// - `stripsLeft`, `stripsRight`: takes the white space around it
/// - `singleWord`: is found only where no letter, digit, mark or underscore touches it
record AddedToken(String name, int token, boolean stripsLeft, boolean stripsRight, boolean singleWord) {
    static AddedToken plain(String name, int token) {
        return new AddedToken(name, token, false, false, false);
    }
}
