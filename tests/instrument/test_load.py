"""The generator against servers whose truth is known: frozen, slow by a known delay, deaf, rude."""

import json
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from scipy import stats

import support
from corelab_bench import accounting

BIN = Path(os.environ.get("CORELAB_BIN_DIR", support.ROOT / "build" / "bin"))
CPUS = sorted(os.sched_getaffinity(0))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"
# What these tests check is arithmetic: a busy machine makes the generator late, and that is a gate of its own.
PATIENT = ("--max-lag", "1000")
INVALID = 3


def on_cpu(cpu: int, *command) -> list[str]:
    return ["taskset", "-c", str(cpu), *map(str, command)]


def load(port: int, *flags, path: str = "/plaintext") -> dict:
    done = subprocess.run(on_cpu(CPUS[-1], BIN / "corelab-load", "--target", f"http://127.0.0.1:{port}{path}",
                                 "--json", "-", "--quiet", *PATIENT, *flags), capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, INVALID), done.stderr
    result = json.loads(done.stdout)
    assert (done.returncode == 0) == result["valid"], (done.returncode, result["invalid"])
    return result


class Listener:
    """A server in this process: `serve(connection)` runs on a thread of its own for each connection."""

    def __init__(self, serve, host: str = "127.0.0.1"):
        self.serve = serve
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=512)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.requests: list[bytes] = []
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # close() alone leaves the thread in accept(), and the port listening: see the notes of close(2).
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with connection:
            try:
                self.serve(self, connection)
            except OSError:
                pass

    def read_request(self, connection) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        self.requests.append(data)
        return data


def words_of(url: str, *flags) -> subprocess.CompletedProcess:
    """A run whose words are looked at, and no figure."""
    return subprocess.run([BIN / "corelab-load", "--target", url, *map(str, flags)], capture_output=True, text=True,
                          timeout=60)


def answering(listener, connection):
    while listener.read_request(connection):
        connection.sendall(ANSWER)


def answering_after(seconds):
    def serve(listener, connection):
        while listener.read_request(connection):
            time.sleep(seconds)
            connection.sendall(ANSWER)

    return serve


def available_seconds(server) -> float:
    """What its CPU had for the server: what it took, and what nobody took."""
    with open("/proc/stat") as file:
        ticks = next(line.split()[1:] for line in file if line.startswith(f"cpu{CPUS[0]} "))
    idle = (int(ticks[3]) + int(ticks[4])) / os.sysconf("SC_CLK_TCK")  # with the wait for disks
    return idle + accounting.read_cpu([server.pid]).ns[server.pid] / 1e9


