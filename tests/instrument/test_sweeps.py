"""A scenario with a parameter: which points it has, and what its message says."""

import tomllib
import unittest

import support

from corelab_bench import repo, summary, sweeps

MANIFEST = {"verdicts": True, "left_out": [], "targets": {}}

RATES = {"thread-pool × 1": 50, "thread-pool × 4": 200, "thread-pool × 16": 800, "thread-pool × 64": 3200,
         "prefork × 1": 40, "prefork × 4": 160, "prefork × 16": 640}


class Sweeps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(repo.SCENARIOS / "pool-size.toml", "rb") as file:
            source = tomllib.load(file)
        registered = {"source": source, "server_cpus": [0], "generator_cpus": [1],
                      "entries": [{"label": label, "target": entry["target"]}
                                  for label, entry in source["entries"].items()]}
        records = []
        for label, rate in RATES.items():
            record = support.good_record(scenario="pool-size", entry=label, target=label.split()[0])
            record["load"] = record["load"] | {"requests": rate}
            records += [record | {"block": block} for block in range(3)]
        cls.scenario = summary.summarise(registered, records, MANIFEST)
        cls.sweep = sweeps.sweep(cls.scenario)

    def test_a_line_a_target_in_order_of_the_parameter(self):
        points = {name: [(point.value, round(point.figure.value)) for point in line]
                  for name, line in self.sweep.series.items()}
        self.assertEqual(points, {"thread-pool": [(1, 50), (4, 200), (16, 800), (64, 3200)],
                                  "prefork": [(1, 40), (4, 160), (16, 640)]})
        self.assertEqual(self.sweep.values, [1, 4, 16, 64])

    def test_the_message_says_what_each_gains(self):
        self.assertEqual(self.sweep.message, "requests a second, threads or processes from 1 to 64: 64.0× on "
                         "thread-pool and 16.0× on prefork up to 16")

    def test_a_point_that_is_missing_is_a_dash(self):
        self.assertEqual(self.sweep.cell("prefork", 64), "–")
        self.assertEqual(self.sweep.cell("thread-pool", 64), "3,200/s [3,200, 3,200]")

    def test_nothing_measured_is_no_sweep(self):
        self.assertIsNone(sweeps.sweep(summary.summarise(self.scenario.registered, [], MANIFEST)))


if __name__ == "__main__":
    unittest.main()
