package dev.quire.store;

import dev.quire.format.ModelFileException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Optional;

/// How the hub is reached.
///
/// - `endpoint`: its address, without a slash at the end
/// - `token`: sent to the endpoint, and to no other host
/// - `connections`: ranges of a file that are fetched at once; `rangeBytes`: the length of one
/// - `stall`: a connection that brings nothing for this time is given up
/// - `pause`: before the second attempt; twice that before the third, and so on
record HubSettings(
        URI endpoint, Optional<String> token, int connections, long rangeBytes, Duration stall, Duration pause) {
    static final String PUBLIC_ENDPOINT = "https://huggingface.co";

    /// Attempts in a row that bring no byte.
    static final int ATTEMPTS = 5;

    static HubSettings of(String endpoint, Optional<String> token) {
        return new HubSettings(
                address(endpoint),
                token.map(HubSettings::sendable),
                4,
                16L << 20,
                Duration.ofSeconds(30),
                Duration.ofMillis(500));
    }

    /// A token from a file often has the end of its line; what else cannot be part of a header is no token.
    private static String sendable(String token) {
        String stripped = token.strip();
        if (stripped.isEmpty() || stripped.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw new ModelFileException(
                    "quire.hub.token (or HF_TOKEN) must have visible ASCII characters only: length=" + token.length());
        }
        return stripped;
    }

    /// Waits before another attempt, after so many that brought nothing: as long as the hub asks for, if it does.
    void awaitAttempt(int attempts, Duration asked) throws InterruptedException {
        Duration own = pause.multipliedBy(1L << attempts);
        Thread.sleep(own.compareTo(asked) > 0 ? own : asked);
    }

    private static URI address(String endpoint) {
        try {
            URI address = new URI(endpoint.replaceAll("/+$", ""));
            boolean web = "https".equals(address.getScheme()) || "http".equals(address.getScheme());
            if (web && address.getHost() != null && address.getUserInfo() == null) {
                return address;
            }
        } catch (URISyntaxException e) {
            // Refused below, as anything else that is no address.
        }
        throw new ModelFileException("quire.hub.endpoint must be an address such as https://host: quire.hub.endpoint="
                + ModelFileException.printable(endpoint));
    }

    /// Never shown.
    @Override
    public String toString() {
        return "endpoint=" + endpoint + ", token=" + (token.isPresent() ? "set" : "none");
    }
}
