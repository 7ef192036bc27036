package dev.quire.kernel;

/// A rotary embedding over the tokens of a step: the angles are worked out in double precision, their cosines and sines
/// times the magnitude are kept in float32.
final class Rotation {
    private final Rope rope;
    private final float[] cos; // [T, dim / 2]
    private final float[] sin;

    Rotation(Rope rope, int tokens) {
        this.rope = rope;
        cos = new float[tokens * rope.dim() / 2];
        sin = new float[tokens * rope.dim() / 2];
    }

    /// Says at which position `token` of this step is.
    void place(int token, int position) {
        float[] frequencies = rope.inverseFrequencies();
        for (int i = 0; i < frequencies.length; i++) {
            double angle = position * (double) frequencies[i];
            cos[token * frequencies.length + i] = (float) (Math.cos(angle) * rope.magnitude());
            sin[token * frequencies.length + i] = (float) (Math.sin(angle) * rope.magnitude());
        }
    }

    /// Turns the head that begins at `data[from]`.
    void turn(int token, float[] data, int from) {
        int pairs = rope.dim() / 2;
        boolean adjacent = rope.pairs() == Rope.Pairs.ADJACENT;
        for (int i = 0; i < pairs; i++) {
            int first = from + (adjacent ? 2 * i : i);
            int second = first + (adjacent ? 1 : pairs);
            float c = cos[token * pairs + i];
            float s = sin[token * pairs + i];
            float x = data[first];
            float y = data[second];
            data[first] = x * c - y * s;
            data[second] = x * s + y * c;
        }
    }
}
