"""`make advise`: what it asks, whom it measures, what it says; measured for real once, else with known figures."""

import argparse
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import advise, need, targets

Need = need.Need
BIN = Path(os.environ.get("CORELAB_BIN_DIR", support.ROOT / "build" / "bin"))
CORES = [targets.Target("thread-per-connection", "core", "blocking; thread; accept, spawn", waiting="blocking"),
         targets.Target("thread-pool", "core", "blocking; thread; shared queue of connections", waiting="blocking"),
         targets.Target("event-loop", "core", "evented; one thread; none", waiting="evented"),
         targets.Target("prefork", "core", "blocking; process; shared accept", waiting="blocking"),
         targets.Target("prefork-evented", "core", "evented; process; SO_REUSEPORT", waiting="evented")]


def flags(**given) -> argparse.Namespace:
    return argparse.Namespace(**{name: given.get(name) for name in need.QUESTIONS})


def labels(wanted: Need) -> list[str]:
    return [candidate.label for candidate in advise.candidates(wanted, CORES)[0]]


def known(rates: dict[str, float], pss: int = 2**20):
    """A measurement whose truth is in the table; a text is a refusal."""
    def measure(candidate, wanted, seed):
        rate = rates[candidate.label]
        return rate if isinstance(rate, str) else advise.Found(rate * (1 + 0.002 * (seed % 3)), 5.0, pss)
    return measure


def advice(rates: dict, wanted: Need = Need(), pss: int = 2**20) -> tuple[advise.Advice, str]:
    chosen = [advise.Candidate(label, label) for label in rates]
    made = advise.advise(wanted, chosen, known(rates, pss))
    return made, advise.text_of(wanted, made)


class Asking(unittest.TestCase):
    def test_flags_go_before_questions_and_questions_before_defaults(self):
        asked = []
        said = need.parse_need(flags(wait_ms="5", blocks="yes"), lambda text: asked.append(text) or "")
        self.assertEqual((said.wait_ms, said.blocks, said.connections), (5, True, 64))
        self.assertEqual(len(asked), len(need.QUESTIONS) - 2)
        self.assertEqual(need.parse_need(flags(), None), Need())

    def test_what_makes_no_sense_is_one_sentence(self):
        for name, text in (("wait_ms", "soon"), ("blocks", "maybe"), ("connections", "0"), ("slow_share", "2"),
                           ("cpu_us", "-1")):
            with self.subTest(name), self.assertRaisesRegex(ValueError, "--" + name.replace("_", "-")):
                need.parse_need(flags(**{name: text}), None)

    def test_the_load_is_what_was_said(self):
        load = need.load_of(Need(wait_ms=20, cpu_us=100, blocks=True, slow_share=0.05, slow_ms=300))
        self.assertEqual(load.classes, {"usual": "0.95:/block?ms=20&us=100", "slow": "0.05:/block?ms=300&us=100"})
        self.assertEqual(need.load_of(Need(wait_ms=0)).classes, {"usual": "1:/cpu?us=100"})
        self.assertEqual(need.load_of(Need(wait_ms=0, cpu_us=0)).classes, {"usual": "1:/plaintext"})


class Candidates(unittest.TestCase):
    def test_loops_get_helpers_where_the_library_blocks(self):
        self.assertIn("event-loop with helper threads", labels(Need(blocks=True)))
        self.assertNotIn("event-loop with helper threads", labels(Need(blocks=False)))

    def test_isolation_and_the_interpreter_lock_want_processes(self):
        for wanted in (Need(isolation=True), Need(gil=True)):
            self.assertEqual(labels(wanted), ["prefork", "prefork-evented"])

    def test_no_process_for_each_of_thousands(self):
        chosen, left_out = advise.candidates(Need(connections=5000), CORES)
        self.assertNotIn("prefork", [candidate.label for candidate in chosen])
        self.assertIn(("prefork", "a process for each of 5000 connections"), left_out)


class Advice(unittest.TestCase):
    def test_it_names_the_best_with_its_margin_and_the_command(self):
        made, text = advice({"a": 100.0, "b": 200.0, "c": 150.0})
        self.assertEqual((made.best.label, made.next.label, made.is_clear), ("b", "c", True))
        self.assertAlmostEqual(made.margin.value, 200 / 150, delta=0.01)
        self.assertIn("Take b: 1.33×", text)
        self.assertIn("build/bin/corelab serve --core b", text)

    def test_it_says_when_the_margin_is_inside_the_noise(self):
        made, text = advice({"a": 100.0, "b": 101.0})
        self.assertFalse(made.is_clear)
        self.assertIn("inside the noise", text)

    def test_who_keeps_no_target_or_takes_too_much_memory_is_left_out(self):
        made, text = advice({"a": 100.0, "b": 0.0}, Need(p99_ms=10))
        self.assertEqual(made.best.label, "a")
        self.assertIn("Left out: b: no load that was tried keeps 99 of 100 within 10 ms", text)
        made, text = advice({"a": 100.0}, Need(memory_mib=1), pss=2**22)
        self.assertIsNone(made.best)
        self.assertIn("No core can do that here.", text)

    def test_who_refuses_is_left_out_with_its_reason(self):
        self.assertIn("Left out: b: it would not start", advice({"a": 100.0, "b": "it would not start"})[1])

    def test_it_says_what_turns_the_answer(self):
        def measure(candidate, wanted, seed):
            return advise.Found(100.0 if (candidate.label == "a") == (wanted.connections < 200) else 50.0, 1.0, 1)

        made = advise.advise(Need(connections=64), [advise.Candidate("a", "a"), advise.Candidate("b", "b")],
                             measure)
        self.assertEqual(made.turns, ["with 4× the connections (256) b is ahead, 2.00× a"])


class ForReal(unittest.TestCase):
    def test_the_command_measures_and_names_a_core(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, "-m", "corelab_bench", "advise", "--wait-ms", "20", "--blocks", "yes",
                                   "--gil", "yes", "--connections", "16", "--rounds", "1", "--seconds", "0.3",
                                   "--bin-dir", BIN, "--json", Path(folder) / "advice"], stdin=subprocess.DEVNULL,
                                  env=os.environ | {"PYTHONPATH": str(support.ROOT / "scripts")}, capture_output=True,
                                  text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        # One loop that blocks for 20 ms at a time answers 50 a second a process; 16 processes answer 800.
        self.assertRegex(done.stdout, r"Take prefork(-evented with helper threads)?( or |:)")
        self.assertIn("build/bin/corelab serve --core prefork", done.stdout)

    def test_a_mistake_is_exit_code_2(self):
        done = subprocess.run([sys.executable, "-m", "corelab_bench", "advise", "--blocks", "perhaps"],
                              env=os.environ | {"PYTHONPATH": str(support.ROOT / "scripts")}, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, len(done.stderr.strip().splitlines())), (2, 1))


if __name__ == "__main__":
    unittest.main()
