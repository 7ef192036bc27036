#!/usr/bin/env python3
"""Says what a decoding step costs beside the model's kernels: the step loop, sampling, and every other thread of the server.

Starts a server, decodes with many streams at once, greedy and sampled in turn, and reads before and after each run

  quire_step_seconds_total{part=...} of /q/metrics   the engine thread's time, by part
  /proc/PID/task/*/schedstat                         processor time of all threads

The loop's share of a step is what its own parts (schedule, build, sample, deliver) take of the engine thread's time; the
share of the other threads is the processor time that event loops, text, JSON, garbage collection and compilation take of
all that the server used. While the engine thread is at its own parts, the kernels' other threads have nothing to do, so
both shares count in full, and their sum is what is to stay below 5 %. Linux, standard library only.

  python3 bench/step_share.py                       # this tree's ./quire, 32 streams
  python3 bench/step_share.py --streams 8 --tokens 512 --server-flags="--threads 1"
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

OWN_PARTS = ("schedule", "build", "sample", "deliver")
RUNS = {
    "greedy": {"temperature": 0},
    "sampled": {"temperature": 0.8, "top_p": 0.95},
    "top-k": {"temperature": 0.8, "top_k": 40, "min_p": 0.05},
}


class ShareError(Exception):
    """The server did not do what it should; the message is one line."""


@contextlib.contextmanager
def serving(options):
    """Port and process id of a server that is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [options.quire, "serve", "--host", "127.0.0.1", "--port", str(port), *shlex.split(options.server_flags)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            await_ready(port, server, log)
            yield port, server.pid
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def await_ready(port, server, log):
    while True:
        if server.poll() is not None:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise ShareError(f"server must start: status={server.returncode}, last line={last}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/q/health/ready", timeout=5).read()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)


def metrics(port):
    """Seconds by part, and the numbers of steps and generated tokens."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/q/metrics", timeout=30).read().decode()
    values = {part: float(value) for part, value in re.findall(
        r'^quire_step_seconds_total\{part="(\w+)",?\} (\S+)$', text, re.M)}
    for name in ("quire_steps_total", "quire_generation_tokens_total"):
        found = re.search(rf"^{name} (\S+)$", text, re.M)
        if not found or not values:
            raise ShareError(f"metrics must be Quire's: missing={name} or quire_step_seconds_total")
        values[name] = float(found[1])
    return values


def processor_seconds(pid):
    """Of each thread: its name and the processor time that it has used."""
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            name = (task / "comm").read_text().strip()
            threads[task.name] = (name, int((task / "schedstat").read_text().split()[0]) / 1e9)
    return threads


def used(before, after):
    """Processor seconds by kind of thread."""
    kinds = {}
    for task, (name, seconds) in after.items():
        kind = next((kind for start, kind in KINDS if name.startswith(start)), "other")
        kinds[kind] = kinds.get(kind, 0) + seconds - before.get(task, (name, 0))[1]
    return kinds


KINDS = (
    ("quire-engine", "engine"),  # the engine thread and the kernels' workers, which it started
    ("quire-outbox", "text and JSON"),
    ("vert.x", "event loops"),
    ("executor", "requests"),
    ("C1 ", "compilers"),
    ("C2 ", "compilers"),
    ("VM Thread", "garbage collection"),
    ("GC ", "garbage collection"),
    ("G1 ", "garbage collection"),
)


def load(port, options, sampling, rng):
    """All streams at once, to their end: reads bytes and makes nothing of them, so that it costs little."""
    selector = selectors.DefaultSelector()
    tails = {}
    for _ in range(options.streams):
        body = json.dumps({
            "model": options.model,
            "prompt": [rng.randrange(1000, 30000) for _ in range(options.prompt_tokens)],
            "max_tokens": options.tokens, "ignore_eos": True, "stream": True, "seed": rng.randrange(1 << 30),
        } | sampling).encode()
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        selector.register(connection, selectors.EVENT_READ)
        tails[connection] = b""
    while tails:
        for key, _ in selector.select():
            piece = key.fileobj.recv(1 << 16)
            seen = tails[key.fileobj] + piece
            if not piece or seen.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or b'"error"' in seen:
                raise ShareError(f"answer must be complete: bytes={seen[-300:]!r}")
            tails[key.fileobj] = seen[-16:]
            if b"[DONE]" in seen:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                del tails[key.fileobj]


def measure(port, pid, options, sampling, rng):
    """One run's row."""
    before, threads = metrics(port), processor_seconds(pid)
    load(port, options, sampling, rng)
    after, threads_after = metrics(port), processor_seconds(pid)
    spent = {name: after[name] - before[name] for name in after}
    kinds = used(threads, threads_after)
    steps = spent["quire_steps_total"]
    busy = sum(spent[part] for part in (*OWN_PARTS, "kernels"))
    processor = sum(kinds.values())
    return {
        "steps": int(steps),
        "tokens_per_step": round(spent["quire_generation_tokens_total"] / steps, 1),
        "step_ms": round(1e3 * busy / steps, 3),
        "parts_us": {part: round(1e6 * spent[part] / steps, 1) for part in ("kernels", *OWN_PARTS, "wait")},
        "processor_us": {kind: round(1e6 * seconds / steps, 1) for kind, seconds in sorted(kinds.items())},
        "loop_percent": round(100 * sum(spent[part] for part in OWN_PARTS) / busy, 2),
        "threads_percent": round(100 * (processor - kinds.get("engine", 0)) / processor, 2),
    }


def arguments():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quire", default=str(root / "quire"), help="the launcher")
    parser.add_argument("--server-flags", default="", help="further flags of `quire serve`")
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=256, help="to generate for each stream")
    parser.add_argument("--warm-ups", type=int, default=4, help="runs that are not counted: the JVM compiles in them")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=RUNS, help="one way of sampling (default: each, in turn)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def print_row(name, row, options):
    if options.json:
        print(json.dumps({"run": name, "streams": options.streams} | row), flush=True)
        return
    parts, threads = row["parts_us"], row["processor_us"]
    others = ", ".join(f"{kind} {value:.0f}" for kind, value in threads.items() if kind != "engine" and value >= 0.5)
    print(f"{name:8} {row['tokens_per_step']:5} {row['step_ms']:8.2f} {parts['kernels']:9.0f} {parts['schedule']:8.1f}"
          f" {parts['build']:6.1f} {parts['sample']:7.1f} {parts['deliver']:8.1f} {row['loop_percent']:7.2f}"
          f" {row['threads_percent']:9.2f} {row['loop_percent'] + row['threads_percent']:6.2f}   {others}", flush=True)


def main():
    options = arguments()
    rng = random.Random(1)
    names = [options.only] if options.only else list(RUNS)
    try:
        with serving(options) as (port, pid):
            models = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30))
            options.model = models["data"][0]["id"]
            for run in range(options.warm_ups):
                load(port, options, RUNS[names[run % len(names)]], rng)
            if not options.json:
                print("Of a step, us:                          engine thread                    share, %")
                print(f"{'run':8} {'tok':>5} {'step ms':>8} {'kernels':>9} {'schedule':>8} {'build':>6} {'sample':>7}"
                      f" {'deliver':>8} {'loop':>7} {'threads':>9} {'sum':>6}   processor time of the other threads")
            for _ in range(options.runs):
                for name in names:
                    print_row(name, measure(port, pid, options, RUNS[name], rng), options)
    except (ShareError, OSError, ValueError) as e:
        sys.exit(f"step_share: {str(e) or type(e).__name__}")


if __name__ == "__main__":
    main()
