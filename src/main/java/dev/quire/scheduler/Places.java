package dev.quire.scheduler;

import dev.quire.cache.CorruptStateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/// Who has a place in the steps: the sequences that run, in order, and those whose blocks are on their way back
/// from the swap space. A sequence that leads others takes a place for each of them too.
///
/// Invariants (`checkInvariants`): those that run are in order; places are counted and within their bound. Not
/// thread-safe: the engine thread owns it.
final class Places {
    /// Lower priority numbers first, then earlier arrivals.
    static final Comparator<Sequence> ORDER =
            Comparator.comparingInt(Sequence::priority).thenComparingLong(Sequence::arrival);

    private final int bound;
    private final List<Sequence> running; // in ORDER
    private final List<Sequence> loading = new ArrayList<>();
    private final ContiguousShadow contiguous;
    private int taken; // by those that run
    private int loadingTaken;

    /// `bound` places over a pool of `blocks` blocks of `blockSize` tokens, for sequences of at most
    /// `modelLength`.
    Places(int bound, int blocks, int blockSize, int modelLength) {
        this.bound = bound;
        running = new ArrayList<>(bound);
        contiguous = new ContiguousShadow(blocks, blockSize, modelLength, running);
    }

    /// What a contiguous layout would take for those that run.
    ContiguousShadow contiguous() {
        return contiguous;
    }

    /// Sequences that run.
    int running() {
        return running.size();
    }

    Sequence running(int index) {
        return running.get(index);
    }

    int loading() {
        return loading.size();
    }

    Sequence loading(int index) {
        return loading.get(index);
    }

    boolean isEmpty() {
        return running.isEmpty() && loading.isEmpty();
    }

    /// Places of the sequences that run.
    int taken() {
        return taken;
    }

    /// Places that may be taken.
    int free() {
        return bound - taken - loadingTaken;
    }

    /// Whether `width` more places may be taken.
    boolean haveRoom(int width) {
        return width <= free();
    }

    /// `sequence` runs.
    void run(Sequence sequence) {
        int at = running.size();
        while (at > 0 && ORDER.compare(running.get(at - 1), sequence) > 0) {
            at--;
        }
        running.add(at, sequence);
        take(sequence, sequence.width());
    }

    /// The blocks of `sequence` are on their way back.
    void load(Sequence sequence) {
        loading.add(sequence);
        loadingTaken += sequence.width();
    }

    /// A sequence that runs or loads gives up its places.
    void leave(Sequence sequence) {
        if (sequence.state() == Sequence.State.LOADING) {
            loading.remove(sequence);
            loadingTaken -= sequence.width();
        } else {
            running.remove(sequence);
            take(sequence, -sequence.width());
        }
    }

    /// `leader` has one follower less.
    void leaveFollower(Sequence leader) {
        if (leader.state() == Sequence.State.RUNNING) {
            take(leader, -1);
        } else if (leader.state() == Sequence.State.LOADING) {
            loadingTaken--;
        }
    }

    private void take(Sequence sequence, int width) {
        taken += width;
        contiguous.add(sequence, width);
    }

    /// The last in the order of those that run or load, from `sequence` on.
    Sequence lastAfter(Sequence sequence) {
        Sequence last = running.getLast();
        for (int i = 0; i < loading.size(); i++) {
            last = ORDER.compare(loading.get(i), last) > 0 ? loading.get(i) : last;
        }
        return ORDER.compare(last, sequence) < 0 ? sequence : last;
    }

    /// Tells the readers of all that no more comes.
    void answer(TokenBuffer.Ending ending, String failure) {
        running.forEach(sequence -> sequence.answer(ending, failure));
        loading.forEach(sequence -> sequence.answer(ending, failure));
    }

    void forEach(Consumer<Sequence> each) {
        running.forEach(each);
        loading.forEach(each);
    }

    /// Throws if the places contradict themselves, else counts the references of each block in `held`.
    void checkInvariants(int[] held) {
        contiguous.checkInvariants();
        int counted = 0;
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            counted += sequence.width();
            sequence.countBlocks(held);
            if (sequence.state() != Sequence.State.RUNNING
                    || (i > 0 && ORDER.compare(running.get(i - 1), sequence) >= 0)) {
                throw new CorruptStateException("running must be in order: index=" + i + ", state=" + sequence.state()
                        + ", arrival=" + sequence.arrival());
            }
        }
        int countedLoading = 0;
        for (Sequence sequence : loading) {
            countedLoading += sequence.width();
            sequence.countBlocks(held);
            if (sequence.state() != Sequence.State.LOADING || sequence.table().swapped()) {
                throw new CorruptStateException("loading sequence must be on its way: state=" + sequence.state()
                        + ", arrival=" + sequence.arrival());
            }
        }
        if (counted != taken || countedLoading != loadingTaken || taken + loadingTaken > bound) {
            throw new CorruptStateException("places must be counted and within their bound: taken=" + taken
                    + ", counted=" + counted + ", loading=" + loadingTaken + ", counted=" + countedLoading + ", bound="
                    + bound);
        }
    }
}
