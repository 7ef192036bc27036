package dev.quire.api;

import dev.quire.engine.CacheEvents;
import java.nio.charset.StandardCharsets;

/// What became of blocks → server-sent events with names, whose data are numbers in JSON.
final class CacheEventBytes {
    private CacheEventBytes() {}

    static byte[] of(CacheEvents events) {
        var text = new StringBuilder(64 * (events.count() + 1));
        if (events.missed() > 0) {
            begin(text, "dropped", events).append(",\"count\":").append(events.missed());
            end(text);
        }
        for (int i = 0; i < events.count(); i++) {
            append(text, events, i);
        }
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static void append(StringBuilder text, CacheEvents events, int index) {
        int block = events.block(index);
        int other = events.other(index);
        switch (events.kind(index)) {
            case ALLOCATED -> counted(text, "allocated", events, block, other);
            case SHARED -> counted(text, "shared", events, block, other);
            case RELEASED -> counted(text, "released", events, block, other);
            case EVICTED -> begin(text, "evicted", events).append(",\"block\":").append(block);
            case COPIED -> carried(text, "copied", events, block, other);
            case MOVED -> carried(text, "moved", events, block, other);
            case SWAPPED_OUT -> swapped(text, "out", events, block, other);
            case SWAPPED_IN -> swapped(text, "in", events, block, other);
        }
        end(text);
    }

    private static void counted(StringBuilder text, String name, CacheEvents events, int block, int references) {
        begin(text, name, events)
                .append(",\"block\":")
                .append(block)
                .append(",\"references\":")
                .append(references);
    }

    private static void carried(StringBuilder text, String name, CacheEvents events, int from, int to) {
        begin(text, name, events)
                .append(",\"source\":")
                .append(from)
                .append(",\"destination\":")
                .append(to);
    }

    private static void swapped(StringBuilder text, String direction, CacheEvents events, int block, int slot) {
        begin(text, "swapped", events)
                .append(",\"block\":")
                .append(block)
                .append(",\"direction\":\"")
                .append(direction)
                .append("\",\"slot\":")
                .append(slot);
    }

    private static StringBuilder begin(StringBuilder text, String name, CacheEvents events) {
        return text.append("event: ").append(name).append("\ndata: {\"step\":").append(events.step());
    }

    private static void end(StringBuilder text) {
        text.append("}\n\n");
    }
}
