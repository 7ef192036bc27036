package dev.quire.template;

import java.util.List;

/// What `keys()`, `values()` and `items()` of a dictionary give.
record DictView(Kind kind, Dict dict) {
    enum Kind {
        KEYS("dict_keys"),
        VALUES("dict_values"),
        ITEMS("dict_items");

        private final String type;

        Kind(String type) {
            this.type = type;
        }
    }

    String type() {
        return kind.type;
    }

    List<Object> items() {
        return switch (kind) {
            case KEYS -> dict.keys();
            case VALUES -> dict.values();
            case ITEMS -> dict.items();
        };
    }
}
