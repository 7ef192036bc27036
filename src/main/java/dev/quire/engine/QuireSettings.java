package dev.quire.engine;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/// Every setting of the server. A property `quire.cache.blocks` is also the environment variable
/// `QUIRE_CACHE_BLOCKS` and the flag `--cache-blocks`; `docs/settings.md` lists them all.
@ConfigMapping(prefix = "quire")
public interface QuireSettings {
    /// A model file or folder; a name that is looked up in `home` and then, for the default model, fetched; or
    /// `org/name[@revision][:file]` on the hub.
    @WithDefault("smollm2-135m-instruct")
    String model();

    /// The name that requests use; without it, the model's file name without its ending, in lower case.
    Optional<String> servedModelName();

    /// The cache folder.
    @WithDefault("${user.home}/.cache/quire")
    String home();

    /// Never fetch a model.
    @WithDefault("${HF_HUB_OFFLINE:false}")
    boolean offline();

    /// `auto`, `cpu` (native kernels) or `reference` (plain Java: slow, for comparison).
    @WithDefault("auto")
    String backend();

    /// Where the CPU backend keeps packed weights: `disk` (in `home`, mapped) or `memory`.
    @WithDefault("disk")
    String packing();

    /// Threads of the CPU backend, the engine's own included; 0 = the physical cores that the process may use, one
    /// less from four on.
    @WithDefault("0")
    int threads();

    /// Longest sequence, prompt and answer; without it, what the model was made for.
    OptionalInt contextLength();

    /// The engine's answer to a stream that nobody reads: it is cancelled after this time.
    @WithDefault("60s")
    Duration streamTimeout();

    HubSettings hub();

    CpuSettings cpu();

    CacheSettings cache();

    BatchSettings batch();

    QueueSettings queue();

    InspectSettings inspect();

    HealthSettings health();

    /// The Hugging Face hub, or one that speaks like it.
    interface HubSettings {
        /// Its address.
        @WithDefault("${HF_ENDPOINT:https://huggingface.co}")
        String endpoint();

        /// Access token, for models that are not public; sent to the endpoint only.
        @WithDefault("${HF_TOKEN:}")
        Optional<String> token();
    }

    /// The CPU backend.
    interface CpuSettings {
        /// `auto`, `scalar`, `avx2`, `avx512`, `vnni` or `amx`.
        @WithDefault("auto")
        String isa();
    }

    /// The block pool.
    interface CacheSettings {
        /// Blocks of 16 tokens in the pool; overrides `memory`.
        OptionalInt blocks();

        /// Size of the pool: bytes (`512MiB`, `2GiB`, a plain number) or a share of the memory that is free at
        /// start-up (`0.25`). Never more than all sequences at their longest could use.
        @WithDefault("0.25")
        String memory();

        /// How keys and values are kept: `bf16`, `f16` or `int8`, or `auto` for what the backend thinks best.
        @WithDefault("auto")
        String type();

        /// How sequences get their blocks: `paged`; `contiguous`, one run each, as before paging; or `none`, the
        /// whole context computed again in each step.
        @WithDefault("paged")
        String layout();

        ContiguousSettings contiguous();

        CompactionSettings compaction();

        /// Whether prompts share the blocks of a prefix that is in the cache: `on` or `off`.
        @WithDefault("on")
        String prefix();

        /// What becomes of a sequence that must give up its blocks: `swap` moves them to the swap space as long as
        /// there is room, `recompute` drops them, `auto` does what has been quicker.
        @WithDefault("auto")
        String preemption();

        /// Memory for blocks that had to leave the pool, like `memory`; 0 = none. Where the pool is in the same
        /// memory it is better off there.
        @WithDefault("0")
        String swap();

        /// Blocks that a sequence must find to start beside others.
        ///
        /// - `optimistic`: for the tokens that it has; when blocks run out, the last gives way
        /// - `worst-case`: for the most that it and all others can get, so that none ever gives way
        @WithDefault("optimistic")
        String admission();

        /// Share of the pool that optimistic admission leaves free for running sequences, at least a block for
        /// each of them; 0 = none.
        @WithDefault("0.01")
        double watermark();

        /// Blocks that are moved together, to make room or because somebody asked.
        interface CompactionSettings {
            /// Fragmentation (1 - longest free run / blocks that nobody holds) above which blocks are moved; 1 =
            /// never.
            @WithDefault("0.3")
            double threshold();

            /// Most blocks copied between two steps; a run, which cannot be torn, is moved whole.
            @WithDefault("32")
            int copies();
        }

        /// The contiguous layout.
        interface ContiguousSettings {
            /// What a sequence reserves when it starts: room for the `model`'s longest, for the `request`'s
            /// longest, or for an `estimate`.
            @WithDefault("request")
            String reserve();

            /// Tokens that a sequence is expected to add to those it starts with, where the estimate is reserved.
            @WithDefault("128")
            int estimate();

            /// Which free run is taken: `first`, `best` or `buddy`.
            @WithDefault("first")
            String fit();
        }
    }

    /// One step.
    interface BatchSettings {
        /// Most tokens computed in one step.
        @WithDefault("512")
        int tokens();

        /// Most sequences that run at once.
        @WithDefault("64")
        int sequences();
    }

    /// A look into the cache.
    interface InspectSettings {
        /// Whether `/v1/cache/blocks`, `/v1/cache/sequences` and `/v1/cache/events` answer. They show no text, but
        /// who shares with whom, and how long prompts are: not for a port that strangers reach.
        @WithDefault("true")
        boolean enabled();
    }

    /// Requests that wait.
    interface QueueSettings {
        /// Most requests that may wait; beyond it they are refused with 429.
        @WithDefault("256")
        int capacity();
    }

    /// Readiness.
    interface HealthSettings {
        /// What ends readiness besides the engine's own state.
        ///
        /// - `blocks`: requests deferred for want of blocks, or no room for one more to wait
        /// - `engine`: nothing
        @WithDefault("blocks")
        String readiness();

        /// Share of the pool: with less of it free or cached, and requests deferred, blocks are short.
        @WithDefault("0.02")
        double lowWatermark();

        /// Share of the pool: with more of it free or cached, they no longer are.
        @WithDefault("0.1")
        double highWatermark();

        /// For how long blocks must be short before readiness ends; after which it comes back at the latest; and
        /// for how long it then stays at least.
        @WithDefault("5s")
        Duration hold();
    }
}
