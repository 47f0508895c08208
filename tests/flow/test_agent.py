#!/usr/bin/python3
"""The field office end to end: figures in by folder and by command, a centre that comes and goes, and everybody told what became of theirs.

usage: test_agent.py BUILD_DIR [unittest arguments]

What the sheets mean is tested where they are read; here it is that what was said to be saved is in the centre's coverage, once, and that what
was not comes back.
"""

import contextlib
import csv
import datetime
import io
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import unicodedata
import unittest

import test_articles
from office import Office, Scene, wait_until

MEASURES = ("bhyt", "bhxh_tn", "bhxh_bb", "bhtn")
HEADING = "unit,measure,to,value\n"


def figures(count, first=1000, unit="927", measure="bhyt"):
    """Rows with a value of their own for as many days from 1 January 2024 on, and what coverage must then say."""
    wanted = {f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}": first + day for day in range(count)}
    return HEADING + "".join(f"{unit},{measure},{date},{value}\n" for date, value in wanted.items()), wanted


class OfficeTest(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.scene = Scene(**self.settings)
        self.addCleanup(self.scene.close)
        self.centre, self.office = self.scene.centre, self.scene.office

    def rows(self, path):
        """The rows that came back, as Excel would read them."""
        return list(csv.DictReader(io.StringIO(self.office.text(path)), delimiter=";"))

    def start(self):
        self.centre.start_enrolled()
        self.office.start()
        wait_until(lambda: (self.office.data / "mirror").exists(), f"the office learned who it is\n{self.office.log}")


class Declarations(OfficeTest):
    """What an office says that it will report is saved like a figure, and the centre tells by it who is late."""

    def test_a_declaration_reaches_the_centre_and_is_judged_by_its_business_day(self):
        self.office.start()
        self.assertIn("how often?", self.office.run("declare", "927", "often", code=2).stderr)
        self.assertIn("no such closing day", self.office.run("declare", "927", "weekly", "--closing-day", "9", code=2).stderr)
        self.assertIn("say how often", self.office.run("declare", "927", code=2).stderr)
        self.office.run("declare", "927", "monthly", "--closing-day", "25", "--measure", "bhyt", "--measure", "bhxh_tn")
        self.centre.start_enrolled()
        wait_until(lambda: self.office.json("list")[0]["state"] == "received", f"the declaration is received\n{self.office.log}")
        wait_until(lambda: (self.office.data / "mirror").exists(), "the office learned who it is")
        self.assertIn("nope", self.office.run("declare", "927", "monthly", "--measure", "nope", code=2).stderr)
        self.assertIn("xx", self.office.run("declare", "xx", "monthly", code=2).stderr)
        due = self.centre.rows("agent", "due")
        self.assertEqual({(row["unit"], row["measure"], row["rhythm"]) for row in due}, {("927", "bhyt", "monthly"), ("927", "bhxh_tn", "monthly")})
        self.office.run("declare", "927", "--measure", "bhyt", "--measure", "bhxh_tn", "--remove")
        wait_until(lambda: self.office.json("list")[0]["state"] == "received", f"the second one is received\n{self.office.log}")
        wait_until(lambda: self.centre.rows("agent", "due") == [], "what was taken back is not owed")
        self.assertEqual(self.office.json("declare"), [])

    def test_a_declaration_is_listed_and_taken_back_by_what_one_remembers(self):
        self.start()
        self.office.run("declare", "927", "monthly", "--measure", "bhyt", "--measure", "bhxh_tn", "--measure", "bhtn")
        self.office.run("declare", "927", "weekly", "--level", "commune", "--measure", "bhxh_bb")
        self.office.run("declare", "927", "weekly", "--closing-day", "5", "--level", "commune", "--measure", "bhxh_bb")
        self.office.kill()
        self.office.start()
        declared = lambda: {(row["unit"], row["level"], row["measures"], row["rhythm"], row["closing_day"]) for row in self.office.json("declare")}
        self.assertEqual(declared(), {("927", None, "bhyt, bhxh_tn, bhtn", "monthly", 0), ("927", "commune", "bhxh_bb", "weekly", 5)})
        owed = lambda: {row["measure"] for row in self.centre.rows("agent", "due") if row["unit"] == "927"}
        wait_until(lambda: owed() == {"bhyt", "bhxh_tn", "bhtn"}, f"the centre has it {owed()}")
        done = self.office.run("declare", "927", "--measure", "bhtn", "--remove")
        self.assertIn("still declared of 927: bhyt, bhxh_tn, every month", done.stdout)
        wait_until(lambda: owed() == {"bhyt", "bhxh_tn"}, f"one measure less {owed()}")
        self.office.run("declare", "--remove", code=2)
        self.office.run("declare", "927", "--remove")
        self.assertEqual(declared(), set())
        wait_until(lambda: owed() == set(), f"nothing is owed {owed()}")
        self.assertIn("nothing of it was declared here", self.office.run("declare", "927", "--remove").stderr)
        # One that the centre refuses does not keep the other from being taken back.
        (self.office.data / "mirror").unlink()
        self.office.kill()
        self.centre.stop()
        self.office.start()
        self.office.run("declare", "927", "monthly", "--measure", "bhyt")
        self.office.run("declare", "927", "monthly", "--measure", "nothing")
        self.centre.start()
        wait_until(lambda: sorted(row["state"] for row in self.office.json("declare")) == ["received", "refused"], "one is refused")
        wait_until(lambda: owed() == {"bhyt"}, "the other is not")
        self.office.run("declare", "927", "--remove")
        self.assertEqual(declared(), set())
        wait_until(lambda: owed() == set(), f"it is taken back {owed()}")


class OnATerminal(OfficeTest):
    def test_a_file_shows_how_far_it_is(self):
        self.office.start()
        path = self.office.directory / "nhieu.csv"
        path.write_text(HEADING + "".join(f"u{number},bhyt,2024-04-30,{number}\n" for number in range(10000)), encoding="utf-8")
        for options in ((), ("--dry-run",)):
            master, terminal = os.openpty()
            done = subprocess.run([self.office.program, "report", path, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal,
                                  env={**os.environ, "BAOPHU_AGENT_CONFIG": str(self.office.config), "BAOPHU_LANG": "en"}, check=True)
            os.close(terminal)
            shown = b""
            with contextlib.suppress(OSError):  # the end of a terminal
                while piece := os.read(master, 65536):
                    shown += piece
            shown = shown.decode()
            os.close(master)
            self.assertIn("10,000", done.stdout.decode())
            steps = [int(step) for step in re.findall(r"\r *(\d+)%", shown)]
            self.assertEqual(steps, sorted(steps))
            self.assertGreaterEqual(len(set(steps)), 3, shown)
            self.assertTrue(shown.endswith("\r\x1b[K"), "and it is gone when the answer is there")


class WithoutACentre(OfficeTest):
    """An office that was never connected, or is not at the moment."""

    def test_a_figure_is_saved_at_once_and_counts_when_the_centre_is_there(self):
        self.office.start()
        done = self.office.run("report", "--unit", "927", "--measure", "bhxh_tn", "--date", "30/4/2024", "1.600")
        self.assertIn("figures saved: 1, as batch 1", done.stdout)
        status = self.office.run("status")
        self.assertIn("1", status.stdout)
        listed = self.office.json("list")
        self.assertEqual([(row["batch"], row["figures"], row["state"]) for row in listed], [(1, 1, "waiting")])
        self.centre.start_enrolled()
        wait_until(lambda: self.office.json("list")[0]["state"] == "received", "the figure is received")
        self.assertEqual(self.centre.versions("927", "bhxh_tn"), [("2024-04-30", 1600, True)])

    def test_files_survive_every_end_and_count_once(self):
        self.office.start()
        wanted = {}
        for number in range(4):
            text, rows = figures(40, first=1000 * (number + 1), measure=MEASURES[number])
            self.office.drop(f"tep-{number}.csv", text)
            self.office.saved(f"tep-{number}.csv")
            wanted[number] = rows
            self.office.kill()
            self.office.start()
        self.assertIn("40", self.office.text(self.office.find(self.office.sent, "tep-0.csv – đã lưu")))
        self.centre.start_enrolled()
        self.office.kill()
        self.centre.kill()
        self.centre.start()
        self.office.start()
        for number in range(4):
            self.office.received(f"tep-{number}.csv")
            self.assertEqual(self.centre.standing("927", MEASURES[number]), wanted[number])
            self.assertEqual(len(self.centre.versions("927", MEASURES[number])), 40, "nothing counts twice")
        self.assertEqual(sorted(path.name for path in self.office.inbox.iterdir()), [])
        self.assertEqual(len(list(self.office.sent.iterdir())), 8, "a file and one note each")
        self.assertEqual(list(self.office.rejected.iterdir()), [])

    def test_what_the_centre_refuses_comes_back_with_its_reason(self):
        """Before it was ever connected the office cannot know that 96 is another office's."""
        self.office.start()
        self.office.drop("nham.csv", HEADING + "96,bhyt,2024-04-30,5\n927,bhyt,2024-04-30,85254\n927,bhyt,2024-02-30,1\n")
        self.office.drop("tot.csv", HEADING + "927,bhxh_tn,2024-04-30,1530\n")
        for name in ("nham.csv", "tot.csv"):
            self.office.saved(name)
        self.assertEqual([row["to"] for row in self.rows(self.office.returned("nham.csv"))], ["2024-02-30"])
        for path in list(self.office.rejected.iterdir()):
            path.unlink()  # the officer has seen it
        self.centre.start_enrolled()
        received = self.office.text(self.office.received("nham.csv"))
        self.assertIn("từ chối", received)
        self.office.received("tot.csv")
        reasons = self.office.reasons("nham.csv")
        self.assertIn("D2: ", reasons)
        rows = self.rows(self.office.returned("nham.csv"))
        self.assertEqual([row["unit"] for row in rows], ["96", "927"])
        self.assertTrue(all(row["Lý do"] for row in rows))
        self.assertEqual(self.centre.versions("927", "bhyt"), [])
        self.assertEqual(self.centre.standing("927", "bhxh_tn"), {"2024-04-30": 1530})
        # Mended and dropped in again, as the note says.
        returned = self.office.returned("nham.csv")
        self.office.drop("nham da sua.csv", returned.read_bytes().replace(b"\r\n96,", b"\r\n927,"))
        wait_until(lambda: self.centre.standing("927", "bhyt") == {"2024-04-30": 85254} or
                   self.office.find(self.office.rejected, "nham da sua.csv"), "the mended rows count or are said to contradict")

    def test_a_wrong_clock_does_not_hold_the_office_up(self):
        """Saved while this machine's clock was ten days ahead; the centre puts it off, and by both days it is too early."""
        ahead = (datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))) + datetime.timedelta(days=9)).date().isoformat()
        self.office.environment.update(LD_PRELOAD=str(test_articles.BUILD / "tests" / "libwrong_clock.so"), WRONG_CLOCK_DAYS="10")
        self.office.start()
        self.office.drop("som.csv", HEADING + f"927,bhyt,{ahead},5\n")
        self.office.saved("som.csv")
        self.office.drop("dung.csv", HEADING + "927,bhyt,2024-04-30,85254\n")
        self.office.saved("dung.csv")
        self.office.kill()
        del self.office.environment["LD_PRELOAD"]
        self.office.start()
        self.centre.start_enrolled()
        self.office.received("dung.csv")
        self.assertEqual(self.centre.standing("927", "bhyt"), {"2024-04-30": 85254})
        self.assertEqual([row["to"] for row in self.rows(self.office.returned("som.csv"))], [ahead])

    def test_commands_say_when_the_agent_does_not_run(self):
        done = self.office.run("status", code=3)
        self.assertIn("not running", done.stderr)
        self.assertIn("không chạy", self.office.run("status", code=3, lang="vi").stderr)
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "5", code=3)

    def test_one_agent_a_folder_and_clean_ends(self):
        self.office.start()
        other = Office(pathlib.Path(self.scene.directory.name) / "other", self.centre, name="a-luoi")
        other.config.write_text(other.config.read_text(encoding="utf-8").replace(str(other.folder), str(self.office.folder)), encoding="utf-8")
        self.assertEqual(other.start_failing(), 75)
        self.assertIn(str(self.office.folder), other.log)
        twin = Office(pathlib.Path(self.scene.directory.name) / "twin", self.centre)
        twin.config.write_text(twin.config.read_text(encoding="utf-8").replace(str(twin.data), str(self.office.data)), encoding="utf-8")
        self.assertEqual(twin.start_failing(), 75)
        self.assertEqual(self.office.stop(), 0)
        self.assertFalse((self.office.directory / "socket").exists())
        wrong = self.office.config.read_text(encoding="utf-8") + 'flder = "/x"\n'
        self.office.config.write_text(wrong, encoding="utf-8")
        self.assertEqual(self.office.start_failing(), 78)
        self.assertIn("flder", self.office.log)

    def test_vietnamese_names_in_any_form_and_files_that_are_none(self):
        self.office.start()
        name = "Báo cáo Thới Lai tháng 4.csv"
        self.office.drop(unicodedata.normalize("NFD", name), HEADING + "927,bhyt,2024-04-30,85254\n")
        self.office.saved(name)
        self.office.drop(name, HEADING + "927,bhyt,2024-05-31,85300\n")
        self.office.saved("Báo cáo Thới Lai tháng 4 (2).csv")
        (self.office.inbox / "~$x.xlsx").write_bytes(b"lock")
        (self.office.inbox / "Tháng 5").mkdir()
        self.office.drop("hỏng.xlsx", b"PK\x03\x04 this is no workbook")
        self.assertIn("hỏng.xlsx", self.office.reasons("hỏng.xlsx"))
        self.assertTrue((self.office.rejected / "hỏng.xlsx").exists())
        self.assertTrue((self.office.inbox / "~$x.xlsx").exists())
        wait_until(lambda: "Tháng 5" in self.office.state(), "what stays in inbox is named")
        self.assertEqual([row["file"] for row in self.office.json("list")], ["Báo cáo Thới Lai tháng 4 (2).csv", name])

    def test_help_in_both_languages(self):
        overview = self.office.run("help").stdout
        verbs = [line.split()[0] for line in overview.splitlines() if line.startswith("  ") and not line.startswith("  baophu")]
        self.assertGreaterEqual(set(verbs), {"run", "report", "template", "status", "list", "undo", "new-series", "check"})
        for verb in verbs:
            english, vietnamese = (self.office.run(verb, "--help", lang=lang).stdout for lang in ("en", "vi"))
            self.assertIn("Examples:", english)
            self.assertIn("Ví dụ:", vietnamese)
        self.assertIn("report", self.office.run("reprt", code=2).stderr)
        self.assertIn("folder", self.office.run("check").stdout)


