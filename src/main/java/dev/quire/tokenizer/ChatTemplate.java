package dev.quire.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaProcessors;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// A model's Jinja chat template: messages → prompt text. Immutable and thread-safe.
///
/// Renders as Transformers does with Python's jinja2 (trim and lstrip blocks, loop controls, its own `tojson`). The
/// template comes from a model file, so it is kept in bounds: text, collections, nodes and time are limited, other
/// templates and files cannot be read, and {@link TemplateAccess} says what an expression can reach. What users write
/// is never read as a template.
public final class ChatTemplate {
    static final String TEMPLATE = "tokenizer.chat_template";

    /// Characters; the longest templates in use have about 20,000.
    private static final int LONGEST_TEMPLATE = 1 << 20;

    /// Characters of a prompt: a context of 128 Ki tokens is about 0.5 Mi.
    private static final int LONGEST_OUTPUT = TemplateInterpreter.LONGEST_TEXT;

    private static final int LONGEST_RANGE = 1_000;
    private static final int DEEPEST = 50;

    private final Optional<String> template;
    private final Map<String, String> specialTokens;
    private final JinjavaConfig config = config();
    private final Jinjava jinjava = jinjava(config);

    private ChatTemplate(Optional<String> template, Map<String, String> specialTokens) {
        this.template = template;
        this.specialTokens = specialTokens;
    }

    /// Reads `tokenizer.chat_template`; a model without one gets a template that refuses.
    public static ChatTemplate from(ModelMetadata metadata) {
        if (!metadata.has(TEMPLATE)) {
            return new ChatTemplate(Optional.empty(), Map.of());
        }
        String template = metadata.string(TEMPLATE);
        if (template.length() > LONGEST_TEMPLATE) {
            throw new ModelFileException("chat template must be at most " + LONGEST_TEMPLATE
                    + " characters long: length=" + template.length() + ", file=" + metadata.file());
        }
        String[] names = metadata.has(Vocabulary.TOKENS) ? metadata.strings(Vocabulary.TOKENS) : new String[0];
        SpecialIds ids = SpecialIds.from(metadata, names.length);
        return new ChatTemplate(
                Optional.of(template),
                Map.of("bos_token", name(ids.bos(), names), "eos_token", name(ids.eos(), names)));
    }

    /// The prompt for `messages` (each with at least `role` and `content`), ending where the assistant's answer begins
    /// if `addGenerationPrompt`. A template that refuses the messages (`raise_exception`) is a {@link
    /// ChatTemplateException} with its text.
    public String render(List<Map<String, Object>> messages, boolean addGenerationPrompt) {
        String source = template.orElseThrow(() ->
                new ChatTemplateException("the model must have a chat template to take messages: key=" + TEMPLATE));
        var bindings = new HashMap<String, Object>(specialTokens);
        bindings.put("messages", messages);
        bindings.put("add_generation_prompt", addGenerationPrompt);
        // A context and an interpreter of its own for each rendering: Jinjava.render resets a context that threads
        // share.
        var context = new Context(jinjava.getGlobalContextCopy(), bindings, config.getDisabled());
        var interpreter = new TemplateInterpreter(jinjava, context, config);
        try (var _ = JinjavaInterpreter.closeablePushCurrent(interpreter).get()) {
            String text = interpreter.render(source);
            if (interpreter.failure() == null) {
                return text;
            }
        } catch (RuntimeException | StackOverflowError e) {
            interpreter.fail(e, e.getMessage());
        }
        throw new ChatTemplateException(oneLine(interpreter.failure().getMessage()));
    }

    private static String name(OptionalInt token, String[] names) {
        return token.isPresent() ? names[token.getAsInt()] : "";
    }

    private static String oneLine(String message) {
        String line = message.replaceAll("\\s*\\R\\s*", " ").strip();
        return line.length() > 500 ? line.substring(0, 500) + "…" : line;
    }

    private static JinjavaConfig config() {
        var overrides = LegacyOverrides.newBuilder()
                .withUsePyishObjectMapper(true)
                .withKeepNullableLoopValues(true)
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withParseWhitespaceControlStrictly(true)
                .withUseNaturalOperatorPrecedence(true)
                .withAllowAdjacentTextNodes(true)
                .build();
        return JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withLegacyOverrides(overrides)
                .withNestedInterpretationEnabled(false)
                .withElResolver(new TemplateAccess())
                .withMaxOutputSize(LONGEST_OUTPUT)
                .withMaxStringLength(LONGEST_OUTPUT)
                .withMaxListSize(TemplateInterpreter.LARGEST_COLLECTION)
                .withMaxMapSize(TemplateInterpreter.LARGEST_COLLECTION)
                .withRangeLimit(LONGEST_RANGE)
                .withMaxRenderDepth(DEEPEST)
                .withEnableRecursiveMacroCalls(true)
                .withMaxMacroRecursionDepth(DEEPEST)
                .withProcessors(JinjavaProcessors.newBuilder()
                        .withNodePreProcessor((_, interpreter) -> ((TemplateInterpreter) interpreter).countNode())
                        .build())
                .withDisabled(Map.of(
                        Context.Library.TAG, Set.of("include", "import", "from", "extends", "block", "call"),
                        Context.Library.FILTER, Set.of("render", "log", "fromyaml", "toyaml", "regex_replace")))
                .build();
    }

    private static Jinjava jinjava(JinjavaConfig config) {
        var jinjava = new Jinjava(config);
        jinjava.setResourceLocator((name, encoding, interpreter) -> {
            throw new ResourceNotFoundException("a chat template must not read other templates: name=" + name);
        });
        for (ELFunctionDefinition function : TemplateFunctions.all()) {
            jinjava.registerFunction(function);
        }
        jinjava.registerFilter(new ToJsonFilter(LONGEST_OUTPUT));
        return jinjava;
    }
}
