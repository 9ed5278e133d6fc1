"""Two runs side by side: the same data are the same, a change is found, what drifts with the machine is not a change."""

import dataclasses
import json
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import analysis, compare


def scaled(folder: Path, entry: str | None, factor: float) -> None:
    """Makes an entry's trials (or everybody's) answer `factor` times as much for the same CPU time."""
    lines = []
    for line in (folder / "trials.ndjson").read_text().splitlines():
        trial = json.loads(line)
        if "load" in trial and entry in (None, trial["entry"]):
            trial["load"]["requests"] = int(trial["load"]["requests"] * factor)
        lines.append(json.dumps(trial))
    (folder / "trials.ndjson").write_text("\n".join(lines) + "\n")


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.before, self.after = (support.synthetic_run(Path(folder.name) / name, only=("cpu",)) for name in ("before", "after"))

    def words(self) -> dict[str, str]:
        return {row.entry: row.word for row in compare.compare(self.before, self.after) if row.scenario == "cpu"}

    def test_the_same_run_is_the_same(self):
        self.assertEqual(set(self.words().values()), {"the same"})
        self.assertIn("| cpu | prefork | requests a second |", compare.text_of(compare.compare(self.before, self.after)))

    def test_a_change_is_found(self):
        scaled(self.after, "prefork", 1.5)
        words = self.words()
        self.assertEqual((words["prefork"], words["thread-per-connection"]), ("better", "the same"))

    def test_a_drift_of_the_whole_machine_is_no_change_of_an_entry(self):
        scaled(self.after, None, 1.5)
        words = self.words()
        self.assertEqual((words["prefork"], words["event-loop"]), ("the same", "better"))

    def test_a_run_that_is_repeated_gives_intervals_that_overlap(self):
        rows = compare.compare(self.before, self.after)
        self.assertEqual({row.overlap for row in rows}, {True})
        self.assertIn("event-loop", [row.entry for row in rows])  # the reference, by its A/A
        self.assertEqual(compare.text_of(rows).splitlines()[-1],
                         f"{len(rows)} of {len(rows)} intervals of the ratio to the reference overlap.")

    def test_intervals_that_are_apart_are_counted(self):
        scaled(self.after, "prefork", 1.5)
        rows = compare.compare(self.before, self.after)
        self.assertEqual([row.entry for row in rows if row.overlap is False], ["prefork"])
        text = compare.text_of(rows)
        self.assertIn(f"{len(rows) - 1} of {len(rows)} intervals", text)
        (line,) = [line for line in text.splitlines() if line.endswith("| apart |")]
        self.assertIn("prefork", line)

    def test_too_few_blocks_are_not_counted(self):
        row = compare.compare(self.before, self.after)[0]
        few = dataclasses.replace(row, ratios=(row.ratios[0], analysis.Interval(1, 1.0, None, None, "one block")))
        self.assertIsNone(few.overlap)
        self.assertEqual(compare.text_of([few]).splitlines()[-1],
                         "0 of 0 intervals of the ratio to the reference overlap.")

    def test_nothing_in_common(self):
        (self.after / "trials.ndjson").write_text("")
        self.assertIn("no scenario", compare.text_of(compare.compare(self.before, self.after)))


class UnpairedRatio(unittest.TestCase):
    def test_the_interval_holds_the_ratio(self):
        ratio = analysis.unpaired_ratio([2.0, 2.1, 1.9, 2.0], [1.0, 1.05, 0.95])
        self.assertAlmostEqual(ratio.value, 2.0, delta=0.01)
        self.assertTrue(1.8 < ratio.low < 2.0 < ratio.high < 2.2, ratio)
        self.assertIsNone(analysis.unpaired_ratio([], [1.0]))
        self.assertIsNone(analysis.unpaired_ratio([1.0], [1.0]).low)


if __name__ == "__main__":
    unittest.main()
