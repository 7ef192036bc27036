package dev.quire.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.sampling.SamplingParameters;
import java.util.Optional;
import java.util.OptionalInt;

/// What a body says of a beam search: `use_beam_search` and `length_penalty` as vLLM names them, `beam_width` as its
/// offline interface does, `early_stopping` as Transformers. Neutral values are taken with a search or without.
///
/// A search looks at the model's own log-probabilities and draws nothing: parameters of drawing are refused unless
/// they are without effect; `seed` always is. A temperature of 1 is the model's own distribution, and what
/// clients send that have no other default.
final class BeamFields {
    private static final String WITH = " with use_beam_search: ";

    private final RequestFields fields;

    private BeamFields(RequestFields fields) {
        this.fields = fields;
    }

    /// What is asked for, if a search is. Its width is `beam_width`, else `bestOf`, else `n`.
    static Optional<BeamParameters> parse(RequestFields fields, int n, OptionalInt bestOf) {
        var beams = new BeamFields(fields);
        OptionalInt width = fields.integer("beam_width");
        float lengthPenalty = fields.number("length_penalty", 1);
        EarlyStopping earlyStopping = beams.earlyStopping();
        if (!fields.flag("use_beam_search", false)) {
            beams.refuse(width.isPresent(), "beam_width");
            beams.refuse(lengthPenalty != 1, "length_penalty");
            beams.refuse(earlyStopping != EarlyStopping.HEURISTIC, "early_stopping");
            return Optional.empty();
        }
        if (width.isPresent() && bestOf.isPresent() && width.getAsInt() != bestOf.getAsInt()) {
            throw ApiException.invalid(
                    "best_of",
                    "best_of must be beam_width" + WITH + "best_of=" + bestOf.getAsInt() + ", beam_width="
                            + width.getAsInt());
        }
        try {
            return Optional.of(
                    new BeamParameters(width.orElseGet(() -> bestOf.orElse(n)), lengthPenalty, earlyStopping));
        } catch (IllegalArgumentException e) {
            throw ApiException.refused(e);
        }
    }

    private void refuse(boolean given, String field) {
        if (given) {
            throw ApiException.invalid(
                    field,
                    field + " must only be given with use_beam_search: " + field + "="
                            + fields.node(field).map(RequestFields::describe).orElse("null")
                            + ", use_beam_search=false");
        }
    }

    private EarlyStopping earlyStopping() {
        JsonNode node = fields.node("early_stopping").orElse(null);
        if (node == null) {
            return EarlyStopping.HEURISTIC;
        }
        if (node.isBoolean()) {
            return node.booleanValue() ? EarlyStopping.WHEN_FULL : EarlyStopping.HEURISTIC;
        }
        if (node.isTextual() && node.textValue().equals("never")) {
            return EarlyStopping.NEVER;
        }
        throw RequestFields.wrongType("early_stopping", "true, false or \"never\"", node);
    }

    /// How a search draws: not at all. Refuses what would have an effect if it did.
    static SamplingParameters undrawn(SamplingParameters asked) {
        if (asked.temperature() != 0 && asked.temperature() != 1) {
            throw ApiException.invalid(
                    "temperature",
                    "temperature must be 0 or 1, or left out," + WITH + "temperature=" + asked.temperature());
        }
        neutral("top_p", asked.topP(), 1);
        neutral("top_k", asked.topK(), 0);
        neutral("min_p", asked.minP(), 0);
        neutral("presence_penalty", asked.presencePenalty(), 0);
        neutral("frequency_penalty", asked.frequencyPenalty(), 0);
        neutral("repetition_penalty", asked.repetitionPenalty(), 1);
        if (!asked.logitBias().isEmpty()) {
            throw ApiException.invalid(
                    "logit_bias",
                    "logit_bias must not be given" + WITH + "logit_bias.size="
                            + asked.logitBias().size());
        }
        return SamplingParameters.greedy();
    }

    private static void neutral(String field, float value, int neutral) {
        if (value != neutral) {
            throw ApiException.invalid(
                    field, field + " must be " + neutral + ", or left out," + WITH + field + "=" + value);
        }
    }
}
