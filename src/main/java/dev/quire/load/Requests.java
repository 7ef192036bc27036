package dev.quire.load;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.SplittableRandom;

/// The requests of a whole load, one after the other, drawn when they are asked for: which one comes n-th does
/// not depend on when it is sent.
///
/// Prompts are random, so that no two share more than they are told to. A server with a prefix cache knows them
/// from an earlier load with the same seed, though.
///
/// Not thread-safe: the thread that sends owns it.
final class Requests {
    /// One token each, behind a blank, in the vocabularies of today's models; so a text of n words has about n
    /// tokens.
    private static final String[] WORDS = """
            time year people way day man thing woman life child world school state family student group country problem
            hand part place case week company system program question work government number night point home water room
            mother area money story fact month lot right study book eye job word business issue side kind head house
            service friend father power hour game line end member law car city community name president team minute idea
            body information back parent face others level office door health person art war history party result change
            morning reason research girl guy moment air teacher force education foot boy age policy music market sense
            """.strip().split("\\s+");

    /// One request: its body as JSON, and the lengths that were drawn for it, the shared prefix included.
    record Request(byte[] body, int promptTokens, int outputTokens) {}

    private final Workload workload;
    private final JsonFactory json = new JsonFactory();
    private final SplittableRandom random;
    private final int[][] prefixes;
    private final int lowest;
    private final int highest;
    private int drawn;

    Requests(Workload workload) {
        this.workload = workload;
        random = new SplittableRandom(workload.seed());
        boolean words = workload.endpoint() == Endpoint.CHAT;
        lowest = words ? 0 : workload.lowestToken();
        highest = words ? WORDS.length : workload.highestToken();
        prefixes = new int[workload.prefix().groups()][];
        for (int i = 0; i < prefixes.length; i++) {
            prefixes[i] = tokens(workload.prefix().tokens());
        }
    }

    Request next() {
        int[] prefix = prefixes[drawn++ % prefixes.length];
        int[] own = tokens(workload.promptTokens().draw(random));
        int outputTokens = workload.outputTokens().draw(random);
        return new Request(body(prefix, own, outputTokens), prefix.length + own.length, outputTokens);
    }

    private int[] tokens(int count) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = random.nextInt(lowest, highest);
        }
        return tokens;
    }

    private byte[] body(int[] prefix, int[] own, int outputTokens) {
        var bytes = new ByteArrayOutputStream(256 + 6 * (prefix.length + own.length));
        try (JsonGenerator out = json.createGenerator(bytes)) {
            out.writeStartObject();
            out.writeStringField("model", workload.model());
            switch (workload.endpoint()) {
                case COMPLETIONS -> {
                    out.writeArrayFieldStart("prompt");
                    writeAll(out, prefix);
                    writeAll(out, own);
                    out.writeEndArray();
                }
                case CHAT -> {
                    out.writeArrayFieldStart("messages");
                    out.writeStartObject();
                    out.writeStringField("role", "user");
                    out.writeStringField("content", text(prefix, own));
                    out.writeEndObject();
                    out.writeEndArray();
                }
            }
            out.writeNumberField("max_tokens", outputTokens);
            out.writeNumberField("temperature", workload.temperature());
            if (workload.choices() > 1) {
                out.writeNumberField("n", workload.choices());
            }
            if (workload.ignoreEos()) {
                out.writeBooleanField("ignore_eos", true);
            }
            out.writeBooleanField("stream", true);
            out.writeObjectFieldStart("stream_options");
            out.writeBooleanField("include_usage", true);
            out.writeEndObject();
            out.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static void writeAll(JsonGenerator out, int[] tokens) throws IOException {
        for (int token : tokens) {
            out.writeNumber(token);
        }
    }

    private static String text(int[] prefix, int[] own) {
        var text = new StringBuilder(6 * (prefix.length + own.length));
        for (int[] part : new int[][] {prefix, own}) {
            for (int word : part) {
                text.append(text.isEmpty() ? "" : " ").append(WORDS[word]);
            }
        }
        return text.toString();
    }
}
