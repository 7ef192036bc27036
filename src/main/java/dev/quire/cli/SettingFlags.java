package dev.quire.cli;

import dev.quire.engine.QuireSettings;
import io.smallrye.config.WithDefault;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Stack;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/// The settings of {@link QuireSettings} as flags. The list is read from the mapping's methods, so none can be
/// forgotten; only the descriptions are written here, and a setting without one is refused.
final class SettingFlags {
    private static final Map<String, String> DESCRIPTIONS = Map.ofEntries(
            Map.entry(
                    "quire.model", "a model file or folder, a name in the cache folder, or org/name[:file] on the hub"),
            Map.entry("quire.hub.endpoint", "address of the Hugging Face hub, or of one like it"),
            Map.entry("quire.hub.token", "access token of the hub, for models that are not public"),
            Map.entry("quire.served-model-name", "the name that requests use; without it, the file's or folder's name"),
            Map.entry("quire.home", "the cache folder, for models and unpacked libraries"),
            Map.entry("quire.offline", "never fetch a model"),
            Map.entry("quire.backend", "auto, cpu (native kernels) or reference (plain Java, slow)"),
            Map.entry("quire.packing", "where packed weights are kept: disk (in the cache folder, mapped) or memory"),
            Map.entry(
                    "quire.threads",
                    "threads of the CPU backend; 0 = the physical cores that the process may use, one less from four on"),
            Map.entry(
                    "quire.context-length",
                    "longest sequence, prompt and answer; without it, the model's own, at most 131072"),
            Map.entry("quire.stream-timeout", "an answer that nobody reads is cancelled after this time"),
            Map.entry("quire.cpu.isa", "instruction set of the CPU backend: auto, scalar, avx2, avx512, vnni or amx"),
            Map.entry("quire.cache.blocks", "blocks of 16 tokens in the pool; overrides the pool's memory"),
            Map.entry("quire.cache.memory", "size of the pool: 512MiB, 2GiB, bytes, or a share of free memory"),
            Map.entry("quire.cache.type", "how keys and values are kept: auto, bf16, f16 or int8"),
            Map.entry("quire.cache.layout", "how sequences get blocks: paged, contiguous or none"),
            Map.entry(
                    "quire.cache.contiguous.reserve",
                    "what a contiguous sequence reserves: model, request or estimate"),
            Map.entry(
                    "quire.cache.compaction.threshold",
                    "fragmentation above which blocks are moved together; 1 = never"),
            Map.entry("quire.cache.compaction.copies", "most blocks copied for that between two steps"),
            Map.entry("quire.cache.contiguous.estimate", "tokens that the estimate adds to those a sequence has"),
            Map.entry("quire.cache.contiguous.fit", "which free run is taken: first, best or buddy"),
            Map.entry("quire.cache.prefix", "share the blocks of equal prefixes: on or off"),
            Map.entry("quire.cache.preemption", "what becomes of preempted blocks: auto, recompute or swap"),
            Map.entry("quire.cache.swap", "memory for preempted blocks: 512MiB, 2GiB, bytes, or a share; 0 = none"),
            Map.entry("quire.cache.admission", "blocks that a sequence must find to start: optimistic or worst-case"),
            Map.entry(
                    "quire.cache.watermark",
                    "share of the pool that admission leaves to running sequences, at least a block for each; 0 = none"),
            Map.entry("quire.batch.tokens", "most tokens computed in one step"),
            Map.entry("quire.batch.sequences", "most sequences that run at once"),
            Map.entry("quire.inspect.enabled", "answer /v1/cache/blocks, /v1/cache/sequences and /v1/cache/events"),
            Map.entry("quire.health.readiness", "what readiness depends on besides the engine: blocks or engine"),
            Map.entry("quire.health.low-watermark", "share of the pool below which blocks are short"),
            Map.entry("quire.health.high-watermark", "share of the pool above which they are not"),
            Map.entry("quire.health.hold", "time for which blocks must be short; and longest time without readiness"),
            Map.entry("quire.queue.capacity", "most requests that may wait; beyond it they get status 429"));

    private SettingFlags() {}

