package dev.quire.sampling;

import dev.quire.sampling.BeamParameters.EarlyStopping;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/// Beam search by sorting every continuation of every beam, with whole token lists: what `BeamSearch` has to find.
public final class NaiveBeamSearch {
    private record Beam(List<Integer> tokens, float sum) {}

    private NaiveBeamSearch() {}

    public static List<BeamRun.Hypothesis> search(
            Function<int[], float[]> model, BeamParameters parameters, BitSet endTokens, int maxTokens) {
        return search(model, parameters, endTokens, maxTokens, _ -> {});
    }

    /// The same; `steps` hears of the beams that live after each step, the best first.
    public static List<BeamRun.Hypothesis> search(
            Function<int[], float[]> model,
            BeamParameters parameters,
            BitSet endTokens,
            int maxTokens,
            Consumer<List<List<Integer>>> steps) {
        int width = parameters.width();
        // As many as Transformers takes: enough that `width` of them do not end.
        int kept = Math.max(2, 1 + endTokens.cardinality()) * width;
        List<BeamRun.Hypothesis> found = new ArrayList<>();
        List<Beam> live = List.of(new Beam(List.of(), 0));
        for (int length = 1; !live.isEmpty(); length++) {
            List<Beam> all = continuations(live, model);
            all = all.subList(0, Math.min(all.size(), kept));
            List<Beam> next = new ArrayList<>();
            for (int i = 0; i < all.size(); i++) {
                boolean ends =
                        length == maxTokens || endTokens.get(all.get(i).tokens().getLast());
                if (ends && i < width) {
                    float divisor = (float) Math.pow(length, parameters.lengthPenalty());
                    found.add(new BeamRun.Hypothesis(
                            all.get(i).tokens(), all.get(i).sum() / divisor));
                }
                if (!ends && next.size() < width) {
                    next.add(all.get(i));
                }
            }
            found.sort(Comparator.comparingDouble(hypothesis -> -hypothesis.score())); // stable: older ones first
            found = new ArrayList<>(found.subList(0, Math.min(found.size(), width)));
            live = over(parameters, found, next, length, maxTokens) ? List.of() : next;
            steps.accept(live.stream().map(Beam::tokens).toList());
        }
        return found;
    }

    private static List<Beam> continuations(List<Beam> live, Function<int[], float[]> model) {
        List<Beam> all = new ArrayList<>();
        for (Beam beam : live) {
            float[] logprobs = model.apply(
                    beam.tokens().stream().mapToInt(Integer::intValue).toArray());
            for (int token = 0; token < logprobs.length; token++) {
                if (logprobs[token] > Float.NEGATIVE_INFINITY) {
                    List<Integer> tokens = new ArrayList<>(beam.tokens());
                    tokens.add(token);
                    all.add(new Beam(tokens, beam.sum() + logprobs[token]));
                }
            }
        }
        all.sort(Comparator.comparingDouble(beam -> -beam.sum())); // stable: in order of beams, then tokens
        return all;
    }

    private static boolean over(
            BeamParameters parameters, List<BeamRun.Hypothesis> found, List<Beam> next, int length, int maxTokens) {
        if (next.isEmpty() || found.size() < parameters.width()) {
            return next.isEmpty();
        }
        if (parameters.width() == 1 || parameters.earlyStopping() == EarlyStopping.WHEN_FULL) {
            return true;
        }
        int hopedLength = parameters.earlyStopping() == EarlyStopping.NEVER && parameters.lengthPenalty() > 0
                ? maxTokens
                : length;
        float hoped = next.getFirst().sum() / (float) Math.pow(hopedLength, parameters.lengthPenalty());
        return hoped <= found.getLast().score();
    }
}
