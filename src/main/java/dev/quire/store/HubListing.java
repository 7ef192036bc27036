package dev.quire.store;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.format.ModelFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The files of a repository at one commit, and which of them make a model.
record HubListing(String commit, List<HubFile> files) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern WEIGHTS = Pattern.compile("model.*\\.safetensors");
    private static final Pattern SPLIT = Pattern.compile(".*-\\d{5}-of-\\d{5}\\.gguf");

    /// Beside the weights: what says how to read them and their text.
    private static final List<String> COMPANIONS = List.of(
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "chat_template.jinja",
            "chat_template.json",
            "vocab.json",
            "merges.txt",
            "tokenizer.model",
            "model.safetensors.index.json");

    /// Of several GGUF files, the one that a user gets who names none: small and good, in this order.
    private static final List<String> PREFERRED = List.of("Q4_K_M", "Q4_0", "Q4_1", "Q8_0", "F16", "BF16");

    private static final int MAX_LISTED = 20;

    /// Reads the hub's answer to `GET /api/models/…?blobs=true`.
    static HubListing read(HubName name, JsonNode answer) {
        String commit = answer.path("sha").asText();
        if (!COMMIT.matcher(commit).matches() || !answer.path("siblings").isArray()) {
            throw new ModelFileException("the hub must list a model's files: model=" + name + ", commit="
                    + ModelFileException.printable(commit));
        }
        List<HubFile> files = new ArrayList<>();
        for (JsonNode sibling : answer.path("siblings")) {
            String path = sibling.path("rfilename").asText();
            // A name that leads out of the folder is not one that we would ask for.
            if (!path.isEmpty() && HubName.withoutSteps(path) && path.indexOf('\\') < 0 && path.indexOf('\0') < 0) {
                String sha256 = sibling.path("lfs").path("sha256").asText();
                String blob = sibling.path("blobId").asText();
                boolean large = SHA256.matcher(sha256).matches();
                files.add(new HubFile(
                        path,
                        sibling.path("size").asLong(-1),
                        large ? Optional.of(sha256) : Optional.empty(),
                        !large && COMMIT.matcher(blob).matches() ? Optional.of(blob) : Optional.empty()));
            }
        }
        return new HubListing(commit, List.copyOf(files));
    }

    /// The files that make the model which the user named: one GGUF, or those of a folder with `config.json` last.
    List<HubFile> choose(HubName name) {
        if (name.file().isPresent()) {
            return List.of(named(name, name.file().get()));
        }
        List<HubFile> models = models();
        if (!models.isEmpty()) {
            return List.of(preferred(name, models));
        }
        List<HubFile> weights = files.stream()
                .filter(file -> WEIGHTS.matcher(file.path()).matches())
                .toList();
        Optional<HubFile> config = find("config.json");
        if (weights.isEmpty() || config.isEmpty()) {
            throw new ModelFileException(
                    "repository must have a GGUF file, or config.json with model*.safetensors: model=" + name
                            + ", files=" + shown(files));
        }
        List<HubFile> folder = new ArrayList<>();
        COMPANIONS.forEach(companion -> find(companion).ifPresent(folder::add));
        folder.addAll(weights);
        folder.add(config.get());
        return folder;
    }

    private HubFile named(HubName name, String wanted) {
        Optional<HubFile> exact = find(wanted);
        if (exact.isPresent()) {
            return exact.get();
        }
        List<HubFile> fitting =
                models().stream().filter(file -> isQuantisation(file, wanted)).toList();
        if (fitting.size() != 1) {
            throw new ModelFileException("file must be one of the repository's: model=" + name + ", files="
                    + shown(fitting.isEmpty() ? models() : fitting));
        }
        return fitting.getFirst();
    }

    private HubFile preferred(HubName name, List<HubFile> models) {
        if (models.size() == 1) {
            return models.getFirst();
        }
        for (String quantisation : PREFERRED) {
            for (HubFile file : models) {
                if (isQuantisation(file, quantisation)) {
                    return file;
                }
            }
        }
        throw new ModelFileException(
                "one of several files must be named, as in " + name + ":FILE: files=" + shown(models));
    }

    /// GGUF files that hold a whole language model.
    private List<HubFile> models() {
        return files.stream()
                .filter(file -> file.name().endsWith(".gguf")
                        && !file.name().startsWith("mmproj")
                        && !SPLIT.matcher(file.name()).matches())
                .toList();
    }

    private Optional<HubFile> find(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst();
    }

    /// `model-Q4_K_M.gguf` and `model.q4_k_m.gguf` are Q4_K_M.
    private static boolean isQuantisation(HubFile file, String quantisation) {
        String stem = file.name().toLowerCase(Locale.ROOT);
        String end = quantisation.toLowerCase(Locale.ROOT) + ".gguf";
        return stem.endsWith("-" + end) || stem.endsWith("." + end) || stem.endsWith("_" + end);
    }

    private static String shown(List<HubFile> files) {
        String names = files.stream()
                .limit(MAX_LISTED)
                .map(file -> ModelFileException.printable(file.path()))
                .collect(Collectors.joining(" "));
        return "[" + names + (files.size() > MAX_LISTED ? " …]" : "]");
    }
}
