#!/usr/bin/env python3
"""Measures Quire and other servers in turn, on the same file, with the same threads and requests.

  make compare                                             all of it, into docs/results/cpu.md
  make compare ARGS="--quick --peers quire,llama.cpp"      a trial, into target/compare/cpu.md
  bench/compare.py --from target/compare/FILE.json         the report again, from what was measured

Rounds alternate their order (ABBA), each server is alone while it is measured, and `./quire bench` is the load
generator for all. What a server needs is installed once, into QUIRE_BENCH_HOME; a server that cannot be installed or started is
left out, and the report says so. Raw figures stay in target/compare. Python 3.9 and its standard library.
"""

import argparse
import contextlib
import dataclasses
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import cpu_report
import peers

ROOT = peers.ROOT
KEEP = ROOT / "target/compare"
REPORT = ROOT / "docs/results/cpu.md"
START_SECONDS = 600  # vLLM compiles for minutes
LEVEL_SECONDS = 1800
ISA = ("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile",
       "amx_int8", "amx_bf16")


class Failure(Exception):
    """The comparison cannot go on; the message is one line."""


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


# ---- the machine ------------------------------------------------------------------


def machine():
    done = subprocess.run(["lscpu"], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    cpu = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in done.stdout.splitlines())}
    with open("/proc/meminfo") as file:
        kib = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    flags = set(cpu.get("Flags", "").split())
    caches = [f"{level} {re.sub(r' *[(].*', '', cpu[f'{level} cache'])}" for level in ("L2", "L3")
              if f"{level} cache" in cpu]
    return {
        "model": f"{cpu.get('Model name', platform.machine())} (family {cpu.get('CPU family', '?')}, model "
                 f"{cpu.get('Model', '?')})",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": kib / (1 << 20),
        "caches": ", ".join(caches),
        "kernel": f"Linux {platform.release().split('-')[0]}",
        "isa": [flag for flag in ISA if flag in flags],
    }


def processor_times():
    """Ticks of all cores since the start of the machine: all, not idle, taken by the hypervisor."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks), sum(ticks) - ticks[3] - ticks[4], ticks[7]


def share(before, after, which):
    return (after[which] - before[which]) / max(1, after[0] - before[0])


def limits(threads):
    command = [str(ROOT / "target/native/limits"), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"limits must be measurable: status={done.returncode}, error={done.stderr.strip()}")
    return json.loads(done.stdout)["limits"]


def make(*targets):
    command = ["make", "--no-print-directory", "-s", *targets, f"OUT={ROOT / 'target/native'}"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"make {' '.join(targets)} must succeed: {done.stderr.strip().splitlines()[-1:]}")


def described_model(name):
    done = subprocess.run([str(ROOT / "quire"), "inspect", name, "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"model must open: model={name}")
    found = json.loads(done.stdout)
    types = found["tensor_types"]
    embedding = found["vocabulary"]["tokens"] * found["shape"]["embedding"]
    return pathlib.Path(found["file"]), {
        "file": os.path.basename(found["file"]),
        "parameters": found["parameters"],
        "product_parameters": found["parameters"] - embedding,
        "tensor_bytes": sum(each["bytes"] for each in types.values()),
        "types": sorted(types),
    }


# ---- one server ------------------------------------------------------------------


def free_port():
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def serving(peer, bench):
    """The URL of a server that runs as long as the block; its processes have all ended after it."""
    port = free_port()
    log = KEEP / f"{peer.name}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(word) for word in peer.command(bench, port)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **peer.environment(bench)}, start_new_session=True)
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(port, peer.ready):
            if process.poll() is not None:
                raise peers.LeftOut(f"server must start: status={process.returncode}, log={log.relative_to(ROOT)}")
            if time.monotonic() > until:
                raise peers.LeftOut(f"server must start: seconds={START_SECONDS}, log={log.relative_to(ROOT)}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def end(process):
    """Ends a server and what it has started, all of which is in its own session."""
    for kind, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 30)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            process.poll()
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)


def load(url, label, workload, seed):
    """One level of `./quire bench`; {"error": …} if it fails."""
    command = [ROOT / "quire", "bench", "--url", url, "--label", label, "--seed", seed, "--json", *workload.flags()]
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=LEVEL_SECONDS)
    except subprocess.TimeoutExpired:
        return {"error": f"load must end: seconds={LEVEL_SECONDS}"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    level = json.loads(lines[-1]) if lines else {}
    if level.get("failed"):
        level["error"] = f"requests must succeed: failed={level['failed']}, failures={level.get('failures')}"
    elif done.returncode != 0 or not lines:
        message = done.stderr.strip().splitlines() or [f"status={done.returncode}"]
        level["error"] = message[-1].replace(url, "URL")
    return level


def turn(peer, bench, workloads, number, seed):
    """One server's part of a round."""
    before = processor_times()
    time.sleep(1)
    busy = share(before, processor_times(), 1)
    found = {"round": number, "peer": peer.name, "busy_before": busy, "stolen": 0.0, "levels": {}}
    before = processor_times()
    try:
        with serving(peer, bench) as url:
            for index, workload in enumerate(workloads):
                # A seed of its own for each: no prompt is found in a cache from before.
                level = load(url, peer.name, workload, 1000 * seed + index)
                found["levels"][workload.name] = level
                say(f"round {number + 1}, {peer.name}, {workload.name}: {summary(level)}")
    except peers.LeftOut as e:
        found["error"] = str(e)
        say(f"round {number + 1}, {peer.name}: {e}")
    found["stolen"] = share(before, processor_times(), 2)
    return found


