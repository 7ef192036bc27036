/// Chat templates in Jinja, as Python's jinja2 renders them in the sandbox that Transformers sets up.
///
/// Start with {@link dev.quire.template.Template}. A template comes with a model file and is not trusted: it sees
/// plain values only, cannot change them, and works within {@link dev.quire.template.Limits}. Nothing here knows a
/// model, a tokenizer or what the variables mean.
///
/// Values of Python are plain Java objects: `String` and {@link dev.quire.template.Markup} for `str`; `Long`, and
/// `BigInteger` outside its range, for `int`; `Double`, `Boolean`; `List` for `list`; classes of this package for
/// the rest. Java's `null` is no value.
package dev.quire.template;
