package dev.quire.format;

import com.fasterxml.jackson.core.JsonToken;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/// `model.safetensors.index.json`: which file of the folder holds which tensor.
///
/// - `files`: tensor name → file name, in the order of the index
record ShardIndex(Path path, Map<String, String> files) {
    static final String NAME = "model.safetensors.index.json";

    /// Bytes of an index; 100,000 tensors take about 10 MB.
    private static final long MAX_BYTES = 64 << 20;

    private static final int MAX_TENSORS = 1 << 20;
    private static final String WEIGHT_MAP = "weight_map";

    static ShardIndex read(Path path) {
        try (var files = new OpenFiles()) {
            FileBytes bytes = files.open(path);
            if (bytes.size() > MAX_BYTES) {
                throw new ModelFileException("index must not exceed its bound: bytes=" + bytes.size() + ", bound="
                        + MAX_BYTES + ", file=" + path);
            }
            var text = ByteBuffer.wrap(files.read(bytes.mapped()));
            try (var json = new JsonCursor(path, text, 0, "index")) {
                return new ShardIndex(path, read(json));
            }
        }
    }

    /// The files that it names, each once.
    Set<String> fileNames() {
        return new LinkedHashSet<>(files.values());
    }

    private static Map<String, String> read(JsonCursor json) {
        Map<String, String> files = null;
        json.next(JsonToken.START_OBJECT, "'{'", "");
        while (json.next() != JsonToken.END_OBJECT) {
            String key = json.text();
            long at = json.position();
            json.next();
            if (!key.equals(WEIGHT_MAP)) {
                json.skip(); // "metadata": sizes
            } else if (files == null) {
                files = weightMap(json);
            } else {
                throw json.refusal("must have a key once", "key=" + WEIGHT_MAP, at);
            }
        }
        json.end();
        if (files == null || files.isEmpty()) {
            throw json.refusal("must name tensors", "key=" + WEIGHT_MAP + ", tensors=0", 0);
        }
        return files;
    }

    private static Map<String, String> weightMap(JsonCursor json) {
        Map<String, String> files = new LinkedHashMap<>();
        Map<String, String> shared = new LinkedHashMap<>(); // one text a file, not one a tensor
        json.require(json.current() == JsonToken.START_OBJECT, "'{'", "key=" + WEIGHT_MAP + ", ");
        while (json.next() != JsonToken.END_OBJECT) {
            long at = json.position();
            String tensor = json.text();
            String named = "tensor=" + GgufCursor.printable(tensor);
            json.next(JsonToken.VALUE_STRING, "a file name", named + ", ");
            String file = json.text();
            if (!isPlain(file)) {
                throw json.refusal(
                        "must name files of its folder that end in .safetensors",
                        named + ", found=" + GgufCursor.printable(file),
                        json.position());
            }
            if (files.size() == MAX_TENSORS) {
                throw json.refusal("must not exceed its bound of tensors", named + ", bound=" + MAX_TENSORS, at);
            }
            if (files.put(tensor, shared.computeIfAbsent(file, name -> name)) != null) {
                throw json.refusal("must name a tensor once", named, at);
            }
        }
        return files;
    }

    /// A name that stays in the folder, whatever the operating system makes of separators.
    private static boolean isPlain(String file) {
        return file.endsWith(".safetensors")
                && file.length() <= 255
                && !file.startsWith(".")
                && file.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < 0x20);
    }

    /// The file of the folder called `name`, which must be there.
    static Path shard(Path folder, String name, String namedBy) {
        Path file = folder.resolve(name);
        if (!Files.isRegularFile(file)) {
            throw new ModelFileException("shard must exist: shard=" + GgufCursor.printable(name) + ", namedBy="
                    + namedBy + ", file=" + file);
        }
        return file;
    }
}
