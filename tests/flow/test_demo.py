#!/usr/bin/python3
"""script/demo, as somebody sees it who has just cloned the repository: what it prints, and that nothing of it is left behind.

usage: test_demo.py BUILD_DIR [unittest arguments]
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path("build/dev")
WAIT_S = 120  # bound of every wait


def processes_of(directory):
    """Command lines of running processes that name the directory."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in line and "test_demo" not in line:
            found.append(line)
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="baophu-test-demo-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.environment = {**os.environ, "TMPDIR": directory.name, "NO_COLOR": "1"}
        self.environment.pop("BAOPHU_LANG", None)

    def command(self, *arguments):
        return [str(ROOT / "script" / "demo"), "--build", str(BUILD), *arguments]

    def play(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, encoding="utf-8", timeout=WAIT_S, check=False,
                              stdin=subprocess.DEVNULL, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def assert_nothing_is_left(self):
        self.assertEqual(processes_of(self.directory), [])
        self.assertEqual(list(self.directory.iterdir()), [])

    def assert_fits(self, text):
        for line in text.splitlines():
            if "ipc://" not in line:  # a path is as long as it is
                self.assertLessEqual(len(line), 80, line)

    def test_prints_every_figure_in_vietnamese_on_eighty_columns(self):
        text = self.play()
        self.assert_nothing_is_left()
        for printed in ("92,62%", "49,68%", "92,36%", "90,2%", "90,06%", "53,55%", "79,43%", "15,54%", "8,03%", "95%", "95,6%", "95,4%",
                        "131,20%", "95,7%", "2,62%", "91,6%", "21,2%", "2,8%", "19,5%", "64,36%", "10.293", "100,79%", "8.377", "-0,46",
                        "97,12%", "159,22%", "+1.454", "+181", "12/21", "143.013", "2.882", "1/9", "minh họa", "nam-2024", "dot1-2024",
                        "nam-2021", "nam-2019", "30/04/2024", "đạt 50%", "đạt 100%"):
            self.assertIn(printed, text)
        self.assertNotIn("illustrative", text)
        self.assert_fits(text)

    def test_leaves_nothing_when_it_is_interrupted(self):
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              encoding="utf-8", env=self.environment, start_new_session=True) as demo:
            for line in demo.stdout:
                if line.startswith("2. "):
                    os.killpg(demo.pid, signal.SIGINT)
                    break
            demo.stdout.read()
            self.assertNotEqual(demo.wait(WAIT_S), 0)
        self.assert_nothing_is_left()

    def test_keeps_the_centre_when_asked_to(self):
        text = self.play("--lang", "en", "--keep")
        self.assert_fits(text)
        exports = dict(re.findall(r"(BAOPHU_[A-Z]+)=(\S+)", text))
        self.assertTrue({"BAOPHU_INGEST", "BAOPHU_QUERY", "BAOPHU_PUBLISH", "BAOPHU_CONTROL"} <= set(exports), text[-1500:])
        self.assertTrue(processes_of(self.directory))
        baophu = [str(BUILD / "client" / "baophu")]
        environment = {**self.environment, **exports}
        subprocess.run(baophu + ["coverage", "show", "92"], check=True, timeout=WAIT_S, env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(baophu + ["server", "stop"], check=True, timeout=WAIT_S, env=environment, stdout=subprocess.DEVNULL)
        end = time.monotonic() + WAIT_S
        while processes_of(self.directory) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(processes_of(self.directory), [])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
