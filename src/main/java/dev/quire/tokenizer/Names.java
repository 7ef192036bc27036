package dev.quire.tokenizer;

/// How names from a model file are shown in messages: quoted, one line, of bounded length.
final class Names {
    private static final int LONGEST = 60;

    private Names() {}

    static String quoted(String name) {
        var shown = new StringBuilder("'");
        for (int i = 0; i < Math.min(name.length(), LONGEST); i++) {
            char character = name.charAt(i);
            shown.append(Character.isISOControl(character) ? '?' : character);
        }
        return shown.append(name.length() > LONGEST ? "…'" : "'").toString();
    }
}
