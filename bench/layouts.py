#!/usr/bin/env python3
"""Says what each layout of the cache makes of the same memory: sequences at once, tokens a second, latency, waste.

Starts a server for each layout, all with the same pool, context length and model, and gives them the same requests,
one server after the other: a closed loop of clients, each of which sends its next request when its last one has been
answered. Requests are of four lengths in turn, prompt and answer together; prompts are random token ids that no server
has seen, answers go on to their full length. Every round has new requests, and the next round has the opposite order;
one round of few comes before them that is not counted. Ratios are of the same round, and answers must be the same in
every layout.

While every client waits for an answer, GET /v1/cache is asked ten times a second: sequences at once, and what the
pool's slots hold. Tokens a second are those of answers over a whole turn, its end included, where fewer and fewer
clients are left. The time of an answer is from before its connection is opened to its end, queueing included. Answers
are greedy and come whole: client and server share the cores. Standard library only.

  python3 bench/layouts.py                       # this tree's ./quire: four rounds, seven and a half minutes
  python3 bench/layouts.py --only paged,contiguous-model --blocks 48 --rounds 9
  python3 bench/layouts.py --lengths 200,320,480,240 --context-length 1024 --blocks 160
"""

import argparse
import contextlib
import dataclasses
import http.client
import json
import pathlib
import random
import selectors
import socket
import statistics
import sys
import threading
import time
import urllib.request

import compare
import peers
import step_share
from cpu_report import abba
from step_share import ShareError

PAGED, CONTIGUOUS = "paged", "contiguous-model"
PAGED_ONES = (PAGED, "paged-watermark", "paged-worst-case")
WANTED_AT_ONCE, WANTED_RATE = 2.0, 1.5  # times the contiguous layout
SECONDS_BETWEEN_SAMPLES = 0.1


@dataclasses.dataclass(frozen=True)
class Layout:
    """One row: what it is, the server's flags, its part of a round's requests, and whether one round is enough."""

    title: str
    flags: str
    share: float = 1
    once: bool = False


def contiguous(reserve, fit):
    return f"--cache-layout=contiguous --cache-contiguous-reserve={reserve} --cache-contiguous-fit={fit}"


LAYOUTS = {
    PAGED: Layout("paged", "--cache-layout=paged"),
    "paged-watermark": Layout("paged, a watermark of 15 %", "--cache-layout=paged --cache-watermark=0.15"),
    "paged-worst-case": Layout("paged, worst-case admission", "--cache-layout=paged --cache-admission=worst-case"),
    CONTIGUOUS: Layout("contiguous, the model's length each", contiguous("model", "first")),
    "request-first": Layout("contiguous, the request's length, first fit", contiguous("request", "first"), 0.5),
    "request-best": Layout("contiguous, the request's length, best fit", contiguous("request", "best"), 0.5),
    "request-buddy": Layout("contiguous, the request's length, buddy", contiguous("request", "buddy"), 0.5),
    "estimate-first": Layout("contiguous, an estimate, first fit", contiguous("estimate", "first"), 0.5),
    "none": Layout("nothing kept, all computed again", "--cache-layout=none", 0, once=True),
}


