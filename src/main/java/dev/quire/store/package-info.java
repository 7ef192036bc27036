/// Where model files come from and where they are kept: the cache folder, pip, the Hugging Face hub.
///
/// Start with {@link dev.quire.store.ModelStore}. What is fetched is written beside its final place and renamed
/// when its checksum is right. Nothing here looks into a model file.
package dev.quire.store;
