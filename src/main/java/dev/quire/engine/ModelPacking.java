package dev.quire.engine;

/// Packs a model's weights ahead of the first start, as for a container image.
public final class ModelPacking {
    private ModelPacking() {}

    /// Loads the model of the settings as a server would, waits until the packed file is on the disk, and closes it.
    public static LoadReport pack(QuireSettings settings) {
        try (ModelLoading loading = ModelLoading.open(settings)) {
            loading.awaitPacked();
            return loading.report();
        }
    }
}
