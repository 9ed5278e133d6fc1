"""System calls a request: what strace prints is read, and a real core is counted."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

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


# As perf stat -x, writes it.
COUNTS = """# started on Wed Nov 25 21:00:00 2026

21000,,raw_syscalls:sys_enter,100,100.00,,
10100,,syscalls:sys_enter_recvfrom,100,100.00,,
10000,,syscalls:sys_enter_sendto,100,100.00,,
700,,syscalls:sys_enter_epoll_wait,100,100.00,,
3,,syscalls:sys_enter_accept4,100,100.00,,
<not counted>,,syscalls:sys_enter_poll,0,0.00,,
"""


class Syscalls(unittest.TestCase):
    def test_what_strace_writes_is_read(self):
        self.assertEqual(syscalls.parse_strace(TABLE, 10000),
                         {"recvfrom": 1.01, "sendto": 1.0, "epoll_wait": 0.07, "total": 2.0803})

    def test_a_language_with_decimal_commas_changes_nothing(self):
        """strace writes what the caller's locale says; this one has no locale to install."""
        with tempfile.TemporaryDirectory() as folder:
            strace, summary = Path(folder) / "strace", Path(folder) / "calls"
            rows = TABLE.replace(".", ",")
            strace.write_text(f"#!/bin/sh\n[ \"$LC_ALL\" = C ] && cat >$4 <<'E'\n{TABLE}E\n"
                              f"[ \"$LC_ALL\" = C ] || cat >$4 <<'E'\n{rows}E\n")
            strace.chmod(0o755)
            with mock.patch.dict(os.environ, {"LC_ALL": "de_DE.UTF-8", "PATH": f"{folder}:{os.environ['PATH']}"}):
                syscalls.counting("strace", [1], summary).wait()
            self.assertEqual(syscalls.parse_strace(summary.read_text(), 10000)["total"], 2.0803)

    def test_what_perf_writes_is_read(self):
        self.assertEqual(syscalls.parse_perf(COUNTS, 10000),
                         {"recvfrom": 1.01, "sendto": 1.0, "epoll_wait": 0.07, "total": 2.1})

    def test_fewer_calls_than_requests_need_is_an_error(self):
        for parse, text, requests in ((syscalls.parse_strace, "", 100), (syscalls.parse_perf, "", 100),
                                      (syscalls.parse_strace, TABLE, 0), (syscalls.parse_perf, COUNTS, 100000)):
            with self.assertRaisesRegex(load.LoadError, "not all were seen"):
                parse(text, requests)

    def count(self, tool: str, core: str) -> dict:
        cpus = sorted(os.sched_getaffinity(0))
        return syscalls.count(tool, targets.load_catalogue(BIN, repo.PEERS)[core], 0.5, cpus[:1], cpus[-1:])

    def test_a_loop_needs_a_recv_a_send_and_little_else(self):
        tools = {"perf": syscalls.perf_can_count(), "strace": shutil.which("strace")}
        self.assertTrue(any(tools.values()), "neither perf nor strace: run `make setup`")
        for tool in (name for name, is_there in tools.items() if is_there):
            with self.subTest(tool):
                calls = self.count(tool, "event-loop")
                self.assertAlmostEqual(calls["recvfrom"], 1.0, delta=0.1)
                self.assertAlmostEqual(calls["sendto"], 1.0, delta=0.1)
                self.assertLess(calls["total"], 3.5)

    def test_many_processes_are_all_seen(self):
        tool = "perf" if syscalls.perf_can_count() else "strace"
        self.assertAlmostEqual(self.count(tool, "prefork")["sendto"], 1.0, delta=0.1)

    def test_a_profile_may_leave_it_out(self):
        self.assertIn("absent", syscalls.measure(targets.Catalogue([]), 0, [0], [0]))


if __name__ == "__main__":
    unittest.main()
