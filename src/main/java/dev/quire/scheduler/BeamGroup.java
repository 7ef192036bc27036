package dev.quire.scheduler;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CorruptStateException;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamSearch;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The beams of one search: a sequence for each, of which those that live share the blocks of what they have in
/// common. A group is one entry in the scheduler's order, with as many places as it may have beams: the first beam
/// leads, and stands for all of them whether it lives or not. It runs, gives way and ends whole.
///
/// Its life: the *trunk*, the best beam, computes what all live beams have in common, at first the prompt. Then each
/// other one goes on from a fork, and all compute equally many tokens in the same steps, so that they are level
/// always. When every token is computed, what may follow each beam is offered, the search goes on, and a beam that
/// continues another gives back its blocks and is forked from that one: when the next step is planned, since a layout
/// that copies may first have to find room. Blocks are given back before any are taken.
///
/// A group that gave way keeps its search and its tokens, and begins again with the trunk: what beams have in common
/// is held once then, too. Its blocks are dropped and computed again; they are never swapped. Where a fork copies,
/// every live beam takes its run when the group begins again, before anybody else can come between: so it moves on
/// from there, and cannot be stopped by how the pool is cut up. Where nothing is kept from step to step, each beam
/// computes its whole context.
///
/// Most blocks: those of the prompt that are full, once, and for each beam all others. Copy-on-write needs none
/// besides: of the holders of a partly filled block all but the last copy it, and then each has its own.
///
/// Cost of a step besides the search's own: O(width²) and the tokens of beams that moved; nothing allocated until the
/// end. Invariants (`checkInvariants`): only live beams hold blocks; those that have been forked are level, and with
/// as many tokens; the trunk is not forked before it is done. Not thread-safe: the engine thread owns it once it is
/// added.
public final class BeamGroup {
    private final BeamSearch search;
    private final Sequence[] beam; // [width]
    private final int[] source; // [width] the beam that this one is yet to be forked from; itself if none
    private final int answers;
    private final int candidates;
    private final boolean keeps; // blocks from step to step
    private final boolean shares; // them with its forks
    private int best; // live beam
    private int common; // leading tokens that the trunk computes for all
    private int offered; // live beams of which it is known what may follow

    /// A search of `parameters` for the `answers` best of what it finds, at most `parameters.width()`, by a model of
    /// `vocabulary` tokens. Beam i arrives at `spec.arrival() + i`.
    public BeamGroup(Sequence.Spec spec, int answers, BeamParameters parameters, int vocabulary, CacheLayout layout) {
        if (answers < 1 || answers > parameters.width() || spec.scorePrompt()) {
            throw new IllegalArgumentException("a search must be for 1 to width answers, and score no prompt: answers="
                    + answers + ", width=" + parameters.width() + ", scorePrompt=" + spec.scorePrompt());
        }
        search = new BeamSearch(parameters, spec.endTokens(), spec.maxTokens());
        this.answers = answers;
        candidates = Math.min(BeamSearch.candidates(parameters, spec.endTokens()), vocabulary);
        keeps = layout.keeps();
        shares = layout.shares();
        beam = new Sequence[parameters.width()];
        source = new int[beam.length];
        for (int i = 0; i < beam.length; i++) {
            var output = new TokenBuffer(i < answers ? spec.maxTokens() : 0, TokenBuffer.NO_LOGPROBS);
            beam[i] = new Sequence(
                    spec.choice(i), layout, output, this, i == 0 ? Optional.empty() : Optional.of(beam[0]));
        }
        gather();
    }

    /// The sequence that stands for the group.
    public Sequence leader() {
        return beam[0];
    }

    /// The sequences that show the answers, the best first, once the search is over.
    public List<Sequence> answers() {
        return List.of(beam).subList(0, answers);
    }

    /// The search as far as it has gone.
    public BeamSearch search() {
        return search;
    }

    /// Likeliest tokens of each beam that are wanted in a step.
    public int candidates() {
        return candidates;
    }

    /// Most beams.
    public int width() {
        return beam.length;
    }

    public Sequence beam(int index) {
        return beam[index];
    }

