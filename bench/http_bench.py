#!/usr/bin/env python3
"""Loads any server with OpenAI's completions API and prints its rates. Standard library only.

Every request streams, has a prompt of random token ids (so that no two share a prefix, and every server computes the
same number of tokens) and ignores the end-of-text token. A level of concurrency c sends its requests through c threads;
the first run is a warm-up and is not counted.

  python3 bench/http_bench.py --url http://localhost:8080 --concurrency 1,8,32 --runs 3
"""

import argparse
import http.client
import json
import random
import statistics
import sys
import threading
import time
import urllib.parse


class BenchError(Exception):
    """The server did not answer as it should; the message is one line."""


def connect(url, timeout):
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout)


def model_of(url):
    """The first model that the server lists."""
    connection = connect(url, 30)
    connection.request("GET", "/v1/models")
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise BenchError(f"GET /v1/models must succeed: status={response.status}")
    return json.loads(body)["data"][0]["id"]


def body_of(options, prompt):
    return json.dumps({
        "model": options.model,
        "prompt": prompt,
        "max_tokens": options.max_tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    })


def stream(options, prompt):
    """One request: when it started, when its first and last token came, and how many tokens it got."""
    connection = connect(options.url, options.timeout)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    started = time.perf_counter()
    connection.request("POST", "/v1/completions", body_of(options, prompt), headers)
    response = connection.getresponse()
    if response.status != 200:
        raise BenchError(f"request must succeed: status={response.status}, body={response.read(300)!r}")
    first = last = None
    chunks = 0
    usage = None
    for line in response:
        if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
            continue
        event = json.loads(line[6:])
        if "error" in event:
            raise BenchError(f"answer must be complete: error={event['error']}")
        usage = event.get("usage") or usage
        if event.get("choices"):
            last = time.perf_counter()
            first = first or last
            chunks += 1
    connection.close()
    if first is None:
        raise BenchError("answer must have a token")
    return {
        "started": started,
        "first": first,
        "last": last,
        "tokens": usage["completion_tokens"] if usage else chunks,
    }


def run(options, concurrency, rng):
    """One run: the requests' times and the whole's."""
    requests = max(options.requests, concurrency)
    prompts = [
        [rng.randrange(options.lowest_token, options.highest_token) for _ in range(options.prompt_tokens)]
        for _ in range(requests)
    ]
    answers, errors, lock = [], [], threading.Lock()

    def work():
        while True:
            with lock:
                if not prompts or errors:
                    return
                prompt = prompts.pop()
            try:
                answer = stream(options, prompt)
            except (BenchError, OSError, http.client.HTTPException, ValueError) as e:
                with lock:
                    errors.append(e)
                return
            with lock:
                answers.append(answer)

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if errors:
        raise BenchError(str(errors[0]) or type(errors[0]).__name__)
    return answers, seconds


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(options, concurrency, rng):
    rates, firsts, decodes, tokens = [], [], [], 0
    run(options, concurrency, rng)
    for _ in range(options.runs):
        answers, seconds = run(options, concurrency, rng)
        counted = sum(answer["tokens"] for answer in answers)
        tokens += counted
        rates.append(counted / seconds)
        firsts += [1000 * (answer["first"] - answer["started"]) for answer in answers]
        decodes += [
            (answer["tokens"] - 1) / (answer["last"] - answer["first"])
            for answer in answers
            if answer["tokens"] > 1 and answer["last"] > answer["first"]
        ]
    return {
        "concurrency": concurrency,
        "runs": options.runs,
        "output_tokens": tokens,
        "output_tokens_per_second": round(statistics.median(rates), 1),
        "output_tokens_per_second_runs": [round(rate, 1) for rate in rates],
        "first_token_p50_ms": round(percentile(firsts, 0.50), 1),
        "first_token_p99_ms": round(percentile(firsts, 0.99), 1),
        "decode_tokens_per_second_each": round(statistics.median(decodes), 1) if decodes else None,
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--model", help="default: the first that the server lists")
    parser.add_argument("--concurrency", default="1,8,32", help="levels, separated by commas")
    parser.add_argument("--requests", type=int, default=0, help="requests of a run (default: one per thread)")
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lowest-token", type=int, default=1000, help="prompts draw from here (control tokens are low)")
    parser.add_argument("--highest-token", type=int, default=30000, help="… to below here")
    parser.add_argument("--timeout", type=float, default=600, help="seconds that a read may wait")
    parser.add_argument("--label", default="", help="what the row is called")
    parser.add_argument("--json", action="store_true", help="one JSON object a level instead of a table")
    return parser.parse_args()


def main():
    options = arguments()
    rng = random.Random(options.seed)
    try:
        levels = [int(level) for level in options.concurrency.split(",")]
        options.model = options.model or model_of(options.url)
        if not options.json:
            print(f"{'server':10} {'at once':>7} {'out tok/s':>10} {'runs':>22} {'first p50 ms':>12} {'p99 ms':>9}"
                  f" {'decode tok/s each':>18}")
        for concurrency in levels:
            result = measure(options, concurrency, rng)
            if options.json:
                print(json.dumps({"label": options.label, "model": options.model} | result), flush=True)
            else:
                runs = "/".join(f"{rate:.0f}" for rate in result["output_tokens_per_second_runs"])
                print(f"{options.label or 'server':10} {concurrency:7} {result['output_tokens_per_second']:10.1f}"
                      f" {runs:>22} {result['first_token_p50_ms']:12.0f} {result['first_token_p99_ms']:9.0f}"
                      f" {result['decode_tokens_per_second_each'] or 0:18.1f}", flush=True)
    except (BenchError, OSError, ValueError) as e:
        sys.exit(f"http_bench: {str(e) or type(e).__name__}")


if __name__ == "__main__":
    main()