class Answer:
    """One request under way, and in the end what came of it."""

    def __init__(self, body, port):
        self.tokens = body["max_tokens"]
        self.received = b""
        payload = json.dumps(body).encode()
        self.begin = time.monotonic()
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.sendall(
            b"POST /v1/completions HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload)

    def read(self):
        """Takes what has come; true when that was the end."""
        piece = self.connection.recv(1 << 16)
        self.received += piece
        self.end = time.monotonic() - self.begin  # in seconds
        return not piece

    def text(self):
        """What was answered; checks that it is as long as it should be."""
        head, _, body = self.received.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.0 200 ", b"HTTP/1.1 200 ")):
            raise ShareError(f"answer must be complete: bytes={self.received[-300:]!r}")
        answer = json.loads(body)
        tokens = answer["usage"]["completion_tokens"]
        if tokens != self.tokens:
            raise ShareError(f"answer must have its full length: tokens={tokens}, max_tokens={self.tokens}")
        return answer["choices"][0]["text"]


def bodies(options, number):
    """The requests of round `number`: lengths in turn."""
    rng = random.Random(number)
    found = []
    for i in range(asked(1, options, number)):
        whole = options.lengths[i % len(options.lengths)]
        prompt = [rng.randrange(1000, 30000) for _ in range(max(1, int(whole * options.prompt_share)))]
        found.append({"model": options.model, "prompt": prompt, "max_tokens": whole - len(prompt), "ignore_eos": True,
                      "temperature": 0})
    return found


def closed_loop(port, requests, clients, all_sent):
    """Has all requests answered, `clients` at once; calls `all_sent` when there is none left to send."""
    selector = selectors.DefaultSelector()
    answers, under_way = [], 0
    while len(answers) < len(requests) or under_way:
        while under_way < clients and len(answers) < len(requests):
            answers.append(Answer(requests[len(answers)], port))
            selector.register(answers[-1].connection, selectors.EVENT_READ, answers[-1])
            under_way += 1
            if len(answers) == len(requests):
                all_sent()
        for key, _ in selector.select():
            if key.data.read():
                selector.unregister(key.fileobj)
                key.fileobj.close()
                under_way -= 1
    return answers


class Sampler(threading.Thread):
    """Asks /v1/cache again and again, from when it is entered until it is told to stop."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.samples = []
        self.over = threading.Event()

    def ask(self):
        self.connection.request("GET", "/v1/cache")
        return json.loads(self.connection.getresponse().read())

    def run(self):
        while not self.over.wait(SECONDS_BETWEEN_SAMPLES):
            self.samples.append(self.ask())

    def stop(self):
        self.over.set()

    def __enter__(self):
        self.before = self.ask()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.join()
        self.after = self.ask()
        self.connection.close()


def measure(port, requests, options):
    """One turn: a round's row, and the texts that were answered."""
    with Sampler(port) as sampler:
        begin = time.monotonic()
        answers = closed_loop(port, requests, options.clients, sampler.stop)
        seconds = time.monotonic() - begin
    texts = [answer.text() for answer in answers]
    row = {
        "tokens_per_second": sum(answer.tokens for answer in answers) / seconds,
        "whole": [answer.end for answer in answers],
        **pool(sampler.before, sampler.samples, sampler.after),
    }
    return row, texts


def pool(before, samples, after):
    """What a turn did to the pool: the mean of samples while sequences ran."""
    samples = [sample for sample in samples if sample["sequences"]["running"]]
    if not samples:
        raise ShareError("a turn must be long enough to be sampled: samples=0 (take more --requests)")
    held = [sample["tokens_stored"] / slots(sample) for sample in samples]
    taken = [sample["blocks"]["in_use"] / sample["blocks"]["total"] for sample in samples]
    return {
        "at_once": statistics.mean(sample["sequences"]["running"] for sample in samples),
        "peak": max(sample["sequences"]["running"] for sample in samples),
        "held": statistics.mean(held),
        "empty": statistics.mean(taken) - statistics.mean(held),
        "preempted": after["sequences"]["preemptions"] - before["sequences"]["preemptions"],
        "kept": max(taken) > 0,
    }


def slots(sample):
    return sample["blocks"]["total"] * sample["block_size"]


def percentile(values, share):
    """Interpolated between samples, as numpy and `./quire bench` do."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}} – {max(values):{form}})"


def line(layout, rows):
    """A layout's line of the table. Latencies are of all its answers, what the pool held is the rounds' mean."""
    whole = [value for row in rows for value in row["whole"]]
    held, empty = (100 * statistics.mean(row[what] for row in rows) for what in ("held", "empty"))
    kept = any(row["kept"] for row in rows)
    at_once = statistics.mean(row["at_once"] for row in rows)
    return (f"| {layout.title} | {at_once:.1f} ({max(row['peak'] for row in rows)})"
            f" | {spread([row['tokens_per_second'] for row in rows], '.0f')}"
            f" | {percentile(whole, 0.5):.2f} | {percentile(whole, 0.99):.2f}"
            f" | {sum(row['preempted'] for row in rows) / len(whole):.2f} of {len(whole):,}"
            f" | {f'{held:.0f} / {empty:.0f} / {100 - held - empty:.0f}' if kept else '–'} |")


def ratios(what, pairs):
    return [paged[what] / other[what] for paged, other in pairs]


def verdict(what, ratios, wanted):
    met = "met" if statistics.median(ratios) >= wanted else "not met"
    return f"- {what}: {spread(ratios, '.2f')} times; {wanted:g} wanted: {met}"


def report(rounds):
    """The table, and the paged ones beside the contiguous one. A round has a row for each layout that it asked."""
    names = list(rounds[0])
    lines = ["| layout | at once: mean (most) | tokens/s | whole answer, s: p50 | p99"
             " | preemptions an answer | slots that hold a token / reserved, empty / nobody's, % |",
             "|---|---|---|---|---|---|---|"]
    lines += [line(LAYOUTS[name], [rows[name] for rows in rounds if name in rows]) for name in names]
    for name in PAGED_ONES:
        if name in names and CONTIGUOUS in names:
            lines += ["", *beside(name, [(rows[name], rows[CONTIGUOUS]) for rows in rounds])]
    return "\n".join(lines)


def beside(name, pairs):
    """How a paged layout does beside the contiguous one."""
    slower = [percentile(other["whole"], 0.99) / percentile(paged["whole"], 0.99) for paged, other in pairs]
    return [
        f"{LAYOUTS[name].title.capitalize()}, beside {LAYOUTS[CONTIGUOUS].title}, in the same rounds ({len(pairs)}):",
        "",
        verdict("sequences at once", ratios("at_once", pairs), WANTED_AT_ONCE),
        verdict("tokens a second", ratios("tokens_per_second", pairs), WANTED_RATE),
        f"- p99 of whole answers: contiguous takes {spread(slower, '.2f')} times as long; above 1 wanted: "
        + ("met" if statistics.median(slower) > 1 else "not met"),
    ]


def heading(options, cache):
    machine = compare.machine()
    lengths = "/".join(str(length) for length in options.lengths)
    fitting = cache["blocks"]["total"] * cache["block_size"] / options.context_length
    return (f"`{options.shown}`, {peers.Quire().version(None)}, {machine['model']}, {machine['cores']} cores,"
            f" {options.model}, {cache['type']} cache.\n"
            f"A pool of {cache['blocks']['total']} blocks of {cache['block_size']} tokens,"
            f" {cache['bytes'] / (1 << 20):.1f} MiB: {fitting:.1f} times the context length of"
            f" {options.context_length}."
            f" Requests of {lengths} tokens in turn, {options.prompt_share:.0%} of each prompt;"
            f" {options.clients} clients;"
            f" {options.rounds} rounds of {options.requests} requests for each layout, half as many for contiguous ones"
            f" by request or estimate, once {asked(0, options, 1)} with nothing kept.\n")


def asked(share, options, number):
    """Requests of a turn: more than there are clients, since the pool is looked at while all of them wait."""
    return max(options.clients + len(options.lengths), round((share if number else 0) * options.requests))


def play(servers, options):
    """All rounds. Every server answers alone, and the same to each request."""
    rounds = []
    for number, order in enumerate(abba(options.only, 1 + options.rounds)):
        requests = bodies(options, number)
        expected, rows = {}, {}
        for name in order:
            if LAYOUTS[name].once and number != 1:
                continue
            count = asked(LAYOUTS[name].share, options, number)
            rows[name], texts = measure(servers[name], requests[:count], options)
            compare_texts(expected, texts, name, number)
            progress(number, name, rows[name])
        if number > 0:
            rounds.append({name: rows[name] for name in options.only if name in rows})
            if options.json:
                print(json.dumps(rounds[-1]), flush=True)
    return rounds


def compare_texts(expected, texts, name, number):
    """Every layout answers as the first one that was asked."""
    for i, text in enumerate(texts):
        if expected.setdefault(i, text) != text:
            raise ShareError(f"answers must be the same in every layout: layout={name}, round={number}, request={i},"
                             f" expected={expected[i]!r}, found={text!r}")


def progress(number, name, row):
    what = f"round {number}" if number else "warm-up"
    print(f"{what}: {name}: {row['tokens_per_second']:.0f} tokens/s, {row['at_once']:.1f} at once", file=sys.stderr)


def arguments(words=None):
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quire", default=str(root / "quire"), help="the launcher")
    parser.add_argument("--server-flags", default="", help="further flags of `quire serve`")
    parser.add_argument("--only", default=",".join(LAYOUTS), help="layouts, of: " + ", ".join(LAYOUTS))
    parser.add_argument("--blocks", type=int, default=40, help="of the pool, 16 tokens each")
    parser.add_argument("--context-length", type=int, default=256, help="tokens of the longest sequence")
    parser.add_argument("--lengths", default="50,80,120,60", help="of the requests in turn, prompt and answer")
    parser.add_argument("--estimate", type=int, default=48, help="tokens that the estimate adds to a prompt")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=160,
                        help="of a round; some layouts get fewer of them")
    parser.add_argument("--prompt-share", type=float, default=0.25, help="part of each request that is prompt")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print every round, an object a line, and no table")
    options = parser.parse_args(words)
    given = sys.argv[1:] if words is None else words
    options.shown = "make layouts" + (f' ARGS="{" ".join(given)}"' if given else "")
    return checked(options)


def checked(options):
    options.only = options.only.split(",")
    for name in options.only:
        if name not in LAYOUTS:
            raise ShareError(f"layout must be known: layout={name}, known={','.join(LAYOUTS)}")
    for name in ("blocks", "context_length", "clients", "requests", "rounds"):
        if getattr(options, name) < 1:
            raise ShareError(f"{name} must be positive: {name}={getattr(options, name)}")
    try:
        options.lengths = [int(length) for length in options.lengths.split(",")]
    except ValueError:
        raise ShareError(f"lengths must be numbers: lengths={options.lengths}") from None
    if not 0 < options.prompt_share < 1:
        raise ShareError(f"prompt share must be between 0 and 1: prompt_share={options.prompt_share}")
    if min(options.lengths) < 2 or max(options.lengths) > options.context_length:
        raise ShareError(f"lengths must be between 2 and the context length: lengths={options.lengths},"
                         f" context_length={options.context_length}")
    return options


def started(options, stack):
    """Ports of a server for each layout, all of which are stopped with `stack`."""
    servers = {}
    for name in options.only:
        flags = (f"{LAYOUTS[name].flags} --context-length={options.context_length} --cache-blocks={options.blocks}"
                 f" --cache-contiguous-estimate={options.estimate} {options.server_flags}")
        served = argparse.Namespace(quire=options.quire, server_flags=flags)
        servers[name], _ = stack.enter_context(step_share.serving(served))
    return servers


def main():
    try:
        options = arguments()
        with contextlib.ExitStack() as stack:
            servers = started(options, stack)
            port = servers[options.only[0]]
            models = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30))
            options.model = models["data"][0]["id"]
            cache = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/cache", timeout=30))
            rounds = play(servers, options)
            if not options.json:
                print(heading(options, cache))
                print(report(rounds))
    except (ShareError, OSError, ValueError, http.client.HTTPException) as e:
        sys.exit(f"layouts: {str(e) or type(e).__name__}")


if __name__ == "__main__":
    main()
