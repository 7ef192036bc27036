package dev.quire.engine;

import java.util.List;

/// Part of a list, all of one moment: after `step` steps. `more`: whether others follow.
public record CachePage<T>(long step, List<T> items, boolean more) {
    public CachePage {
        items = List.copyOf(items);
    }
}
