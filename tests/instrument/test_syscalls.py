"""System calls a request: what strace prints is read, and a real core is counted."""

import os
import shutil
import unittest
from pathlib import Path

import support

from corelab_bench import load, repo, syscalls, targets

BIN = Path(os.environ.get("CORELAB_BIN_DIR", support.ROOT / "build" / "bin"))
TABLE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.060000           6     10000           sendto
 30.00    0.030000           3     10100       100 recvfrom
 10.00    0.010000          10       700           epoll_wait
  0.00    0.000000           0         3           accept4
------ ----------- ----------- --------- --------- ----------------
100.00    0.100000           4     20803       100 total
"""


class Syscalls(unittest.TestCase):
    def test_the_table_is_read(self):
        self.assertEqual(syscalls.parse(TABLE, 10000),
                         {"recvfrom": 1.01, "sendto": 1.0, "epoll_wait": 0.07, "total": 2.0803})

    def test_nothing_counted_is_an_error(self):
        for text, requests in (("", 100), (TABLE, 0)):
            with self.assertRaises(load.LoadError):
                syscalls.parse(text, requests)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed: run `make setup`")
    def test_a_loop_needs_a_recv_a_send_and_little_else(self):
        catalogue = targets.load_catalogue(BIN, repo.PEERS)
        only = targets.Catalogue([catalogue["event-loop"]])
        cpus = sorted(os.sched_getaffinity(0))
        counted = syscalls.measure(only, 0.5, cpus[:1], cpus[-1:])
        self.assertIn("rows", counted, counted)
        calls = counted["rows"]["event-loop"]
        self.assertAlmostEqual(calls["recvfrom"], 1.0, delta=0.05)
        self.assertAlmostEqual(calls["sendto"], 1.0, delta=0.05)
        self.assertLess(calls["total"], 3.1)

    def test_a_profile_may_leave_it_out(self):
        self.assertIn("absent", syscalls.measure(targets.Catalogue([]), 0, [0], [0]))


if __name__ == "__main__":
    unittest.main()