def summary(level):
    if level.get("error"):
        return level["error"]
    return (f"{level['output_tokens_per_second']} tokens/s, first token {level['ttft_ms']['p50']} ms, each "
            f"{level['decode_tokens_per_second_each']} tokens/s")


# ---- the whole ------------------------------------------------------------------


def prepared(names, bench):
    """The servers that can be measured here, and why the others cannot."""
    ready, left_out = {}, {}
    for name in names:
        peer = peers.ALL[name]
        try:
            say(f"preparing {name}")
            peer.prepare(bench)
            ready[name] = {"title": peer.title, "weights": peer.weights, "version": peer.version(bench),
                           "command": shown_command(peer, bench)}
        except (peers.LeftOut, OSError) as e:
            left_out[name] = str(e)
            say(f"{name} is left out: {e}")
    return ready, left_out


def shown_command(peer, bench):
    settings = [f"{name}={value}" for name, value in peer.environment(bench).items()]
    return bench.plain([*settings, *peer.command(bench, "PORT")])


def measure(options):
    home = pathlib.Path(os.environ.get("QUIRE_BENCH_HOME") or pathlib.Path.home() / ".cache/quire-bench")
    home.mkdir(parents=True, exist_ok=True)
    KEEP.mkdir(parents=True, exist_ok=True)
    file, model = described_model(options.model)
    make("-C", str(ROOT / "native-libs"), "limits")
    bench = peers.Bench(home, file, options.threads)
    ready, left_out = prepared(options.peers, bench)
    if not ready:
        raise Failure("a server must be there to be measured")
    workloads = [cpu_report.WORKLOADS[name] for name in options.workloads]
    if options.quick:
        workloads = [workload.quick() for workload in workloads]
    started = datetime.datetime.now(datetime.timezone.utc)
    result = {
        "started": started.strftime("%Y-%m-%d %H:%M UTC"),
        "command": options.shown,
        "quire": peers.ALL["quire"].version(bench),
        "quick": options.quick,
        "threads": options.threads,
        "rounds": options.rounds,
        "machine": machine(),
        "model": model,
        "peers": ready,
        "left_out": left_out,
        "workloads": {workload.name: dataclasses.asdict(workload) for workload in workloads},
        "limits": [],
        "turns": [],
    }
    path = KEEP / f"{started:%Y%m%dT%H%M%SZ}.json"
    say(f"figures are kept in {path.relative_to(ROOT)}")
    for number, order in enumerate(cpu_report.abba(list(ready), options.rounds)):
        result["limits"].append(limits(options.threads))
        for name in order:
            if name in ready:
                result["turns"].append(turn(peers.ALL[name], bench, workloads, number, number + 1))
                drop_if_dead(result, name)
                path.write_text(json.dumps(result, indent=1))
    result["limits"].append(limits(options.threads))
    path.write_text(json.dumps(result, indent=1))
    return result


def drop_if_dead(result, name):
    """A server that could not be started in its first turn is left out of the others."""
    last = result["turns"][-1]
    if last.get("error") and not last["levels"] and name in result["peers"] and last["round"] == 0:
        result["turns"].pop()
        del result["peers"][name]
        result["left_out"][name] = last["error"]


def write(result, out):
    generated = cpu_report.markdown(result)
    if out == "-":
        print(generated, end="")
        return
    path = pathlib.Path(out)
    old = path.read_text() if path.exists() else "# Servers on the CPU, side by side\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(cpu_report.replace_generated(old, generated))
    say(f"report: {out}")


def names(text, known, what):
    chosen = [name for name in text.split(",") if name]
    for name in chosen:
        if name not in known:
            raise Failure(f"{what} must be known: {what}={name}, known={','.join(known)}")
    if not chosen:
        raise Failure(f"{what}s must be given: {what}s={text!r}")
    return list(dict.fromkeys(chosen))


def arguments(words):
    parser = argparse.ArgumentParser(prog="compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=",".join(peers.ALL), help="default: %(default)s")
    parser.add_argument("--workloads", default=",".join(cpu_report.WORKLOADS), help="default: %(default)s")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="a GGUF file, or a name that Quire knows")
    parser.add_argument("--threads", type=int, default=2, help="of each server (default: %(default)s)")
    parser.add_argument("--rounds", type=int, help="even numbers are fair (default: 4; quick: 2)")
    parser.add_argument("--quick", action="store_true", help="short loads, to see that it works; never to be quoted")
    parser.add_argument("--out", help="report (default: docs/results/cpu.md; quick: target/compare/cpu.md; -: print)")
    parser.add_argument("--from", dest="source", metavar="FILE", help="measure nothing: report what was measured")
    options = parser.parse_args(words)
    options.peers = names(options.peers, peers.ALL, "peer")
    options.workloads = names(options.workloads, cpu_report.WORKLOADS, "workload")
    options.rounds = options.rounds if options.rounds is not None else 2 if options.quick else 4
    if options.rounds < 1:
        raise Failure(f"rounds must be positive: rounds={options.rounds}")
    if not 1 <= options.threads <= 1024:
        raise Failure(f"threads must be from 1 to 1024: threads={options.threads}")
    options.out = options.out or str(KEEP / "cpu.md" if options.quick else REPORT)
    given = shlex.join(words)
    options.shown = "make compare" + (f' ARGS="{given}"' if given else "")
    return options


def main():
    # Ends the server that runs now, as Control-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: terminated"))
    try:
        options = arguments(sys.argv[1:])
        if options.source:
            with open(options.source) as file:
                result = json.load(file)
        else:
            result = measure(options)
        write(result, options.out)
    except KeyboardInterrupt:
        sys.exit("compare: interrupted")
    except (Failure, OSError, ValueError) as e:
        sys.exit(f"compare: {e}")


if __name__ == "__main__":
    main()
