package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.kernel.Batch;
import dev.quire.sampling.BeamParameters;
import dev.quire.scheduler.Sequence;
import java.util.BitSet;
import java.util.Optional;

/// What a request is checked for before it may wait: that the model knows its tokens and that it can ever fit.
final class Door {
    private static final BitSet NO_TOKENS = new BitSet();

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
        int width = request.beams().map(BeamParameters::width).orElse(request.choices());
        if (width > sequences) {
            return Optional.of(new Submission.TooManyChoices(width, sequences));
        }
        int endTokens = endTokens(request, loading).cardinality();
        if (request.beams().isPresent() && width + endTokens > Batch.TOP_LOGPROBS) {
            return Optional.of(new Submission.TooManyCandidates(width, endTokens, Batch.TOP_LOGPROBS));
        }
        // Without max_tokens at least one token must have room.
        int promptTokens = request.prompt().length;
        int maxTokens = request.maxTokens().orElse(1);
        if ((long) promptTokens + maxTokens > model.contextLength()) {
            return Optional.of(new Submission.TooLong(promptTokens, maxTokens, model.contextLength()));
        }
        BlockPool pool = loading.pool();
        int needed = mostBlocks(request, maxTokens, loading.layout());
        if (needed > pool.blocks()) {
            return Optional.of(new Submission.TooLarge(needed, pool.blocks(), pool.blockSize()));
        }
        return Optional.empty();
    }

    /// Blocks that the request holds at its longest: of drawn choices one, since they may run one after another; of
    /// beams all.
    private static int mostBlocks(GenerationRequest request, int maxTokens, CacheLayout layout) {
        int promptTokens = request.prompt().length;
        int stored = Sequence.storedTokens(promptTokens, maxTokens);
        return request.beams().isPresent()
                ? layout.mostBlocks(stored, promptTokens, request.beams().get().width())
                : layout.mostBlocks(stored);
    }

    /// Tokens that end an answer.
    static BitSet endTokens(GenerationRequest request, ModelLoading loading) {
        return request.ignoreEos() ? NO_TOKENS : loading.endTokens();
    }

    /// Most tokens to generate: what was asked for, or what context and pool allow.
    static int maxTokens(GenerationRequest request, ModelLoading loading) {
        int promptTokens = request.prompt().length;
        long poolTokens = loading.layout().mostTokens();
        // The last token generated is never stored, hence the 1.
        long room = Math.min(loading.model().contextLength(), poolTokens + 1) - promptTokens;
        int most = request.maxTokens().orElse((int) room);
        return request.beams().isPresent() && request.maxTokens().isEmpty()
                ? mostOfBeams(request, most, loading)
                : most;
    }

    /// The most tokens up to `most`, at least 1, with which every beam has room.
    private static int mostOfBeams(GenerationRequest request, int most, ModelLoading loading) {
        int low = 1;
        int high = most;
        while (low < high) {
            int middle = low + (high - low + 1) / 2;
            if (mostBlocks(request, middle, loading.layout()) <= loading.pool().blocks()) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
