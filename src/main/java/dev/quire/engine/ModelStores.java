package dev.quire.engine;

import dev.quire.store.ModelStore;
import java.nio.file.Path;

/// The model store that the settings describe.
public final class ModelStores {
    private ModelStores() {}

    public static ModelStore open(QuireSettings settings) {
        return new ModelStore(
                Path.of(settings.home()),
                settings.offline(),
                settings.hub().endpoint(),
                settings.hub().token());
    }
}
