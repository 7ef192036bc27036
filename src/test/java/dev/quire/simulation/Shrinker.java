package dev.quire.simulation;

import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.scheduler.AdmissionPolicy;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.simulation.Workload.Disturbance;
import dev.quire.simulation.Workload.Request;
import dev.quire.simulation.Workload.Setup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Makes a workload that fails as small as it can be while it still fails: takes what fails of all that is one
/// change simpler, large changes first, and begins again from there.
final class Shrinker {
    /// Workloads tried at most.
    private static final int TRIES = 5_000;

    private final Predicate<Workload> fails;
    private Workload smallest;
    private int tries;

    private Shrinker(Workload failing, Predicate<Workload> fails) {
        smallest = failing;
        this.fails = fails;
    }

    static Workload shrink(Workload failing, Predicate<Workload> fails) {
        var shrinker = new Shrinker(failing, fails);
        boolean smaller = true;
        while (smaller && shrinker.tries < TRIES) {
            smaller = shrinker.dropRequests() | shrinker.dropDisturbances();
            smaller |= shrinker.simplifyRequests() | shrinker.simplifyDisturbances() | shrinker.simplifySetup();
        }
        return shrinker.smallest;
    }

    private boolean accept(Workload candidate) {
        if (tries >= TRIES || !candidate.fits()) {
            return false;
        }
        tries++;
        if (fails.test(candidate)) {
            smallest = candidate;
            return true;
        }
        return false;
    }

    private boolean dropRequests() {
        boolean smaller = false;
        for (int run = Math.max(1, smallest.requests().size() / 2); run > 0; run /= 2) {
            for (int at = 0; at + run <= smallest.requests().size(); ) {
                boolean dropped = accept(withRequests(without(smallest.requests(), at, run)));
                smaller |= dropped;
                at += dropped ? 0 : run;
            }
        }
        return smaller;
    }

    private boolean dropDisturbances() {
        boolean smaller = false;
        for (int at = 0; at < smallest.disturbances().size(); ) {
            boolean dropped = accept(withDisturbances(without(smallest.disturbances(), at, 1)));
            smaller |= dropped;
            at += dropped ? 0 : 1;
        }
        return smaller;
    }

    private boolean simplifyRequests() {
        boolean smaller = false;
        for (int at = 0; at < smallest.requests().size(); at++) {
            boolean again = true;
            while (again) {
                again = false;
                for (Request simpler : simpler(smallest.requests().get(at))) {
                    List<Request> requests = new ArrayList<>(smallest.requests());
                    requests.set(at, simpler);
                    if (accept(withRequests(requests))) {
                        again = true;
                        smaller = true;
                        break;
                    }
                }
            }
        }
        return smaller;
    }

    private static List<Request> simpler(Request request) {
        List<Request> simpler = new ArrayList<>();
        int length = request.prompt().length;
        for (int cut = length / 2; cut > 0; cut /= 2) {
            simpler.add(withPrompt(request, Arrays.copyOf(request.prompt(), length - cut)));
            simpler.add(withPrompt(request, Arrays.copyOfRange(request.prompt(), cut, length)));
        }
        for (int cut = request.maxTokens() / 2; cut > 0; cut /= 2) {
            simpler.add(with(request, request.arrival(), request.maxTokens() - cut, request.choices()));
        }
        request.beams().ifPresent(search -> simpler.addAll(simpler(request, search)));
        if (request.choices() > 1) {
            simpler.add(with(request, request.arrival(), request.maxTokens(), 1));
            simpler.add(with(request, request.arrival(), request.maxTokens(), request.choices() - 1));
        }
        if (request.arrival() > 0) {
            simpler.add(with(request, 0, request.maxTokens(), request.choices()));
            simpler.add(with(request, request.arrival() - 1, request.maxTokens(), request.choices()));
        }
        if (request.priority() != 0 || (request.scored() && request.maxTokens() > 0) || request.ends()) {
            simpler.add(plain(request, 0, request.maxTokens() == 0, false, request.salt()));
            simpler.add(plain(request, 0, request.scored(), request.ends(), request.salt()));
            simpler.add(plain(request, request.priority(), request.maxTokens() == 0, request.ends(), request.salt()));
            simpler.add(plain(request, request.priority(), request.scored(), false, request.salt()));
        }
        if (!request.salt().equals("a")) {
            simpler.add(plain(request, request.priority(), request.scored(), request.ends(), "a"));
        }
        simpler.removeIf(each -> each.toString().equals(request.toString()));
        return simpler;
    }

