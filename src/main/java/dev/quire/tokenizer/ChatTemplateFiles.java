package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The chat templates of a folder in Hugging Face's layout and the special tokens that they name.
///
/// - `templates`: by name; the usual one is `default`. From `chat_template.jinja` if that is there, else
///   `chat_template.json`, else `tokenizer_config.json`, in which it is one text or a list of named ones
/// - `specialTokens`: by the names of Transformers; `bos_token` and `eos_token` always, empty where there is none
public record ChatTemplateFiles(Map<String, String> templates, Map<String, String> specialTokens) {
    public static final String DEFAULT = "default";

    /// Bytes; the longest templates in use have about 20,000.
    private static final long LARGEST_TEMPLATE = 1L << 20;

    public ChatTemplateFiles {
        templates = Map.copyOf(templates);
        specialTokens = Map.copyOf(specialTokens);
    }

    public static ChatTemplateFiles read(Path folder) {
        var files = HuggingFaceFiles.of(folder);
        Map<String, String> tokens = new LinkedHashMap<>();
        tokens.put("bos_token", files.special("bos_token").orElse(""));
        tokens.put("eos_token", files.special("eos_token").orElse(""));
        for (String name : new String[] {"unk_token", "pad_token"}) {
            files.special(name).ifPresent(token -> tokens.put(name, token));
        }
        return new ChatTemplateFiles(templates(folder, files), tokens);
    }

    private static Map<String, String> templates(Path folder, HuggingFaceFiles files) {
        Path text = folder.resolve("chat_template.jinja");
        if (Files.exists(text)) {
            return Map.of(DEFAULT, text(text));
        }
        JsonPart found = JsonPart.of(folder.resolve("chat_template.json")).at("chat_template");
        return named(found.isPresent() ? found : files.tokenizer().at("chat_template"));
    }

    private static Map<String, String> named(JsonPart found) {
        if (!found.isPresent()) {
            return Map.of();
        }
        if (found.isText()) {
            return Map.of(DEFAULT, found.text());
        }
        Map<String, String> templates = new LinkedHashMap<>();
        for (JsonPart item : found.items()) {
            templates.put(item.at("name").text(), item.at("template").text());
        }
        return templates;
    }

    private static String text(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > LARGEST_TEMPLATE) {
                throw new ModelFileException("chat template must be a regular file of at most " + LARGEST_TEMPLATE
                        + " bytes: bytes=" + Files.size(file) + ", file=" + file);
            }
            return Files.readString(file);
        } catch (MalformedInputException e) {
            throw new ModelFileException("file must be UTF-8: file=" + file, e);
        } catch (IOException e) {
            throw new ModelFileException(
                    "file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + file, e);
        }
    }
}
