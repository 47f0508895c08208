#!/usr/bin/python3
"""`baophu event watch` against a running centre: what it prints as things happen, over restarts, and of a centre that was put back.

usage: test_event_watch.py BUILD_DIR [unittest arguments]

Whatever it printed is held against `baophu event list` of the same range. Nothing here waits for time to pass, only for lines.
"""

import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest

import test_articles
from test_articles import WAIT_S, Centre

PERIOD = ("--from", "2024-01-01", "--to", "2024-12-31")


class Watch:
    """The program, and its lines as they come."""

    def __init__(self, centre, *arguments, language="en"):
        endpoints = {f"BAOPHU_{name.upper()}": value for name, value in centre.endpoints.items()}
        command = [str(test_articles.BUILD / "client" / "baophu"), "event", "watch", *map(str, arguments), "--lang", language]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8",
                                        env={**os.environ, **endpoints})
        self.lines, self.said = queue.Queue(), queue.Queue()
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.said))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.put(line)

    def next(self):
        return self.lines.get(timeout=WAIT_S)

    def rows(self, count):
        return [json.loads(self.next()) for _ in range(count)]

    def hears(self, text):
        """Passes over what else is said."""
        while text not in (line := self.said.get(timeout=WAIT_S)):
            pass
        return line

    def end(self, with_signal=signal.SIGINT):
        """Whole lines, and nothing that was not asked for."""
        self.process.send_signal(with_signal)
        code = self.process.wait(WAIT_S)
        for reader in self.readers:
            reader.join(WAIT_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code, list(self.lines.queue)


class EventWatch(unittest.TestCase):
    def setUp(self):
        self.centre = Centre()
        self.addCleanup(self.centre.close)
        self.centre.import_articles()
        self.watches = []
        self.plans, self.day = 0, 0

    def tearDown(self):
        for watch in self.watches:
            if watch.process.poll() is None:
                watch.end()

    def watch(self, *arguments, **more):
        self.watches.append(Watch(self.centre, *arguments, **more))
        return self.watches[-1]

    def place(self):
        return self.centre.rows("server", "status")[0]["seq"]

    def cross(self):
        """A plan of its own for Thới Lai, so that its lines are crossed for the first time today: below two of them, and above. Returns the
        place of the last figure."""
        self.plans += 1
        self.centre.run("plan", "set", f"ke-{self.plans}", "927", "bhxh_bb", "1000", *PERIOD)
        for value in ("400", "1000"):
            self.day += 1
            done = self.centre.run("report", "send", "927", "bhxh_bb", value, "--to", f"2024-12-{self.day:02}", "--agent", "thoi-lai",
                                   "--status", "estimate")
        return json.loads(done.stdout)[0]["seq"]

    def listed(self, since, until, *arguments):
        """What is delivered: of what is kept only, the number is absent."""
        return [row for row in self.centre.rows("event", "list", *arguments, "--since", since, "--known", until, "--min-seq", until)
                if row["number"] is not None]

    def assert_followed(self, watch, since, until, *arguments):
        expected = self.listed(since, until, *arguments)
        self.assertGreater(len(expected), 0)
        self.assertEqual(watch.rows(len(expected)), expected)

    def kill(self):
        self.centre.daemon.kill()
        self.centre.daemon.wait(WAIT_S)

    def test_each_event_is_a_line_from_a_place_on_over_ends_of_the_daemon(self):
        since = self.place()
        past = self.cross()
        watch = self.watch("92", "--since", since, "-o", "jsonl")
        self.assert_followed(watch, since, past, "92")
        for _ in range(2):
            now = self.cross()
            self.assert_followed(watch, past, now, "92")
            past = now
        self.kill()
        watch.hears("the connection is lost")
        self.centre.start()
        watch.hears("up to date again")
        now = self.cross()
        self.assert_followed(watch, past, now, "92")
        again = self.watch("--since", since, "-o", "jsonl")  # all of it at once, of all units
        self.assert_followed(again, since, now)
        self.assertEqual(again.end(signal.SIGTERM), (-signal.SIGTERM, []))
        self.assertEqual(watch.end(), (130, []))

    def test_people_read_sentences_from_now_on(self):
        self.cross()
        for language, header, first in (
                ("vi", r"Sự kiện của Thới Lai sau vị trí nhật ký \d+, ngay khi xảy ra\n",
                 r"\[(\d+)\] \d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2} +Thới Lai · BHXH bắt buộc: đạt 50% kế hoạch ke-(\d), 1\.000/1\.000 \(100,00%\)\n"),
                ("en", r"Events of Thới Lai after log place \d+, as they happen\n",
                 r"\[(\d+)\] \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} +Thới Lai · Compulsory social insurance: reached 50% of plan ke-(\d), "
                 r"1,000/1,000 \(100\.00%\)\n")):
            watch = self.watch("927", "--depth", "0", language=language)
            self.assertRegex(watch.next(), header)
            now = self.cross()
            while not re.search("đạt 50%|reached 50%", line := watch.next()):
                pass
            found = re.fullmatch(first, line)
            self.assertTrue(found, line)
            self.assertEqual((int(found[1]), int(found[2])), (now, self.plans))
            self.assertEqual(watch.end()[0], 130)

    def test_only_what_was_asked_for(self):
        since = self.place()
        now = self.cross()
        last = self.cross()
        one = self.watch("92", "--plan", "ke-2", "--measure", "bhxh_bb", "--since", since, "-o", "csv")
        self.assertTrue(one.next().startswith("day,time,id,seq,"))
        for row in self.listed(now, last, "92", "--plan", "ke-2"):
            self.assertIn(f",{row['id']},", one.next())
        none = self.watch("92", "--depth", "0", "--since", since)
        self.assertIn(f"after log place {since},", none.next())
        self.assertEqual(one.end(), (130, []))
        self.assertEqual(none.end(), (130, []))
        for code, said, arguments in ((1, "the log has no place 999999 yet", ("--since", "999999")), (2, "knows no unit 99x9", ("99x9",)),
                                      (2, "there is no plan “khong-co”", ("--plan", "khong-co", "--since", "1"))):
            watch = self.watch(*arguments)
            self.assertIn(said, watch.hears(said))
            self.assertEqual(watch.process.wait(WAIT_S), code)

    def test_a_centre_that_was_put_back_is_followed_from_where_both_agree(self):
        data = pathlib.Path(self.centre.directory.name) / "data"
        since = self.place()
        before = self.cross()
        watch = self.watch("92", "--since", since, "-o", "jsonl")
        self.assert_followed(watch, since, before, "92")
        self.centre.stop()
        shutil.copytree(data, data.with_name("copy"))
        watch.hears("the connection is lost")
        self.centre.start()
        watch.hears("up to date again")
        gone = self.cross()
        self.assert_followed(watch, before, gone, "92")
        self.centre.stop()
        shutil.rmtree(data)
        shutil.copytree(data.with_name("copy"), data)
        watch.hears("the connection is lost")
        self.centre.start()
        while self.cross() <= gone:  # until the other history is as long as the one that is no more
            pass
        said = watch.hears("put back to an older copy")
        found = re.search(r"events after log place (\d+) up to (\d+) did not happen there", said)
        self.assertTrue(found, said)
        agreed = int(found[1])
        self.assertTrue(before <= agreed < gone, (before, agreed, gone))
        self.assert_followed(watch, agreed, self.place(), "92")
        self.assertEqual(watch.end(), (130, []))


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