    /// What may follow a live beam: see `BeamSearch`.
    public void offer(Sequence offering, int token, float logprob) {
        search.offer(indexOf(offering), token, logprob);
    }

    private int indexOf(Sequence wanted) {
        int at = 0;
        while (beam[at] != wanted) {
            at++;
        }
        return at;
    }

    /// All that may follow one more of the live beams has been offered; true with the last of them.
    boolean complete() {
        offered++;
        return offered == search.live();
    }

    /// Goes on with what was offered: beams that live no longer, or continue others, give their blocks back. False
    /// if the search is over.
    boolean advance() {
        offered = 0;
        if (!search.advance()) {
            return false;
        }
        for (int i = 0; i < beam.length; i++) {
            if (!lives(i)) {
                beam[i].table().release();
            }
        }
        for (int rank = 0; rank < search.live(); rank++) {
            int child = search.beam(rank);
            int parent = search.parent(rank);
            if (child != parent) {
                beam[child].goOnFrom(beam[parent]); // which keeps its place, so it is as it was
                source[child] = parent;
            }
        }
        for (int rank = 0; rank < search.live(); rank++) {
            lane(rank).extend(search.token(rank));
        }
        best = search.beam(0);
        if (!keeps) {
            suspend();
        }
        return true;
    }

    private boolean lives(int index) {
        for (int rank = 0; rank < search.live(); rank++) {
            if (search.beam(rank) == index) {
                return true;
            }
        }
        return false;
    }

    /// Tells the readers what the search has found; false if those are fewer answers than are wanted.
    boolean tell() {
        if (search.hypotheses() < answers) {
            return false;
        }
        for (int i = 0; i < answers; i++) {
            var ending = search.ended(i) ? TokenBuffer.Ending.STOP : TokenBuffer.Ending.LENGTH;
            beam[i].say(search.tokens(i), search.score(i), ending);
        }
        return true;
    }

    /// Tokens that each live beam holds, or is about to from its fork; before, the trunk.
    int computed() {
        return beam[source[best]].computed();
    }

    /// Beams that a step computes.
    int lanes() {
        return computed() < common ? 1 : search.live();
    }

    /// The `index`-th of them: the trunk is the best of the live beams.
    Sequence lane(int index) {
        return beam[search.beam(index)];
    }

    /// Tokens that a step computes of each lane if it has room for `tokens` in all.
    int run(int tokens) {
        int end = computed() < common ? common : beam[best].length();
        return Math.min(end - computed(), tokens / lanes());
    }

    int mostBlocks(CacheLayout layout) {
        return layout.mostBlocks(leader().storedTokens(), leader().promptLength(), beam.length);
    }

    /// Blocks that are taken besides those that `open` takes as soon as all beams write.
    int forkBlocks(CacheLayout layout) {
        int stored = leader().storedTokens();
        int tokens = beam[best].length();
        return search.live() > 1
                ? (search.live() - opens()) * layout.forkBlocks(common, tokens, stored)
                : (beam.length - 1) * layout.forkBlocks(tokens, stored);
    }

    /// Beams that take blocks when the group begins: the trunk, or where nothing is shared all.
    private int opens() {
        return shares ? 1 : search.live();
    }

    /// Blocks that may still be taken, besides those that are held or that `open` will take; one lane after another may
    /// need a second run for as long as it is copied.
    long moreBlocks(CacheLayout layout) {
        int stored = leader().storedTokens();
        int opened = layout.mostBlocks(stored) - layout.moreBlocks(beam[best].length(), stored);
        long held = holds() ? held(layout.pool()) : (long) opens() * opened;
        return mostBlocks(layout) - held + layout.moreBlocks(stored, stored);
    }

    /// Blocks held, or fewer: one that several beams hold counts only if the best does.
    private long held(BlockPool pool) {
        long held = 0;
        for (Sequence each : beam) {
            for (int i = 0; i < each.table().blocks(); i++) {
                held += each == beam[best] || pool.refCount(each.table().block(i)) == 1 ? 1 : 0;
            }
        }
        return held;
    }

