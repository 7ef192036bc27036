package dev.quire.load;

/// What requests ask for.
///
/// - `model`: its name at the server
/// - `promptTokens`: of a prompt's own part, which comes after its shared prefix
/// - `outputTokens`: `max_tokens` of a request
/// - `lowestToken`, `highestToken`: token ids are drawn from the first up to below the second
/// - `choices`: `n` of a request
/// - `ignoreEos`: answers go on behind the model's end, so that all have the length they were given
/// - `seed`: the same seed gives the same requests in the same order
public record Workload(
        String model,
        Endpoint endpoint,
        Lengths promptTokens,
        Lengths outputTokens,
        SharedPrefix prefix,
        int lowestToken,
        int highestToken,
        int choices,
        double temperature,
        boolean ignoreEos,
        long seed) {
    /// More choices than any server gives to one request.
    static final int MOST_CHOICES = 128;

    public Workload {
        if (lowestToken < 0 || highestToken <= lowestToken) {
            throw new IllegalArgumentException(
                    "tokens must lie between a lowest of at least 0 and a higher highest: lowestToken=" + lowestToken
                            + ", highestToken=" + highestToken);
        }
        if (choices < 1 || choices > MOST_CHOICES) {
            throw new IllegalArgumentException("n must be between 1 and " + MOST_CHOICES + ": n=" + choices);
        }
        if (!(temperature >= 0 && temperature <= 2)) {
            throw new IllegalArgumentException("temperature must be between 0 and 2: temperature=" + temperature);
        }
    }
}
