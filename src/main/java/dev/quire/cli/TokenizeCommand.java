package dev.quire.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.quire.format.ModelFile;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Texts in, token ids out, a line each. A line ends at a line feed and nowhere else, so that a carriage return is
/// text.
@Command(
        name = "tokenize",
        description = "Turn lines of standard input into token ids, one JSON array a line.",
        footer = {
            "",
            "Special tokens that stand in a text are recognised; those that a model puts around a text are added with",
            "--add-special-tokens only.",
            "",
            "Example:",
            "  echo 'Hello there' | quire tokenize smollm2-135m-instruct"
        })
final class TokenizeCommand implements Callable<Integer> {
    private final Terminal terminal;
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder(); // reports what is malformed
    private final JsonFactory json = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "a GGUF file (a vocabulary alone will do), or the name of a model")
    private String model;

    @Option(names = "--escape", description = "each line is a JSON string, so that a text may have line feeds")
    private boolean escaped;

    @Option(
            names = "--add-special-tokens",
            description = "add the tokens that the model puts at the beginning and end of a text")
    private boolean addSpecialTokens;

    @Option(
            names = "--time",
            description = "say on standard error how many bytes a second of one core took, start-up apart")
    private boolean timed;

    TokenizeCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Tokenizer tokenizer;
        try (ModelFile file = ModelFile.open(ModelPath.resolve(spec, model))) {
            tokenizer = Tokenizer.from(file);
        }
        var lines = new LineReader(terminal.in(), terminal.out());
        StringBuilder ids = new StringBuilder();
        var speed = new EncodingSpeed();
        try {
            for (long line = 1; lines.next(); line++) {
                String text = text(lines.line(), line);
                append(
                        ids,
                        timed
                                ? speed.encode(tokenizer, text, addSpecialTokens)
                                : tokenizer.encode(text, addSpecialTokens));
                lines.write(ids);
                ids.setLength(0);
            }
        } finally {
            lines.flush(); // what came before a bad line stays
        }
        if (timed) {
            terminal.err().println(speed);
        }
        return 0;
    }

    private String text(ByteBuffer bytes, long line) {
        String text;
        try {
            text = utf8.decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new CommandFailedException("line must be UTF-8: line=" + line);
        }
        return escaped ? unescape(text, line) : text;
    }

    private String unescape(String text, long line) {
        try (JsonParser parser = json.createParser(text)) {
            if (parser.nextToken() == JsonToken.VALUE_STRING) {
                String value = parser.getText();
                if (parser.nextToken() == null) {
                    return value;
                }
            }
        } catch (IOException e) {
            // Answered below: the line number says more than the parser's message about one line.
        }
        throw new CommandFailedException("line must be one JSON string: line=" + line);
    }

    private static void append(StringBuilder out, int[] tokens) {
        out.append('[');
        for (int i = 0; i < tokens.length; i++) {
            if (i > 0) {
                out.append(", ");
            }
            out.append(tokens[i]);
        }
        out.append("]\n");
    }
}
