package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Folders in Hugging Face's layout without a `tokenizer.json`: SentencePiece's `tokenizer.model`, or GPT-2's
/// `vocab.json` and `merges.txt`. What they say becomes the metadata that the model's GGUF file would have, with added
/// tokens as llama.cpp's converter adds them.
final class OlderTokenizerFiles {
    /// Bytes of a `merges.txt` or `tokenizer.model`; the largest in use have 5 million.
    private static final long LARGEST_FILE = 1L << 26;

    /// The score of a token that no merge makes.
    private static final double ADDED_SCORE = -1000;

    private final HuggingFaceFiles files;
    private final Map<String, Object> values = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private final List<Long> types = new ArrayList<>();

    private OlderTokenizerFiles(Path folder) {
        files = HuggingFaceFiles.of(folder);
    }

    static ModelMetadata metadata(Path folder) {
        var files = new OlderTokenizerFiles(folder);
        Path pieces = folder.resolve("tokenizer.model");
        Path vocab = folder.resolve("vocab.json");
        Path merges = folder.resolve("merges.txt");
        if (Files.exists(pieces)) {
            return files.sentencePiece(pieces);
        }
        if (Files.exists(vocab) && Files.exists(merges)) {
            return files.gpt2(vocab, merges);
        }
        throw new ModelFileException("folder must have tokenizer.json, tokenizer.model, or vocab.json and merges.txt: "
                + "folder=" + folder);
    }

    private ModelMetadata sentencePiece(Path file) {
        SentencePieceModel model = SentencePieceModel.read(file, bytes(file));
        names.addAll(model.names());
        types.addAll(model.types());
        List<Double> scores = new ArrayList<>(model.scores());
        addTokens(file);
        while (scores.size() < names.size()) {
            scores.add(ADDED_SCORE);
        }
        values.put(GgufTokenizer.MODEL, "llama");
        values.put(
                GgufTokenizer.SCORES,
                scores.stream().mapToDouble(Double::doubleValue).toArray());
        values.put("tokenizer.ggml.add_space_prefix", model.addsPrefix());
        values.put("tokenizer.ggml.remove_extra_whitespaces", model.collapsesBlanks());
        putId("unknown", model.unknown());
        putId("bos", named("bos_token", model.bos()));
        putId("eos", named("eos_token", model.eos()));
        putFlag("add_bos_token", model.bos() >= 0);
        putFlag("add_eos_token", false);
        return finished(file);
    }

    private ModelMetadata gpt2(Path vocab, Path merges) {
        JsonPart ids = JsonPart.of(vocab);
        Map<Integer, String> byId = new TreeMap<>();
        for (String name : ids.fields()) {
            if (byId.put(ids.at(name).number(), name) != null) {
                throw new ModelFileException("token ids must be distinct: name=" + Names.quoted(name) + ", id="
                        + ids.at(name).number() + ", file=" + vocab);
            }
        }
        byId.forEach((id, name) -> {
            if (id != names.size()) {
                throw new ModelFileException(
                        "token ids must leave no gaps: expected=" + names.size() + ", id=" + id + ", file=" + vocab);
            }
            names.add(name);
            types.add(TokenType.NORMAL.number());
        });
        addTokens(vocab);
        values.put(GgufTokenizer.MODEL, "gpt2");
        values.put("tokenizer.ggml.pre", "gpt-2");
        values.put(MergeTable.MERGES, merges(merges));
        putId("bos", named("bos_token", -1));
        putId("eos", named("eos_token", -1));
        putFlag("add_bos_token", false);
        putFlag("add_eos_token", false);
        return finished(vocab);
    }

    /// Lines of two names; the first line may say a version.
    private static String[] merges(Path file) {
        bytes(file);
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> !line.startsWith("#version") && !line.isBlank())
                    .toArray(String[]::new);
        } catch (MalformedInputException e) {
            throw new ModelFileException("file must be UTF-8: file=" + file, e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /// `added_tokens.json` has names and ids; `added_tokens_decoder` says more. A name may take the place of another
    /// that stands for nothing.
    private void addTokens(Path file) {
        JsonPart older = JsonPart.of(files.folder().resolve("added_tokens.json"));
        Map<Integer, String> added = new TreeMap<>();
        Map<Integer, Long> kinds = new HashMap<>();
        if (older.isPresent()) {
            for (String name : older.fields()) {
                added.put(older.at(name).number(), name);
            }
        }
        JsonPart decoder = files.tokenizer().at("added_tokens_decoder");
        if (decoder.isPresent()) {
            for (String id : decoder.fields()) {
                int token = HuggingFaceTokenizer.id(id, decoder);
                added.put(token, decoder.at(id).at("content").text());
                boolean special = decoder.at(id).at("special").flag(false);
                kinds.put(token, (special ? TokenType.CONTROL : TokenType.USER_DEFINED).number());
            }
        }
        added.forEach((token, name) -> {
            if (token > names.size()) {
                throw new ModelFileException("added tokens must leave no gaps: name=" + Names.quoted(name) + ", id="
                        + token + ", tokens=" + names.size() + ", file=" + file);
            }
            if (token == names.size()) {
                names.add(name);
                types.add(0L);
            }
            names.set(token, name);
            types.set(token, kinds.getOrDefault(token, TokenType.USER_DEFINED.number()));
        });
        for (String name : files.namedSpecial()) {
            int token = names.indexOf(name);
            if (token >= 0 && types.get(token) == TokenType.NORMAL.number()) {
                types.set(token, TokenType.CONTROL.number());
            }
        }
        int rows = files.modelVocabulary().orElse(0);
        for (int token = names.size(); token < Math.min(rows, 2L * names.size()); token++) {
            names.add("[PAD" + token + "]");
            types.add(TokenType.UNUSED.number());
        }
    }

    private int named(String key, int otherwise) {
        return files.special(key)
                .map(names::indexOf)
                .filter(token -> token >= 0)
                .orElse(otherwise);
    }

    private void putId(String name, int token) {
        if (token >= 0) {
            values.put("tokenizer.ggml." + name + "_token_id", (long) token);
        }
    }

    private void putFlag(String key, boolean otherwise) {
        values.put("tokenizer.ggml." + key, files.tokenizer().at(key).flag(otherwise));
    }

    private ModelMetadata finished(Path file) {
        values.put(Vocabulary.TOKENS, names.toArray(String[]::new));
        values.put(Vocabulary.TYPES, types.stream().mapToLong(Long::longValue).toArray());
        return new ModelMetadata(file, values);
    }

    private static byte[] bytes(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > LARGEST_FILE) {
                throw new ModelFileException("must be a regular file of at most " + LARGEST_FILE + " bytes: bytes="
                        + Files.size(file) + ", file=" + file);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static ModelFileException unreadable(Path file, IOException e) {
        return new ModelFileException(
                "file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + file, e);
    }
}
