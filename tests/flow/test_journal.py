#!/usr/bin/python3
"""The administrator's journal: a centre put back to yesterday's data directory gets its units, senders and targets again.

usage: test_journal.py BUILD_DIR [unittest arguments]
"""

import fcntl
import json
import os
import pathlib
import shutil
import sys
import unittest

import test_articles
from test_articles import ARTICLES, Centre

MANY = 1300  # more than two updates hold


class Journal(unittest.TestCase):
    def setUp(self):
        self.centre = Centre()
        self.addCleanup(self.centre.close)
        self.directory = pathlib.Path(self.centre.directory.name)
        self.journal = self.directory / "journal"
        self.environment = {**os.environ, "BAOPHU_JOURNAL": str(self.journal)}

    def run_ends(self, code, *arguments, output="json", environment=None):
        done = self.centre.run(*arguments, check=False, output=output, environment=environment or self.environment)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def file(self, text, name="edited.csv"):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def set_up_country(self):
        self.run_ends(0, "unit", "import", ARTICLES / "units.csv")
        self.run_ends(0, "agent", "import", ARTICLES / "agents.csv")
        self.run_ends(0, "plan", "import", ARTICLES / "plans.csv", "--numbers", "vi")

    def many_units(self, prefix, parent="927"):
        return "change,date,code,name,level,parent\n" + "".join(
            f"create,2013-01-01,{prefix}{i},Ấp {i},commune,{parent}\n" for i in range(MANY))

    def everything(self):
        """All that administrators have said, without the places and times at which they said it."""
        lists = []
        for arguments in (("unit", "list", "--depth", "8"), ("plan", "list"), ("agent", "list")):
            rows = json.loads(self.run_ends(0, *arguments).stdout)
            self.assertTrue(rows)
            lists.append([{key: value for key, value in row.items() if key not in ("seq", "last_seq", "last_time", "epochs")} for row in rows])
        return lists

    def put_back(self):
        self.centre.stop()
        shutil.rmtree(self.directory / "data")
        shutil.copytree(self.directory / "yesterday", self.directory / "data")
        self.centre.start()

    def test_a_centre_put_back_gets_its_units_senders_and_targets_again(self):
        self.set_up_country()
        self.assertEqual(self.centre.stop(), 0)
        shutil.copytree(self.directory / "data", self.directory / "yesterday")
        self.centre.start()
        self.run_ends(0, "unit", "import", self.file(self.many_units("x")))
        self.run_ends(0, "agent", "import", self.file("agent,unit,measures,extent,from,until\nphong-dien,926,,,2013-01-01,\n"))
        self.run_ends(0, "plan", "set", "nam-2024", "927", "bhyt", "81000", "--from", "2024-01-01", "--to", "2024-12-31")
        before = self.everything()
        self.put_back()
        self.assertNotEqual(self.everything(), before)

        done = json.loads(self.run_ends(0, "server", "resend").stdout)[0]
        self.assertEqual(done, {"sent": 3, "applied": 3, "held": 0, "refused": 0, "waiting": 0})
        self.assertEqual(self.everything(), before)
        done = json.loads(self.run_ends(0, "server", "resend").stdout)[0]
        self.assertEqual(done["sent"], 0)
        self.assertIn("lacks nothing", self.run_ends(0, "server", "resend", output=None).stdout)

        # the next command of any kind does it too
        self.put_back()
        self.run_ends(0, "plan", "set", "nam-2024", "927", "bhxh_bb", "9000", "--from", "2024-01-01", "--to", "2024-12-31")
        after = self.everything()[1]
        self.assertEqual([(row["value"], row["revision"]) for row in after if row not in before[1]], [(9000, 2)])
        self.assertEqual(len(after), len(before[1]))
        self.assertEqual(self.everything()[0], before[0])

    def test_what_the_centre_does_not_hear_is_kept_and_sent_later_in_order(self):
        self.set_up_country()
        self.centre.stop()
        done = self.run_ends(3, "unit", "import", self.file(self.many_units("y")), "--timeout", "1")
        self.assertIn("kept in the journal: 1 changes wait", done.stderr)
        done = self.run_ends(3, "unit", "import", self.file("change,date,code,name,level,parent\ncreate,2013-01-02,y-of-y,Tổ,commune,y7\n"), "--timeout", "1")
        self.assertIn("2 changes wait", done.stderr)
        self.centre.start()
        self.run_ends(0, "plan", "set", "nam-2024", "927", "bhyt", "81000", "--from", "2024-01-01", "--to", "2024-12-31")
        units = {row["code"] for row in json.loads(self.run_ends(0, "unit", "list", "--depth", "8").stdout)}
        self.assertTrue({"y0", f"y{MANY - 1}", "y-of-y"} <= units)
        self.assertEqual(json.loads(self.run_ends(0, "server", "resend").stdout)[0]["sent"], 0)

    def test_refusals_are_those_of_a_command_without_a_journal(self):
        self.set_up_country()
        twice = self.file("change,date,code,name,level,parent\ncreate,2013-01-01,927,Thới Lai,district,92\n")
        plain = {**os.environ}
        plain.pop("BAOPHU_JOURNAL", None)
        for path in (twice, self.file(self.many_units("z") + "create,2013-01-01,z3,Ấp,commune,927\n", "many.csv")):
            said = [self.run_ends(6, "unit", "import", path, environment=environment).stderr for environment in (self.environment, plain)]
            numbers = str.maketrans("", "", "0123456789")
            self.assertEqual(said[0].translate(numbers), said[1].translate(numbers))
            self.assertIn("DUPLICATE", said[0])
        self.assertFalse([row for row in self.everything()[0] if row["code"].startswith("z")], "all of a file or nothing")
        # refused is decided: it is not sent again
        self.assertEqual(json.loads(self.run_ends(0, "server", "resend").stdout)[0]["sent"], 0)

    def test_only_what_holds_in_every_history_is_kept(self):
        self.set_up_country()
        before = json.loads(self.run_ends(0, "server", "resend").stdout)[0]
        self.assertEqual(before["waiting"], 0)
        self.run_ends(5, "report", "send", "77777", "bhyt", "5", "--to", "2024-04-30", "--agent", "thoi-lai")
        held = json.loads(self.run_ends(0, "held", "list").stdout)[0]["seq"]
        self.assertNotIn("--journal", self.run_ends(0, "held", "refuse", "--help", output=None).stdout)
        self.run_ends(0, "held", "refuse", held)
        self.assertIn("3 changes", self.run_ends(0, "server", "resend", output=None).stdout)

    def test_the_journal_itself_may_be_wrong(self):
        plain = {**os.environ}
        plain.pop("BAOPHU_JOURNAL", None)
        self.assertIn("--journal", self.run_ends(2, "server", "resend", environment=plain).stderr)
        self.set_up_country()
        with open(self.journal / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another command", self.run_ends(8, "server", "resend").stderr)
        segment = next(self.journal.glob("*.spool"))
        with open(segment, "r+b") as file:
            file.seek(300)
            byte = file.read(1)[0]
            file.seek(300)
            file.write(bytes([byte ^ 1]))
        said = self.run_ends(8, "unit", "import", self.file(self.many_units("w"))).stderr
        self.assertIn(f"{segment.name} at byte", said)
        self.assertIn("nothing was sent", said)
        self.run_ends(8, "unit", "import", ARTICLES / "units.csv", "--journal", "/proc/nowhere")

    def test_a_copied_journal_is_told(self):
        self.set_up_country()
        shutil.copytree(self.journal, self.directory / "copy")
        self.run_ends(0, "plan", "set", "nam-2024", "927", "bhyt", "81000", "--from", "2024-01-01", "--to", "2024-12-31")
        done = self.run_ends(4, "plan", "set", "nam-2024", "927", "bhyt", "82000", "--from", "2024-01-01", "--to", "2024-12-31",
                             "--journal", self.directory / "copy")
        self.assertIn("another copy of the journal", done.stderr)


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
