"""What a scenario's entries may change, and which mistakes in them are named."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support

from corelab_bench import http_check, scenarios, schedule, targets


def timed(**changes) -> dict:
    classes = {"fast": "9:/plaintext", "slow": "1:/block?ms=5"}
    return {"kind": "latency", "load": {"classes": classes, "of_class": "fast", "connections": 8}} | changes


class EntriesOfTheirOwn(unittest.TestCase):
    def test_a_load(self):
        one = support.scenario(entries={"fake": {}, "busy": {"target": "other", "flags": "--threads {connections}",
                                                             "load": {"connections": 100}}})
        usual, busy = one.entries
        self.assertEqual((one.of(usual).load.connections, one.of(busy).load.connections), (4, 100))
        self.assertEqual(one.of(busy).load.body, "Hello, World!")
        self.assertEqual(busy.flags, ("--threads", "100"))

    def test_request_classes(self):
        one = support.scenario(**timed(entries={"fake": {}, "none": {"target": "fake", "load": {
            "classes": {"fast": "1:/plaintext"}}}}))
        self.assertEqual([one.of(entry).load.paths for entry in one.entries],
                         [["/plaintext", "/block?ms=5"], ["/plaintext"]])

    def test_connections_beside(self):
        one = support.scenario(beside={"mode": "idle", "connections": 0},
                               entries={"fake": {}, "many": {"target": "fake", "beside": {"connections": 1000}}})
        self.assertEqual([one.of(entry).beside.connections for entry in one.entries], [0, 1000])
        self.assertEqual(one.of(one.entries[1]).beside.mode, "idle")

    def test_a_peer_is_asked_for_the_paths_of_its_own_entry(self):
        one = support.scenario(entries={"fake": {}, "json": {"target": "other", "load": {"path": "/json"}}})
        known = targets.Catalogue([targets.Target("fake", "core", ""),
                                   targets.Target("other", "peer", "", endpoints=("/plaintext",))])
        kept, left = schedule.runnable(one, known)
        self.assertEqual([entry.label for entry in kept], ["fake"])
        self.assertEqual([(each.entry, each.reason) for each in left], [("json", "it has no /json")])

    def test_a_post_expects_its_own_bytes(self):
        load = support.scenario(load={"path": "/echo", "post_bytes": 5}).load
        self.assertEqual(load.expected, "xxxxx")
        self.assertTrue(http_check.request(80, "/echo", False, load.post_bytes).endswith(
            b"Content-Length: 5\r\n\r\nxxxxx"))


class Mistakes(unittest.TestCase):
    def test_they_are_named(self):
        slow = {"mode": "slow-send", "connections": 3}
        for changes, words in (
                ({"beside": slow | {"mode": "slow"}}, "one of idle, slow-send, slow-read"),
                ({"beside": slow}, "bytes_per_second"),
                ({"beside": slow | {"speed": 1}}, "speed"),
                ({"beside": slow | {"bytes_per_second": 1}, "kind": "idle", "steps": [0, 1]}, "load and latency"),
                ({"entries": {"fake": {"load": {"paht": "/"}}}}, "paht"),
                ({"parameter": "threads", "entries": {"fake": {"at": 1}}}, r"at = …"),
                (timed(entries={"fake": {"load": {"classes": {"all": "1:/"}}}}), "fast is none of its classes")):
            with self.subTest(words), self.assertRaisesRegex(scenarios.ScenarioError, words):
                support.scenario(**changes)


class Manifests(unittest.TestCase):
    def peer(self, **keys) -> targets.Target:
        text = {"name": "one", "model": "a model", "command": ["./run.sh", "{port}", "{bin}"], "version": [["true"]],
                "endpoints": ["/plaintext"]} | keys
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "manifest.toml")
            path.write_text("".join(f"{key} = {value!r}\n" for key, value in text.items()))
            return targets.peer(path, Path("/where/it/is"))

    def test_corelab_stands_in_the_command(self):
        self.assertEqual(self.peer().command, ("./run.sh", "{port}", "/where/it/is"))
        self.assertEqual(self.peer().absent, "")

    def test_what_is_absent_is_said_with_where_to_get_it(self):
        self.assertEqual(self.peer(programs=["nosuchprogram"], package="nosuch").absent,
                         "nosuchprogram is not installed (Debian package nosuch)")
        self.assertEqual(self.peer(files=["lib/nosuch.so"], elsewhere="npm has it").absent,
                         "lib/nosuch.so is not installed (npm has it)")
        self.assertIn("the Perl module No::Such is not installed",
                      self.peer(perl_modules=["strict", "No::Such"]).absent)
        self.assertIn("the Python module nosuch", self.peer(python_modules=["nosuch"]).absent)
        self.assertEqual(self.peer(files=["manifest.toml"], perl_modules=["strict"]).absent, "")

    def test_a_program_of_the_callers_virtual_environment_is_no_peers(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "bin" / "corelab-nosuch"
            program.parent.mkdir()
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
            path = f"{program.parent}:{os.environ['PATH']}"
            with mock.patch.dict(os.environ, {"VIRTUAL_ENV": folder, "PATH": path}):
                self.assertIn("corelab-nosuch is not installed", self.peer(programs=["corelab-nosuch"]).absent)


if __name__ == "__main__":
    unittest.main()
