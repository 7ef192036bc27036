package dev.quire.kernel.cpu;

import java.lang.foreign.MemorySegment;
import org.bytedeco.javacpp.LongPointer;

/// Page-aligned native memory, not yet touched. Whoever allocates it frees it.
record HostMemory(long address, long bytes) {
    static HostMemory allocate(long bytes) {
        try (LongPointer memory = new LongPointer(1)) {
            CpuKernels.check(QuireCpu.quire_host_alloc(bytes, memory));
            return new HostMemory(memory.get(), bytes);
        }
    }

    @SuppressWarnings("restricted") // the memory is ours, and as long as said
    MemorySegment segment() {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    void free() {
        QuireCpu.quire_host_free(address, bytes);
    }
}
