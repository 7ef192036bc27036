package dev.quire.tokenizer;

import dev.quire.format.GgufFile;
import dev.quire.format.HuggingFaceFolder;
import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.template.Template;
import dev.quire.template.TemplateException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/// A model's Jinja chat templates: messages → prompt text. Immutable and thread-safe.
///
/// Renders as Transformers does. The template comes from a model file, so {@link Template} keeps it in bounds;
/// what users write is never read as a template. One that cannot be read fails when it is used, not when the model
/// is loaded.
public final class ChatTemplate {
    static final String TEMPLATE = "tokenizer.chat_template";

    /// Names of further templates, each under `tokenizer.chat_template.NAME`.
    static final String TEMPLATES = "tokenizer.chat_templates";

    /// The further template that is meant for chats with tools.
    private static final String TOOL_USE = "tool_use";

    /// Characters; the longest templates in use have about 20,000.
    private static final int LONGEST_TEMPLATE = 1 << 20;

    /// A template, or why it is none.
    private record Parsed(Optional<Template> template, String problem) {}

    private final Optional<Parsed> standard;
    private final Optional<Parsed> toolUse;
    private final Map<String, String> specialTokens;

    private ChatTemplate(Optional<Parsed> standard, Optional<Parsed> toolUse, Map<String, String> specialTokens) {
        this.standard = standard;
        this.toolUse = toolUse;
        this.specialTokens = specialTokens;
    }

    /// Reads the templates of a model, wherever it keeps them; a model without one gets a template that refuses.
    public static ChatTemplate from(ModelFile model) {
        return switch (model) {
            case GgufFile file -> from(file.metadata());
            case HuggingFaceFolder folder -> from(ChatTemplateFiles.read(folder.path()), folder.path());
        };
    }

    private static ChatTemplate from(ChatTemplateFiles files, Path folder) {
        return new ChatTemplate(
                parsed(files, ChatTemplateFiles.DEFAULT, folder),
                parsed(files, TOOL_USE, folder),
                files.specialTokens());
    }

    private static Optional<Parsed> parsed(ChatTemplateFiles files, String name, Path folder) {
        return Optional.ofNullable(files.templates().get(name)).map(source -> parsed(source, folder));
    }

    /// Reads `tokenizer.chat_template` and the one for tools; a model without one gets a template that refuses.
    public static ChatTemplate from(ModelMetadata metadata) {
        Optional<Parsed> standard = parsed(metadata, TEMPLATE);
        Optional<Parsed> toolUse = parsed(metadata, TEMPLATE + "." + TOOL_USE);
        if (standard.isEmpty() && metadata.has(TEMPLATES)) {
            standard = parsed(metadata, TEMPLATE + ".default");
        }
        if (standard.isEmpty() && toolUse.isEmpty()) {
            return new ChatTemplate(standard, toolUse, Map.of());
        }
        return new ChatTemplate(standard, toolUse, specialTokens(metadata));
    }

    private static Optional<Parsed> parsed(ModelMetadata metadata, String key) {
        if (!metadata.has(key)) {
            return Optional.empty();
        }
        return Optional.of(parsed(metadata.string(key), metadata.file()));
    }

    private static Parsed parsed(String source, Path file) {
        if (source.length() > LONGEST_TEMPLATE) {
            throw new ModelFileException("chat template must be at most " + LONGEST_TEMPLATE
                    + " characters long: length=" + source.length() + ", file=" + file);
        }
        try {
            return new Parsed(Optional.of(Template.parse(source)), "");
        } catch (TemplateException e) {
            return new Parsed(Optional.empty(), oneLine(e.getMessage()));
        }
    }

    /// The beginning and end of a text are always there, empty if the model has none; others only if it has them.
    private static Map<String, String> specialTokens(ModelMetadata metadata) {
        String[] names = metadata.has(Vocabulary.TOKENS) ? metadata.strings(Vocabulary.TOKENS) : new String[0];
        SpecialIds ids = SpecialIds.from(metadata, names.length);
        var tokens = new LinkedHashMap<String, String>();
        tokens.put("bos_token", name(ids.bos(), names));
        tokens.put("eos_token", name(ids.eos(), names));
        ids.unknown().ifPresent(id -> tokens.put("unk_token", names[id]));
        ids.padding().ifPresent(id -> tokens.put("pad_token", names[id]));
        return tokens;
    }

    /// The prompt for `messages` alone.
    public String render(List<Map<String, Object>> messages, boolean addGenerationPrompt) {
        return render(Chat.of(messages, addGenerationPrompt));
    }

    /// The prompt for a chat. A template that refuses the messages (`raise_exception`) is a {@link
    /// ChatTemplateException} with its text.
    public String render(Chat chat) {
        return render(chat, LocalDateTime::now);
    }

    String render(Chat chat, Supplier<LocalDateTime> now) {
        boolean withTools = chat.tools().isPresent() && toolUse.isPresent();
        Parsed parsed = (withTools ? toolUse : standard)
                .orElseThrow(() -> new ChatTemplateException(
                        "the model must have a chat template to take messages: key=" + TEMPLATE));
        Template template = parsed.template.orElseThrow(
                () -> new ChatTemplateException("chat template cannot be read: " + parsed.problem));
        try {
            return template.render(chat.bindings(specialTokens), now);
        } catch (TemplateException e) {
            String reason = oneLine(e.getMessage());
            throw new ChatTemplateException(e.isRaised() ? reason : "chat template cannot be rendered: " + reason);
        }
    }

    private static String name(OptionalInt token, String[] names) {
        return token.isPresent() ? names[token.getAsInt()] : "";
    }

    private static String oneLine(String message) {
        String line = message.replaceAll("\\s*\\R\\s*", " ").strip();
        return line.length() > 500 ? line.substring(0, 500) + "…" : line;
    }
}
