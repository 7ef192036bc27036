package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.scheduler.Sequence;
import java.util.Optional;

/// What a request is checked for before it may wait: that the model knows its tokens and that it can ever fit.
final class Door {
    private Door() {}

    /// Why the request cannot be taken, if so.
    static Optional<Submission> check(GenerationRequest request, ModelLoading loading) {
        LoadedModel model = loading.model();
        for (int token : request.prompt()) {
            if (token < 0 || token >= model.vocabulary()) {
                return Optional.of(new Submission.UnknownToken("prompt", token, model.vocabulary()));
            }
        }
        for (int token : request.sampling().logitBias().keySet()) {
            if (token < 0 || token >= model.vocabulary()) {
                return Optional.of(new Submission.UnknownToken("logit_bias", token, model.vocabulary()));
            }
        }
        int sequences = loading.batch().limits.sequences();
        if (request.choices() > sequences) {
            return Optional.of(new Submission.TooManyChoices(request.choices(), sequences));
        }
        // Without max_tokens at least one token must have room.
        int promptTokens = request.prompt().length;
        int maxTokens = request.maxTokens().orElse(1);
        if ((long) promptTokens + maxTokens > model.contextLength()) {
            return Optional.of(new Submission.TooLong(promptTokens, maxTokens, model.contextLength()));
        }
        BlockPool pool = loading.pool();
        int needed = loading.layout().mostBlocks(Sequence.storedTokens(promptTokens, maxTokens));
        if (needed > pool.blocks()) {
            return Optional.of(new Submission.TooLarge(needed, pool.blocks(), pool.blockSize()));
        }
        return Optional.empty();
    }

    /// Most tokens to generate: what was asked for, or what context and pool allow.
    static int maxTokens(GenerationRequest request, ModelLoading loading) {
        int promptTokens = request.prompt().length;
        long poolTokens = loading.layout().mostTokens();
        // The last token generated is never stored, hence the 1.
        long room = Math.min(loading.model().contextLength(), poolTokens + 1) - promptTokens;
        return request.maxTokens().orElse((int) room);
    }
}
