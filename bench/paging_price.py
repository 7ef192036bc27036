#!/usr/bin/env python3
"""Says what paging costs: decode attention through block tables against the same source without them.

`make paging-price` builds target/native/paging_bench, which has attention twice: as in the library, and compiled for
contiguous addressing, where a sequence's blocks follow each other. Two tables come out, in Markdown:

  instructions   of one call, counted by valgrind's callgrind on the AVX2 variant (valgrind knows no AVX-512)
  time           on the instruction set in use: pairs of samples, one of each kind, which comes first alternating; the
                 median of the pairs' ratios and its 95 % interval (that of the sign test: no assumption on the noise)

"ordered": the paged one goes through the same run of blocks as the contiguous one; "scattered": its blocks lie anywhere
in the pool, which the caches and the processor's prefetching notice where a context fits no cache. Prices are in per cent
of the contiguous one. The exit status is 1 where a count is above the limit, or the whole interval of an ordered time is.
Linux, standard library only; under load, --realtime (root) keeps other processes away.

  python3 bench/paging_price.py --pairs 101 --contexts 256 --types bf16
"""

import argparse
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
AVX2 = 2  # as in quire_kernels.h, like the types
AUTO = 0
ISAS = ("auto", "scalar", "avx2", "avx512", "vnni", "amx")
TYPES = {"bf16": 2, "f16": 1, "int8": 3}
SHAPES = ((9, 3, 64), (32, 8, 128))  # query heads, KV heads, head size: SmolLM2-135M's; Llama 3 8B's
ORDERS = ("ordered", "scattered")


class PriceError(Exception):
    """Something could not be run; the message is one line."""


def run(command):
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    except OSError as error:
        raise PriceError(f"command must be there to run: command={command[0]}, said={error.strerror}") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise PriceError(f"command must succeed: command={command[0]}, status={done.returncode}, said={said}")
    return done.stdout


def counted(options, kind, shape, cache, context):
    """Instructions of one call of quire::attend."""
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "profile")
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--collect-atstart=no",
             "--toggle-collect=quire::attend(*", options.binary, kind, AVX2, TYPES[cache], *shape, context])
        return total(profile.read_text())


def total(profile):
    """What a profile of callgrind says of all that it collected."""
    found = re.search(r"^(?:summary|totals): (\d+)$", profile, re.MULTILINE)
    if found is None or int(found[1]) == 0:
        raise PriceError("callgrind must have counted quire::attend: instructions=0")
    return int(found[1])


def interval(values):
    """Median of the values, and the interval that holds the distribution's median in at least 95 of 100 cases."""
    ordered = sorted(values)
    count = len(ordered)
    # The low end is the largest order statistic that lies above the median with probability <= 2.5 %.
    below, tail = 0, 0.0
    while (tail := tail + math.comb(count, below) / 2**count) <= 0.025:
        below += 1
    if below == 0:
        raise PriceError(f"pairs must be at least 6 for an interval: pairs={count}")
    return statistics.median(ordered), ordered[below - 1], ordered[count - below]


def prices(text):
    """From paging_bench's lines: instruction set, and for each order (nanoseconds of contiguous, price in %, low, high)."""
    lines = [line.split() for line in text.splitlines()]
    isa = int(lines[0][0].removeprefix("isa="))
    result = {}
    for order in ORDERS:
        pairs = [(float(paged), float(run)) for name, paged, run in lines[1:] if name == order]
        price = [100 * (number - 1) for number in interval([paged / run for paged, run in pairs])]
        result[order] = (statistics.median(run for _, run in pairs), *price)
    return isa, result


def named(shape):
    return "{} / {} of {}".format(*shape)


def count_all(options):
    print("\n| query heads / KV heads of size | cache | context | contiguous, instructions | paged | price |")
    print("|---|---|---|---|---|---|")
    worst = -math.inf
    for shape in SHAPES:
        for cache in options.types:
            for context in options.contexts:
                contiguous, paged = (counted(options, kind, shape, cache, context) for kind in ("contiguous", "paged"))
                price = 100 * (paged / contiguous - 1)
                worst = max(worst, price)
                print(f"| {named(shape)} | {cache} | {context:,} | {contiguous:,} | {paged:,} | {price:.2f} % |", flush=True)
    print(f"\nLargest price in instructions: {worst:.2f} %")
    return worst <= options.limit


def time_all(options):
    first = ["chrt", "-f", "50"] if options.realtime else []
    print("\n| query heads / KV heads of size | cache | context | sequences | contiguous | ordered (95 %) | scattered (95 %) |")
    print("|---|---|---|---|---|---|---|")
    all_prices = {order: [] for order in ORDERS}
    isa = AUTO
    for shape in SHAPES:
        for cache in options.types:
            for context in options.contexts:
                for sequences in options.sequences:
                    isa, found = prices(run([*first, options.binary, "pairs", AUTO, TYPES[cache], *shape, context, sequences,
                                             options.threads, options.pairs]))
                    columns = [f"{price:+.1f} % ({low:+.1f} – {high:+.1f})" for _, price, low, high in found.values()]
                    print(f"| {named(shape)} | {cache} | {context:,} | {sequences} | {found['ordered'][0] / 1000:,.1f} µs "
                          f"| {' | '.join(columns)} |", flush=True)
                    for order, figures in found.items():
                        all_prices[order].append(figures)
    print(f"\nInstruction set: {ISAS[isa]}, threads: {options.threads}, pairs: {options.pairs}.")
    for order, figures in all_prices.items():
        median = [price for _, price, _, _ in figures]
        print(f"Prices, {order}: median {statistics.median(median):+.1f} %, from {min(median):+.1f} to {max(median):+.1f} %; "
              f"intervals above {options.limit:g} %: {sum(low > options.limit for _, _, low, _ in figures)} of {len(figures)}")
    return all(low <= options.limit for _, _, low, _ in all_prices["ordered"])


def numbers(text):
    return [int(number) for number in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/native/paging_bench", help="default: target/native/paging_bench")
    parser.add_argument("--pairs", type=int, default=41, help="of samples of 3 ms or one call (default 41)")
    parser.add_argument("--threads", type=int, default=1, help="of attention, when it is timed (default 1)")
    parser.add_argument("--types", type=lambda text: text.split(","), default=list(TYPES), help="default bf16,f16,int8")
    parser.add_argument("--contexts", type=numbers, default=[256, 1024, 8192], help="default 256,1024,8192")
    parser.add_argument("--sequences", type=numbers, default=[1, 8], help="at once, when it is timed (default 1,8)")
    parser.add_argument("--limit", type=float, default=3, help="per cent (default 3)")
    parser.add_argument("--realtime", action="store_true", help="time with the scheduler's real-time policy; needs root")
    parser.add_argument("--no-count", action="store_true", help="times only")
    parser.add_argument("--no-time", action="store_true", help="instructions only")
    options = parser.parse_args()
    for cache in options.types:
        if cache not in TYPES:
            parser.error(f"types must be among {', '.join(TYPES)}: type={cache}")
    if options.pairs < 20:
        parser.error(f"pairs must be at least 20: pairs={options.pairs}")
    return options


def main():
    options = arguments()
    if not options.no_count and shutil.which("valgrind") is None:
        raise PriceError("valgrind must be installed (package valgrind), or --no-count be given")
    load = os.getloadavg()[0]
    print(f"Load of the machine before: {load:.1f}")
    counts_hold = options.no_count or count_all(options)
    times_hold = options.no_time or time_all(options)
    return 0 if counts_hold and times_hold else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PriceError as error:
        sys.exit(f"paging_price: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
