#!/usr/bin/python3
"""What is installed beside the programs: manual pages that say what is so, unit files that name what is there, an example that works.

usage: test_manual.py BUILD_DIR [unittest arguments]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import test_articles
from test_articles import ROOT, WAIT_S, Centre

EXAMPLE = "examples/library/report_and_rank.c"


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, encoding="utf-8", stdin=subprocess.DEVNULL,
                          **{"timeout": WAIT_S, **more}).stdout


def page(name):
    return (ROOT / "docs" / "man" / (name + ".scd")).read_text(encoding="utf-8").replace("\\_", "_")


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="baophu-manual-")
        cls.addClassCleanup(directory.cleanup)
        cls.root = pathlib.Path(directory.name)
        run("cmake", "--install", test_articles.BUILD, "--prefix", "/usr", env={**os.environ, "DESTDIR": directory.name})

    def installed_page(self, name, section):
        path = self.root / "usr" / "share" / "man" / f"man{section}" / f"{name}.{section}"
        self.assertTrue(path.is_file(), f"{name}({section}) is not installed")
        return path.read_text(encoding="utf-8")

    def test_what_a_unit_file_names_is_installed(self):
        units = sorted((self.root / "usr" / "lib" / "systemd" / "system").glob("*.service"))
        self.assertIn("baophud.service", [unit.name for unit in units])
        for unit in units:
            text = unit.read_text(encoding="utf-8")
            pages = re.findall(r"man:([a-z-]+)\(([0-9])\)", text)
            self.assertTrue(pages, unit.name)
            for name, section in pages:
                self.installed_page(name, section)
            programs = re.findall(r"(?m)^Exec[A-Za-z]*=(/[^ \n]+)", text)
            self.assertTrue(programs, unit.name)
            for program in programs:
                self.assertTrue(os.access(self.root / program[1:], os.X_OK), f"{unit.name} runs {program}")

    def test_systemd_understands_the_units(self):
        directory = self.root / "usr" / "lib" / "systemd" / "system"
        units = sorted(path for path in directory.iterdir())
        self.assertIn("baophu-backup.timer", [unit.name for unit in units])
        self.assertEqual([unit.stem for unit in units if unit.suffix == ".timer" and not unit.with_suffix(".service").exists()], [])
        if shutil.which("systemd-analyze"):
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], stderr=subprocess.PIPE, encoding="utf-8", timeout=WAIT_S,
                                  check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{directory}:"}).stderr
            # whether the programs are there is another test: they are not installed on this machine
            self.assertEqual([line for line in said.splitlines() if "baophu" in line and "is not executable" not in line], [])

    def test_every_setting_of_the_daemon_has_its_default_in_the_manual(self):
        help_text, text = run(test_articles.BUILD / "daemon" / "baophud", "--help"), page("baophud.8")
        settings = re.findall(r"(?m)^  --([a-z-]+) .*\n +\(.*default ([^ ),]+)", help_text)
        self.assertGreater(len(settings), 15)
        statuses = re.findall(r"\b([0-9]+) [a-z]", help_text[help_text.index("Exit status:"):])
        unsaid = [name for name, _ in settings if f"*--{name}*" not in text]
        unsaid += [f"{name} {default}" for name, default in settings if default not in text and default != "none"]
        unsaid += [f"exit {status}" for status in statuses if f"*{status}*\n" not in text]
        self.assertEqual(unsaid, [], "not in docs/man/baophud.8.scd")

    def test_the_manual_of_the_library_names_all_of_it(self):
        text = page("libbaophu.3")
        names = re.findall(r"(?m)^\t(baophu_[a-z_]+);$", (ROOT / "client" / "lib" / "libbaophu.map").read_text(encoding="utf-8"))
        self.assertGreater(len(names), 30)
        self.assertEqual([name for name in names if f"*{name}*()" not in text], [], "not in docs/man/libbaophu.3.scd")

    def test_the_example_of_the_manual_is_the_one_that_is_tried(self):
        self.assertIn(f"@{EXAMPLE}@", page("libbaophu.3"))
        shown = self.installed_page("libbaophu", 3).replace("\\e", "\\").replace("\\\\", "\\").replace("\\&", "").replace("\\-", "-")
        code = [line.strip() for line in (ROOT / EXAMPLE).read_text(encoding="utf-8").splitlines() if "clang-format" not in line]
        for line in code:
            self.assertIn(line, shown)
        centre = Centre()
        self.addCleanup(centre.close)
        centre.import_articles()
        said = run(test_articles.BUILD / "tests" / "example_library", *(centre.endpoints[end] for end in ("ingest", "query", "publish")),
                   "a-luoi", "VN/46/481", "3", "20098", "40", "2019-08-11").splitlines()
        self.assertRegex(said[0], r"^applied NONE at [0-9]+$")
        self.assertEqual(said[1], "Đông Sơn: 40")
        self.assertIn("Đông Sơn, bhxh_tn nam-2019: rank 1, was 0", said)
        self.assertIn("TT A Lưới, bhxh_tn nam-2019: rank 2, was 0", said)


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
