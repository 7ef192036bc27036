package dev.quire.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.engine.GenerationRequest;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;

/// The parameters that completions and chats share. Names and meanings are OpenAI's, and vLLM's where OpenAI has none.
///
/// - `n`: choices to show
/// - `cacheSalt`: empty = none
/// - `beams`: of the search that finds the choices, if one does
record GenerationParameters(
        int n,
        SamplingParameters sampling,
        List<String> stop,
        boolean ignoreEos,
        int priority,
        String cacheSalt,
        Optional<BeamParameters> beams,
        boolean stream,
        boolean includeUsage) {
    /// Most choices of a request: OpenAI's bound. The server's own is how many sequences it runs at once.
    static final int MAX_CHOICES = 128;

    /// Longest salt, in characters: a name or a hash has room in it.
    static final int MAX_SALT_LENGTH = 256;

    /// OpenAI takes 4 stop texts; templates of larger prompts like a few more.
    static final int MAX_STOPS = 16;

    /// Longest stop text, in characters: the answer's last characters are held back until they match none.
    static final int MAX_STOP_LENGTH = 1000;

    /// `bestOf`: beams of a search that are asked for by another name, if so.
    static GenerationParameters parse(RequestFields fields, OptionalInt bestOf) {
        boolean stream = fields.flag("stream", false);
        int n = fields.integer("n", 1, MAX_CHOICES).orElse(1);
        Optional<BeamParameters> beams = BeamFields.parse(fields, n, bestOf);
        SamplingParameters sampling = sampling(fields);
        return new GenerationParameters(
                n,
                beams.isPresent() ? BeamFields.undrawn(sampling) : sampling,
                stop(fields),
                fields.flag("ignore_eos", false),
                fields.integer("priority").orElse(0),
                cacheSalt(fields),
                beams,
                stream,
                includeUsage(fields, stream));
    }

    /// What the engine is asked for; `choices`: how many are drawn.
    GenerationRequest request(int[] prompt, int choices, OptionalInt maxTokens, int logprobs, boolean scorePrompt) {
        try {
            return new GenerationRequest(
                    prompt,
                    choices,
                    maxTokens,
                    sampling,
                    stop,
                    ignoreEos,
                    priority,
                    logprobs,
                    scorePrompt,
                    cacheSalt,
                    beams);
        } catch (IllegalArgumentException e) {
            throw ApiException.refused(e);
        }
    }

    /// The parameter that says how many sequences answer: `drawn` of a request that draws them.
    String choicesField(String drawn) {
        return beams.isPresent() ? "beam_width" : drawn;
    }

    private static SamplingParameters sampling(RequestFields fields) {
        // vLLM's users write -1 for "all", ours 0: both are.
        int topK = fields.integer("top_k").orElse(0);
        try {
            return new SamplingParameters(
                    fields.number("temperature", 1),
                    fields.number("top_p", 1),
                    topK == -1 ? 0 : topK,
                    fields.number("min_p", 0),
                    fields.number("presence_penalty", 0),
                    fields.number("frequency_penalty", 0),
                    fields.number("repetition_penalty", 1),
                    fields.biases("logit_bias"),
                    fields.longInteger("seed")
                            .orElseGet(() -> ThreadLocalRandom.current().nextLong()));
        } catch (IllegalArgumentException e) {
            throw ApiException.refused(e);
        }
    }

    private static List<String> stop(RequestFields fields) {
        JsonNode node = fields.node("stop").orElse(null);
        if (node == null) {
            return List.of();
        }
        if (node.isTextual()) {
            return List.of(stop(node));
        }
        if (!node.isArray()) {
            throw RequestFields.wrongType("stop", "a string or an array of strings", node);
        }
        if (node.size() > MAX_STOPS) {
            throw ApiException.invalid(
                    "stop", "stop must have at most " + MAX_STOPS + " strings: stop.length=" + node.size());
        }
        var stops = new ArrayList<String>();
        node.forEach(element -> stops.add(stop(element)));
        return stops;
    }

    private static String stop(JsonNode node) {
        if (!node.isTextual()) {
            throw RequestFields.wrongType("stop", "a string or an array of strings", node);
        }
        String text = node.textValue();
        if (text.isEmpty() || text.length() > MAX_STOP_LENGTH) {
            throw ApiException.invalid(
                    "stop", "stop must have 1 to " + MAX_STOP_LENGTH + " characters: stop.length=" + text.length());
        }
        return text;
    }

    private static String cacheSalt(RequestFields fields) {
        String salt = fields.text("cache_salt").orElse(null);
        if (salt != null && (salt.isEmpty() || salt.length() > MAX_SALT_LENGTH)) {
            throw ApiException.invalid(
                    "cache_salt",
                    "cache_salt must have 1 to " + MAX_SALT_LENGTH + " characters: cache_salt.length=" + salt.length());
        }
        return salt == null ? "" : salt;
    }

    private static boolean includeUsage(RequestFields fields, boolean stream) {
        var options = fields.fields("stream_options");
        if (options.isPresent() && !stream) {
            throw ApiException.invalid("stream_options", "stream_options must only be given with stream: stream=false");
        }
        return options.map(o -> o.flag("include_usage", false)).orElse(false);
    }
}
