"""The generator, the accounting and the checks, on processes whose truth is known."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
import unittest
from unittest import mock

import support

from corelab_bench import accounting, http_check, load, process, scenarios

WRK_OUTPUT = """Running 3s test @ http://127.0.0.1:1/plaintext
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  300.00us   9.99ms   90.00%
Requests/sec:  99999.99
corelab-wrk {"requests":2805,"microseconds":438220,"bytes":451605,"errors":{"connect":1,"read":2,"write":3,"status":4,"timeout":5}}
"""


class Load(unittest.TestCase):
    def test_only_our_own_line_is_read(self):
        result = load.parse(WRK_OUTPUT, generator_cpu_seconds=0.25)
        self.assertEqual((result.requests, result.seconds, result.bytes), (2805, 0.43822, 451605))
        self.assertEqual(result.errors, {"connect": 1, "read": 2, "write": 3, "status": 4, "timeout": 5})
        self.assertAlmostEqual(result.rate, 2805 / 0.43822)

    def test_no_numbers_is_an_error_that_says_what_wrk_said(self):
        with self.assertRaisesRegex(load.LoadError, "Connection refused"):
            load.parse("Running\nunable to connect to 127.0.0.1:1 Connection refused\n")
        with self.assertRaisesRegex(load.LoadError, "printed nothing"):
            load.parse("")

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed: run `make setup`")
    def test_wrk_sends_what_the_scenario_says(self):
        """A listener that only reads sees each kind of load."""
        for wanted, seen in (({}, [b"GET /plaintext HTTP/1.1\r\n"]), ({"close": True}, [b"Connection: close\r\n"]),
                             ({"slow_path": "/slow", "slow_share": 1.0}, [b"GET /slow HTTP/1.1\r\n"]),
                             # wrk writes its headers in any order
                             ({"post_bytes": 3}, [b"Content-Length: 3\r\n", b"\r\n\r\nxxx"]), ({"pipeline": 3}, [])):
            with self.subTest(wanted), socket.create_server(("127.0.0.1", 0)) as listener:
                received = []
                # wrk connects once to see whether it can, and closes: what it sends comes on the second connection.
                def accept(received=received, listener=listener):
                    while not received or not received[-1]:
                        with listener.accept()[0] as connection:
                            received.append(connection.recv(65536))
                reader = threading.Thread(target=accept, daemon=True)
                reader.start()
                load.run(scenarios.Load(path="/plaintext", connections=1, **wanted), listener.getsockname()[1], 0.3,
                         [min(os.sched_getaffinity(0))])
                reader.join(5)
                for part in seen:
                    self.assertIn(part, received[-1])
                if not seen:
                    self.assertEqual(received[-1].count(b"GET /plaintext"), 3)


class Accounting(unittest.TestCase):
    @support.unless_disturbed
    def test_a_busy_child_of_three_tenths_of_a_second(self):
        code = ("import time, sys\n"
                "while time.process_time() < 0.3: pass\n"
                "print(flush=True); sys.stdin.read()")
        with self.child(code) as child:
            before = accounting.Cpu({}, 0, 0)
            child.stdout.readline()
            use = accounting.cpu_between(before, accounting.read_cpu([child.pid]))
            self.assertAlmostEqual(use.total_ns / 1e9, 0.3, delta=0.02)
            self.assertAlmostEqual(use.user_ticks + use.system_ticks, 30, delta=3)

    def test_threads_that_have_ended_still_count(self):
        code = ("import time, sys, threading\n"
                "def burn():\n"
                "  end = time.thread_time() + 0.1\n"
                "  while time.thread_time() < end: pass\n"
                "thread = threading.Thread(target=burn); thread.start(); thread.join()\n"
                "print(flush=True); sys.stdin.read()")
        with self.child(code) as child:
            child.stdout.readline()
            self.assertGreater(accounting.read_cpu([child.pid]).ns[child.pid], 0.1e9)

    @support.unless_disturbed
    def test_waits_are_counted_as_voluntary_switches(self):
        code = ("import time, sys\n"
                "print(flush=True); sys.stdin.readline()\n"
                "for _ in range(50): time.sleep(0.005)\n"
                "print(flush=True); sys.stdin.read()")
        with self.child(code) as child:
            child.stdout.readline()
            before = accounting.read_switches([child.pid])
            child.stdin.write("\n")
            child.stdin.flush()
            child.stdout.readline()
            voluntary, _ = accounting.switches_between(before, accounting.read_switches([child.pid]))
            self.assertTrue(50 <= voluntary <= 70, voluntary)

    def test_the_tree_holds_children_and_orphans_and_nobody_else(self):
        code = ("import os, sys, time\n"
                "if os.fork() == 0:\n"
                "  if os.fork() == 0: time.sleep(60)\n"  # an orphan in the same session
                "  os._exit(0)\n"
                "if os.fork() == 0: time.sleep(60)\n"
                "os.wait(); print(flush=True); sys.stdin.read()")
        with self.child(code) as child:
            child.stdout.readline()
            tree = accounting.process_tree(child.pid)
            self.assertEqual(len(tree), 3)
            self.assertNotIn(os.getpid(), tree)
            memory = accounting.read_memory(tree)
            self.assertEqual((memory.processes, memory.threads, memory.unreadable), (3, 3, []))
            self.assertTrue(2**20 < memory.pss_bytes < 2**27, memory.pss_bytes)

    def test_a_process_that_ended_is_noticed(self):
        use = accounting.cpu_between(accounting.Cpu({1: 10, 2: 20}, 0, 0), accounting.Cpu({1: 15}, 0, 0))
        self.assertEqual((use.total_ns, use.ended), (5, 1))

    def test_connections_are_counted_on_the_server_side_only(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
            self.assertEqual(accounting.established(port), 3)  # not accepted yet: the kernel holds them
            clients.pop().close()
            self.assertEqual((accounting.established(port), accounting.unfinished(port)), (2, 3))
            for client in clients:
                client.close()

    def child(self, code: str):
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True, start_new_session=True)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child) -> None:
        for pid in accounting.process_tree(child.pid):
            process.signal_quietly(pid, signal.SIGKILL)
        child.wait()


class Answers(unittest.TestCase):
    def answer(self, head: bytes, body: bytes = b"x") -> http_check.Answer:
        return http_check.Answer(200, head, body)

    def test_date_and_connection_may_change_and_nothing_else(self):
        one = self.answer(b"HTTP/1.1 200 OK\r\nDate: a\r\nContent-Length: 1\r\n\r\n")
        self.assertEqual("", http_check.difference(one, self.answer(
            b"HTTP/1.1 200 OK\r\nDate: b\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")))
        self.assertIn("headers", http_check.difference(one, self.answer(
            b"HTTP/1.1 200 OK\r\nDate: a\r\nContent-Length: 1\r\nX: y\r\n\r\n")))
        self.assertIn("body", http_check.difference(one, self.answer(one.head, b"y")))

    def test_a_short_answer_is_an_error(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
            theirs.shutdown(socket.SHUT_WR)
            with self.assertRaises(ConnectionError):
                http_check.read_answer(ours)

    def test_what_is_not_http_is_an_error(self):
        for garbage in (b"hello\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"):
            ours, theirs = socket.socketpair()
            with self.subTest(garbage), ours, theirs:
                theirs.sendall(garbage)
                with self.assertRaisesRegex(ConnectionError, "not an HTTP answer"):
                    http_check.read_answer(ours)


class Stopping(unittest.TestCase):
    def test_what_ignores_term_is_killed_with_its_children(self):
        with self.serving("stubborn", "child") as server:
            pids = server.pids()
            self.assertEqual(len(pids), 2)
            stopped = server.stop(grace=0.2)
        self.assertTrue(stopped.killed)
        self.assertFalse(server.scratch.exists())
        self.assertEqual([pid for pid in pids if os.path.exists(f"/proc/{pid}") and
                          accounting.stat_fields(pid)[0] != "Z"], [])

    def test_a_worker_that_its_parent_does_not_wait_for_counts_as_ours(self):
        before = accounting.own_cpu_seconds()
        with self.serving("busy-child") as server:
            server.wait_until(lambda: sum(accounting.read_cpu(server.pids()).ns.values()) > 0.3e9)
            server.stop(grace=0.1)
        self.assertGreater(accounting.own_cpu_seconds() - before, 0.3)

    def test_a_server_whose_main_thread_ends_first_is_waited_for(self):
        before = accounting.own_cpu_seconds()
        with self.serving("main-thread-first") as server:
            stopped = server.stop(grace=5)
        self.assertEqual((stopped.killed, stopped.exit_code), (False, 0))
        self.assertGreater(accounting.own_cpu_seconds() - before, 0.3)

    def test_the_callers_corelab_variables_do_not_reach_the_target(self):
        os.environ["CORELAB_WORKERS"] = "7"
        self.addCleanup(os.environ.pop, "CORELAB_WORKERS")
        self.assertNotIn("CORELAB_WORKERS", process.environment())

    def test_the_callers_python_and_virtual_environment_do_not_reach_the_target(self):
        active = {"VIRTUAL_ENV": "/venv", "PATH": "/venv/bin:/usr/bin:/bin", "PYTHONPATH": "/mine", "PYTHONMALLOC": "debug",
                  "VIRTUAL_ENV_PROMPT": "venv"}
        with mock.patch.dict(os.environ, active):
            seen = process.environment()
        self.assertEqual(seen["PATH"], "/usr/bin:/bin")
        self.assertEqual([name for name in seen if name.startswith(("PYTHON", "VIRTUAL"))], ["PYTHONDONTWRITEBYTECODE"])

    def test_a_target_that_prints_without_end_costs_no_memory(self):
        with self.serving() as server:
            with open(server.scratch / "output", "ab") as output:
                output.truncate(300 * 2**20)
                output.seek(0, os.SEEK_END)
                output.write(b"\nits last words\n")
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            self.assertEqual(server.last_words(), "its last words")
            self.assertLess(tracemalloc.get_traced_memory()[1], 2**20)

    @contextlib.contextmanager
    def serving(self, *modes: str):
        target = support.fake_target(*modes)
        with process.Server(target.command, (), [min(os.sched_getaffinity(0))], ".") as server:
            server.wait_until(lambda: self.answers(server.port))
            yield server

    @staticmethod
    def answers(port: int) -> bool:
        try:
            return http_check.fetch(port, "/plaintext").status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
