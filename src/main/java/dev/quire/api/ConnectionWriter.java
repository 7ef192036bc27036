package dev.quire.api;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.operators.multi.AbstractMultiOperator;
import io.smallrye.mutiny.operators.multi.MultiOperatorProcessor;
import io.smallrye.mutiny.subscription.MultiSubscriber;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/// Writes an answer to its connection. The first piece goes through the framework, which makes status and headers of
/// it; those behind it go straight to the connection, for the framework looks for a writer, copies and waits for each.
/// The end is the framework's again, and so is a client that goes.
///
/// Holds back: while the connection's queue is full, the next piece is asked for only when the last has gone out.
final class ConnectionWriter extends AbstractMultiOperator<byte[], byte[]> {
    private final HttpServerResponse response;

    ConnectionWriter(Multi<byte[]> pieces, HttpServerResponse response) {
        super(pieces);
        this.response = response;
    }

    @Override
    public void subscribe(MultiSubscriber<? super byte[]> framework) {
        upstream().subscribe().withSubscriber(new Processor(framework));
    }

    private final class Processor extends MultiOperatorProcessor<byte[], byte[]> {
        private boolean opened; // pieces come one after another

        Processor(MultiSubscriber<? super byte[]> framework) {
            super(framework);
        }

        /// The framework asks for the first piece and, once that is written, for one more. All others are asked for
        /// here.
        @Override
        public void onItem(byte[] piece) {
            if (!opened) {
                opened = true;
                super.onItem(piece);
            } else if (response.closed()) {
                cancel();
            } else if (response.writeQueueFull()) {
                response.write(Buffer.buffer(piece)).onComplete(_ -> request(1));
            } else {
                response.write(Buffer.buffer(piece));
                request(1);
            }
        }
    }
}
