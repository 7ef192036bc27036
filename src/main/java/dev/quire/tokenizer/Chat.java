package dev.quire.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a chat template is given. All values are plain data: maps, lists, texts, numbers, truth values and null.
///
/// - `messages`: each with at least `role` and `content`
/// - `tools`: functions the model may call, as JSON schemas; empty = none were offered
/// - `documents`: texts to answer from; empty = none were given
/// - `addGenerationPrompt`: end where the assistant's answer begins
/// - `variables`: what else the template may read, such as `enable_thinking`
public record Chat(
        List<Map<String, Object>> messages,
        Optional<List<Map<String, Object>>> tools,
        Optional<List<Map<String, Object>>> documents,
        boolean addGenerationPrompt,
        Map<String, Object> variables) {
    /// Names that Transformers knows a message's reasoning by; templates read the first.
    private static final List<String> REASONING = List.of("reasoning_content", "thinking", "reasoning");

    public static Chat of(List<Map<String, Object>> messages, boolean addGenerationPrompt) {
        return new Chat(messages, Optional.empty(), Optional.empty(), addGenerationPrompt, Map.of());
    }

    /// All variables; those of the chat win over the others.
    Map<String, Object> bindings(Map<String, String> specialTokens) {
        var bindings = new LinkedHashMap<String, Object>(specialTokens);
        bindings.putAll(variables);
        bindings.put("messages", withReasoning());
        bindings.put("tools", tools.orElse(null));
        bindings.put("documents", documents.orElse(null));
        bindings.put("add_generation_prompt", addGenerationPrompt);
        return bindings;
    }

    /// As Transformers does: reasoning under any of its names is there as `reasoning_content` and as `thinking`.
    private List<Map<String, Object>> withReasoning() {
        var aliased = new ArrayList<Map<String, Object>>(messages.size());
        for (Map<String, Object> message : messages) {
            Optional<Object> reasoning = REASONING.stream()
                    .<Object>map(message::get)
                    .filter(value -> value != null)
                    .findFirst();
            if (reasoning.isEmpty()) {
                aliased.add(message);
                continue;
            }
            var copy = new LinkedHashMap<String, Object>();
            copy.put("thinking", reasoning.get());
            copy.putAll(message);
            copy.put("reasoning_content", reasoning.get());
            aliased.add(copy);
        }
        return aliased;
    }
}
