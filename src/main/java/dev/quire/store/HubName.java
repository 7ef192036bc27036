package dev.quire.store;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a user calls a model on the hub: `org/name`, `org/name:file.gguf`, `org/name:Q4_K_M`, each with `@revision`
/// behind the name (`org/name@main:file.gguf`).
///
/// - `file`: a file of the repository, or the part of a file's name that says its quantisation
/// - `revision`: a branch, a tag or a commit
record HubName(String repository, Optional<String> file, String revision) {
    private static final String PART = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
    private static final Pattern NAME = Pattern.compile("(" + PART + "/" + PART
            + ")(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,127}))?(?::([A-Za-z0-9_][A-Za-z0-9 ._/+-]{0,255}))?");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    /// Nothing where the text is no such name: it is a path then, or a mistake.
    static Optional<HubName> parse(String text) {
        Matcher matcher = NAME.matcher(text);
        boolean named = matcher.matches() && (matcher.group(3) != null || !text.endsWith(".gguf"));
        if (!named || !withoutSteps(matcher.group(2)) || !withoutSteps(matcher.group(3))) {
            return Optional.empty();
        }
        String revision = matcher.group(2) == null ? "main" : matcher.group(2);
        return Optional.of(new HubName(matcher.group(1), Optional.ofNullable(matcher.group(3)), revision));
    }

    /// Neither empty steps nor `.` and `..`, which would lead out of a folder.
    static boolean withoutSteps(String path) {
        if (path == null) {
            return true;
        }
        for (String step : path.split("/", -1)) {
            if (step.isEmpty() || step.equals(".") || step.equals("..")) {
                return false;
            }
        }
        return true;
    }

    boolean revisionIsCommit() {
        return COMMIT.matcher(revision).matches();
    }

    @Override
    public String toString() {
        return repository
                + (revision.equals("main") ? "" : "@" + revision)
                + file.map(name -> ":" + name).orElse("");
    }
}