    private static List<Request> simpler(Request request, BeamParameters search) {
        List<Request> simpler = new ArrayList<>();
        simpler.add(withBeams(request, Optional.empty()));
        if (search.width() > request.choices()) {
            simpler.add(withBeams(
                    request,
                    Optional.of(
                            new BeamParameters(search.width() - 1, search.lengthPenalty(), search.earlyStopping()))));
        }
        simpler.add(withBeams(request, Optional.of(new BeamParameters(search.width(), 1, EarlyStopping.HEURISTIC))));
        return simpler;
    }

    private static Request withBeams(Request request, Optional<BeamParameters> beams) {
        return new Request(
                request.id(),
                request.arrival(),
                request.prompt(),
                request.maxTokens(),
                request.seed(),
                request.choices(),
                request.priority(),
                request.scored(),
                request.ends(),
                request.salt(),
                beams);
    }

    private boolean simplifyDisturbances() {
        boolean smaller = false;
        for (int at = 0; at < smallest.disturbances().size(); at++) {
            Disturbance disturbance = smallest.disturbances().get(at);
            for (int step = 0; step < disturbance.step(); step++) {
                List<Disturbance> disturbances = new ArrayList<>(smallest.disturbances());
                disturbances.set(at, new Disturbance(step, disturbance.kind(), disturbance.id(), disturbance.choice()));
                if (accept(withDisturbances(disturbances))) {
                    smaller = true;
                    break;
                }
            }
        }
        return smaller;
    }

    private boolean simplifySetup() {
        Setup setup = smallest.setup();
        SchedulerLimits limits = setup.limits();
        boolean smaller = setup.hashBits() != Workload.ALL_BITS
                && accept(with(setup.blocks(), limits, setup.prefix(), Workload.ALL_BITS));
        smaller |= setup.prefix()
                && accept(with(setup.blocks(), limits, false, smallest.setup().hashBits()));
        if (limits.watermark() > 0 || limits.admission() != AdmissionPolicy.OPTIMISTIC) {
            var lower = new SchedulerLimits(limits.tokens(), limits.sequences(), limits.rows(), 0);
            smaller |= accept(with(
                    setup.blocks(),
                    lower,
                    smallest.setup().prefix(),
                    smallest.setup().hashBits()));
        }
        for (int blocks = 1; blocks < setup.blocks(); blocks++) {
            Setup now = smallest.setup();
            if (accept(with(blocks, now.limits(), now.prefix(), now.hashBits()))) {
                return true;
            }
        }
        return smaller;
    }

    private Workload with(int blocks, SchedulerLimits limits, boolean prefix, int hashBits) {
        Setup setup = smallest.setup();
        return new Workload(
                new Setup(blocks, setup.blockSize(), limits, prefix, hashBits, setup.vocabulary(), setup.memory()),
                smallest.requests(),
                smallest.disturbances());
    }

    private Workload withRequests(List<Request> requests) {
        return new Workload(smallest.setup(), requests, smallest.disturbances());
    }

    private Workload withDisturbances(List<Disturbance> disturbances) {
        return new Workload(smallest.setup(), smallest.requests(), disturbances);
    }

    private static <T> List<T> without(List<T> items, int from, int count) {
        List<T> rest = new ArrayList<>(items);
        rest.subList(from, from + count).clear();
        return rest;
    }

    private static Request withPrompt(Request request, int[] prompt) {
        return new Request(
                request.id(),
                request.arrival(),
                prompt,
                request.maxTokens(),
                request.seed(),
                request.choices(),
                request.priority(),
                request.scored(),
                request.ends(),
                request.salt(),
                request.beams());
    }

    private static Request with(Request request, int arrival, int maxTokens, int choices) {
        return new Request(
                request.id(),
                arrival,
                request.prompt(),
                maxTokens,
                request.seed(),
                choices,
                request.priority(),
                request.scored(),
                request.ends(),
                request.salt(),
                request.beams());
    }

    private static Request plain(Request request, int priority, boolean scored, boolean ends, String salt) {
        return new Request(
                request.id(),
                request.arrival(),
                request.prompt(),
                request.maxTokens(),
                request.seed(),
                request.choices(),
                priority,
                scored,
                ends,
                salt,
                request.beams());
    }
}
