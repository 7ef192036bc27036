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
