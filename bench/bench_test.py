"""The parts of the scripts in this folder that need no server: python3 -m unittest bench/bench_test.py"""

import argparse
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import accuracy_llama
import compare
import cpu_report
import layouts
import paging_price
import peers
import sharing
from step_share import ShareError


def level(rate, first=100.0, **more):
    return {"output_tokens_per_second": rate, "decode_tokens_per_second_each": rate + 1, "ttft_ms": {"p50": first},
            "prompt_tokens": 3000, "completed": 2, **more}


def result(*rates):
    """A result whose rounds have these (Quire's, llama.cpp's, the Q4_0 file's) rates at 8 at once."""
    turns = [{"round": i, "peer": peer, "busy_before": 0.0, "stolen": 0.01, "levels": {"eight": level(rate)}}
             for i, row in enumerate(rates)
             for peer, rate in zip(("quire", "llama.cpp", "llama.cpp-q4_0"), row) if rate is not None]
    return {
        "started": "2026-01-02 03:04 UTC", "command": "make compare", "quire": "commit abc", "quick": False,
        "threads": 2, "rounds": len(rates),
        "machine": {"model": "CPU", "cores": 2, "memory_gib": 7.6, "caches": "L2 1 MiB", "kernel": "Linux", "isa": []},
        "model": {"file": "m.gguf", "parameters": 10, "product_parameters": 100_000_000, "tensor_bytes": 50_000_000,
                  "types": ["Q4_1"]},
        "peers": {name: {"title": name.upper(), "weights": "w", "version": "v", "command": "c"}
                  for name in ("quire", "llama.cpp", "llama.cpp-q4_0")},
        "left_out": {"vllm": "pip must succeed: status=1"},
        "workloads": {"eight": {"concurrency": 8, "prompt_tokens": 128, "output_tokens": 128, "shared_prefix": 0}},
        "limits": [[row("memory", 10.0), row("int8", 400.0)], [row("memory", 12.0), row("int8", 600.0)]],
        "turns": turns,
    }


def row(kind, value):
    return {"kind": kind, "name": f"the {kind}", "unit": "U/s", "threads": 2, "value": value}


def eight():
    return next(metric for metric in cpu_report.METRICS if metric.workload == "eight")


class ReportTest(unittest.TestCase):
    def test_abba_rounds_alternate(self):
        self.assertEqual(cpu_report.abba("abc", 3), [list("abc"), list("cba"), list("abc")])

    def test_spread_several_hasMedianAndRange(self):
        self.assertEqual(cpu_report.spread([3.0, 1.0, 200.4]), "3.00 (1.00 – 200)")
        self.assertEqual(cpu_report.spread([1234.5]), "1,234")

    def test_ratios_areOfTheSameRound(self):
        self.assertEqual(cpu_report.ratios({0: 10, 1: 30, 2: 9}, {0: 5, 1: 10}), [2, 3])

    def test_table_twoOthers_hasMedianRatioAndVerdict(self):
        text = cpu_report.table(eight(), result((300, 100, 200), (330, 100, 300), (310, 100, 200)))
        self.assertIn("| LLAMA.CPP | 100 (100 – 100) | 100 ms | 3.10 (3.00 – 3.30) | 3: met |", text)
        self.assertIn("| LLAMA.CPP-Q4_0 | 200 (200 – 300) | 100 ms | 1.50 (1.10 – 1.55) | 1.5: met |", text)
        best = "| best of all others, in each round | 200 (200 – 300) | | 1.50 (1.10 – 1.55) | 2: not met |"
        self.assertIn(best, text)
        self.assertIn("| QUIRE | 310 (300 – 330) | 100 ms | | |", text)

    def test_table_roundFailed_isLeftOutOfRatios(self):
        text = cpu_report.table(eight(), result((300, 150, None), (330, None, None)))
        self.assertIn("| LLAMA.CPP | 150 | 100 ms | 2.00 | 3: not met |", text)
        self.assertNotIn("LLAMA.CPP-Q4_0", text)

    def test_prefill_isPromptTokensUntilTheFirstToken(self):
        prefill = next(metric for metric in cpu_report.METRICS if metric.workload == "prefill")
        self.assertEqual(prefill.value(level(1, first=500.0)), 3000)

    def test_limits_severalMeasurements_haveRangeAndCeilings(self):
        found = result()
        self.assertIn("| reads the memory | 11.0 (10.0 – 12.0) U/s |", cpu_report.limits_table(found))
        self.assertIn("| int8, `the int8` | 500 (400 – 600) U/s |", cpu_report.limits_table(found))
        self.assertIn("memory allows 220 tokens/s", cpu_report.ceilings(found))
        self.assertIn("tokens/s at most 2,500 in int8.", cpu_report.ceilings(found))

    def test_markdown_saysWhatIsMissing(self):
        found = result((300, 100, 200))
        found["turns"][2]["levels"]["eight"] = {"error": "requests must succeed: failed=1"}
        text = cpu_report.markdown(found)
        self.assertIn("Left out: vllm: pip must succeed: status=1.", text)
        self.assertIn("Failed: round 1, llama.cpp-q4_0, eight: requests must succeed: failed=1.", text)

    def test_replaceGenerated_handWrittenText_stays(self):
        old = cpu_report.replace_generated("# Title\n\nBefore.\n", "one\n")
        old += "\n## Profile\n\nAfter.\n"
        new = cpu_report.replace_generated(old, "two\n")
        self.assertEqual(new, old.replace("one", "two"))
        self.assertTrue(new.startswith("# Title\n\nBefore.\n\n<!-- begin"))
        self.assertTrue(new.endswith("-->\n\n## Profile\n\nAfter.\n"))

    def test_replaceGenerated_brokenMarkers_areRefused(self):
        for text in (cpu_report.BEGIN, cpu_report.END, cpu_report.END + cpu_report.BEGIN,
                     2 * (cpu_report.BEGIN + cpu_report.END)):
            with self.assertRaisesRegex(ValueError, "each marker once"):
                cpu_report.replace_generated(text, "x")


