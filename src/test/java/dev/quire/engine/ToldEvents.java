package dev.quire.engine;

/// Events for tests of other packages.
public final class ToldEvents {
    private ToldEvents() {}

    /// Batches with one event each way: every kind, block 10 + its ordinal, with `other`.
    public static CacheEvents ofEveryKind(long step, long missed, int other) {
        CacheEvents.Kind[] kind = CacheEvents.Kind.values();
        var block = new int[kind.length];
        var others = new int[kind.length];
        for (int i = 0; i < kind.length; i++) {
            block[i] = 10 + i;
            others[i] = other;
        }
        return new CacheEvents(step, missed, kind, block, others);
    }
}
