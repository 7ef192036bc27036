"""Turns what compare.py has measured into the tables of docs/results/cpu.md. Pure functions, standard library only.

A result is what compare.py keeps in target/compare/*.json. Servers take turns in rounds, so every ratio is one of two
servers in the same round, and a table gives the median over rounds with the smallest and the largest.
"""

import dataclasses
import statistics

BEGIN = "<!-- begin of what `make compare` writes -->"
END = "<!-- end of what `make compare` writes -->"
QUIRE = "quire"
BEST = "best of all others"
AIM = 2  # times the best of all others


@dataclasses.dataclass(frozen=True)
class Workload:
    """One load: arguments of `./quire bench`; each is sent in `runs` runs behind `warmup` that do not count."""

    name: str
    concurrency: int
    prompt_tokens: int
    output_tokens: int
    runs: int
    warmup: int = 1
    shared_prefix: int = 0

    def quick(self):
        return dataclasses.replace(self, output_tokens=min(self.output_tokens, 24), runs=1)

    def flags(self):
        return ["--concurrency", self.concurrency, "--prompt-tokens", self.prompt_tokens, "--output-tokens",
                self.output_tokens, "--runs", self.runs, "--warmup", self.warmup, "--shared-prefix", self.shared_prefix]


WORKLOADS = {workload.name: workload for workload in (
    Workload("single", 1, 128, 128, 5),
    Workload("eight", 8, 128, 128, 3),
    Workload("thirty-two", 32, 128, 128, 2),
    Workload("prefill", 1, 1500, 2, 4),
    # One run, and no warm-up: after one the prefix would be cached.
    Workload("shared", 16, 128, 128, 1, 0, 1000),
)}


@dataclasses.dataclass(frozen=True)
class Metric:
    """One table: what is taken of a workload's level, and what Quire is to reach against whom."""

    title: str
    workload: str
    value: object
    targets: dict


METRICS = (
    Metric("Single stream, decode only", "single", lambda level: level["decode_tokens_per_second_each"],
           {"llama.cpp": 1.5, "llama.cpp-q4_0": 1.2, "llama.cpp-q4_0-all": 1.2, BEST: AIM}),
    Metric("Single stream, whole requests", "single", lambda level: level["output_tokens_per_second"], {}),
    Metric("8 at once", "eight", lambda level: level["output_tokens_per_second"],
           {"llama.cpp": 3, "llama.cpp-q4_0": 1.5, "llama.cpp-q4_0-all": 1.5, BEST: AIM}),
    Metric("32 at once", "thirty-two", lambda level: level["output_tokens_per_second"],
           {"llama.cpp": 4, "llama.cpp-q4_0": 2, "llama.cpp-q4_0-all": 2, BEST: AIM}),
    Metric("Prefill, prompt tokens a second until the first token", "prefill",
           lambda level: level["prompt_tokens"] / level["completed"] / level["ttft_ms"]["p50"] * 1000,
           {"llama.cpp": 5, "llama.cpp-q4_0": 2.5, "llama.cpp-q4_0-all": 2.5, BEST: AIM}),
    Metric("16 at once that begin with the same 1,000 tokens, not cached", "shared",
           lambda level: level["output_tokens_per_second"], {}),
)


