package dev.quire.store;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/// Shows how a download goes: a bar that is redrawn in a terminal, a line now and then elsewhere.
///
/// Thread-safe.
final class DownloadProgress {
    private static final int WIDTH = 100;
    private static final Duration REDRAWN = Duration.ofMillis(200);
    private static final Duration LINES = Duration.ofSeconds(10);

    private final PrintStream out;
    private final boolean terminal;
    private volatile ProgressBar bar; // null between files

    DownloadProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    void start(String name, long bytes, long present) {
        ProgressBarConsumer consumer = terminal
                ? new ConsoleProgressBarConsumer(out, WIDTH)
                : new DelegatingProgressBarConsumer(line -> out.println(line.strip()), WIDTH);
        bar = new ProgressBarBuilder()
                .setTaskName(name)
                .setInitialMax(bytes)
                .startsFrom(present, Duration.ZERO)
                .setUnit("MB", 1_000_000)
                .showSpeed()
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis((int) (terminal ? REDRAWN : LINES).toMillis())
                .setConsumer(consumer)
                .build();
    }

    void advance(long bytes) {
        ProgressBar shown = bar;
        if (shown != null) {
            shown.stepBy(bytes);
        }
    }

    /// The file is fetched from its beginning again.
    void restart() {
        ProgressBar shown = bar;
        if (shown != null) {
            shown.stepTo(0);
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
