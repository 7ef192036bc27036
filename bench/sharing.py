#!/usr/bin/env python3
"""Says what sharing saves: the time until every one of several answers to a prompt has its first token.

Starts a server and sends it, in turn and each time with a prompt that it has never seen,

  n         one request for n answers: the prompt is computed once, the answers fork it
  cold      n requests at once, each with a cache_salt of its own: nobody shares, the prompt is computed n times
  together  n requests at once that may share: the prefix cache gives each all blocks but the last

The time is from before the first connection to the first event that brings text (or the end) of the last answer. Beside it
stands how many prompt tokens the server computed, from quire_prompt_tokens of /q/metrics. Every round measures all three,
the next round in the opposite order; ratios are of the same round. Standard library only.

  python3 bench/sharing.py                       # this tree's ./quire, n = 8, a prompt of 500 tokens
  python3 bench/sharing.py --n 4 --prompt-tokens 1000 --server-flags="--threads 1"
"""

import argparse
import http.client
import json
import pathlib
import random
import re
import statistics
import sys
import threading
import time
import urllib.request

import step_share
from step_share import ShareError

REQUIRED = 5.0  # n = 8 on 500 tokens against eight separate cold requests
WAYS = ("n", "cold", "together")


def begun(line):
    """The choices that a line of the stream brings text for, or ends."""
    if not line.startswith(b"data: {"):
        return set()
    event = json.loads(line[len(b"data: "):])
    if "error" in event:
        raise ShareError(f"answer must be complete: error={event['error']}")
    return {choice["index"] for choice in event.get("choices", ()) if choice.get("text") or choice.get("finish_reason")}


class Reader(threading.Thread):
    """One request, and when each of its choices began."""

    def __init__(self, port, body):
        super().__init__(daemon=True)
        self.port, self.body = port, body
        self.first = {}  # choice → seconds
        self.failure = None

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            connection.request("POST", "/v1/completions", json.dumps(self.body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                raise ShareError(f"answer must be given: status={response.status}, body={response.read(500)!r}")
            for line in response:
                now = time.monotonic()
                for choice in begun(line):
                    self.first.setdefault(choice, now)
            if len(self.first) != self.body.get("n", 1):
                raise ShareError(f"every choice must begin: n={self.body.get('n', 1)}, begun={sorted(self.first)}")
        except (ShareError, OSError, ValueError, http.client.HTTPException) as e:
            self.failure = e


def bodies(way, options, prompt, fresh):
    """The requests of one way; all draw what the n answers would."""
    body = {"model": options.model, "prompt": prompt, "max_tokens": options.max_tokens, "ignore_eos": True,
            "stream": True, "temperature": 0.8, "seed": fresh}
    if way == "n":
        return [body | {"n": options.n}]
    return [body | {"seed": fresh + i} | ({"cache_salt": f"{fresh}-{i}"} if way == "cold" else {})
            for i in range(options.n)]


def prompt_tokens(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/q/metrics", timeout=30).read().decode()
    found = re.search(r"^quire_prompt_tokens_total(?:\{.*\})? (\S+)$", text, re.M)
    if not found:
        raise ShareError("metrics must be Quire's: missing=quire_prompt_tokens_total")
    return int(float(found[1]))


def measure(way, port, options, rng):
    """Seconds until all answers have begun, and prompt tokens computed for them."""
    prompt = [rng.randrange(1000, 30000) for _ in range(options.prompt_tokens)]
    readers = [Reader(port, body) for body in bodies(way, options, prompt, rng.randrange(1 << 30))]
    before = prompt_tokens(port)
    start = time.monotonic()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
        if reader.failure:
            raise reader.failure
    last = max(max(reader.first.values()) for reader in readers)
    return last - start, prompt_tokens(port) - before


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}} – {max(values):{form}})"


def report(rounds, options):
    """A table, and how many times quicker n answers begin."""
    lines = [f"| {options.n} answers to {options.prompt_tokens} tokens | first tokens of all, ms | prompt tokens computed |",
             "|---|---|---|"]
    for way in WAYS:
        seconds, tokens = zip(*(row[way] for row in rounds))
        lines.append(f"| {way} | {spread([1e3 * value for value in seconds], '.0f')} | {spread(tokens, '.0f')} |")
    ratios = [row["cold"][0] / row["n"][0] for row in rounds]
    verdict = "met" if statistics.median(ratios) >= REQUIRED else "not met"
    lines.append("")
    lines.append(f"cold / n: {spread(ratios, '.2f')} times in {len(rounds)} rounds; {REQUIRED:g} wanted: {verdict}")
    lines.append(f"together / n: {spread([row['together'][0] / row['n'][0] for row in rounds], '.2f')} times")
    return "\n".join(lines)


def arguments():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quire", default=str(root / "quire"), help="the launcher")
    parser.add_argument("--server-flags", default="", help="further flags of `quire serve`")
    parser.add_argument("--n", type=int, default=8, help="answers to each prompt")
    parser.add_argument("--prompt-tokens", type=int, default=500)
    parser.add_argument("--max-tokens", type=int, default=16, help="of each answer")
    parser.add_argument("--warm-ups", type=int, default=2, help="rounds that are not counted: the JVM compiles in them")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print every round, an object a line, and no table")
    return parser.parse_args()


def main():
    options = arguments()
    rng = random.Random(1)
    rounds = []
    try:
        with step_share.serving(options) as (port, _):
            models = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30))
            options.model = models["data"][0]["id"]
            for number in range(options.warm_ups + options.rounds):
                order = WAYS if number % 2 == 0 else WAYS[::-1]
                row = {way: measure(way, port, options, rng) for way in order}
                if number >= options.warm_ups:
                    rounds.append(row)
                    if options.json:
                        print(json.dumps(row), flush=True)
            if not options.json:
                print(report(rounds, options))
    except (ShareError, OSError, ValueError) as e:
        sys.exit(f"sharing: {str(e) or type(e).__name__}")


if __name__ == "__main__":
    main()