class CompareTest(unittest.TestCase):
    def refusal(self, *words):
        with self.assertRaises(compare.Failure) as caught:
            compare.arguments(words)
        return str(caught.exception)

    def test_arguments_unknownPeer_isRefused(self):
        self.assertRegex(self.refusal("--peers", "quire,x"), "^peer must be known: peer=x, known=quire,llama.cpp,")
        self.assertEqual(self.refusal("--rounds", "0"), "rounds must be positive: rounds=0")

    def test_arguments_quick_keepsTheReportOutOfDocs(self):
        options = compare.arguments(["--quick", "--peers", "quire,llama.cpp,quire"])
        self.assertEqual(options.peers, ["quire", "llama.cpp"])
        self.assertEqual((options.rounds, options.shown),
                         (2, 'make compare ARGS="--quick --peers quire,llama.cpp,quire"'))
        self.assertTrue(options.out.endswith("target/compare/cpu.md"))

    def test_dropIfDead_firstTurnWithoutStart_leavesTheServerOut(self):
        found = result((300, 100, 200))
        error = "server must start: status=1"
        found["turns"][-1] = {"round": 0, "peer": "llama.cpp-q4_0", "levels": {}, "error": error}
        compare.drop_if_dead(found, "llama.cpp-q4_0")
        self.assertEqual(list(found["peers"]), ["quire", "llama.cpp"])
        self.assertEqual(found["left_out"]["llama.cpp-q4_0"], "server must start: status=1")
        self.assertEqual(len(found["turns"]), 2)

    def test_commands_areShownWithoutFoldersOfTheMachine(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            model = home / "m.gguf"
            model.write_bytes(b"x")
            bench = peers.Bench(home / "bench", model, 2)
            for peer in peers.ALL.values():
                shown = compare.shown_command(peer, bench)
                self.assertNotIn(folder, shown)
                self.assertNotIn(str(peers.ROOT), shown)


class AccuracyTest(unittest.TestCase):
    REFERENCE = {"prompts": [{"name": "a", "prompt_ids": [5, 6], "greedy_ids": [7, 8],
                              "top_tokens": [[7, 1], [8, 1]], "top_logprobs": [[-0.5, -1.0], [-0.25, -2.0]]}]}

    class Server:
        """Has only the first of its tokens among the 2,000 likeliest."""

        def __init__(self, answers):
            self.answers, self.asked = answers, []

        def logprobs(self, ids, count):
            self.asked.append((tuple(ids), count))
            found = list(self.answers[tuple(ids)].items())[:1 if count == 2000 else None]
            return {**dict(found), **{1000 + i: -99 for i in range(count - len(found))}}

    def test_positions_contextGrowsByTheGreedyTokens(self):
        found = [(position, context) for _, position, context, _, _ in accuracy_llama.positions(self.REFERENCE)]
        self.assertEqual(found, [(0, [5, 6]), (1, [5, 6, 7])])

    def test_compared_missingToken_asksForMore(self):
        server = self.Server({(5, 6): {7: -0.75, 1: -1.5}, (5, 6, 7): {1: -1.0, 8: -1.25}})
        every, missing, other = accuracy_llama.compared(self.REFERENCE, server, lambda *_: None)
        self.assertEqual((every, missing, other), ([0.25, 0.5, 1.0, 1.0], 0, 1))
        self.assertEqual([count for _, count in server.asked], [2000, 16000, 2000, 16000])

    def test_summary_isMeanAndWorst(self):
        found = accuracy_llama.summary([0.25, 0.75], 0, 1, 240)
        self.assertEqual((found["mean_nats"], found["worst_nats"], found["values"]), (0.5, 0.75, 2))

    def test_positions_raggedReference_isRefused(self):
        broken = {"prompts": [{**self.REFERENCE["prompts"][0], "top_tokens": [[7]]}]}
        with self.assertRaisesRegex(accuracy_llama.Failure, "a list for each position: prompt=a"):
            list(accuracy_llama.positions(broken))


class PagingPriceTest(unittest.TestCase):
    def test_interval_twentyOnePairs_isOfTheSignTest(self):
        # Ranks 6 and 16 of 21, 10 and 21 of 30 in tables of the sign test.
        self.assertEqual(paging_price.interval(range(21, 0, -1)), (11, 6, 16))
        self.assertEqual(paging_price.interval(range(1, 31)), (15.5, 10, 21))
        self.assertEqual(paging_price.interval(range(6)), (2.5, 0, 5))
        with self.assertRaisesRegex(paging_price.PriceError, "at least 6"):
            paging_price.interval(range(5))

    def test_prices_pairsOfTwoOrders_areMediansOfRatios(self):
        lines = ["isa=4 calls=7"]
        for i in range(21):
            lines += [f"ordered {100 + i} 100", "scattered 99 110"]
        isa, found = paging_price.prices("\n".join(lines))
        self.assertEqual(isa, 4)
        self.assertEqual([round(number, 6) for number in found["ordered"]], [100, 10, 5, 15])
        self.assertEqual([round(number, 6) for number in found["scattered"]], [110, -10, -10, -10])

    def test_total_profile_isWhatWasCollected(self):
        self.assertEqual(paging_price.total("events: Ir\nfn=(1)\n12 5\n\ntotals: 457909\n"), 457909)
        for nothing in ("events: Ir\n", "events: Ir\nsummary: 0\ntotals: 0\n"):
            with self.assertRaisesRegex(paging_price.PriceError, "must have counted"):
                paging_price.total(nothing)


class SharingTest(unittest.TestCase):
    OPTIONS = argparse.Namespace(n=2, prompt_tokens=500, max_tokens=4, model="m")

    def test_begun_textOrEnd_countsAndNothingElse(self):
        self.assertEqual(sharing.begun(b'data: {"choices":[{"index":3,"text":"a"}]}\n'), {3})
        self.assertEqual(sharing.begun(b'data: {"choices":[{"index":1,"text":"","finish_reason":"length"}]}\n'), {1})
        self.assertEqual(sharing.begun(b'data: {"choices":[{"index":1,"text":"","finish_reason":null}]}\n'), set())
        self.assertEqual(sharing.begun(b'data: {"choices":[],"usage":{}}\n'), set())
        self.assertEqual(sharing.begun(b"data: [DONE]\n"), set())
        self.assertEqual(sharing.begun(b"\n"), set())

    def test_begun_error_isRaised(self):
        with self.assertRaisesRegex(ShareError, "answer must be complete: error="):
            sharing.begun(b'data: {"error":{"message":"stopped"}}\n')

    def test_bodies_everyWayDrawsTheSame_andColdOnesShareNothing(self):
        n, cold, together = (sharing.bodies(way, self.OPTIONS, [1, 2], 40) for way in sharing.WAYS)
        self.assertEqual([(body["n"], body["seed"]) for body in n], [(2, 40)])
        self.assertEqual([body["seed"] for body in cold], [40, 41])
        self.assertEqual(len({body["cache_salt"] for body in cold}), 2)
        self.assertEqual([body["seed"] for body in together], [40, 41])
        self.assertNotIn("cache_salt", together[0] | n[0])

    def test_report_ratiosAreOfTheSameRound(self):
        rounds = [{"n": (1.0, 500), "cold": (cold, 1000), "together": (2.0, 520)} for cold in (4.0, 6.0, 9.0)]
        text = sharing.report(rounds, self.OPTIONS)
        self.assertIn("| cold | 6000 (4000 – 9000) | 1000 (1000 – 1000) |", text)
        self.assertIn("cold / n: 6.00 (4.00 – 9.00) times in 3 rounds; 5 wanted: met", text)
        self.assertIn("together / n: 2.00 (2.00 – 2.00) times", text)


class LayoutsTest(unittest.TestCase):
    OPTIONS = argparse.Namespace(model="m", lengths=[50, 80, 120, 60], prompt_share=0.25, clients=4, requests=12)

    def row(self, rate, at_once, whole):
        return {"tokens_per_second": rate, "at_once": at_once, "peak": 9, "held": 0.5, "empty": 0.2, "kept": True,
                "preempted": 3, "whole": whole}

    def sample(self, running, in_use, tokens, preemptions=0):
        return {"block_size": 16, "tokens_stored": tokens, "blocks": {"total": 10, "in_use": in_use},
                "sequences": {"running": running, "preemptions": preemptions}}

    def test_bodies_lengthsInTurn_andTheSameForTheSameRound(self):
        bodies = layouts.bodies(self.OPTIONS, 1)
        self.assertEqual([len(body["prompt"]) + body["max_tokens"] for body in bodies], 3 * [50, 80, 120, 60])
        self.assertEqual([len(body["prompt"]) for body in bodies[:4]], [12, 20, 30, 15])
        self.assertEqual(bodies, layouts.bodies(self.OPTIONS, 1))
        self.assertEqual(len({tuple(body["prompt"]) for round in (1, 2) for body in
                              layouts.bodies(self.OPTIONS, round)}), 24)

    def test_asked_isMoreThanThereAreClients(self):
        self.assertEqual([layouts.asked(share, self.OPTIONS, 1) for share in (1, 0.75, 0)], [12, 9, 8])
        self.assertEqual(layouts.asked(1, self.OPTIONS, 0), 8)  # the warm-up

    def test_pool_isOfSamplesWhileSomethingRan(self):
        samples = [self.sample(0, 0, 0), self.sample(2, 4, 32), self.sample(4, 8, 96)]
        found = layouts.pool(self.sample(0, 0, 0, 5), samples, self.sample(0, 0, 0, 8))
        self.assertEqual((found["at_once"], found["peak"], found["preempted"], found["kept"]), (3, 4, 3, True))
        self.assertAlmostEqual(found["held"], 0.4)
        self.assertAlmostEqual(found["empty"], 0.2)
        with self.assertRaisesRegex(ShareError, "long enough to be sampled"):
            layouts.pool(samples[0], samples[:1], samples[0])

    def test_percentile_isInterpolated(self):
        self.assertEqual(layouts.percentile([4, 1, 3, 2], 0.5), 2.5)
        self.assertEqual(layouts.percentile([7], 0.99), 7)
        self.assertAlmostEqual(layouts.percentile(range(101), 0.99), 99)

    def test_report_ratiosAreOfTheSameRound(self):
        rounds = [{"paged": self.row(rate, 6, [1.0, 2.0]), "contiguous-model": self.row(100, 2, [2.0, 5.0])}
                  for rate in (150, 170, 400)]
        rounds[0]["none"] = self.row(5, 2, [9.0]) | {"kept": False}
        text = layouts.report(rounds)
        self.assertIn("| paged | 6.0 (9) | 170 (150 – 400) | 1.50 | 2.00 | 1.50 of 6 | 50 / 20 / 30 |", text)
        none = "| nothing kept, all computed again | 2.0 (9) | 5 (5 – 5) | 9.00 | 9.00 | 3.00 of 1 | – |"
        self.assertIn(none, text)
        self.assertIn("- sequences at once: 3.00 (3.00 – 3.00) times; 2 wanted: met", text)
        self.assertIn("- tokens a second: 1.70 (1.50 – 4.00) times; 1.5 wanted: met", text)
        self.assertIn("contiguous takes 2.50 (2.50 – 2.50) times as long; above 1 wanted: met", text)
        self.assertNotIn("Paged, a watermark", text)

    def test_compareTexts_anotherAnswer_isRefused(self):
        expected = {}
        layouts.compare_texts(expected, ["a", "b"], "paged", 1)
        layouts.compare_texts(expected, ["a"], "none", 1)
        with self.assertRaisesRegex(ShareError, "the same in every layout: layout=none, round=1, request=1,"):
            layouts.compare_texts(expected, ["a", "c"], "none", 1)

    def test_arguments_wrongOnes_areRefused(self):
        for words, message in ((["--only", "x"], "layout must be known: layout=x"),
                               (["--rounds", "0"], "rounds must be positive: rounds=0"),
                               (["--lengths", "50,a"], "lengths must be numbers"),
                               (["--lengths", "50,300"], "lengths must be between 2 and the context length"),
                               (["--prompt-share", "1"], "prompt share must be between 0 and 1")):
            with self.assertRaisesRegex(ShareError, message):
                layouts.arguments(words)
        self.assertEqual(layouts.arguments(["--rounds", "2"]).shown, 'make layouts ARGS="--rounds 2"')


if __name__ == "__main__":
    unittest.main()
