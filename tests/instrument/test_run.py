"""A whole run through the command line, with a corelab of the tests: stopped in the middle, and absent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import support

ENVIRONMENT = os.environ | {"PYTHONPATH": str(support.ROOT / "scripts")}


def processes_naming(text: str) -> list[str]:
    """Command lines of living processes that contain `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed: run `make setup`")
class Run(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "bin").mkdir()

    def start(self, scenario: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "corelab_bench", "run", "--profile", "smoke", "--only", scenario,
                   "--bin-dir", str(self.folder / "bin"), "--results", str(self.folder / "results"),
                   "--report", str(self.folder / "REPORT.md"), "--seed", "1"]
        return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, cwd=support.ROOT,
                                start_new_session=True)

    def run_folder(self) -> Path:
        return next((self.folder / "results").iterdir())

    def test_a_stopped_run_leaves_what_is_done_and_no_process(self):
        shutil.copy(support.FAKE, self.folder / "bin" / "corelab")  # ignores TERM and has a child that does, too
        run = self.start("plaintext")
        self.addCleanup(run.kill)
        deadline = time.monotonic() + 40
        while not processes_naming(f"{self.folder}/bin/corelab serve") and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does
        os.killpg(run.pid, signal.SIGINT)  # and once more, impatient
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, said)
        self.assertEqual(processes_naming(str(self.folder)), [])
        self.assertIn("stopped by a signal", (self.folder / "REPORT.md").read_text())
        manifest = json.loads((self.run_folder() / "manifest.json").read_text())
        self.assertEqual(manifest["outcome"]["state"], "stopped by a signal")
        self.assertTrue((self.run_folder() / "trials.ndjson").exists())

    def test_without_any_core_there_is_a_report_that_says_so(self):
        run = self.start("block")
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, said)
        self.assertIn("`corelab cores --json` failed", (self.folder / "REPORT.md").read_text())


class CommandLine(unittest.TestCase):
    def refused(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", "corelab_bench", *arguments], env=ENVIRONMENT,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def test_mistakes_get_a_sentence(self):
        self.assertIn("no profile quick: there are smoke, default, full", self.refused("run", "--profile", "quick"))
        self.assertIn("has no nosuch", self.refused("run", "--profile", "smoke", "--only", "nosuch"))
        self.assertIn("is not a run", self.refused("report", "--run", "/tmp"))
        self.assertIn("holds no manifest.json", self.refused("run", "--resume", "/nonexistent"))
        self.assertIn("`make bench` makes one", self.refused("report", "--results", "/nonexistent"))


if __name__ == "__main__":
    unittest.main()
