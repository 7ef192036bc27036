/// Text to token ids and back, and the chat template that turns messages into a prompt.
///
/// Start with {@link dev.quire.tokenizer.Tokenizer}. Everything comes from the model's own file or folder. Nothing here
/// knows a model or the engine.
package dev.quire.tokenizer;