class Arithmetic(unittest.TestCase):
    def serve(self, *command):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(on_cpu(CPUS[0], BIN / command[0], *command[1:], "-b", f"127.0.0.1:{port}"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertIn("listening", server.stderr.readline())
        return server, port

    @support.unless_disturbed
    def test_a_frozen_server_gives_the_percentiles_that_arithmetic_predicts(self):
        server, port = self.serve("corelab-floor", "--model", "epoll")
        rate, duration, freeze = 200, 5.0, 1.5
        frozen = []

        def freeze_for_a_while():
            time.sleep(1.5)
            begun = time.monotonic()
            server.send_signal(signal.SIGSTOP)
            time.sleep(freeze)
            server.send_signal(signal.SIGCONT)
            frozen.append(time.monotonic() - begun)

        thread = threading.Thread(target=freeze_for_a_while)
        thread.start()
        result = load(port, "--rate", rate, "--arrivals", "fixed", "--duration", duration, "--connections", 64)
        thread.join()
        # Who was due while it was frozen waited for its end: from nothing to all of it, evenly.
        for name, share in (("p90", 0.90), ("p99", 0.99)):
            predicted = 1e3 * (frozen[0] - (1 - share) * duration)
            self.assertAlmostEqual(result["response_ms"][name], predicted, delta=0.02 * predicted, msg=name)
        predicted = 1e3 * frozen[0] ** 2 / 2 / duration
        self.assertAlmostEqual(result["response_ms"]["mean"], predicted, delta=0.02 * predicted)
        # Service time alone does not show it: only 64 requests were on their way.
        self.assertLess(result["service_ms"]["p90"], 100)
        self.assertEqual((result["requests"], result["unanswered"]), (rate * duration, 0))

    @support.unless_disturbed
    def test_a_known_delay(self):
        with Listener(answering_after(0.05)) as listener:
            result = load(listener.port, "--rate", 100, "--duration", 2, "--connections", 20)
        for figure in (result["response_ms"], result["service_ms"]):
            self.assertAlmostEqual(figure["p50"], 50.5, delta=1.0)

    @support.unless_disturbed
    def test_littles_law_holds(self):
        _, port = self.serve("corelab", "serve", "--core", "event-loop")
        for flags in (("--rate", 400), ("--rate", 400, "--arrivals", "fixed"), ()):
            result = load(port, "--duration", 3, "--connections", 40, *flags, path="/sleep?ms=20")
            by_law = result["achieved_rate"] * result["service_ms"]["mean"] / 1e3
            self.assertAlmostEqual(result["mean_in_flight"], by_law, delta=0.02 * by_law, msg=flags)
            self.assertTrue(result["valid"], (flags, result["invalid"]))

    def test_a_slow_endpoint_keeps_its_rate_though_answers_are_under_way_at_the_end(self):
        """Little's law: at 10 a second and half a second each five are always on their way."""
        with Listener(answering_after(0.5)) as listener:
            result = load(listener.port, "--rate", 10, "--arrivals", "fixed", "--duration", 5)
        self.assertEqual((result["requests"], result["unanswered"], result["invalid"]), (50, 0, []))

    def test_requests_that_wait_for_a_connection_at_the_end_are_a_rate_that_was_not_kept(self):
        with Listener(answering_after(0.1)) as listener:
            result = load(listener.port, "--rate", 20, "--duration", 2, "--connections", 1, "--grace", 8)
        self.assertEqual(result["unanswered"], 0)
        self.assertEqual(result["invalid"],
                         ["the rate was not kept: less than 98% of what was due was sent by the end and answered"])

    def test_a_closed_loop_that_was_kept_off_the_cpu_is_invalid(self):
        with Listener(answering) as listener:
            running = subprocess.Popen(on_cpu(CPUS[-1], BIN / "corelab-load", "--target",
                                              f"http://127.0.0.1:{listener.port}/", "--connections", 2, "--duration", 2,
                                              "--max-lag", 100, "--json", "-", "--quiet"),
                                       stdout=subprocess.PIPE, text=True)
            time.sleep(0.7)
            running.send_signal(signal.SIGSTOP)
            time.sleep(0.7)
            running.send_signal(signal.SIGCONT)
            result = json.loads(running.communicate(timeout=20)[0])
        self.assertEqual(running.returncode, INVALID)
        self.assertIn("the generator was late: the 99th percentile of its loop's lag is over 100 ms", result["invalid"])
        self.assertGreater(result["lag_ms"]["p99"], 400)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed: run `make setup`")
    @unittest.skipIf(len(CPUS) < 2, "generator and server need a CPU each")
    def test_a_closed_loop_asks_as_often_as_wrk_does(self):
        """Where the server is the limit: its handler burns 100 µs of CPU time, whatever the machine. Counted by the time that
        its CPU was the server's or idle, and not by what the hypervisor and others took; in pairs, until their spread is
        small enough to tell one in twenty."""
        server, port = self.serve("corelab", "serve", "--core", "event-loop")
        wrk = on_cpu(CPUS[-1], "wrk", "-t1", "-c16", "-d1", f"http://127.0.0.1:{port}/cpu?us=100")

        def wrk_asks() -> int:
            told = subprocess.run(wrk, capture_output=True, text=True).stdout
            return int(told.split(" requests in")[0].split()[-1])

        def generator_asks() -> int:
            return load(port, "--duration", 1, "--connections", 16, path="/cpu?us=100")["requests"]

        def log_rate(ask) -> float:
            before = available_seconds(server)
            answers = ask()
            return math.log(answers / (available_seconds(server) - before))

        ratios = []
        while len(ratios) < 30 and (len(ratios) < 6 or stats.sem(ratios) > 0.015):
            ours, theirs = log_rate(generator_asks), log_rate(wrk_asks)
            theirs_again, ours_again = log_rate(wrk_asks), log_rate(generator_asks)
            ratios += [ours - theirs, ours_again - theirs_again]
        self.assertAlmostEqual(math.exp(statistics.mean(ratios)), 1.0, delta=0.05, msg=str(ratios))

    def test_the_seed_decides_what_is_due(self):
        _, port = self.serve("corelab", "serve", "--core", "event-loop")
        flags = ("--rate", 500, "--duration", 1, "--class", "a=3:/plaintext", "--class", "b=1:/json")
        due = [[load(port, "--seed", seed, *flags)["classes"][name]["due"] for name in "ab"] for seed in (1, 1, 2)]
        self.assertEqual(due[0], due[1])
        self.assertNotEqual(due[0], due[2])
        self.assertGreater(due[0][0], due[0][1])


class Losses(unittest.TestCase):
    @support.unless_disturbed
    def test_who_is_never_answered_is_counted_as_at_least_as_slow_as_it_waited(self):
        def deaf(listener, connection):
            while listener.read_request(connection):
                pass

        with Listener(deaf) as listener:
            result = load(listener.port, "--rate", 50, "--arrivals", "fixed", "--duration", 1, "--timeout", 0.3,
                          "--connections", 10)
        self.assertEqual((result["requests"], result["unanswered"], result["errors"]["timeout"]), (0, 50, 50))
        self.assertTrue(300 <= result["response_ms"]["p50"] <= 360, result["response_ms"])
        self.assertIn("more than 0.1% of the requests were never answered", result["invalid"])

    @support.unless_disturbed
    def test_starved_connections_are_seen(self):
        """Like a pool of one thread: it serves its first connection for ever, and no other."""
        first = threading.Lock()

        def serve(listener, connection):
            # The generator looks whether it can connect before it begins, and leaves: that one does not count.
            if listener.read_request(connection):
                with first:
                    connection.sendall(ANSWER)
                    answering(listener, connection)

        with Listener(serve) as listener:
            result = load(listener.port, "--duration", 1, "--connections", 4, "--grace", 0.2)
        self.assertEqual((result["starved_connections"], result["unanswered"]), (3, 3), result)
        self.assertEqual(result["errors"]["unfinished"], 3)
        self.assertEqual(result["answers_per_connection"]["min"], 0)
        self.assertLess(result["service_ms"]["p50"], 50)

    def test_each_way_of_losing_a_request_has_its_name(self):
        def close(listener, connection):
            listener.read_request(connection)

        def cut_short(listener, connection):
            listener.read_request(connection)
            connection.sendall(ANSWER[:-3])

        def reset(listener, connection):
            listener.read_request(connection)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        def garbage(listener, connection):
            listener.read_request(connection)
            connection.sendall(b"what?\r\n\r\n")
            connection.recv(1)

        for serve, name in ((close, "closed"), (cut_short, "closed"), (reset, "reset"), (garbage, "malformed")):
            with self.subTest(serve.__name__), Listener(serve) as listener:
                result = load(listener.port, "--rate", 20, "--arrivals", "fixed", "--duration", 1, "--connections", 4)
                self.assertEqual(result["errors"][name], 20, result["errors"])

    def test_errors_of_the_server_are_answers_that_make_the_run_invalid(self):
        def serve(listener, connection):
            while listener.read_request(connection):
                connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

        with Listener(serve) as listener:
            result = load(listener.port, "--rate", 20, "--arrivals", "fixed", "--duration", 1, "--connections", 4)
        self.assertEqual((result["requests"], result["errors"]["status"], result["valid"]), (20, 20, False))

    def test_a_reused_connection_that_was_closed_in_silence_is_tried_again(self):
        def serve(listener, connection):
            listener.read_request(connection)
            connection.sendall(ANSWER)
            listener.read_request(connection)  # taken, and never answered: the connection is being closed

        with Listener(serve) as listener:
            result = load(listener.port, "--rate", 40, "--arrivals", "fixed", "--duration", 1, "--connections", 2)
        self.assertEqual((result["requests"], result["unanswered"]), (40, 0))
        self.assertGreater(result["retried"], 10)

    def test_answers_are_counted_and_said_by_status(self):
        statuses = [b"200 OK", b"302 Found", b"404 Not Found", b"503 Service Unavailable"]

        def serve(listener, connection):
            while listener.read_request(connection):
                connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"
                                   % statuses[len(listener.requests) % len(statuses)])

        with Listener(serve) as listener:
            flags = ("--rate", 20, "--arrivals", "fixed", "--connections", 1, "--duration", 1)
            result = load(listener.port, *flags)
            said = words_of(f"http://127.0.0.1:{listener.port}/", *flags, *PATIENT)
        self.assertEqual(result["statuses"], {"2xx": 5, "3xx": 5, "4xx": 5, "5xx": 5})
        self.assertEqual(result["errors"]["status"], 10)
        self.assertIn("answers by status: 5 2xx, 5 3xx, 5 4xx, 5 5xx\n", said.stderr)
        self.assertRegex(said.stderr, r"service, .* p50 [\d.]+, p90 [\d.]+, p99 ")
        self.assertEqual(said.returncode, INVALID)

    def test_an_answer_that_lists_close_ends_its_connection(self):
        def serve(listener, connection):
            while listener.read_request(connection):
                connection.sendall(ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive, close\r\n\r\n"))

        with Listener(serve) as listener:
            result = load(listener.port, "--rate", 20, "--arrivals", "fixed", "--duration", 1, "--connections", 2)
        self.assertEqual((result["requests"], result["retried"]), (20, 0))
        self.assertGreaterEqual(result["connects"], 20)

    def test_a_result_that_cannot_be_written_is_one_sentence_and_exit_code_1(self):
        with Listener(answering) as listener:
            url = f"http://127.0.0.1:{listener.port}/"
            for flag in ("--ndjson", "--json"):
                done = words_of(url, "--duration", 1.1, "--quiet", flag, "/dev/full")
                self.assertEqual((done.returncode, done.stderr), (1, "corelab-load: cannot write to /dev/full\n"), flag)
            for flags in (("--json", "-", "--duration", 0.1, "--quiet"), ("--help",)):
                with open("/dev/full", "w") as full:
                    done = subprocess.run([BIN / "corelab-load", "--target", url, *map(str, flags)], stdout=full,
                                          stderr=subprocess.PIPE, text=True, timeout=20)
                self.assertEqual((done.returncode, done.stderr), (1, "corelab-load: cannot write to standard output\n"))

    def test_a_name_that_resolves_slowly_is_no_reason_to_outlive_a_signal(self):
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder) / "slow.c", Path(folder) / "slow.so"
            source.write_text("#include <netdb.h>\n#include <unistd.h>\n"
                              "int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,\n"
                              "                struct addrinfo **found) { for (;;) sleep(60); }\n")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(number):
                    running = subprocess.Popen([BIN / "corelab-load", "--target", "http://nosuch.invalid/"],
                                               stderr=subprocess.PIPE, text=True,
                                               env=os.environ | {"LD_PRELOAD": str(library)})
                    time.sleep(0.5)
                    running.send_signal(number)
                    said = running.communicate(timeout=5)[1]
                    self.assertEqual(said, "corelab-load: cannot connect to nosuch.invalid:80: Operation canceled\n")
                    self.assertEqual(running.returncode, 1)

    def test_nobody_there_is_one_sentence_and_exit_code_1(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        done = subprocess.run([BIN / "corelab-load", "--target", f"http://127.0.0.1:{port}/"], capture_output=True,
                              text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertIn("Connection refused", done.stderr)


class Modes(unittest.TestCase):
    def test_a_connection_for_each_request(self):
        with Listener(answering) as listener:
            result = load(listener.port, "--rate", 50, "--arrivals", "fixed", "--duration", 1, "--connections", 8,
                          "--connection-per-request")
            self.assertEqual((result["requests"], result["connects"]), (50, 50))
            self.assertEqual(listener.accepted, 51)  # with the look whether anybody is there
            self.assertIn(b"Connection: close\r\n", listener.requests[0])

    def test_idle_connections_ask_once_and_stay(self):
        with Listener(answering) as listener:
            result = load(listener.port, "--rate", 10, "--arrivals", "fixed", "--duration", 1, "--connections", 2,
                          "--idle", 20)
            self.assertEqual((result["idle_established"], result["idle_open_at_end"]), (20, 20))
            self.assertEqual(len(listener.requests), 30)

    @support.unless_disturbed
    def test_slow_sending_takes_the_time_it_says(self):
        with Listener(answering) as listener:
            result = load(listener.port, "--duration", 1, "--connections", 2, "--slow-send", 100)
        # The request has some 50 bytes and goes out 10 at a time, each tenth of a second but the first.
        self.assertTrue(390 <= result["service_ms"]["p50"] <= 650, result["service_ms"])

    @support.unless_disturbed
    def test_slow_reading_takes_the_time_it_says(self):
        def serve(listener, connection):
            while listener.read_request(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000))

        with Listener(serve) as listener:
            result = load(listener.port, "--duration", 1, "--connections", 2, "--slow-read", 4000)
        self.assertTrue(500 <= result["service_ms"]["p50"] <= 750, result["service_ms"])

    @support.unless_disturbed
    def test_a_ramp_asks_more_and_more(self):
        with Listener(answering) as listener, tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "seconds"
            result = load(listener.port, "--rate", 100, "--arrivals", "fixed", "--ramp", "--duration", 4,
                          "--ndjson", lines)
            seconds = [json.loads(line) for line in lines.read_text().splitlines()]
        self.assertAlmostEqual(result["due"], 200, delta=2)
        self.assertEqual([one["second"] for one in seconds], [1, 2, 3, 4])
        for one, expected in zip(seconds, (12.5, 37.5, 62.5, 87.5)):
            self.assertAlmostEqual(one["requests"], expected, delta=4)

    def test_the_warm_up_is_not_counted(self):
        with Listener(answering) as listener:
            result = load(listener.port, "--rate", 50, "--arrivals", "fixed", "--duration", 1, "--warm-up", 1)
            self.assertEqual(result["requests"], 50)
            self.assertEqual(len(listener.requests), 100)

    def test_a_body_makes_it_a_post(self):
        with Listener(answering) as listener:
            load(listener.port, "--rate", 5, "--duration", 1, "--body", 5)
            self.assertTrue(listener.requests[0].startswith(b"POST /plaintext HTTP/1.1\r\n"))
            self.assertIn(b"Content-Length: 5\r\n", listener.requests[0])

    def test_an_ipv6_target_is_connected_to_and_named_in_its_brackets(self):
        with Listener(answering, "::1") as listener:
            done = words_of(f"HTTP://[::1]:{listener.port}?x", "--rate", 5, "--duration", 1, *PATIENT)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(listener.requests[0], f"GET /?x HTTP/1.1\r\nHost: [::1]:{listener.port}\r\n\r\n".encode())

    def test_an_interrupt_leaves_what_is_done(self):
        with Listener(answering) as listener:
            running = subprocess.Popen([BIN / "corelab-load", "--target", f"http://127.0.0.1:{listener.port}/",
                                        "--rate", "50", "--duration", "30", "--json", "-", "--quiet", *PATIENT],
                                       stdout=subprocess.PIPE, text=True)
            time.sleep(1)
            running.send_signal(signal.SIGINT)
            result = json.loads(running.communicate(timeout=10)[0])
        self.assertEqual(running.returncode, 0)
        self.assertTrue(0.5 < result["seconds"] < 3, result["seconds"])
        self.assertGreater(result["requests"], 10)


if __name__ == "__main__":
    unittest.main()