    /// Takes blocks for the trunk, or where nothing is shared for each beam, if `spare` blocks are left then. Returns
    /// 0, or how many were missing: then nothing has changed.
    int open(int spare) {
        // A token of the trunk is computed in any case: so it is done in a step, and forked in the next.
        int shareable = search.live() == 1 ? common : Math.max(0, common - 1);
        for (int i = 0; i < opens(); i++) {
            int missing = lane(i).table().open(lane(i).length(), shareable, spare);
            if (missing > 0) {
                releaseTables();
                return missing;
            }
        }
        return 0;
    }

    /// Forks what is to be forked, and takes what is needed to compute `run` tokens of each lane. Returns 0, or how
    /// many blocks were missing: then some may have theirs.
    int reserve(int run, BlockCopies copies) {
        int lanes = lanes();
        int missing = 0;
        for (int i = 0; i < lanes && missing == 0; i++) {
            missing = fork(search.beam(i), copies);
        }
        for (int i = 0; i < lanes && missing == 0; i++) {
            missing = lane(i).table().reserve(lane(i).computed() + run, copies);
        }
        return missing;
    }

    private int fork(int child, BlockCopies copies) {
        if (source[child] == child) {
            return 0;
        }
        int missing = beam[source[child]].table().fork(beam[child].table(), beam[child].length(), copies);
        if (missing == 0) {
            source[child] = child;
        }
        return missing;
    }

    /// Gives every block back; the search and its tokens stay.
    void suspend() {
        offered = 0;
        releaseTables();
        gather();
    }

    /// Plans to begin again with what all beams have in common.
    private void gather() {
        Arrays.setAll(source, i -> i);
        common = keeps ? commonTokens() : 0;
        for (int rank = 1; keeps && rank < search.live(); rank++) {
            source[search.beam(rank)] = best;
        }
    }

    private int commonTokens() {
        int shared = beam[best].length();
        for (int rank = 1; rank < search.live(); rank++) {
            int at = leader().promptLength();
            while (at < shared && lane(rank).token(at) == beam[best].token(at)) {
                at++;
            }
            shared = at;
        }
        return shared;
    }

    /// Gives every block back; `failed`: what they hold is not to be trusted.
    void release(boolean failed) {
        for (int i = 0; failed && i < beam.length; i++) {
            beam[i].table().forget();
        }
        releaseTables();
    }

    private void releaseTables() {
        for (Sequence each : beam) {
            each.table().release();
        }
    }

    /// Tells all readers that no more comes.
    void answer(TokenBuffer.Ending ending, String failure) {
        for (Sequence each : beam) {
            each.output().end(ending, failure);
        }
    }

    /// Those that live.
    void forEach(Consumer<Sequence> each) {
        for (int rank = 0; rank < search.live(); rank++) {
            each.accept(lane(rank));
        }
    }

    boolean holds() {
        for (Sequence each : beam) {
            if (each.holdsItself()) {
                return true;
            }
        }
        return false;
    }

    void countBlocks(int[] held) {
        checkInvariants();
        for (Sequence each : beam) {
            each.countItself(held);
        }
    }

    void checkInvariants() {
        search.checkInvariants();
        int lanes = search.live() == 0 ? 0 : lanes();
        for (int i = 0; i < beam.length; i++) {
            boolean lives = lives(i);
            boolean forked = lives && source[i] == i;
            boolean trunk = lanes == 1 && i == best;
            if ((beam[i].table().blocks() > 0 && !lives)
                    || (beam[i].computed() > 0 && !forked)
                    || (lives && beam[i].length() != beam[best].length())
                    || (forked && beam[i].computed() != computed())
                    || (!lives && source[i] != i && lanes > 0)
                    || (lives && lanes == 1 && search.live() > 1 && forked != trunk)) {
                throw new CorruptStateException("beam must be level with the others, and hold blocks only if it lives"
                        + " and is forked: beam=" + i + ", lives=" + lives + ", source=" + source[i] + ", blocks="
                        + beam[i].table().blocks() + ", length=" + beam[i].length() + ", computed=" + beam[i].computed()
                        + ", best=" + best + ", best.length=" + beam[best].length() + ", common=" + common);
            }
        }
    }
}
