"""The report from a synthetic run: it renders, and says what the data say."""

import re
import tempfile
import unittest
from pathlib import Path

import matplotlib
import support

from corelab_bench import figures, report, summary


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        base = Path(cls.folder.name)
        cls.run_folder = support.synthetic_run(base / "results" / "20250101T000000Z-full-0000000000")
        cls.written = report.write(cls.run_folder, base / "REPORT.md")
        cls.text = (base / "REPORT.md").read_text()
        cls.summary = summary.load_run(cls.run_folder)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def row(self, scenario: str, label: str) -> summary.Row:
        return self.summary.scenario(scenario).row(label)

    def test_words_are_those_of_the_data(self):
        self.assertEqual(self.row("plaintext", "thread-per-connection").word, "tie")
        self.assertEqual(self.row("plaintext", "prefork").word, "behind")
        self.assertAlmostEqual(self.row("plaintext", "prefork").ratio.value, 0.5, delta=0.01)
        self.assertEqual(self.row("plaintext", "multi-reactor").word, "INVALID")
        self.assertEqual(self.row("plaintext", "thread-pool").word, "not measured")

    def test_budgets_stand_with_figure_limit_and_word(self):
        words = {budget.text: budget.word for budget in self.summary.budgets}
        self.assertEqual(words["event-loop over floor-epoll"], "met")  # 8 / 7.5 = 1.067
        self.assertEqual(words["prefork over floor-prefork"], "missed")
        self.assertEqual(words["thread-pool over floor-blocking"], "not measured")
        self.assertEqual(words["event-loop: idle connections established"], "met")
        line = next(line for line in self.text.splitlines() if line.startswith("| event-loop over floor-epoll |"))
        self.assertRegex(line, r"\| 1\.0[67]× \[1\.0\d, 1\.0\d\] \| ≤ 1\.10× \| \*\*met\*\* \| 8 \|")

    def test_rejected_loads_of_valid_trials_are_listed(self):
        blocks = len(self.row("latency-against-load", "event-loop").trials)
        self.assertIn(f"| latency-against-load | event-loop | a load to doubt ({blocks} of their loads: 90%) |", self.text)
        self.assertEqual(set(self.row("latency-against-load", "event-loop").values["near_capacity_p99_ms"]),
                         set(range(blocks)))

    def test_hypotheses_have_a_verdict(self):
        self.assertEqual(self.summary.scenario("idle-memory").verdict, "confirmed")
        self.assertEqual(self.summary.scenario("block").verdict, "refuted")
        self.assertIn("### idle-memory: confirmed", self.text)

    def test_every_figure_that_is_linked_exists_and_every_one_drawn_is_linked(self):
        linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", self.text)
        base = Path(self.folder.name)
        self.assertTrue(all((base / link).exists() for link in linked), linked)
        self.assertEqual({Path(link).name for link in linked},
                         {path.name for path in (self.run_folder / "figures").iterdir()})
        # Those two are about thread-pool, which this run does not have.
        self.assertEqual({Path(link).name for link in linked}, {figures.name_of(module) for module in figures.FIGURES} -
                         {"gil-threads.svg", "gil-convoy.svg"})

    def test_figures_are_the_same_whatever_the_readers_matplotlibrc_says(self):
        with tempfile.TemporaryDirectory() as folder:
            plain, dressed = Path(folder) / "plain", Path(folder) / "dressed"
            names = figures.draw_all(self.summary, plain)
            with matplotlib.rc_context({"lines.linewidth": 9, "axes.grid": True, "figure.dpi": 31, "svg.fonttype": "none"}):
                figures.draw_all(self.summary, dressed)
            for name in names:
                self.assertEqual((plain / name).read_bytes(), (dressed / name).read_bytes(), name)

    def test_system_calls_stand_in_one_table(self):
        self.assertRegex(self.text, r"\| \| recvfrom \| (sendto|epoll_ctl) \| (sendto|epoll_ctl) \| all \|")
        self.assertIn("| 3.10 |", self.text)

    def test_lessons_say_what_the_data_say(self):
        self.assertIn("### One request in twenty that blocks: the others' 99th percentile is 40.0 ms on event-loop, ",
                      self.text)
        # 200 a second, one in twenty 50 ms: 200 · 0.05 · 0.05² / 2 / (1 − 0.5)
        self.assertIn("wait 25.0 ms on the average; measured on event-loop: 10.0 ms", self.text)
        self.assertIn("0 of 64 clients are never answered, and wrk prints a 99th percentile of 1.50 ms", self.text)
        self.assertRegex(self.text, r"### .* requests a second on .* keep a 99th percentile of 20 ms; at 90% of what each keeps")
        self.assertIn("`make bench PROFILE=full ONLY=stall`", self.text)

    def test_single_requests_stand_beside_what_theory_predicts(self):
        # in each second 10 blocks of 50 ms; 10 quick requests are due in each and wait 50 - 5 k ms
        self.assertIn("a queue with one server predicts 25.0 ms", self.text)
        self.assertIn("Quick requests that waited over 10 ms for a handler: 80 of 190 on event-loop and 0 of 190 on "
                      "thread-per-connection", self.text)

    def test_the_wrong_tool_has_a_heading_of_its_own(self):
        section = self.text.partition("\n## The wrong tool\n")[2].partition("\n## ")[0]
        self.assertIn("| p99 by corelab-load, of all requests | p99 by wrk, of answers |", section)
        self.assertIn("| 1.50 ms |", section)

    def test_the_sections_come_in_the_order_in_which_they_are_read(self):
        heads = re.findall(r"^## (.*)$", self.text, re.MULTILINE)
        expected = ["Which core for your situation", "The cores on a page", "How to read it", "Cores by scenarios",
                    "Lessons", "The wrong tool", "What people say about servers", "Threats to validity",
                    "What this machine cannot show", "What was left out", "Rejected trials", "How to reproduce"]
        self.assertEqual([head for head in heads if head in expected], expected)

    def test_the_runs_own_copy_links_within_its_folder(self):
        own = (self.run_folder / "report.md").read_text()
        self.assertIn("](./figures/ratios.svg)", own)

    def test_the_load_of_a_scenario_says_what_else_is_there(self):
        loads = dict(re.findall(r"^\| ([\w-]+) \| (`/[^|]*) \| server on", self.text, re.MULTILINE))
        self.assertIn("a POST of 64.0 KiB", loads["uploads"])
        self.assertIn("beside it 200 clients that send at 20 bytes a second", loads["slow-senders"])
        self.assertIn("behind it event-loop", loads["upstream-wait"])
        self.assertIn("varied: threads or processes", loads["pool-size"])

    def test_tables_are_whole(self):
        """Every row of a table has the columns of its head."""
        columns = None
        for line in self.text.splitlines():
            if not line.startswith("|"):
                columns = None
                continue
            count = len(re.findall(r"(?<!\\)\|", line.rstrip()))
            columns = columns or count
            self.assertEqual(count, columns, line)

    def test_no_raw_template_and_no_path_of_this_machine(self):
        self.assertEqual(re.findall(r".*(?:\{\{|\{%|\bNone\b|\bnan\b).*", self.text), [])
        self.assertNotIn(str(support.ROOT), self.text)

    def test_the_same_data_give_the_same_report(self):
        before = {path.name: path.read_bytes() for path in (self.run_folder / "figures").iterdir()}
        report.write(self.run_folder)
        after = {path.name: path.read_bytes() for path in (self.run_folder / "figures").iterdir()}
        self.assertEqual(before, after)

    def test_smoke_gives_no_verdicts(self):
        folder = support.synthetic_run(Path(self.folder.name) / "smoke", "smoke")
        text = report.render(summary.load_run(folder), [], ".")
        self.assertIn("no verdicts", text)
        self.assertEqual(re.findall(r"\*\*(?:met|missed|ahead|behind|tie|undecided)\*\* \|", text), [])

    def test_a_run_stopped_before_its_first_trial_still_gives_a_report(self):
        folder = support.synthetic_run(Path(self.folder.name) / "empty", "smoke")
        (folder / "trials.ndjson").write_text("")
        report.write(folder)
        self.assertIn("the run ended before", (folder / "report.md").read_text())

    def test_a_generator_without_time_left_gives_no_throughput_word(self):
        row = self.row("cpu", "prefork")
        for trial in row.trials:
            trial["load"]["generator_cpu_seconds"], trial["cpu"]["total_ns"] = 0.99, 5 * 10**8
        self.assertTrue(summary.generator_bound(row))
        for trial in row.trials:
            trial["cpu"]["total_ns"] = 10**9
        self.assertFalse(summary.generator_bound(row))


if __name__ == "__main__":
    unittest.main()
