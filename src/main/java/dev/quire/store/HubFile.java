package dev.quire.store;

import java.util.Optional;

/// A file of a repository on the hub.
///
/// - `path`: in the repository, with `/`
/// - `bytes`: its length
/// - `sha256`: of a large file, which the hub keeps outside of git; `gitSha1`: of one in git (of `blob <bytes>\0` and
///   the contents), both in lower-case hexadecimal
record HubFile(String path, long bytes, Optional<String> sha256, Optional<String> gitSha1) {
    String name() {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
