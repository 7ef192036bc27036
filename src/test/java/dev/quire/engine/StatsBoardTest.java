package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.engine.EngineStats.State;
import dev.quire.engine.StatsBoard.Entry;
import org.junit.jupiter.api.Test;

class StatsBoardTest {
    private final StatsBoard board = new StatsBoard(new Inbox(3));

    @Test
    void ready_afterStarting_isReadyWithoutAReason() {
        assertEquals(State.STARTING, board.state());
        board.ready();
        assertEquals(State.READY, board.state());
        assertEquals("", board.read().stateReason());
    }

    /// A request that is let in after the engine has ended would never be answered.
    @Test
    void ready_afterStop_staysStopped() {
        board.state(State.STOPPED, "the server is shutting down");
        board.ready();
        assertEquals(State.STOPPED, board.state());
        assertEquals("the server is shutting down", board.read().stateReason());
    }

    @Test
    void read_givesEachNumberItsPlace() {
        board.begin();
        for (Entry entry : Entry.values()) {
            board.put(entry, 100 + entry.ordinal());
        }
        board.add(Entry.FAILED, 1000);
        board.end();
        EngineStats stats = board.read();
        assertEquals(100, stats.blockSize());
        assertEquals(102, stats.free());
        assertEquals(104, stats.inUse());
        assertEquals(108, stats.running());
        assertEquals(0, stats.waiting());
        assertEquals(3, stats.capacity());
        assertEquals(112, stats.promptTokens());
        assertEquals(1116, stats.failed());
        assertEquals(new EngineStats.StepNanos(117, 118, 119, 120, 121, 122), stats.stepNanos());
        assertEquals(123, stats.tokensLogical());
        assertEquals(124, stats.modelLength());
        assertEquals(new EngineStats.Sharing(130, 131, 125, 126, 127, 128, 129), stats.sharing());
        assertEquals(new EngineStats.Peaks(136, 137, 138, 139), stats.peaks());
        assertEquals(
                new EngineStats.Reserved(132, 133, 140, 141, 142),
                stats.contiguous().model());
        assertEquals(
                new EngineStats.Reserved(134, 135, 143, 144, 145),
                stats.contiguous().request());
        assertEquals(new EngineStats.Swap(147, 148, 146, 149, 150), stats.swap());
        assertEquals(new EngineStats.Headroom(151, 152, 153, 154, 155, 156), stats.headroom());
        assertEquals(new EngineStats.Fragmentation(157, 158, 159, 160, 161), stats.fragmentation());
        assertEquals(new EngineStats.Moves(162, 163, 164, 165, 166), stats.moves());
        assertEquals(167, 100 + Entry.values().length);
    }

    @Test
    void raise_keepsTheLargest() {
        for (long value : new long[] {3, 9, 4}) {
            board.begin();
            board.raise(Entry.PEAK_SAVED, value);
            board.end();
        }
        assertEquals(9, board.read().peaks().saved());
    }

    @Test
    void shares_nothingThereYet_areZero() {
        EngineStats stats = board.read();
        assertEquals(0, stats.blockUsage());
        assertEquals(0, stats.tokenUsage());
        assertEquals(0, stats.wastePercent());
        assertEquals(0, stats.fragmentation().ratio());
        assertEquals(0, stats.bytes(9));
        assertEquals(0, stats.wastePercent(stats.contiguous().model()));
        assertEquals(0, stats.sharing().hitRate());
    }

    /// Ten blocks of 16, three in use with 30 tokens; 40 tokens logically; 8 blocks would be reserved.
    @Test
    void shares_areOfThePoolAndOfWhatIsReserved() {
        board.begin();
        board.put(Entry.BLOCK_SIZE, 16);
        board.put(Entry.BLOCKS, 10);
        board.put(Entry.IN_USE, 3);
        board.put(Entry.TOKENS_STORED, 30);
        board.put(Entry.RESERVED_TOKENS, 16);
        board.put(Entry.INTERNAL_TOKENS, 2);
        board.put(Entry.BLOCK_BYTES, 160);
        board.put(Entry.LONGEST_FREE, 4);
        board.put(Entry.LONGEST_FREE_OF, 7);
        board.put(Entry.TOKENS_LOGICAL, 40);
        board.put(Entry.REQUEST_BLOCKS, 8);
        board.put(Entry.PREFIX_QUERIES, 80);
        board.put(Entry.PREFIX_HITS, 20);
        board.end();
        EngineStats stats = board.read();
        assertEquals(0.3, stats.blockUsage());
        assertEquals(0.1875, stats.tokenUsage());
        assertEquals(18, stats.wasteTokens());
        assertEquals(37.5, stats.wastePercent());
        assertEquals(1 - 4 / 7.0, stats.fragmentation().ratio());
        assertEquals(180, stats.bytes(18));
        assertEquals(88, stats.wasteTokens(stats.contiguous().request()));
        assertEquals(68.75, stats.wastePercent(stats.contiguous().request()));
        assertEquals(0.25, stats.sharing().hitRate());
    }

    /// Every entry of an update holds the same number, so a torn copy shows.
    @Test
    void read_whileTheEngineWrites_isTrueAtOneMoment() throws InterruptedException {
        var writer = Thread.ofPlatform().start(() -> {
            for (long value = 1; value <= 200_000; value++) {
                board.begin();
                for (Entry entry : Entry.values()) {
                    board.put(entry, value);
                }
                board.end();
            }
        });
        while (writer.isAlive()) {
            EngineStats stats = board.read();
            assertEquals(stats.blockSize(), stats.failed());
            assertEquals(stats.free(), stats.generatedTokens());
            assertEquals(stats.blockSize(), stats.free());
            assertEquals(stats.failed(), stats.stepNanos().deliver());
        }
        writer.join();
        assertEquals(200_000, board.read().steps());
    }
}
