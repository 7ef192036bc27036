package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.Kernels;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;

/// The copies that a step loop asks the kernels for, counted. Those to the swap space and back take some turns, as a
/// device's do, and are made as late as may be: who uses a block or a slot too early finds, or leaves, wrong bytes.
final class LateCopies {
    private record Copy(boolean out, int[] block, int[] slot, long turn) {}

    private final Kernels kernels;
    private final int lag;
    private final Queue<Copy> begun = new ArrayDeque<>();
    private long turn;
    private long issued;
    private long done;
    private int copied;
    private int callsOut;
    private int callsIn;

    /// Copies by `kernels` that take `lag` turns.
    LateCopies(Kernels kernels, int lag) {
        this.kernels = kernels;
        this.lag = lag;
    }

    /// What the step loop is to have for kernels; only their copies can be asked for.
    Kernels kernels() {
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, given) -> call(method, given));
    }

    private Object call(Method method, Object[] given) {
        switch (method.getName()) {
            case "copyBlocks" -> {
                copied += (int) given[2];
                kernels.copyBlocks((int[]) given[0], (int[]) given[1], (int) given[2]);
                return null;
            }
            case "swapOut" -> {
                callsOut++;
                return begin(true, (int[]) given[0], (int[]) given[1], (int) given[2]);
            }
            case "swapIn" -> {
                callsIn++;
                return begin(false, (int[]) given[1], (int[]) given[0], (int) given[2]);
            }
            case "swapped" -> {
                return (long) given[0] <= done;
            }
            default -> throw new AssertionError("a step loop must only ask for copies: method=" + method.getName());
        }
    }

    private long begin(boolean out, int[] block, int[] slot, int count) {
        begun.add(new Copy(out, Arrays.copyOf(block, count), Arrays.copyOf(slot, count), turn + lag));
        issued++;
        make();
        return issued;
    }

    /// A turn begins.
    void turn() {
        turn++;
        make();
    }

    private void make() {
        while (!begun.isEmpty() && begun.peek().turn() <= turn) {
            Copy copy = begun.remove();
            int count = copy.block().length;
            long ticket = copy.out()
                    ? kernels.swapOut(copy.block(), copy.slot(), count)
                    : kernels.swapIn(copy.slot(), copy.block(), count);
            assertTrue(kernels.swapped(ticket));
            done++;
        }
    }

    /// Blocks that were copied within the pool.
    int copied() {
        return copied;
    }

    /// Calls that began to bring blocks to the swap space.
    int callsOut() {
        return callsOut;
    }

    /// Calls that began to bring blocks back.
    int callsIn() {
        return callsIn;
    }
}