    /// Every setting, by name.
    static List<Setting> all() {
        List<Setting> settings = new ArrayList<>();
        collect("quire", QuireSettings.class, settings);
        settings.sort(Comparator.comparing(Setting::property));
        return settings;
    }

    /// Adds a flag for each of `settings` to a command.
    static void addTo(CommandSpec command, List<Setting> settings) {
        for (Setting setting : settings) {
            OptionSpec.Builder option = OptionSpec.builder(setting.flag())
                    .type(String.class)
                    .paramLabel(setting.label())
                    .description(describe(setting));
            if (setting.type() == boolean.class) {
                option.arity("0..1").fallbackValue("true").preprocessor(SettingFlags::keepNextArgument);
            } else {
                option.arity("1");
            }
            command.addOption(option.build());
        }
    }

    /// `--offline NAME` is a flag and a name: only what is attached, as in `--offline=false`, is a switch's value.
    private static boolean keepNextArgument(
            Stack<String> arguments, CommandSpec command, ArgSpec flag, Map<String, Object> details) {
        if (!"=".equals(details.get("separator"))) {
            arguments.push("true");
        }
        return false;
    }

    /// The properties of those of `settings` whose flag was given; a value that a setting cannot have is refused.
    static Map<String, String> given(ParseResult parsed, List<Setting> settings) {
        Map<String, String> given = new TreeMap<>();
        for (Setting setting : settings) {
            if (parsed.hasMatchedOption(setting.flag())) {
                String value = parsed.matchedOptionValue(setting.flag(), "");
                refuse(parsed.commandSpec().commandLine(), setting, setting.flag(), value);
                given.put(setting.property(), value);
            }
        }
        return given;
    }

    /// Refuses a value in the environment that cannot be what its setting is, before anything is started.
    static void checkEnvironment(CommandLine command, UnaryOperator<String> environment) {
        for (Setting setting : all()) {
            String value = environment.apply(setting.environment());
            if (value != null) {
                refuse(command, setting, setting.environment(), value);
            }
        }
    }

    private static void refuse(CommandLine command, Setting setting, String name, String value) {
        setting.problem(value).ifPresent(problem -> {
            throw new ParameterException(command, name + " " + problem + ": " + name + "=" + value);
        });
    }

    private static String describe(Setting setting) {
        String value = setting.defaultValue()
                .map(text -> text.replaceAll("\\$\\{([A-Z_]+):}", "what $1 says in the environment"))
                .map(text -> text.replaceAll("\\$\\{([A-Z_]+):(.+)}", "what $1 says in the environment, else $2"))
                .map(text -> " (default: " + text + ")")
                .orElse("");
        // picocli takes a dollar sign as the start of a variable and a per cent sign as that of a format.
        return (setting.description() + value)
                .replace("${user.home}", "~")
                .replace("%", "%%")
                .replace("$", "$$");
    }

    private static void collect(String prefix, Class<?> mapping, List<Setting> settings) {
        for (Method method : mapping.getDeclaredMethods()) {
            if (method.isSynthetic() || method.isDefault()) {
                continue;
            }
            String property = prefix + "." + kebab(method.getName());
            if (method.getReturnType().isInterface()) {
                collect(property, method.getReturnType(), settings);
                continue;
            }
            String description = DESCRIPTIONS.get(property);
            if (description == null) {
                throw new IllegalStateException("setting must have a description: property=" + property);
            }
            WithDefault value = method.getAnnotation(WithDefault.class);
            settings.add(new Setting(
                    property, type(method), Optional.ofNullable(value).map(WithDefault::value), description));
        }
    }

    private static Class<?> type(Method method) {
        Class<?> type = method.getReturnType();
        if (type == OptionalInt.class) {
            return int.class;
        }
        if (type == Optional.class) {
            return String.class;
        }
        if (type == int.class
                || type == double.class
                || type == boolean.class
                || type == String.class
                || type == Duration.class) {
            return type;
        }
        throw new IllegalStateException(
                "setting must have a type that flags know: setting=" + method.getName() + ", type=" + type.getName());
    }

    private static String kebab(String name) {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }
}
