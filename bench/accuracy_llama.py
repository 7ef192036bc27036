#!/usr/bin/env python3
"""How far llama.cpp's log-probabilities are from our float32 reference, at the same positions with the same token ids.

  make accuracy                                     writes the reference's file, then runs this
  bench/accuracy_llama.py [--model FILE.gguf]       llama.cpp on that file (default: the default model)

The file is JSON, {"prompts": [{"name", "prompt_ids", "greedy_ids", "top_tokens", "top_logprobs"}]}: at position i the
context is prompt_ids + greedy_ids[:i], and top_tokens[i] are the reference's likeliest tokens there with their natural
logarithms of probability. llama.cpp's server gets the same ids, and its log-probabilities of the whole vocabulary,
before any sampling, are compared at the reference's tokens. Python 3.9 and its standard library.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import statistics
import sys
import urllib.parse

import compare
import peers

START_PROBABILITIES = 2000  # the answer's size: 49,152 would be 5 MB for each position


class Failure(Exception):
    """One line that says what went wrong."""


def positions(reference):
    """Each position: prompt's name, its number, the context's ids, the reference's tokens and log-probabilities."""
    for prompt in reference["prompts"]:
        tokens, logprobs = prompt["top_tokens"], prompt["top_logprobs"]
        if len(tokens) != len(logprobs) or len(tokens) > len(prompt["greedy_ids"]) + 1:
            raise Failure(f"reference must have a list for each position: prompt={prompt['name']}, "
                          f"top_tokens={len(tokens)}, top_logprobs={len(logprobs)}")
        for i, (ids, values) in enumerate(zip(tokens, logprobs)):
            if len(ids) != len(values) or not ids:
                raise Failure(f"reference must have a value for each token: prompt={prompt['name']}, position={i}")
            yield prompt["name"], i, prompt["prompt_ids"] + prompt["greedy_ids"][:i], ids, values


def differences(tokens, logprobs, found):
    """Absolute differences at the reference's tokens that the answer has; how many it has not."""
    both = [abs(found[token] - value) for token, value in zip(tokens, logprobs) if token in found]
    return both, len(tokens) - len(both)


class Server:
    """llama.cpp's server, asked for the log-probabilities behind a context."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
        # The server says nothing of a token that ends inside a character, so it is made to choose one that does not;
        # the log-probabilities are those of before that.
        self.plain_token = self.post("/tokenize", {"content": "the", "add_special": False})["tokens"][0]

    def post(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Failure(f"llama.cpp must answer: status={response.status}, body={text[:200]!r}")
        return json.loads(text)

    def logprobs(self, ids, count):
        """Of the `count` likeliest tokens: token → natural logarithm of its probability in the whole vocabulary."""
        answer = self.post("/completion", {
            "prompt": ids, "n_predict": 1, "temperature": 0, "logit_bias": [[self.plain_token, 1000]],
            "n_probs": count, "post_sampling_probs": False, "cache_prompt": True, "stream": False})
        # Neither a token in front nor one cut off: the context is the reference's.
        if answer["tokens_evaluated"] != len(ids):
            raise Failure(f"llama.cpp must take the ids as they are: sent={len(ids)}, "
                          f"evaluated={answer['tokens_evaluated']}")
        found = answer.get("completion_probabilities")
        if not found:
            raise Failure(f"llama.cpp must send log-probabilities: ids={ids[-5:]}")
        return {each["id"]: each["logprob"] for each in found[0]["top_logprobs"]}


def compared(reference, server, report):
    """All differences; how often the likeliest token is another; how many tokens no answer had."""
    every, missing, other_top = [], 0, 0
    for name, position, context, tokens, values in positions(reference):
        count = START_PROBABILITIES
        while True:
            found = server.logprobs(context, count)
            both, absent = differences(tokens, values, found)
            if absent == 0 or len(found) < count:
                break
            count *= 8
        every += both
        missing += absent
        other_top += max(found, key=found.get) != tokens[0]
        report(name, position, both)
    return every, missing, other_top


def summary(every, missing, other_top, count):
    return {
        "positions": count,
        "values": len(every),
        "mean_nats": statistics.fmean(every) if every else None,
        "worst_nats": max(every, default=None),
        "tokens_missing": missing,
        "other_top_token": other_top,
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=str(peers.ROOT / "target/accuracy/reference.json"))
    parser.add_argument("--model", help="GGUF file that llama.cpp runs (default: the default model's)")
    parser.add_argument("--q4-0", action="store_true", help="make a Q4_0 file from the model and run that too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")
    parser.add_argument("--verbose", action="store_true", help="a line for each position")
    return parser.parse_args()


def run(options):
    try:
        with open(options.reference) as file:
            reference = json.load(file)
    except OSError as e:
        raise Failure(f"reference must be readable (make accuracy writes it): file={options.reference}, "
                      f"error={e.strerror}") from e
    model, _ = compare.described_model(options.model or "smollm2-135m-instruct")
    home = pathlib.Path(os.environ.get("QUIRE_BENCH_HOME") or pathlib.Path.home() / ".cache/quire-bench")
    home.mkdir(parents=True, exist_ok=True)
    compare.KEEP.mkdir(parents=True, exist_ok=True)
    bench = peers.Bench(home, model, options.threads)
    count = sum(1 for _ in positions(reference))

    def report(name, position, both):
        if options.verbose:
            print(f"{name} {position}: mean={statistics.fmean(both):.4f}, worst={max(both):.4f}", file=sys.stderr)

    for name in ("llama.cpp", "llama.cpp-q4_0", "llama.cpp-q4_0-all") if options.q4_0 else ("llama.cpp",):
        peer = OneSlot(peers.ALL[name])
        peer.prepare(bench)
        with compare.serving(peer, bench) as url:
            found = summary(*compared(reference, Server(url), report), count)
        if options.json:
            print(json.dumps({"server": peer.title, "weights": peer.weights, **found}), flush=True)
        else:
            print(f"{peer.title} ({peer.weights}): mean={found['mean_nats']:.4f} nats, worst="
                  f"{found['worst_nats']:.4f} nats, values={found['values']}, positions={count}, other top token at "
                  f"{found['other_top_token']}, tokens missing={found['tokens_missing']}", flush=True)
        if found["tokens_missing"]:
            raise Failure(f"answer must have all of the reference's tokens: missing={found['tokens_missing']}")


class OneSlot:
    """The same server with one slot, so that a position finds the one before it in the cache."""

    def __init__(self, peer):
        self.peer = peer

    def __getattr__(self, name):
        return getattr(self.peer, name)

    def command(self, bench, port):
        words = list(self.peer.command(bench, port))
        words[words.index("--parallel") + 1] = 1
        words[words.index("-c") + 1] = 4096
        return words


def main():
    # Ends the server that runs now, as Control-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("accuracy_llama: terminated"))
    try:
        run(arguments())
    except KeyboardInterrupt:
        sys.exit("accuracy_llama: interrupted")
    except (Failure, compare.Failure, peers.LeftOut, OSError, ValueError, KeyError, http.client.HTTPException) as e:
        sys.exit(f"accuracy_llama: {type(e).__name__ + ': ' if isinstance(e, KeyError) else ''}{e}")


if __name__ == "__main__":
    main()
