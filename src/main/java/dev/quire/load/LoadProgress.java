package dev.quire.load;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/// A bar that grows with every request that has ended, where somebody looks at a terminal; nothing elsewhere.
///
/// {@link #step} may be called by another thread than the rest.
public final class LoadProgress {
    private static final int WIDTH = 100;
    /// Seldom: drawing takes time from the server.
    private static final Duration REDRAWN = Duration.ofMillis(500);

    private final PrintStream out;
    private final boolean terminal;
    private volatile ProgressBar bar; // null between runs, and where there is no terminal

    public LoadProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    void start(String name, int requests) {
        if (terminal) {
            bar = new ProgressBarBuilder()
                    .setTaskName(name)
                    .setInitialMax(requests)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis((int) REDRAWN.toMillis())
                    .setConsumer(new ConsoleProgressBarConsumer(out, WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        }
    }

    void step() {
        ProgressBar shown = bar;
        if (shown != null) {
            shown.step();
        }
    }

    void end() {
        ProgressBar shown = bar;
        if (shown != null) {
            bar = null;
            shown.close();
        }
    }
}
