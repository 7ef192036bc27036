package dev.quire.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The safetensors files of a folder, and every tensor in them once.
///
/// As Transformers does, `model.safetensors` alone is the model where it is there; else the index says which files are.
/// Without either, the model is a complete set of files `model-00001-of-00003.safetensors` and so on, or the only
/// file whose name starts with `model`; more than that is refused, and not guessed.
///
/// - `tensors`: by name, in the order of files and data
record Shards(List<SafetensorsFile> files, Map<String, StoredTensor> tensors) {
    /// Files of one model; the largest have about 200.
    private static final int MAX_FILES = 4096;

    private static final String SINGLE = "model.safetensors";
    private static final Pattern NUMBERED = Pattern.compile("model-(\\d{1,9})-of-(\\d{1,9})\\.safetensors");
    private static final int MAX_LISTED = 5;

    /// Maps and checks every file of the model in `folder`; they stay open as long as `open`.
    static Shards open(Path folder, OpenFiles open) {
        if (Files.isRegularFile(folder.resolve(SINGLE))) {
            return map(List.of(folder.resolve(SINGLE)), open);
        }
        if (Files.isRegularFile(folder.resolve(ShardIndex.NAME))) {
            return indexed(folder, ShardIndex.read(folder.resolve(ShardIndex.NAME)), open);
        }
        return map(unindexed(folder), open);
    }

    /// Bytes of all files.
    long bytes() {
        return files.stream().mapToLong(SafetensorsFile::bytes).sum();
    }

    private static Shards indexed(Path folder, ShardIndex index, OpenFiles open) {
        List<Path> paths = new ArrayList<>();
        for (String name : index.fileNames()) {
            paths.add(ShardIndex.shard(folder, name, ShardIndex.NAME));
        }
        Shards shards = map(paths, open);
        for (var entry : index.files().entrySet()) {
            StoredTensor tensor = shards.tensors.get(entry.getKey());
            if (tensor == null || !tensor.file().getFileName().toString().equals(entry.getValue())) {
                throw new ModelFileException("tensor must be in the shard that the index names: tensor="
                        + GgufCursor.printable(entry.getKey()) + ", shard=" + entry.getValue() + ", found="
                        + (tensor == null ? "nowhere" : tensor.file().getFileName()) + ", file=" + index.path());
            }
        }
        for (StoredTensor tensor : shards.tensors.values()) {
            if (!index.files().containsKey(tensor.name())) {
                throw tensor.refusal(
                        "tensor of a shard must be in the index",
                        "tensor=" + tensor.printableName() + ", index=" + index.path());
            }
        }
        return shards;
    }

    private static Shards map(List<Path> paths, OpenFiles open) {
        if (paths.size() > MAX_FILES) {
            throw new ModelFileException("model must not exceed its bound of files: files=" + paths.size() + ", bound="
                    + MAX_FILES + ", file=" + paths.getFirst());
        }
        List<SafetensorsFile> files = new ArrayList<>();
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (Path path : paths) {
            SafetensorsFile file = SafetensorsFile.open(path, open);
            files.add(file);
            for (StoredTensor tensor : file.tensors()) {
                StoredTensor earlier = tensors.putIfAbsent(tensor.name(), tensor);
                if (earlier != null) {
                    throw tensor.refusal(
                            "tensor name must be unique",
                            "tensor=" + tensor.printableName() + ", earlier=" + earlier.file());
                }
            }
        }
        return new Shards(List.copyOf(files), tensors);
    }

    private static List<Path> unindexed(Path folder) {
        List<String> names = names(folder);
        List<String> models = names.stream()
                .filter(name -> name.startsWith("model") && name.endsWith(".safetensors"))
                .toList();
        if (models.isEmpty()) {
            throw noModel(folder, names);
        }
        if (models.size() == 1 && !NUMBERED.matcher(models.getFirst()).matches()) {
            return List.of(folder.resolve(models.getFirst()));
        }
        return numbered(folder, models);
    }

    /// Files 1 to n of n, by their names.
    private static List<Path> numbered(Path folder, List<String> models) {
        Map<Integer, String> byNumber = new TreeMap<>();
        Set<Integer> counts = new TreeSet<>();
        for (String name : models) {
            Matcher matcher = NUMBERED.matcher(name);
            if (matcher.matches()) {
                byNumber.put(Integer.parseInt(matcher.group(1)), name);
                counts.add(Integer.parseInt(matcher.group(2)));
            }
        }
        if (byNumber.size() != models.size() || counts.size() != 1) {
            throw new ModelFileException("several safetensors files must have an index: expected=" + ShardIndex.NAME
                    + ", found=" + listed(models) + ", file=" + folder);
        }
        int shards = counts.iterator().next();
        List<Path> paths = new ArrayList<>();
        for (int number = 1; number <= Math.max(shards, byNumber.size()); number++) {
            if (number > shards || !byNumber.containsKey(number)) {
                throw new ModelFileException("model must have each of its shards once: shard=" + number + ", shards="
                        + shards + ", found=" + listed(models) + ", file=" + folder);
            }
            paths.add(folder.resolve(byNumber.get(number)));
        }
        return paths;
    }

    /// What else a folder may hold, and what would help.
    private static ModelFileException noModel(Path folder, List<String> names) {
        String remedy = "";
        if (names.stream().anyMatch(name -> name.endsWith(".gguf"))) {
            remedy = ", remedy=name the GGUF file itself";
        } else if (names.stream().anyMatch(name -> name.startsWith("adapter_model"))) {
            remedy = ", remedy=merge the adapter into its model";
        } else if (names.stream()
                .anyMatch(name -> name.startsWith("pytorch_model") || name.endsWith(".bin") || name.endsWith(".pth"))) {
            remedy = ", remedy=convert the weights to safetensors";
        }
        return new ModelFileException(
                "folder must have model.safetensors: found=" + listed(names) + remedy + ", file=" + folder);
    }

    private static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return List.copyOf(files.map(file -> file.getFileName().toString())
                    .limit(1 << 16)
                    .collect(Collectors.toCollection(TreeSet::new)));
        } catch (IOException e) {
            throw new ModelFileException(
                    "model folder must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + folder, e);
        }
    }

    private static String listed(List<String> names) {
        String shown =
                names.stream().limit(MAX_LISTED).map(GgufCursor::printable).collect(Collectors.joining(" "));
        return names.size() > MAX_LISTED ? shown + " and " + (names.size() - MAX_LISTED) + " more" : shown;
    }
}
