package dev.quire.api;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.operators.multi.AbstractMultiOperator;
import io.smallrye.mutiny.operators.multi.MultiOperatorProcessor;
import io.smallrye.mutiny.subscription.MultiSubscriber;
import java.util.concurrent.atomic.AtomicBoolean;

/// An item before a stream's own, with the stream subscribed to at once. Concatenation would subscribe only after the
/// first item was written; a client that goes in between would leave an accepted request that nobody can cancel. So
/// status and headers go out when a request is accepted, not when its first token comes.
///
/// The stream must not end before it is asked for an item.
final class OpeningItem extends AbstractMultiOperator<byte[], byte[]> {
    private final byte[] item;

    OpeningItem(Multi<byte[]> upstream, byte[] item) {
        super(upstream);
        this.item = item;
    }

    @Override
    public void subscribe(MultiSubscriber<? super byte[]> downstream) {
        upstream().subscribe().withSubscriber(new Processor(downstream));
    }

    private final class Processor extends MultiOperatorProcessor<byte[], byte[]> {
        private final AtomicBoolean opened = new AtomicBoolean();

        Processor(MultiSubscriber<? super byte[]> downstream) {
            super(downstream);
        }

        @Override
        public void request(long demand) {
            if (!opened.compareAndSet(false, true)) {
                super.request(demand);
                return;
            }
            downstream.onItem(item);
            if (demand > 1) {
                super.request(demand == Long.MAX_VALUE ? demand : demand - 1);
            }
        }
    }
}
