package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.RunAllocator.Policy;
import dev.quire.cache.SwapSpace;
import dev.quire.cache.UncachedLayout;
import dev.quire.engine.QuireSettings.CacheSettings;
import dev.quire.kernel.Kernels;
import dev.quire.scheduler.AdmissionPolicy;

/// The settings of the cache → its layout.
final class Layouts {
    private Layouts() {}

    /// A layout over `blocks` free blocks, with `slots` to swap them to, for sequences of at most `contextLength`
    /// tokens.
    static CacheLayout of(CacheSettings settings, int blocks, int slots, int contextLength) {
        CompactionLimits compaction = compaction(settings); // of use in any layout, so refused in any
        return switch (settings.layout()) {
            case "paged" ->
                new PagedLayout(
                        new BlockPool(blocks, Kernels.PAGE_TOKENS, index(settings, blocks)), new SwapSpace(slots));
            case "contiguous" -> contiguous(settings.contiguous(), blocks, contextLength, compaction);
            case "none" -> new UncachedLayout(new BlockPool(blocks, Kernels.PAGE_TOKENS));
            default ->
                throw new IllegalArgumentException(
                        "quire.cache.layout must be paged, contiguous or none: quire.cache.layout="
                                + settings.layout());
        };
    }

    private static PrefixIndex index(CacheSettings settings, int blocks) {
        return switch (settings.prefix()) {
            case "on" -> new PrefixIndex(blocks, Kernels.PAGE_TOKENS);
            case "off" -> PrefixIndex.off();
            default ->
                throw new IllegalArgumentException(
                        "quire.cache.prefix must be on or off: quire.cache.prefix=" + settings.prefix());
        };
    }

    static AdmissionPolicy admission(CacheSettings settings) {
        return switch (settings.admission()) {
            case "optimistic" -> AdmissionPolicy.OPTIMISTIC;
            case "worst-case" -> AdmissionPolicy.WORST_CASE;
            default ->
                throw new IllegalArgumentException(
                        "quire.cache.admission must be optimistic or worst-case: quire.cache.admission="
                                + settings.admission());
        };
    }

    /// When blocks are moved together, and how fast.
    static CompactionLimits compaction(CacheSettings settings) {
        double threshold = settings.compaction().threshold();
        int copies = settings.compaction().copies();
        if (!(threshold >= 0 && threshold <= 1)) {
            throw new IllegalArgumentException("quire.cache.compaction.threshold must be 0 to 1:"
                    + " quire.cache.compaction.threshold=" + threshold);
        }
        if (copies <= 0) {
            throw new IllegalArgumentException(
                    "quire.cache.compaction.copies must be positive: quire.cache.compaction.copies=" + copies);
        }
        return new CompactionLimits(threshold, copies);
    }

    private static ContiguousLayout contiguous(
            CacheSettings.ContiguousSettings settings, int blocks, int contextLength, CompactionLimits compaction) {
        Policy policy =
                switch (settings.fit()) {
                    case "first" -> Policy.FIRST_FIT;
                    case "best" -> Policy.BEST_FIT;
                    case "buddy" -> Policy.BUDDY;
                    default ->
                        throw new IllegalArgumentException(
                                "quire.cache.contiguous.fit must be first, best or buddy: quire.cache.contiguous.fit="
                                        + settings.fit());
                };
        Reserve reserve =
                switch (settings.reserve()) {
                    case "model" -> Reserve.MODEL;
                    case "request" -> Reserve.REQUEST;
                    case "estimate" -> Reserve.ESTIMATE;
                    default ->
                        throw new IllegalArgumentException("quire.cache.contiguous.reserve must be model, request or"
                                + " estimate: quire.cache.contiguous.reserve=" + settings.reserve());
                };
        if (settings.estimate() < 0) {
            throw new IllegalArgumentException("quire.cache.contiguous.estimate must not be negative:"
                    + " quire.cache.contiguous.estimate=" + settings.estimate());
        }
        return new ContiguousLayout(
                new BlockPool(blocks, Kernels.PAGE_TOKENS),
                policy,
                reserve,
                contextLength,
                settings.estimate(),
                compaction);
    }
}
