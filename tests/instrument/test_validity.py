"""Each gate fires: on a record made wrong in one place, and on servers that really misbehave."""

import shutil
import unittest
from unittest import mock

import support

from corelab_bench import process, validity
from corelab_bench.scenarios import Limits


class Gates(unittest.TestCase):
    def reasons(self, **changes) -> str:
        return "; ".join(validity.load_gates(support.good_record(**changes), Limits()))

    def load(self, **changes) -> dict:
        return support.good_record()["load"] | changes

    def test_a_good_record_passes(self):
        self.assertEqual(self.reasons(), "")

    def test_wrong_answers(self):
        self.assertIn("before the load", self.reasons(wrong_before="status 500"))
        self.assertIn("after the load", self.reasons(wrong_after="body changed"))

    def test_errors_of_the_generator(self):
        for name in ("connect", "read", "write", "timeout"):
            self.assertIn(f"1 {name} errors", self.reasons(load=self.load(errors={name: 1})))
        self.assertIn("7 answers of status 400 or more", self.reasons(load=self.load(errors={"status": 7})))

    def test_a_share_of_errors_may_be_allowed(self):
        allowed = Limits(max_error_share=0.001)
        for count, fires in ((100, False), (101, True)):
            record = support.good_record(load=self.load(errors={"read": count}))
            self.assertEqual(bool(validity.load_gates(record, allowed)), fires)

    def test_no_requests_or_too_few(self):
        self.assertIn("give no rate", self.reasons(load=self.load(requests=0, bytes=0)))
        self.assertIn("give no rate", self.reasons(load=self.load(requests=9)))
        self.assertIn("no load", self.reasons(load=None))

    def test_bytes_a_request(self):
        self.assertIn("bytes a request", self.reasons(load=self.load(bytes=14000000)))
        self.assertIn("bytes a request", self.reasons(load=self.load(bytes=18000000)))
        self.assertEqual("", self.reasons(answer_bytes=[100, 200]))  # a mix lies in between

    def test_connections_that_were_not_established(self):
        self.assertIn("63 of 64 connections", self.reasons(connections_established=63))

    def test_the_server_died(self):
        self.assertIn("the server died: exit code 3", self.reasons(died="exit code 3"))

    def test_a_process_of_the_target_ended(self):
        cpu = support.good_record()["cpu"] | {"ended": 2}
        self.assertIn("2 of the target's processes ended", self.reasons(cpu=cpu))

    def test_it_did_not_start(self):
        self.assertIn("port in use", self.reasons(problem="port in use", load=None))

    def test_stolen_time(self):
        self.assertIn("hypervisor took more than 10%", self.reasons(machine={"steal_share": 0.2}))

    def test_other_processes(self):
        self.assertIn("other processes took more than 25%", self.reasons(machine={"foreign_share": 0.3}))

    def test_spread(self):
        self.assertIn("spreads by 40%", validity.spread_gate(0.4, Limits()))
        self.assertEqual("", validity.spread_gate(0.1, Limits()))

    def test_idle_memory_without_a_slope(self):
        step = {"asked": 0, "open": 0, "unreadable": []}
        self.assertIn("no slope", "; ".join(validity.idle_gates({"steps": [step]}, Limits())))
        self.assertIn("could not be read",
                      "; ".join(validity.idle_gates({"steps": [step, step | {"unreadable": [5]}]}, Limits())))


class IdleTrials(unittest.TestCase):
    IDLE = {"kind": "idle", "compare": "bytes_per_connection", "steps": [0, 20, 60]}

    def test_connections_are_held_and_counted(self):
        record = support.measure(**self.IDLE)
        self.assertEqual(record["invalid"], [])
        self.assertEqual([(step["open"], step["established"]) for step in record["steps"]],
                         [(0, 0), (20, 20), (60, 60)])

    def test_a_server_that_closes_them_is_found_out(self):
        steps = support.measure("closes", **self.IDLE)["steps"]
        self.assertEqual(steps[-1]["open"], 0)


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed: run `make setup`")
class RealTrials(unittest.TestCase):
    def invalid(self, *modes: str) -> str:
        return "; ".join(support.measure(*modes)["invalid"])

    def test_a_good_server_is_valid_and_accounted_for(self):
        record = support.measure()
        self.assertEqual(record["invalid"], [])
        self.assertGreater(record["load"]["requests"], 100)
        self.assertGreater(record["cpu"]["total_ns"], 10**7)
        self.assertEqual((record["memory"]["processes"], record["connections_established"]), (1, 4))

    def test_wrong_from_the_start(self):
        self.assertIn("before the load", self.invalid("wrong"))

    def test_wrong_once_loaded(self):
        reasons = self.invalid("turns-wrong")
        self.assertIn("after the load: /plaintext: body", reasons)
        self.assertIn("bytes a request", reasons)

    def test_errors_once_loaded(self):
        self.assertIn("answers of status 400 or more", self.invalid("turns-500"))

    def test_death_once_loaded(self):
        self.assertIn("the server died: exit code 3", self.invalid("dies"))

    def test_refusal_says_what_the_server_said(self):
        self.assertIn("this server refuses to start", self.invalid("refuses"))

    def test_a_process_that_is_left_behind_is_killed(self):
        with mock.patch.object(process, "STOP_GRACE_SECONDS", 0.3):
            self.assertIn("was killed", support.measure("child")["note"])


if __name__ == "__main__":
    unittest.main()
