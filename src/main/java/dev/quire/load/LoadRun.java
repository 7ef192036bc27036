package dev.quire.load;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/// One run of one level: sends its requests, counts how they end.
///
/// Requests arrive, wait while as many are under way as may be, and are sent. In a closed loop all of them have
/// arrived when it begins; in an open one the calling thread lets them in when their time has come. All the
/// rest happens on the event loop, which owns the fields.
final class LoadRun {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final ServerClient client;
    private final Workload workload;
    private final Requests requests;
    private final Level level;
    private final int total;
    private final Runnable progress;
    private final ChunkReader reader = new ChunkReader();
    private final RunFigures figures = new RunFigures();
    private final CompletableFuture<RunFigures> end = new CompletableFuture<>();
    private int arrived;
    private int sent;
    private int ended;

    /// `progress` is run on the event loop whenever a request has ended.
    LoadRun(ServerClient client, Workload workload, Requests requests, Level level, int total, Runnable progress) {
        this.client = client;
        this.workload = workload;
        this.requests = requests;
        this.level = level;
        this.total = total;
        this.progress = progress;
    }

    /// Blocks until the last request has ended. `random` draws when requests arrive.
    RunFigures run(SplittableRandom random) {
        client.guard(end::completeExceptionally);
        long cpuNanos = PROCESS.getProcessCpuTime();
        long startNanos = System.nanoTime();
        switch (level) {
            case Level.Closed _ -> client.onLoop(() -> arrive(total));
            case Level.Open open -> {
                long dueNanos = startNanos;
                for (int i = 0; i < total; i++) {
                    await(dueNanos);
                    client.onLoop(() -> arrive(1));
                    dueNanos += open.arrivals().gapNanos(random);
                }
            }
        }
        try {
            end.join();
        } catch (CompletionException e) {
            throw new IllegalStateException("load generator has failed", e.getCause());
        }
        figures.seconds = (System.nanoTime() - startNanos) / 1e9;
        figures.cpuSeconds = (PROCESS.getProcessCpuTime() - cpuNanos) / 1e9;
        return figures;
    }

    private void await(long dueNanos) {
        for (long left = dueNanos - System.nanoTime(); left > 0 && !end.isDone(); left = dueNanos - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private void arrive(int more) {
        arrived += more;
        sendMore();
    }

    private void sendMore() {
        while (sent < arrived && sent - ended < level.mostAtOnce()) {
            sent++;
            figures.mostAtOnce = Math.max(figures.mostAtOnce, sent - ended);
            Requests.Request request = requests.next();
            var timer = new AnswerTimer(request, workload.choices(), reader, System.nanoTime());
            client.send(workload.endpoint(), request, timer, this::ended);
        }
    }

    private void ended(Outcome outcome) {
        ended++;
        figures.add(outcome);
        progress.run();
        if (ended == total) {
            end.complete(figures);
        } else {
            sendMore();
        }
    }
}