class WithACentre(OfficeTest):
    def setUp(self):
        super().setUp()
        self.start()

    def test_rows_that_are_wrong_come_back_and_the_rest_counts(self):
        self.office.drop("thang-4.csv", HEADING + "927,bhyt,2024-04-30,85254\n927,bhyt,2024-02-30,5\n927,bhxh_tn,2024-04-30,1.234%\n")
        self.office.received("thang-4.csv")
        self.assertEqual(self.centre.standing("927", "bhyt"), {"2024-04-30": 85254})
        rows = self.rows(self.office.returned("thang-4.csv"))
        self.assertEqual([row["to"] for row in rows], ["2024-02-30", "2024-04-30"])
        self.assertTrue(rows[0]["Lý do"].startswith("C3"), rows[0])
        self.assertIn("C3", self.office.reasons("thang-4.csv"))
        done = self.office.run("report", self.write("a.csv", HEADING + "927,bhyt,2024-02-30,5\n927,bhyt,2024-05-31,6\n"), code=5)
        self.assertIn("C2", done.stderr)
        self.office.run("report", self.write("b.csv", HEADING + "927,bhyt,2024-02-30,5\n"), code=6)
        self.office.returned("b.csv")

    def write(self, name, text):
        path = pathlib.Path(self.scene.directory.name) / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_a_dry_run_says_what_would_be_and_saves_nothing(self):
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85.254")
        wait_until(lambda: self.centre.standing("927", "bhyt"), "the figure counts")
        path = self.write("thang-4.csv", HEADING + "927,bhyt,2024-04-30,85300\n927,bhyt,2024-03-31,85254\n927,bhxh_tn,2024-02-30,1\n")
        counts = self.office.json("report", path, "--dry-run", code=5)[0]
        self.assertEqual([counts[key] for key in ("figures", "added", "changed", "same", "rejected", "batch")], [2, 1, 1, 0, 1, None])
        self.assertEqual(len(self.office.json("list")), 1)
        self.assertEqual(list(self.office.rejected.iterdir()), [])

    def test_a_batch_is_taken_back_and_what_stood_before_stands_again(self):
        self.office.drop("dau.csv", HEADING + "927,bhyt,2024-04-30,85254\n")
        self.office.received("dau.csv")
        self.office.drop("nham.csv", HEADING + "927,bhyt,2024-04-30,99999\n927,bhxh_tn,2024-04-30,7\n927,bhxh_bb,2024-04-30,8\n")
        self.office.received("nham.csv")
        batch = self.office.json("list")[0]["batch"]
        self.office.run("report", "--unit", "927", "--measure", "bhxh_bb", "--date", "30/4/2024", "2882")
        done = self.office.run("undo", batch, "--dry-run")
        self.assertIn("taken back: 2", done.stdout)
        done = self.office.run("undo", batch)
        self.assertIn("figures left: 1", done.stderr)
        wait_until(lambda: self.office.json("list")[0]["state"] == "received", "the undo is received")
        self.assertEqual(self.centre.standing("927", "bhyt"), {"2024-04-30": 85254})
        self.assertEqual(self.centre.standing("927", "bhxh_tn"), {})
        self.assertEqual(self.centre.standing("927", "bhxh_bb"), {"2024-04-30": 2882})
        self.assertEqual(self.office.json("list")[0]["undoes"], batch)
        self.office.run("undo", batch, code=1)
        self.office.run("undo", "99999", code=1)

    def test_the_offices_own_form_filled_in_by_another_program_counts(self):
        import openpyxl
        path = pathlib.Path(self.scene.directory.name) / "bieu.xlsx"
        self.office.run("template", "--out", path, "--period", "tháng 4/2024", "--measure", "bhyt")
        book = openpyxl.load_workbook(path)
        sheet = book.active
        row = next(cell.row for column in sheet.iter_cols() for cell in column if str(cell.value) == "927")
        column = next(cell.column for cells in sheet.iter_rows() for cell in cells if cell.value == "#so-lieu:bhyt")
        sheet.cell(row, column, 85254)
        filled = io.BytesIO()
        book.save(filled)
        self.office.drop("bieu.xlsx", filled.getvalue())
        self.office.received("bieu.xlsx")
        self.assertEqual(self.centre.standing("927", "bhyt"), {"2024-04-30": 85254})

    def test_two_copies_of_the_data_are_told_what_to_do(self):
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "1")
        wait_until(lambda: self.centre.standing("927", "bhyt"), "the figure counts")
        self.assertEqual(self.office.stop(), 0)
        shutil.copytree(self.office.data, self.office.directory / "copy")
        self.office.start()
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "2")
        wait_until(lambda: 2 in self.centre.standing("927", "bhyt").values(), "the figure counts")
        self.assertEqual(self.office.stop(), 0)
        shutil.rmtree(self.office.data)
        (self.office.directory / "copy").rename(self.office.data)
        self.office.start()
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "3")
        wait_until(lambda: "new-series" in self.office.log, f"the agent says what to do\n{self.office.log}")
        self.office.run("status", code=1)
        self.office.run("new-series")
        wait_until(lambda: 3 in self.centre.standing("927", "bhyt").values(), f"what waited counts\n{self.office.log}")
        self.office.run("status")
        self.office.run("new-series", code=1)

    def test_a_centre_put_back_to_an_older_copy_is_complete_again(self):
        self.office.drop("a.csv", HEADING + "927,bhyt,2024-04-30,85254\n")
        self.office.received("a.csv")
        self.assertEqual(self.centre.stop(), 0)
        shutil.copytree(self.centre.data, self.centre.directory / "copy")
        self.centre.start()
        text, wanted = figures(30)
        self.office.drop("b.csv", text)
        self.office.received("b.csv")
        self.centre.kill()
        shutil.rmtree(self.centre.data)
        (self.centre.directory / "copy").rename(self.centre.data)
        self.centre.start()
        wait_until(lambda: self.centre.standing("927", "bhyt") == {**wanted, "2024-04-30": 85254}, "the office refills the centre")
        self.assertTrue(self.office.received("b.csv"))

    def test_what_is_held_is_shown_until_the_centre_has_decided(self):
        """Units that the centre does not know: one is created, and its update goes on; the other's is refused, and its row comes back."""
        self.office.kill()
        (self.office.data / "mirror").unlink()
        self.centre.kill()
        self.office.start()
        for name, unit in (("a.csv", "92791"), ("b.csv", "92792")):
            self.office.drop(name, HEADING + f"{unit},bhyt,2024-04-30,5\n")
            self.office.saved(name)
        self.centre.start()
        for name in ("a.csv", "b.csv"):
            self.assertIn("chờ trung tâm quyết định", self.office.text(self.office.received(name)))
        self.assertEqual([row["state"] for row in self.office.json("list")], ["held", "held"])
        held = {row["unit"]: row["seq"] for row in self.centre.rows("held", "list")}
        self.centre.run("unit", "import", self.write("new.csv", "change,date,code,name,level,parent\n"
                                                                "create,2012-01-01,92791,Ấp Mới,commune,927\n"), output=None)
        self.centre.run("held", "refuse", held["92792"], output=None)
        self.office.kill()
        self.office.start()
        wait_until(lambda: sorted(row["state"] for row in self.office.json("list")) == ["received", "refused"], "both are decided")
        self.assertEqual(self.centre.standing("92791", "bhyt"), {"2024-04-30": 5})
        self.assertEqual([row["unit"] for row in self.rows(self.office.returned("b.csv"))], ["92792"])
        wait_until(lambda: "Tất cả đã được tính" in self.office.text(self.office.received("a.csv")), "the note says that it counts")

    def test_of_held_percentages_and_withdrawals_too_it_is_told_what_became(self):
        self.office.kill()
        (self.office.data / "mirror").unlink()
        self.centre.kill()
        self.office.start()
        sent = (("made.csv", "92791", '"92,62%"'), ("not.csv", "92792", '"92,62%"'), ("undone.csv", "92791", "5"), ("left.csv", "92792", "5"))
        for name, unit, value in sent:
            self.office.drop(name, HEADING + f"{unit},bhyt,2024-04-30,{value}\n")
            self.office.saved(name)
        for batch in (3, 4):
            self.office.run("undo", batch)
        self.centre.start()
        states = lambda: {row["batch"]: row["state"] for row in self.office.json("list")}
        wait_until(lambda: states() == {batch: "held" for batch in range(1, 7)}, "all are held")
        self.centre.run("unit", "import", self.write("new.csv", "change,date,code,name,level,parent\n"
                                                                "create,2012-01-01,92791,Ấp Mới,commune,927\n"), output=None)
        for row in self.centre.rows("held", "list"):
            if row["unit"] == "92792":
                self.centre.run("held", "refuse", row["seq"], output=None)
        self.office.kill()
        self.office.start()
        wait_until(lambda: states() == {1: "received", 2: "refused", 3: "received", 4: "refused", 5: "received", 6: "refused"},
                   f"all are decided {states()}")
        self.assertEqual(self.centre.versions("92791", "bhyt")[0][:2], ("2024-04-30", 5))
        self.assertEqual(self.centre.standing("92791", "bhyt"), {}, "and taken back")

    def test_killed_again_and_again_it_loses_nothing_and_counts_nothing_twice(self):
        seed = int.from_bytes(os.urandom(4), "big")
        chance = random.Random(seed)
        wanted, told = {}, {}
        for turn in range(12):
            text, rows = figures(25, first=1000 * (turn + 1), measure=MEASURES[turn % 4])
            rows = {date.replace("2024", str(2012 + turn // 4)): value for date, value in rows.items()}
            self.office.drop(f"tep-{turn}.csv", text.replace(",2024-", f",{2012 + turn // 4}-"))
            wanted.setdefault(MEASURES[turn % 4], {}).update(rows)
            date = f"{turn + 1}/6/2020"
            command = subprocess.Popen([self.office.program, "report", "--unit", "927", "--measure", "bhyt", "--date", date, str(turn)],
                                       env={**os.environ, "BAOPHU_AGENT_CONFIG": str(self.office.config)}, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.15)
            if turn % 3 == 2:
                self.centre.kill()
                self.centre.start()
            self.office.kill()
            told[f"2020-06-{turn + 1:02d}"] = (turn, command.wait(60) == 0)
            self.office.start()
        for turn in range(12):
            self.office.received(f"tep-{turn}.csv")
        wait_until(lambda: all(row["state"] == "received" for row in self.office.json("list", "--limit", "100")), "all is received")
        for measure, rows in wanted.items():
            versions = [version for version in self.centre.versions("927", measure) if not version[0].startswith("2020")]
            self.assertEqual({to: value for to, value, stands in versions if stands}, rows, f"seed {seed}")
            self.assertEqual(len(versions), len(rows), f"seed {seed}")
        alone = [version for version in self.centre.versions("927", "bhyt") if version[0].startswith("2020")]
        self.assertEqual(len(alone), len({to for to, _, _ in alone}), f"seed {seed}: {alone}")
        for date, (value, is_saved) in told.items():
            self.assertIn({to: figure for to, figure, _ in alone}.get(date), [value] if is_saved else [value, None], f"seed {seed}: {date}")
        self.assertEqual(list(self.office.inbox.iterdir()) + list((self.office.folder / ".baophu" / "taken").iterdir()), [])
        self.assertEqual(len(list(self.office.sent.iterdir())), 24, sorted(path.name for path in self.office.sent.iterdir()))

    def test_the_memory_of_the_agent_does_not_grow_with_what_waits(self):
        self.centre.kill()
        text, _ = figures(300)
        for number in range(20):
            self.office.drop(f"tep-{number}.csv", text)
        for number in range(20):
            self.office.saved(f"tep-{number}.csv")
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.office.process.pid}/status").read_text().splitlines())
        self.assertLess(int(fields["VmRSS"].split()[0]), 16 * 1024, fields["VmRSS"])


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1))
    os.environ.pop("JOURNAL_STREAM", None)
    unittest.main()
