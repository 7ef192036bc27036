package dev.quire.load;

import java.util.OptionalInt;

/// How hard the server is loaded.
public sealed interface Level {
    /// Requests of a run when nobody says how many.
    int usualRequests();

    /// The fewest requests with which a run is this level at all.
    int leastRequests();

    /// Requests at once.
    int mostAtOnce();

    /// So many clients, each of which sends its next request when its last one is answered: a closed loop.
    record Closed(int concurrency) implements Level {
        public Closed {
            if (concurrency < 1 || concurrency > ServerClient.MOST_CONNECTIONS) {
                throw new IllegalArgumentException("concurrency must be between 1 and " + ServerClient.MOST_CONNECTIONS
                        + ": concurrency=" + concurrency);
            }
        }

        /// One for each client; of one alone, four, because a median of one or two says little.
        @Override
        public int usualRequests() {
            return Math.max(4, concurrency);
        }

        @Override
        public int leastRequests() {
            return concurrency;
        }

        @Override
        public int mostAtOnce() {
            return concurrency;
        }
    }

    /// Requests that come when they come, whether or not the server keeps up: an open loop.
    ///
    /// - `rate`: requests per second
    /// - `burstiness`: shape of the gamma distribution of the gaps between them
    /// - `maxConcurrency`: beyond so many at once a request waits here, and its time begins when it is sent
    record Open(double rate, double burstiness, OptionalInt maxConcurrency) implements Level {
        private static final int USUAL_SECONDS = 10;

        public Open {
            new Arrivals(rate, burstiness); // checks them
            if (maxConcurrency.isPresent()) {
                new Closed(maxConcurrency.getAsInt());
            }
        }

        Arrivals arrivals() {
            return new Arrivals(rate, burstiness);
        }

        @Override
        public int usualRequests() {
            return (int) Math.max(10, Math.ceil(rate * USUAL_SECONDS));
        }

        @Override
        public int leastRequests() {
            return 1;
        }

        @Override
        public int mostAtOnce() {
            return maxConcurrency.orElse(ServerClient.MOST_CONNECTIONS);
        }
    }
}
