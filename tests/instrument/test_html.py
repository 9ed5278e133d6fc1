"""The page in a real browser: it decodes its figures, opens them large, asks for nothing and complains of nothing."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import support

from corelab_bench import report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOADED_MS = 5000  # of the page's own time, which runs as fast as it can


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = support.synthetic_run(Path(cls.folder.name) / "20250101T000000Z-full-0000000000")
        report.write(cls.run_folder)
        cls.page = cls.run_folder / "report.html"
        cls.text = cls.page.read_text()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def load(self, address: str = "", *more: str) -> tuple[str, str]:
        """The document after its scripts ran, and what the browser said."""
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder.name}/profile",
             "--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--virtual-time-budget={LOADED_MS}", *more, "--dump-dom", self.page.as_uri() + address],
            capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    @unittest.skipUnless(BROWSER, "no Chromium is installed: run `make setup`")
    def test_a_browser_decodes_every_figure_and_opens_the_one_that_the_address_names(self):
        dom, said = self.load("#zoom=ratios")
        figures = len(list((self.run_folder / "figures").iterdir()))
        self.assertIn(f'data-figures="{figures}/{figures}"', dom)
        self.assertRegex(dom, r'<html[^>]* data-zoomed="ratios"')
        self.assertRegex(dom, r'<dialog[^>]* open=""')
        self.assertNotIn("CONSOLE", said)
        closed, _ = self.load("#zoom=nosuch")
        self.assertNotRegex(closed, r'<dialog[^>]* open=""')

    def test_everything_is_inside(self):
        for name, value in re.findall(r'<(?:img|link|script|iframe|source)\b[^>]*?\b(src|href)="([^"]*)"', self.text):
            self.assertTrue(value.startswith("data:"), f"{name}={value[:60]}")
        without_images = re.sub(r'src="data:[^"]*"', "", self.text)  # clip paths inside a figure are its own
        self.assertNotRegex(without_images, r"@import|url\(")

    def test_it_reads_without_sight(self):
        """A language, a title, headings in order, a text for every figure, tables that scroll by keyboard."""
        self.assertIn('<html lang="en">', self.text)
        self.assertIn("<title>Threads or event loop, for my workload?</title>", self.text)
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", self.text)]
        self.assertEqual(levels[:2], [1, 2])
        self.assertEqual(levels.count(1), 1)
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels)
        self.assertEqual(re.findall(r'<figure[^>]*><a[^>]*><img alt="">', self.text), [])
        self.assertEqual(self.text.count("<table>"), self.text.count('<div class="table" tabindex="0"'))

    def test_contents_lead_to_headings_that_exist_once(self):
        targets = re.findall(r'<li><a href="#([^"]+)"', self.text)
        self.assertIn("how-to-reproduce", targets)
        for target in targets:
            self.assertEqual(self.text.count(f'id="{target}"'), 1, target)

    def test_no_markdown_is_left(self):
        body = re.sub(r"<(pre|style|script)\b.*?</\1>", "", self.text, flags=re.DOTALL)
        self.assertEqual(re.findall(r".*(?:\*\*|\|---|!\[|^\| ).*", re.sub(r'src="[^"]*"', "", body), re.MULTILINE), [])


if __name__ == "__main__":
    unittest.main()