def abba(names, rounds):
    """The order of each round: as given, then reversed, and so on, so that a drift of the machine meets all alike."""
    return [list(names) if i % 2 == 0 else list(reversed(names)) for i in range(rounds)]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values, form=number):
    """Median, and the range if there are several."""
    middle = form(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({form(min(values))} – {form(max(values))})"


def times(ratio):
    return f"{ratio:.2f}"


def percent(share):
    return f"{100 * share:.0f} %"


def levels(turns, workload, peer):
    """What one server did in each round, by round; rounds where it failed are not in it."""
    found = {}
    for turn in turns:
        level = turn["levels"].get(workload)
        if turn["peer"] == peer and level and not level.get("error"):
            found[turn["round"]] = level
    return found


def values(turns, metric, peer):
    """The metric of one server, by round."""
    taken = {}
    for turn, level in levels(turns, metric.workload, peer).items():
        try:
            taken[turn] = metric.value(level)
        except (KeyError, TypeError, ZeroDivisionError):
            continue  # a level without a single token has no rate
    return {turn: value for turn, value in taken.items() if value is not None}


def ratios(ours, theirs):
    """Ours divided by theirs, of each round that has both."""
    return [ours[turn] / theirs[turn] for turn in sorted(ours) if theirs.get(turn)]


def best_of(others):
    """The best of several servers, by round, of the rounds that all of them have."""
    shared = set.intersection(*(set(one) for one in others)) if others else set()
    return {turn: max(one[turn] for one in others) for turn in shared}


def verdict(ratio, target):
    return "" if target is None else f"{target:g}: {'met' if ratio >= target else 'not met'}"


def table(metric, result):
    turns = result["turns"]
    workload = result["workloads"][metric.workload]
    peers = list(result["peers"])
    measured = {peer: values(turns, metric, peer) for peer in peers}
    measured = {peer: found for peer, found in measured.items() if found}
    shared = f"{workload['shared_prefix']:,} shared + " if workload["shared_prefix"] else ""
    lines = [f"### {metric.title}", "",
             f"{workload['concurrency']} at once, {shared}{workload['prompt_tokens']:,} tokens in, "
             f"{workload['output_tokens']:,} out; tokens/s.", "",
             "| server | median (range of rounds) | time to first token, p50 | Quire is … times as fast | target |",
             "|---|---|---|---|---|"]
    for peer, found in measured.items():
        firsts = [level["ttft_ms"]["p50"] for level in levels(turns, metric.workload, peer).values()]
        lines.append(f"| {result['peers'][peer]['title']} | {spread(list(found.values()))} "
                     f"| {number(statistics.median(firsts))} ms | {ratio_cells(metric, measured, peer)} |")
    others = [found for peer, found in measured.items() if peer != QUIRE]
    if QUIRE in measured and len(others) > 1:
        best = {**measured, BEST: best_of(others)}
        if best[BEST]:
            lines.append(f"| {BEST}, in each round | {spread(list(best[BEST].values()))} | "
                         f"| {ratio_cells(metric, best, BEST)} |")
    return "\n".join(lines) + "\n"


def ratio_cells(metric, measured, peer):
    found = ratios(measured.get(QUIRE, {}), measured[peer]) if peer != QUIRE else []
    if not found:
        return "|"
    return f"{spread(found, times)} | {verdict(statistics.median(found), metric.targets.get(peer))}"


def limits_table(result):
    """What the machine can do at most, measured before, between and after the rounds."""
    rows = {}
    for measurement in result["limits"]:
        for row in measurement:
            by_threads = rows.setdefault((row["kind"], row["name"], row["unit"]), {})
            by_threads.setdefault(row["threads"], []).append(row["value"])
    threads = sorted({count for by_threads in rows.values() for count in by_threads})
    heads = " | ".join(f"{count} thread{'s' if count > 1 else ''}" for count in threads)
    lines = [f"| limit | {heads} |", "|---" * (1 + len(threads)) + "|"]
    for (kind, name, unit), by_threads in rows.items():
        cells = " | ".join(f"{spread(by_threads[count])} {unit}" if count in by_threads else "" for count in threads)
        label = f"reads {name}" if kind in READS else f"{kind}, `{name}`"
        lines.append(f"| {label} | {cells} |")
    return "\n".join(lines) + "\n"


READS = ("memory", "memory-small", "cache")


def ceilings(result):
    """What the limits allow at most for this model, one sentence each."""
    best = {}
    for measurement in result["limits"]:
        for row in measurement:
            if row["threads"] == result["threads"]:
                best.setdefault(row["kind"], []).append(row["value"])
    best = {kind: statistics.median(found) for kind, found in best.items()}
    model = result["model"]
    lines = []
    if "memory" in best:
        rate = best["memory"] * 1e9 / model["tensor_bytes"]
        lines.append(f"- A decode step of one sequence reads {model['tensor_bytes'] / 1e6:.1f} MB of weights: memory "
                     f"allows {number(rate)} tokens/s, less what stays in the caches.")
    products = 2 * model["product_parameters"]
    most = [f"{number(best[kind] * 1e9 / products)} in {kind}" for kind in ("int8", "int16", "bf16") if kind in best]
    if most:
        lines.append(f"- A prompt's token needs {products / 1e9:.3f} billion operations outside of attention and the "
                     f"output head: tokens/s at most {', '.join(most)}.")
    return "\n".join(lines) + "\n"


def machine_lines(result):
    machine = result["machine"]
    threads = result["threads"]
    busy = [turn["busy_before"] for turn in result["turns"]]
    stolen = [turn["stolen"] for turn in result["turns"]]
    lines = [
        f"**Machine**: {machine['model']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB, "
        f"{machine['caches']}; {machine['kernel']}. Instruction sets that count here: {', '.join(machine['isa'])}.",
        "",
        f"**Model**: `{result['model']['file']}`, {result['model']['parameters']:,} parameters, tensors of "
        f"{', '.join(result['model']['types'])}. {threads} thread{'s' if threads > 1 else ''} for each server.",
        "",
        f"**Command**: `{result['command']}`, {result['started']}: {result['rounds']} rounds in ABBA order, one server "
        f"at a time, {result['quire']}."
        + (" **A quick trial: too short to be quoted.**" if result["quick"] else ""),
    ]
    if busy:
        lines += ["", f"**Quiet**: in the second before a turn other work took {spread(busy, percent)} of the cores; "
                      f"during turns the hypervisor took {spread(stolen, percent)}."]
    return lines


def peer_lines(result):
    lines = ["| server | weights | version | command |", "|---|---|---|---|"]
    for peer in result["peers"].values():
        lines.append(f"| {peer['title']} | {peer['weights']} | {peer['version']} | `{peer['command']}` |")
    for name, reason in result["left_out"].items():
        lines += ["", f"Left out: {name}: {reason}."]
    failures = [f"round {turn['round'] + 1}, {turn['peer']}, {name}: {level['error']}"
                for turn in result["turns"] for name, level in turn["levels"].items() if level.get("error")]
    failures += [f"round {turn['round'] + 1}, {turn['peer']}: {turn['error']}"
                 for turn in result["turns"] if turn.get("error")]
    for failure in failures:
        lines += ["", f"Failed: {failure}."]
    return lines


def markdown(result):
    """The generated part of the report, without its markers."""
    lines = [*machine_lines(result), "", "## Limits of the machine, in the same run", "",
             "`native-libs/test/limits.cpp`, before, between and after the rounds; median and range.", "",
             limits_table(result), ceilings(result), "## Servers", "", *peer_lines(result), "", "## Rates", "",
             "Ratios are of two servers in the same round: median, and the range over the rounds. What is met is met by "
             "the median.", ""]
    for metric in METRICS:
        if metric.workload in result["workloads"]:
            lines.append(table(metric, result))
    return "\n".join(lines).rstrip() + "\n"


def replace_generated(text, generated):
    """`text` with what lies between the markers replaced; a text without them gets it at its end."""
    begin, end = text.find(BEGIN), text.find(END)
    if (begin < 0) != (end < 0) or end < begin or text.count(BEGIN) > 1 or text.count(END) > 1:
        raise ValueError("report must have each marker once, in order: "
                         f"begins={text.count(BEGIN)}, ends={text.count(END)}")
    part = f"{BEGIN}\n\n{generated}\n{END}"
    if begin < 0:
        return text.rstrip("\n") + ("\n\n" if text.strip() else "") + part + "\n"
    return text[:begin] + part + text[end + len(END):]
