package dev.quire.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;

/// A level's report as one JSON object on one line; bench/README.md lists the fields. What could not be
/// measured is null.
public final class LevelJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private LevelJson() {}

    public static String of(LevelReport report) {
        LoadPlan plan = report.plan();
        Workload workload = plan.workload();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("label", plan.label());
        fields.put("url", plan.target().url().toString());
        fields.put("model", workload.model());
        fields.put("endpoint", workload.endpoint().name().toLowerCase(Locale.ROOT));
        switch (report.level()) {
            case Level.Closed closed -> fields.put("concurrency", closed.concurrency());
            case Level.Open open -> {
                fields.put("request_rate", open.rate());
                fields.put("burstiness", open.burstiness());
                open.maxConcurrency().ifPresent(most -> fields.put("max_concurrency", most));
            }
        }
        fields.put("runs", report.runs());
        fields.put("warmup", plan.warmup());
        fields.put("seed", workload.seed());
        fields.put("prompt_tokens_per_request", workload.promptTokens().toString());
        fields.put("output_tokens_per_request", workload.outputTokens().toString());
        fields.put("shared_prefix", workload.prefix().toString());
        fields.put("n", workload.choices());
        fields.put("temperature", workload.temperature());
        fields.put("ignore_eos", workload.ignoreEos());
        fields.put("completed", report.completed());
        fields.put("failed", report.failed());
        fields.put("refused", report.refused());
        fields.put(
                "retry_after_seconds",
                report.retryAfterSeconds().isPresent()
                        ? report.retryAfterSeconds().getAsInt()
                        : null);
        fields.put("failures", report.failures());
        fields.put("ended_early", report.early());
        fields.put("peak_concurrency", report.mostAtOnce());
        fields.put("duration_seconds", rounded(report.seconds(), 3));
        fields.put("tokens_counted_by", report.counted() ? "usage" : "events");
        fields.put("prompt_tokens", report.promptTokens());
        fields.put("cached_prompt_tokens", report.cachedTokens());
        fields.put("output_tokens", report.outputTokens());
        fields.put("events", report.events());
        fields.put("requests_per_second", rounded(report.requestsPerSecond(), 3));
        fields.put("output_tokens_per_second", rounded(report.outputTokensPerSecond(), 2));
        fields.put("output_tokens_per_second_runs", rounded(report.outputTokensPerSecondRuns(), 2));
        fields.put("total_tokens_per_second", rounded(report.totalTokensPerSecond(), 2));
        fields.put("ttft_ms", summary(report.firstMillis()));
        fields.put("ttft_ms_p50_runs", rounded(report.firstMillisRuns(), 3));
        fields.put("itl_ms", summary(report.gapMillis()));
        fields.put("tpot_ms", summary(report.tokenMillis()));
        fields.put("e2e_ms", summary(report.endMillis()));
        fields.put("decode_tokens_per_second_each", rounded(report.decodeTokensPerSecondEach(), 2));
        fields.put("client_cpu_seconds", rounded(report.cpuSeconds(), 3));
        try {
            return JSON.writeValueAsString(fields);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // numbers and strings can be written
        }
    }

    private static Map<String, Object> summary(Summary summary) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("mean", rounded(summary.mean(), 3));
        fields.put("p50", rounded(summary.p50(), 3));
        fields.put("p90", rounded(summary.p90(), 3));
        fields.put("p99", rounded(summary.p99(), 3));
        fields.put("max", rounded(summary.max(), 3));
        return fields;
    }

    private static Object[] rounded(double[] values, int digits) {
        return DoubleStream.of(values).mapToObj(value -> rounded(value, digits)).toArray();
    }

    /// Null for what is no number: JSON has none of those.
    private static Double rounded(double value, int digits) {
        double scale = Math.pow(10, digits);
        return Double.isFinite(value) ? Math.rint(value * scale) / scale : null;
    }
}
