package dev.quire.load;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Optional;

/// The server under load.
///
/// - `url`: up to where `/v1` begins, without a slash at its end
/// - `apiKey`: sent as a bearer token
/// - `timeout`: how long an answer may bring nothing
public record Target(URI url, Optional<String> apiKey, Duration timeout) {
    /// The address that people know, with or without `/v1`. Throws {@link IllegalArgumentException} with what
    /// it must be.
    public static URI address(String text) {
        try {
            URI url = new URI(text.replaceAll("/+$", "").replaceAll("/v1$", ""));
            boolean http = "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
            boolean server = url.getHost() != null && url.getUserInfo() == null;
            if (http && server && url.getQuery() == null && url.getFragment() == null) {
                return url;
            }
        } catch (URISyntaxException e) {
            // Answered below, as what is no address of a server is.
        }
        throw new IllegalArgumentException("must be an address such as http://localhost:8080");
    }

    boolean secure() {
        return url.getScheme().equalsIgnoreCase("https");
    }

    int port() {
        return url.getPort() >= 0 ? url.getPort() : secure() ? 443 : 80;
    }
}
