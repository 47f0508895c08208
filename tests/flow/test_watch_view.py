#!/usr/bin/python3
"""`baophu coverage watch` on a terminal: what is on the screen, and in what state the terminal is left.

usage: test_watch_view.py BUILD_DIR [unittest arguments]

The program runs under a pseudo terminal; what it sends is kept on a small screen of rows and columns, as a terminal would. Nothing
here waits for time to pass, only for what must appear. How lines are laid out is held to account in tests/unit/test_cli_view.c.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
import unittest

import test_articles
from test_articles import WAIT_S, Centre

SEQUENCE = re.compile(rb"\x1b\[(\??[0-9;]*)([A-Za-z])")


class Screen:
    """Rows of characters, and as much of a terminal as the program uses; anything else is an error."""

    def __init__(self, columns, rows):
        self.resize(columns, rows)
        self.modes, self.pending, self.clears, self.lines_sent = set(), b"", 0, 0

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0

    def take(self, data):
        data = self.pending + data
        self.pending = b""
        while data:
            if data[:1] == b"\x1b":
                found = SEQUENCE.match(data)
                if not found:
                    self.pending = data
                    assert len(data) < 40, data
                    return
                self.act(found.group(1).decode(), found.group(2).decode())
                data = data[found.end():]
                continue
            end = data.find(b"\x1b")
            text = data if end < 0 else data[:end]
            try:
                decoded = text.decode()
            except UnicodeDecodeError as error:
                if end >= 0 or len(text) - error.start > 3:
                    raise
                decoded, self.pending = text[:error.start].decode(), text[error.start:]
            self.put(decoded)
            data = b"" if end < 0 else data[end:]

    def act(self, argument, letter):
        if letter == "H":
            row, column = (int(part) for part in argument.split(";"))
            self.row, self.column = row - 1, column - 1
            self.lines_sent += 1
        elif letter == "K":
            if self.row < self.rows:
                self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif letter == "J":
            self.clears += 1
            self.cells = [[" "] * self.columns for _ in range(self.rows)]
        elif letter in "hl":
            (self.modes.add if letter == "h" else self.modes.discard)(argument)
        else:
            assert letter == "m", (argument, letter)

    def put(self, text):
        for character in unicodedata.normalize("NFC", text):
            if character in "\r\n" or "?1049" not in self.modes:
                continue  # what is printed before and after, on the ordinary screen
            assert character.isprintable(), repr(character)
            if self.row < self.rows:  # lines made for a larger screen, on their way while it became smaller
                assert self.column < self.columns or self.is_resizing, (self.text(), text)
                if self.column < self.columns:
                    self.cells[self.row][self.column] = character
            self.column += 1

    is_resizing = False

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def line(self, *words):
        return next((line for line in self.text().split("\n") if all(word in line for word in words)), "")


class Watch:
    """The program under a terminal of its own."""

    def __init__(self, centre, *arguments, columns=80, rows=24, language="vi", **environment):
        self.screen = Screen(columns, rows)
        self.master, self.slave = pty.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        endpoints = {f"BAOPHU_{name.upper()}": value for name, value in centre.endpoints.items()}
        self.process = subprocess.Popen(
            [str(test_articles.BUILD / "client" / "baophu"), "coverage", "watch", *arguments, "--lang", language],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **endpoints, **environment})

    def size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, deadline):
        left = deadline - time.monotonic()
        if left > 0 and select.select([self.master], [], [], min(left, 0.1))[0]:
            self.screen.take(os.read(self.master, 65536))

    def until(self, holds, what):
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"never came: {what}; exit {self.process.poll()}; on the screen:\n{self.screen.text()}")
            self.read(deadline)

    def shows(self, *words):
        self.until(lambda: self.screen.line(*words), words)
        return self.screen.line(*words)

    def type(self, keys):
        os.write(self.master, keys)

    def ends(self):
        """Its exit code, after everything that it sent was taken."""
        deadline = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(deadline)
        while select.select([self.master], [], [], 0)[0]:
            self.screen.take(os.read(self.master, 65536))
        return self.process.wait(1)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        os.close(self.slave)
        os.close(self.master)


class View(unittest.TestCase):
    def setUp(self):
        self.centre = Centre()
        self.addCleanup(self.centre.close)
        self.centre.import_articles()

    @contextlib.contextmanager
    def watch(self, *arguments, **options):
        watch = Watch(self.centre, *arguments, **options)
        try:
            yield watch
        finally:
            watch.close()

    def report(self, value):
        self.centre.run("report", "send", "927", "bhxh_tn", value, "--to", "2024-04-30", "--agent", "thoi-lai", output=None)

    def is_given_back(self, watch):
        self.assertEqual(termios.tcgetattr(watch.slave), watch.before)
        self.assertEqual(watch.screen.modes, {"?7", "?25"})

    def test_a_report_moves_its_line_and_no_other(self):
        with self.watch("92", "--measure", "bhxh_tn", "--plan", "nam-2024") as watch:
            watch.shows("chính xác")
            self.assertIn("Cần Thơ · BHXH tự nguyện (người)", watch.screen.text())
            before = watch.shows("Thới Lai", "1.530", "53,55%", "nam-2024", "30/04/2024")
            self.assertTrue(before.startswith("    "))  # below its city
            self.assertTrue(watch.screen.line("Ninh Kiều", "chưa báo cáo"))
            self.assertEqual(watch.screen.modes & {"?1049", "?25", "?7"}, {"?1049"})
            clears, lines = watch.screen.clears, watch.screen.lines_sent
            self.report(2700)
            after = watch.shows("Thới Lai", "2.700", "94,50%", "+1.170")
            self.assertTrue(after.startswith("▸"))
            self.assertGreater(after.count("█"), before.count("█"))
            watch.shows("chính xác")
            self.assertEqual(watch.screen.clears, clears)
            self.assertLess(watch.screen.lines_sent - lines, 16)  # of 24 lines, over a few repaints
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)
            self.is_given_back(watch)

    def test_who_crosses_a_line_is_told_below(self):
        with self.watch("92", "--measure", "bhxh_tn", "--plan", "nam-2024") as watch:
            watch.shows("chính xác")
            self.assertFalse(watch.screen.line("nam-2024,"))  # of what was before it tells nothing
            self.report(1400)
            watch.shows("Thới Lai · BHXH tự nguyện: tụt xuống dưới 50% kế hoạch nam-2024")
            self.report(2857)
            watch.shows("Thới Lai · BHXH tự nguyện: đạt 100% kế hoạch nam-2024, 2.857/2.857 (100,00%)")
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)

    def test_it_scrolls_and_fits_another_size(self):
        with self.watch("481", "--measure", "bhxh_tn", language="en", rows=12) as watch:
            watch.shows("exact at log place")
            watch.shows("A Lưới", "468")
            watch.type(b"\x1b[F")
            watch.shows("Nhâm")
            watch.shows("15-22/22")
            self.assertFalse(watch.screen.line("TT A Lưới"))
            watch.type(b"\x1b[H")
            watch.shows("TT A Lưới")
            watch.type(b"\x1b[B\x1b[B\x1b[B")
            watch.until(lambda: not watch.screen.line("TT A Lưới"), "three lines down")
            watch.screen.is_resizing = True
            watch.screen.resize(120, 40)
            clears = watch.screen.clears
            watch.size(120, 40)
            watch.until(lambda: watch.screen.clears > clears, "a new screen")
            watch.screen.is_resizing = False
            watch.shows("TT A Lưới", "113.33%")
            watch.until(lambda: "q quit" in watch.screen.text().split("\n")[39], "the state in the last line")
            watch.screen.is_resizing = True
            watch.screen.resize(50, 8)
            clears = watch.screen.clears
            watch.size(50, 8)
            watch.until(lambda: watch.screen.clears > clears, "a new screen")
            watch.screen.is_resizing = False
            watch.shows("exact")
            watch.shows("74.29%")
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)

    def test_without_a_daemon_it_says_stale_and_recovers(self):
        with self.watch("92", "--depth", "1", "--measure", "bhxh_tn") as watch:
            watch.shows("chính xác")
            began = time.time()
            self.centre.daemon.send_signal(signal.SIGTERM)
            self.assertEqual(self.centre.daemon.wait(WAIT_S), 0)
            ended = time.time()
            line = watch.shows("SỐ CŨ từ", "mất kết nối")
            # Since the last seal, on the wall clock of whoever looks; a seal comes each second, and it was shown before that.
            possible = {time.strftime("%H:%M:%S", time.localtime(second)) for second in range(int(began) - 5, int(ended) + 1)}
            self.assertIn(re.search(r"SỐ CŨ từ ([0-9:]{8})", line).group(1), possible)
            watch.shows("Thới Lai", "1.530")  # what was known stays, called old
            self.centre.daemon = subprocess.Popen(self.centre.daemon.args, stdout=self.centre.log, stderr=self.centre.log,
                                                  stdin=subprocess.DEVNULL)
            watch.shows("chính xác")
            self.report(1600)
            watch.shows("Thới Lai", "1.600", "+70")
            watch.shows("chính xác")
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)

    def report_commune(self, value):
        self.centre.run("report", "send", "20098", "bhxh_tn", value, "--to", "2019-08-11", "--agent", "a-luoi", output=None)

    def test_a_rank_moves_and_says_how_far(self):
        with self.watch("481", "--rank", "--measure", "bhxh_tn") as watch:
            watch.shows("chính xác")
            self.assertIn("A Lưới · xếp hạng (người)", watch.screen.text())
            self.assertTrue(watch.screen.line("BHXH tự nguyện · kế hoạch nam-2019"))
            self.assertTrue(watch.screen.line("10  Hồng Kim", "66,67%"))
            self.assertFalse(watch.screen.line("▸"))
            self.report_commune(40)
            first = watch.shows("1  ", "133,33%", "▲")
            self.assertTrue(first.startswith("▸  1  "), first)
            watch.shows("2  TT A Lưới", "113,33%", "▼1")
            self.assertTrue(watch.screen.line("11  Hồng Kim", "66,67%", "▼1"))
            watch.shows("chính xác")
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)
            self.is_given_back(watch)

    def test_ranks_follow_as_sentences(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **{f"BAOPHU_{name.upper()}": value for name, value in self.centre.endpoints.items()}}
        command = [str(test_articles.BUILD / "client" / "baophu"), "coverage", "watch", "481", "--rank", "--plan", "nam-2019", "--lang", "vi"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        text = {process.stdout: b"", process.stderr: b""}

        def until(stream, words):
            deadline = time.monotonic() + WAIT_S
            while words.encode() not in text[stream]:
                self.assertLess(time.monotonic(), deadline, (words, text))
                for ready in select.select(list(text), [], [], 0.1)[0]:
                    text[ready] += os.read(ready.fileno(), 65536)

        try:
            until(process.stdout, "Đông Sơn")  # the last of the table
            self.report_commune(40)
            until(process.stdout, "] Đông Sơn · BHXH tự nguyện, kế hoạch nam-2019: hạng 21 → 1 (133,33%)\n")
            until(process.stdout, "] Hồng Thủy · BHXH tự nguyện, kế hoạch nam-2019: hạng 18 → 19 (26,67%)\n")
            self.centre.daemon.send_signal(signal.SIGTERM)
            self.assertEqual(self.centre.daemon.wait(WAIT_S), 0)
            until(process.stderr, "mất kết nối")
            self.centre.daemon = subprocess.Popen(self.centre.daemon.args, stdout=self.centre.log, stderr=self.centre.log,
                                                  stdin=subprocess.DEVNULL)
            until(process.stderr, "đã cập nhật lại")
            said = text[process.stdout]
            self.report_commune(20)
            until(process.stdout, "] Đông Sơn · BHXH tự nguyện, kế hoạch nam-2019: hạng 1 → 10 (66,67%)\n")
            self.assertNotIn("→ 11", text[process.stdout][len(said):].decode())  # who stood at 11 is back at 10, and nobody else moved
        finally:
            process.kill()
            process.wait(WAIT_S)
            process.stdout.close()
            process.stderr.close()

    def test_ranks_follow_as_lines_of_json(self):
        environment = {**os.environ, **{f"BAOPHU_{name.upper()}": value for name, value in self.centre.endpoints.items()}}
        command = [str(test_articles.BUILD / "client" / "baophu"), "coverage", "watch", "481", "--rank", "--plan", "nam-2019", "-o", "jsonl"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        text = b""

        def rows(count):
            nonlocal text
            deadline = time.monotonic() + WAIT_S
            while text.count(b"\n") < count and time.monotonic() < deadline:
                if select.select([process.stdout], [], [], 0.1)[0]:
                    text += os.read(process.stdout.fileno(), 65536)
            lines = text.split(b"\n")
            text = b"\n".join(lines[count:])
            self.assertGreaterEqual(len(lines), count)
            return [json.loads(line) for line in lines[:count]]

        try:
            before = {row["unit"]: row["rank"] for row in rows(21)}
            self.assertEqual(sorted(before.values()), [1] * 9 + [10] * 6 + [16] * 2 + [18] * 3 + [21])
            self.report_commune(40)
            moved = {row["unit"]: (row["rank_before"], row["rank"]) for row in rows(before["20098"])}
            self.assertEqual(moved.pop("20098"), (before["20098"], 1))  # it passes everybody who was before it, and they one place back
            self.assertEqual(moved, {unit: (rank, rank + 1) for unit, rank in before.items() if rank < before["20098"]})
            self.report_commune("withdraw")  # what was reported first stands again
            self.assertEqual(len(rows(before["20098"])), before["20098"])
        finally:
            process.kill()
            process.wait(WAIT_S)
            process.stdout.close()

    def test_signals_give_the_terminal_back(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)):
            with self.watch("92", "--depth", "0") as watch:
                watch.shows("chính xác")
                watch.process.send_signal(number)
                self.assertEqual(watch.ends(), code)
                self.is_given_back(watch)

    def test_continued_after_a_stop_it_paints_again(self):
        with self.watch("92", "--depth", "0") as watch:
            watch.shows("chính xác")
            # A session without a shell cannot be stopped by SIGTSTP, only be asked; SIGSTOP always stops.
            watch.process.send_signal(signal.SIGTSTP)
            watch.until(lambda: watch.screen.clears >= 3, "the screen taken again after SIGTSTP")
            watch.shows("chính xác")
            clears = watch.screen.clears
            watch.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, watch.process.pid, os.WSTOPPED | os.WNOWAIT)
            watch.process.send_signal(signal.SIGCONT)
            watch.until(lambda: watch.screen.clears > clears, "the screen painted again")
            watch.shows("chính xác")
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)
            self.is_given_back(watch)

    def test_without_utf8_or_colour_it_reads_as_well(self):
        with self.watch("92", "--measure", "bhxh_tn", LC_ALL="C", NO_COLOR="1") as watch:
            self.assertIn("####", watch.shows("Thới Lai", "1.530", "53,55%"))
            watch.type(b"q")
            self.assertEqual(watch.ends(), 0)
        with self.watch("92", "--measure", "bhxh_tn", "--ascii") as watch:
            self.assertIn("####", watch.shows("Thới Lai", "1.530"))
        with self.watch("92", TERM="dumb") as watch:  # lines, as before
            master, deadline, text = watch.master, time.monotonic() + WAIT_S, b""
            while "đã kiểm chứng tại".encode() not in text and time.monotonic() < deadline:
                text += os.read(master, 65536) if select.select([master], [], [], 0.1)[0] else b""
            self.assertNotIn(b"\x1b[?1049h", text)
            self.assertIn("đã kiểm chứng tại".encode(), text)

    def test_only_what_was_asked_for_is_printed_as_lines(self):
        rows = [line for line in self.centre.run("coverage", "watch", "92", "--once", "--measure", "bhxh_tn", "--plan", "nam-2024",
                                                 output="csv").stdout.splitlines()[1:]]
        self.assertTrue(rows)
        for row in rows:
            self.assertIn(",bhxh_tn,", row)
            self.assertNotIn("dot1-2024", row)
        done = self.centre.run("coverage", "watch", "92", "--once", "--measure", "bhxhtn", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bhxh_tn", done.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
