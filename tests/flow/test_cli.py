#!/usr/bin/python3
"""The command line against a running centre: exit codes, messages with line and fix, dry runs, held updates, the live view.

usage: test_cli.py BUILD_DIR [unittest arguments]

What the figures are is held to account in test_articles.py; here it is what the commands do with good and bad input.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import unicodedata
import unittest

import test_articles
from office import wait_until
from test_articles import ARTICLES, WAIT_S, Centre


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.centre = Centre()
        cls.addClassCleanup(cls.centre.close)
        cls.centre.import_articles()
        cls.directory = pathlib.Path(cls.centre.directory.name)

    def run_ends(self, code, *arguments, output=None):
        done = self.centre.run(*arguments, check=False, output=output)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def file(self, text, name="figures.csv"):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_help_is_there_for_every_command_in_both_languages(self):
        overview = self.run_ends(0, "help").stdout
        commands = [line.split()[:2] for line in overview.splitlines() if line.startswith("  ") and not line.startswith("  baophu")]
        self.assertEqual(len(commands), 30)
        for noun, verb in commands:
            english, vietnamese = (self.run_ends(0, noun, verb, "--help", "--lang", language).stdout for language in ("en", "vi"))
            self.assertIn("Examples:", english)
            self.assertIn("Ví dụ:", vietnamese)
            self.assertNotEqual(english, vietnamese)

    def test_usage_errors_suggest_the_nearest_word(self):
        for arguments, hint in ((("covrage",), "baophu coverage"), (("coverage", "bhind", "92"), "baophu coverage behind"),
                                (("coverage", "show", "92", "--as-off", "2024-04-30"), "--as-of"),
                                (("coverage", "show", "92", "--measure", "bhxhtn"), "bhxh_tn"),
                                (("report", "send", "927", "bhxh_tn", "5", "--to", "2024-04-30", "--status", "finl"), "final")):
            self.assertIn(hint, self.run_ends(2, *arguments).stderr)
        self.run_ends(2, "coverage", "show")
        self.run_ends(2, "coverage", "show", "92", "93")
        self.run_ends(2, "coverage", "show", "92", "--as-of", "2024-02-30")
        self.run_ends(2, "coverage", "show", "92", "--excel")
        self.run_ends(2, "coverage", "behind", "481")
        self.run_ends(2, "coverage", "show", "92", "--since", "2024-05-01", "--as-of", "2024-04-30")
        self.run_ends(2, "agent", "open", "thoi-lai", "-x")
        self.run_ends(2, "agent", "open", "thoi-lai", "first")

    def test_names_find_units_and_unknown_ones_are_said(self):
        for name in ("Cần Thơ", "can tho", "CẦN THƠ"):
            rows = self.centre.rows("coverage", "show", name, "--depth", "0", "--as-of", "2024-04-30")
            self.assertEqual({row["unit"] for row in rows}, {"92"})
        self.assertIn("no unit", self.run_ends(2, "coverage", "show", "Atlantis").stderr)
        self.assertIn("99999", self.run_ends(2, "coverage", "show", "99999").stderr)

    def test_no_centre_is_exit_3(self):
        nowhere = f"ipc://{self.directory}/nowhere"
        for arguments in (("coverage", "show", "92", "--query", nowhere), ("server", "stop", "--control", nowhere),
                          ("coverage", "watch", "92", "--once", "--publish", nowhere),
                          ("report", "send", "927", "bhxh_tn", "5", "--to", "2024-04-30", "--agent", "thoi-lai", "--ingest", nowhere)):
            self.run_ends(3, *arguments, "--timeout", "1")

    def test_who_may_not_is_exit_4(self):
        self.assertIn("AGENT_UNKNOWN", self.run_ends(4, "report", "send", "927", "bhxh_tn", "5", "--to", "2024-04-30", "--agent", "nobody").stderr)
        self.assertIn("NOT_OWNER", self.run_ends(4, "report", "send", "96", "bhxh_tn", "5", "--to", "2024-04-30", "--agent", "thoi-lai").stderr)

    def test_a_number_is_never_guessed(self):
        done = self.run_ends(2, "report", "send", "927", "bhxh_tn", "1.234", "--to", "2024-04-30", "--agent", "thoi-lai")
        self.assertIn("1234", done.stderr)
        self.assertIn("1 and 234 thousandths", done.stderr)
        path = self.file("unit,measure,to,value\n927,bhxh_tn,2024-04-30,1.234\n")
        done = self.run_ends(6, "report", "import", path, "--agent", "thoi-lai")
        self.assertIn('line 2, column “value”', done.stderr)

    def test_a_file_with_some_wrong_rows_changes_nothing(self):
        before = self.centre.rows("coverage", "history", "927", "--measure", "bhyt")
        path = self.file("unit,measure,to,value\n927,bhyt,2024-05-31,86000\n927,bhyt,2024-06-31,87000\n927,bhyt,2024-07-31,\n")
        done = self.run_ends(5, "report", "import", path, "--agent", "thoi-lai", "--lang", "vi")
        self.assertIn("dòng 3, cột «to»", done.stderr)
        self.assertIn("dòng 4, cột «value»", done.stderr)
        self.assertEqual(self.centre.rows("coverage", "history", "927", "--measure", "bhyt"), before)

    def test_what_the_centre_refuses_is_named_by_line(self):
        path = self.file("unit,measure,to,value\n927,bhyt,2024-05-31,86000\n\n96,bhyt,2024-05-31,5\n")
        done = self.run_ends(4, "report", "import", path, "--agent", "thoi-lai")
        self.assertIn("line 4", done.stderr)
        self.assertIn("NOT_OWNER", done.stderr)
        self.assertIn("nothing of the file was applied", done.stderr)
        path = self.file("unit,measure,to,value\n927,nonsense,2024-05-31,86000\n")
        self.assertIn("line 2", self.run_ends(6, "report", "import", path, "--agent", "thoi-lai").stderr)

    def test_a_dry_run_counts_and_sends_nothing(self):
        before = self.centre.rows("server", "status")[0]["seq"]
        path = self.file("unit,measure,to,value,origin\n927,bhxh_bb,2024-04-30,2882,published\n927,bhxh_bb,2024-03-31,2800,\n"
                         "927,bhyt,2024-04-30,85255,published\n")
        counts = json.loads(self.run_ends(0, "report", "import", path, "--agent", "thoi-lai", "--dry-run", output="json").stdout)
        self.assertEqual(counts, [{"rows": 3, "added": 1, "changed": 1, "unchanged": 1}])
        path = self.file("unit,measure,to,value,from\n927,bhxh_b,2024-04-30,1,\n99999,bhyt,2024-04-30,1,\n927,bhyt,2024-04-30,1,2024-04-01\n")
        done = self.run_ends(6, "report", "import", path, "--agent", "thoi-lai", "--dry-run")
        for said in ("line 2, column “measure”", "`bhxh_bb`", "line 3, column “unit”", "line 4, column “from”"):
            self.assertIn(said, done.stderr)
        plans = json.loads(self.run_ends(0, "plan", "import", ARTICLES / "plans.csv", "--dry-run", "--numbers", "vi", output="json").stdout)
        self.assertEqual((plans[0]["added"], plans[0]["changed"]), (0, 0))
        nowhere = f"ipc://{self.directory}/nowhere"
        done = self.run_ends(0, "plan", "import", ARTICLES / "plans.csv", "--dry-run", "--numbers", "vi", "--query", nowhere,
                             "--timeout", "1")
        self.assertIn("only the file itself", done.stderr)
        self.assertEqual(self.centre.rows("server", "status")[0]["seq"], before)

    def test_a_receipt_says_what_the_figure_did(self):
        send = ("report", "send", "927", "bhxh_tn")
        tail = ("--to", "30/04/2024", "--agent", "thoi-lai", "--lang", "vi")
        said = self.run_ends(0, *send, "1600", *tail).stdout
        self.assertRegex(said, r"^Thới Lai · BHXH tự nguyện: 1\.600 người, đạt 56,00% kế hoạch nam-2024 \(2\.857\), biên nhận \d+\n$")
        self.assertRegex(self.run_ends(0, *send, "withdraw", *tail).stdout, r": 1\.530 người, đạt 53,55% kế hoạch nam-2024")
        receipt = json.loads(self.run_ends(0, *send, "1530", *tail, output="json").stdout)[0]
        self.assertEqual((receipt["verdict"], receipt["code"], receipt["agent"]), ("applied", None, "thoi-lai"))
        rows = self.centre.rows("coverage", "show", "927", "--depth", "0", "--min-seq", receipt["seq"], "--as-of", "2024-04-30")
        self.assertGreaterEqual(rows[0]["seq"], receipt["seq"])

    def test_what_is_held_is_listed_released_or_refused(self):
        send = ("report", "send", "92999", "bhyt")
        tail = ("--to", "2024-04-30", "--agent", "can-tho")
        done = self.run_ends(5, *send, "7", *tail, output="json")
        first = json.loads(done.stdout)[0]
        self.assertEqual((first["verdict"], first["code"], first["entry"]), ("held", "UNIT_UNKNOWN", 0))
        self.assertIn("what to do", done.stderr)
        second = json.loads(self.run_ends(5, *send, "8", *tail, output="json").stdout)[0]
        held = self.centre.rows("held", "list")
        self.assertEqual([(row["seq"], row["unit"], row["code"]) for row in held],
                         [(first["seq"], "92999", "UNIT_UNKNOWN"), (second["seq"], "92999", "UNIT_UNKNOWN")])
        self.assertIn("Entry", self.run_ends(0, "held", "list").stdout)
        self.run_ends(6, "held", "release", first["seq"])  # nothing has changed yet
        self.run_ends(0, "held", "refuse", second["seq"])
        path = self.file("date,code,name,level,parent\n2012-01-01,92999,Quận Thử,district,92\n", "unit.csv")
        self.run_ends(0, "unit", "import", path)
        wait_until(lambda: self.centre.rows("held", "list") == [], "the unit is there, so it goes on by itself")
        history = self.centre.rows("coverage", "history", "92999", "--measure", "bhyt")
        self.assertEqual([(row["value"], row["stands"]) for row in history], [(7, True)])

    def test_a_plan_is_set_revised_and_taken_back(self):
        plan = ("thu-2024", "927", "bhyt")
        period = ("--from", "2024-01-01", "--to", "2024-12-31")
        self.run_ends(0, "plan", "set", *plan, "100000", *period, "--issuer", "BHXH TP Cần Thơ")
        self.run_ends(0, "plan", "set", *plan, "110.000", *period, "--numbers", "vi")
        listed = self.centre.rows("plan", "list", "--plan", "thu-2024")
        self.assertEqual([(row["value"], row["revision"]) for row in listed], [(110000, 2)])
        self.run_ends(0, "plan", "set", *plan, *period, "--remove")
        self.run_ends(2, "plan", "set", *plan, "5")
        self.assertEqual(self.centre.rows("plan", "list", "--plan", "thu-2024"), [])

    def test_lines_are_watched_as_people_write_them_and_no_longer(self):
        def lines(*arguments):
            return [(row["line"], row["plan_code"]) for row in self.centre.rows("threshold", "list", *arguments)]
        self.assertEqual(lines(), [("0", None), ("50", None), ("100", None)])
        said = self.run_ends(0, "threshold", "set", "97,50 %", "--lang", "vi").stdout
        self.assertRegex(said, r"^đã theo dõi mốc 97,5% của mọi kế hoạch, biên nhận \d+\n$")
        for again in (("97.5%",), ("97.5", "--plan", "nam-2024")):
            for dry in ((), ("--dry-run",)):
                self.assertIn("watched already", self.run_ends(6, "threshold", "set", *again, *dry).stderr)
        self.run_ends(0, "threshold", "set", "40", "--plan", "nam-2019", "--dry-run")
        receipt = json.loads(self.run_ends(0, "threshold", "set", "40", "--plan", "nam-2019", output="json").stdout)[0]
        self.assertEqual((receipt["verdict"], receipt["agent"], receipt["entries"]), ("applied", "control", 1))
        self.assertEqual(lines(), [("0", None), ("50", None), ("97.5", None), ("100", None), ("40", "nam-2019")])
        self.assertEqual(lines("--plan", "nam-2024"), [("0", None), ("50", None), ("97.5", None), ("100", None)])
        table = self.run_ends(0, "threshold", "list", "--lang", "vi").stdout
        self.assertIn("\n97,5%  mọi kế hoạch", table)
        for text, said in (("1000,1", "from 0 to 1000%"), ("33.33333", "at most 4 decimals"), ("0,0000001", "at most 4 decimals"),
                           ("99999999999999999999", "from 0 to 1000%"), ("1.000", "whole number 1000"), ("nửa", "is not a number")):
            self.assertIn(said, self.run_ends(2, "threshold", "set", text).stderr)
        for dry in ((), ("--dry-run",)):
            self.assertIn("no such plan" if not dry else "there is no plan “khong-co”",
                          self.run_ends(6, "threshold", "set", "20", "--plan", "khong-co", *dry).stderr)
            self.assertIn("no such line is watched", self.run_ends(6, "threshold", "remove", "40", *dry).stderr)
        for percent in range(1, 12):  # with the five above: 16
            self.run_ends(0, "threshold", "set", f"{percent},25")
        for dry in ((), ("--dry-run",)):
            done = self.run_ends(6, "threshold", "set", "60", *dry, "--lang", "vi")
            self.assertIn("đã theo dõi 16 mốc", done.stderr)
        for percent in range(1, 12):
            self.run_ends(0, "threshold", "remove", f"{percent}.25")
        self.run_ends(0, "threshold", "remove", "40", "--plan", "nam-2019")
        said = self.run_ends(0, "threshold", "remove", "97,5", "--lang", "vi").stdout
        self.assertRegex(said, r"^thôi theo dõi mốc 97,5% của mọi kế hoạch, biên nhận \d+\n$")
        self.assertEqual(lines(), [("0", None), ("50", None), ("100", None)])

    def test_who_crossed_a_line_is_listed_in_order(self):
        period = ("--from", "2024-01-01", "--to", "2024-12-31")
        self.run_ends(0, "plan", "set", "moc-2024", "927", "bhxh_bb", "1000", *period)
        since = self.centre.rows("server", "status")[0]["seq"]
        send = ("report", "send", "927", "bhxh_bb")
        tail = ("--to", "2024-12-31", "--agent", "thoi-lai", "--status", "estimate")
        receipts = [json.loads(self.run_ends(0, *send, value, *tail, output="json").stdout)[0]["seq"] for value in (499, 500, 499, 1000)]
        asked = ("event", "list", "Thới Lai", "--plan", "moc-2024", "--measure", "bhxh_bb", "--since", since, "--min-seq", receipts[-1])
        rows = self.centre.rows(*asked)
        self.assertEqual([(row["seq"], row["line"], row["direction"], row["numerator"], row["percent"], row["nth"]) for row in rows],
                         [(receipts[0], "50", "down", 499, "49.90", 1), (receipts[0], "100", "down", 499, "49.90", 1),
                          (receipts[1], "50", "up", 500, "50.00", 2), (receipts[2], "50", "down", 499, "49.90", 3),
                          (receipts[3], "50", "up", 1000, "100.00", 4), (receipts[3], "100", "up", 1000, "100.00", 2)])
        self.assertEqual([row["number"] is None for row in rows], [False, False, False, True, True, False])
        self.assertEqual([(row["unit"], row["unit_name"], row["target"], row["id"]) for row in rows],
                         [("927", "Thới Lai", 1000, f"{row['seq']}.{row['index']}") for row in rows])
        self.assertEqual(self.centre.rows(*asked, "--limit", "4"), rows[-4:])
        self.assertEqual({row["cause"] for row in rows}, {0}, "each update had one entry")
        self.assertEqual(self.centre.rows("event", "list", "927", "--plan", "moc-2024", "--since", receipts[1]), rows[3:])
        self.assertEqual(self.centre.rows("event", "list", "92", "--plan", "moc-2024", "--since", since), rows)
        self.assertEqual(self.centre.rows("event", "list", "92", "--depth", "0", "--plan", "moc-2024"), [])
        self.assertEqual(self.centre.rows(*asked, "--to", "2020-01-01"), [])
        self.assertEqual(self.centre.rows("event", "list", "927", "--plan", "moc-2024"), rows)  # a target that is set crosses nothing
        table = self.run_ends(0, *asked, "--lang", "vi").stdout
        for words in ("Thới Lai", "BHXH bắt buộc", "tụt xuống dưới 50%", "đạt 100%", "49,90%", "lần thứ "):
            self.assertIn(words, " ".join(table.split()))

    def test_what_no_event_can_be_asked_of_is_said(self):
        for code, said, arguments in ((2, "the centre knows no unit 99x9", ("99x9",)), (2, "no unit is called", ("Xứ Mơ",)),
                                      (2, "there is no plan “khong-co”", ("--plan", "khong-co")), (2, "did you mean `bhxh_tn`", ("-m", "bhxhtn")),
                                      (1, "the log has no place 999999 yet", ("--since", "999999")),
                                      (2, "--from is after --to", ("--from", "2024-05-01", "--to", "2024-04-30")),
                                      (0, "no unit there crossed a line", ("VN", "--depth", "0"))):
            self.assertIn(said, self.run_ends(code, "event", "list", *arguments).stderr)

    def test_a_grant_ends_and_late_figures_still_come(self):
        path = self.file("agent,unit,measures,from,until\nso-yte,96,bhyt danso,2024-01-01,\n", "agents.csv")
        self.run_ends(0, "agent", "import", path)
        send = ("report", "send", "96", "danso", "2606672", "--agent", "so-yte", "--to")
        self.run_ends(0, *send, "2024-06-30")
        path = self.file("agent,unit,measures,from,until\nso-yte,96,bhyt danso,2024-01-01,2024-06-30\n", "agents.csv")
        self.run_ends(0, "agent", "import", path, "--revoke")
        self.run_ends(4, *send, "2024-07-01")
        self.run_ends(0, *send, "2024-06-29")

    def test_a_large_file_takes_effect_at_one_place(self):
        lines = ["unit,measure,from,to,value"]
        lines += [f"96,sukien,{year}-{month:02}-{day:02},{year}-{month:02}-{day:02},1"
                  for year in (2021, 2022) for month in range(1, 13) for day in range(1, 29)]
        done = self.run_ends(0, "report", "import", self.file("\n".join(lines)), "--agent", "ca-mau", output="json")
        receipt = json.loads(done.stdout)[0]
        self.assertEqual((receipt["verdict"], receipt["entries"]), ("applied", 672))
        history = self.centre.rows("coverage", "history", "96", "--measure", "sukien")
        self.assertEqual(sum(row["seq"] == receipt["seq"] for row in history), 672)

    def test_lists_are_read_by_programs(self):
        units = self.centre.rows("unit", "list", "--depth", "1")
        self.assertEqual(len(units), 64)
        self.assertEqual(units[0]["code"], "VN")
        measures = {row["code"]: row for row in self.centre.rows("measure", "list")}
        self.assertEqual(measures["bhxh_bb"]["parent"], "bhxh")
        self.assertEqual((measures["bhyt_baophu"]["kind"], measures["bhyt_baophu"]["denominator"]), ("indicator", "danso"))
        log = self.centre.rows("log", "show", "--from", "2", "--limit", "3")
        self.assertEqual(len(log), 3)
        self.assertTrue(all(len(row["digest"]) == 64 for row in log))
        agents = {row["agent"]: row for row in self.centre.rows("agent", "list")}
        self.assertEqual(agents["a-luoi"]["units"], ["481"])

    def test_the_status_has_the_same_keys_always_and_each_once(self):
        def once(pairs):
            self.assertEqual(len(dict(pairs)), len(pairs), pairs)
            return dict(pairs)
        said = self.run_ends(0, "server", "status", output="json").stdout
        status = json.loads(said, object_pairs_hook=once)[0]
        self.assertEqual(sorted(status), sorted("version store started business_day day_held disk_full seq digest history_seq state_digest "
                                                "units facts held agents backup_seq backup_time updates entries counters".split()))
        self.assertGreater(status["counters"]["commits"], 0)
        names = [line.split("  ")[0] for line in self.run_ends(0, "server", "status").stdout.splitlines()]
        self.assertEqual(len(set(names)), len(names))
        self.assertFalse({"updates", "counter updates", "entries", "counter entries"} & set(names), names)

    def test_a_file_that_cannot_be_held_is_to_be_imported_again(self):
        lines = ["unit,measure,from,to,value"] + [f"96998,sukien,{day},{day},1" for day in
                 (f"{year}-{month:02}-{day:02}" for year in (2021, 2022) for month in range(1, 13) for day in range(1, 29))]
        done = self.run_ends(6, "report", "import", self.file("\n".join(lines)), "--agent", "ca-mau")
        self.assertIn("UNIT_UNKNOWN", done.stderr)
        self.assertIn("import it again", done.stderr)
        self.assertNotIn("held release", done.stderr)

    def test_a_date_too_far_ahead_is_named(self):
        path = self.file("unit,measure,to,value,status\n927,bhyt,2024-05-31,86000,\n927,bhyt,2099-05-31,86000,\n"
                         "927,danso,2099-05-31,86000,estimate\n")
        done = self.run_ends(6, "report", "import", path, "--agent", "thoi-lai", "--lang", "vi", output="json")
        for line in (3, 4):
            self.assertIn(f"dòng {line}, cột «to»: 31/05/2099", done.stderr)
        self.assertNotIn("dòng 2,", done.stderr)
        result = json.loads(done.stdout)[0]
        self.assertEqual((result["verdict"], result["code"], result["entry"], result["line"], result["seq"]),
                         ("refused", "CLOCK", 1, 3, None))
        done = self.run_ends(6, "report", "send", "927", "bhyt", "86000", "--to", "2099-05-31", "--agent", "thoi-lai", output="json")
        self.assertIn("“to”: 2099-05-31", done.stderr)
        result = json.loads(done.stdout)[0]
        self.assertEqual((result["verdict"], result["code"], result["line"]), ("refused", "CLOCK", None))

    def test_a_dry_run_finds_what_the_centre_would_refuse(self):
        def finds(kind, text, *said, code=6):
            done = self.run_ends(code, kind, "import", self.file(text), "--dry-run")
            for words in said:
                self.assertIn(words, done.stderr)
        self.run_ends(0, "unit", "import", self.file(
            "change,date,code,name,level,parent,successors\ncreate,2012-01-01,96996,Huyện Cũ,district,96,\n"
            "create,2020-01-01,96997,Huyện Mới,district,96,\nclose,2020-01-01,96996,,,,96997\n", "units.csv"))
        finds("report", "unit,measure,to,value,denominator,over\n927,bhyt,2099-05-31,5,,\n927,bhyt,2024-04-30,90%,plan,nam-1999\n"
              "96996,bhyt,2020-01-01,5,,\n", "line 2, column “to”: 2099-05-31", "line 3, column “over”: there is no plan “nam-1999”",
              "line 4, column “unit”: unit 96996 does not exist on 2020-01-01; the unit that took its place: 96997")
        finds("unit", "date,code,name,level,parent\n2012-01-01,92997,Thử,distict,92\n", "line 2, column “level”")
        finds("plan", "plan,unit,kind,target,from,to,value\nthu-2024,927,flow,bhyt,2024-01-01,2024-12-31,5\n"
              "thu-2024,927,stock,thu_bh,2024-01-01,2024-12-31,5\n", "line 2, column “kind”", "line 3, column “kind”")
        path = self.file("unit,measure,to,value\n927,bhxh_bb,2024-03-31,2800\n")
        said = self.run_ends(0, "report", "import", path, "--dry-run").stdout
        self.assertIn("whether the sender may report them", said)
        self.assertNotIn("right", said)
        done = self.run_ends(6, "report", "send", "92998", "bhyt", "5", "--to", "2024-04-30", "--agent", "thoi-lai", "--dry-run")
        self.assertIn("“unit”: the centre knows no unit 92998", done.stderr)
        done = self.run_ends(6, "plan", "set", "thu-2024", "927", "bhyt", "5", "--kind", "flow", "--from", "2024-01-01", "--to", "2024-12-31",
                             "--dry-run")
        self.assertIn("“kind”", done.stderr)
        counts = json.loads(self.run_ends(0, "report", "send", "927", "bhxh_bb", "5", "--to", "2024-03-31", "--agent", "thoi-lai",
                                          "--dry-run", output="json").stdout)
        self.assertEqual(counts, [{"rows": 1, "added": 1, "changed": 0, "unchanged": 0}])

    def test_only_a_frozen_epoch_can_be_opened(self):
        self.assertIn("NO_SUCH", self.run_ends(6, "agent", "open", "thoi-lai", "1").stderr)

    def test_why_there_is_no_answer_is_said_in_the_users_language(self):
        self.run_ends(0, "unit", "import", self.file(
            "change,date,code,name,level,parent,successors\ncreate,2012-01-01,96994,Huyện Trước,district,96,\n"
            "create,2020-01-01,96995,Huyện Sau,district,96,\nclose,2020-01-01,96994,,,,96995\n", "units.csv"))
        for arguments, vietnamese, english in (
                (("coverage", "show", "99x9"), "99x9: trung tâm không có địa bàn 99x9 (QUERY)", "the centre knows no unit 99x9"),
                (("coverage", "show", "96994", "--as-of", "2020-05-31"),
                 "địa bàn 96994 không tồn tại vào ngày 31/05/2020; địa bàn thay thế: 96995 (Huyện Sau) (QUERY)",
                 "unit 96994 does not exist on 2020-05-31; the unit that took its place: 96995 (Huyện Sau)"),
                (("coverage", "show", "92", "--plan", "khong-co"), "không có kế hoạch «khong-co»", "there is no plan “khong-co”")):
            self.assertIn(vietnamese, self.run_ends(2, *arguments, "--lang", "vi").stderr)
            self.assertNotRegex(self.run_ends(2, *arguments, "--lang", "vi").stderr, "no unit|not valid|has the code|successor")
            self.assertIn(english, self.run_ends(2, *arguments).stderr)
        done = self.run_ends(3, "coverage", "show", "92", "--known", "999999", "--timeout", "1", "--lang", "vi")
        self.assertRegex(done.stderr, r"nhật ký chưa có vị trí 999999; hiện mới đến \d+ \(BEHIND\)")

    def test_tables_fit_80_columns_in_both_languages(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
        since = ("--since", "2018-12-31")
        for arguments in (("coverage", "show", "VN", "--depth", "1", *since), ("coverage", "show", "481", *since),
                          ("coverage", "show", "92", "--as-of", "2024-04-30", "--since", "2024-01-31"), ("coverage", "show", "46", *since),
                          ("coverage", "behind", "481", "--plan", "nam-2019", *since), ("coverage", "behind", "92", "--plan", "nam-2024"),
                          ("coverage", "rank", "481", *since), ("coverage", "watch", "481", "--rank", "--once"), ("coverage", "watch", "46", "--once"),
                          ("coverage", "history", "481"), ("coverage", "history", "96"), ("plan", "list", "VN"), ("unit", "list", "VN"),
                          ("measure", "list"), ("agent", "list"), ("log", "show"), ("server", "status"),
                          ("threshold", "list"), ("event", "list"), ("event", "list", "92"), ("event", "list", "06")):
            for language in ("vi", "en"):
                done = self.centre.run(*arguments, "--lang", language, output=None, environment=environment)
                self.assertTrue(done.stdout)
                for line in done.stdout.splitlines():
                    self.assertLessEqual(sum(not unicodedata.combining(character) for character in line), 80, (arguments, language, line))

    def test_a_column_that_goes_below_another_takes_its_heading_along(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
        lines = self.centre.run("coverage", "history", "481", "--lang", "en", output=None, environment=environment).stdout.splitlines()
        headings = next(i for i, line in enumerate(lines) if line.startswith("─"))
        text = "\n".join(lines[:headings])
        for heading in ("Receipt", "Measure", "As of", "Figure", "Status", "Origin", "Sender", "Received", "Stands"):
            self.assertIn(heading, text)
        self.assertNotIn("From", text)  # nothing there has one
        body = "\n".join(lines[headings:])
        self.assertIn("2018-12-31", body)
        self.assertNotIn(" 481 ", body)  # a column for programs

    def test_what_lies_beyond_the_log_is_said(self):
        self.assertIn("the log ends at place ", self.run_ends(0, "log", "show", "--from", "999999").stderr)
        done = self.run_ends(3, "coverage", "show", "92", "--known", "999999", "--timeout", "1")
        self.assertIn("--known", done.stderr)
        self.assertNotIn("--min-seq", done.stderr)

    def test_a_partial_sum_is_marked_beside_its_figure(self):
        said = self.run_ends(0, "coverage", "behind", "VN", "--plan", "nam-2019", "--as-of", "2024-05-01", "--measure", "bhxh_tn").stdout
        self.assertRegex(said, r"(?m)^ +partial sum$")

    def test_levels_are_named_for_people(self):
        said = self.run_ends(0, "unit", "list", "92", "--depth", "1", "--lang", "vi").stdout
        self.assertIn("quận, huyện", said)
        self.assertNotIn("district", said)

    def test_ranks_are_shared_and_what_cannot_be_compared_has_none(self):
        ranks = [row["rank"] for row in self.centre.rows("coverage", "rank", "481", "--plan", "nam-2019", "--as-of", "2019-08-12")]
        self.assertEqual(ranks, [1] * 9 + [10] * 6 + [16] * 2 + [18] * 3 + [21])
        rows = self.centre.rows("coverage", "rank", "VN", "--as-of", "2024-05-01", "--measure", "bhxh_tn", "--plan", "nam-2019")
        self.assertEqual([(row["unit"], row["rank"], row["state"]) for row in rows if row["value"] is not None],
                         [("96", 1, "met"), ("46", None, "partial"), ("92", None, "no_plan")])

    def test_lists_keep_apart_who_has_not_reported_and_who_has_no_plan(self):
        self.run_ends(0, "plan", "set", "nhom-2024", "916", "bhyt", "200000", "--from", "2024-01-01", "--to", "2024-12-31")
        self.run_ends(0, "plan", "set", "nhom-2024", "927", "bhyt", "107332", "--from", "2024-01-01", "--to", "2024-12-31")
        arguments = ("coverage", "behind", "92", "--plan", "nhom-2024", "--as-of", "2024-04-30")
        states = {row["unit"]: row["state"] for row in self.centre.rows(*arguments)}
        self.assertEqual((states["927"], states["916"], list(states.values()).count("no_plan")), ("half", "no_report", len(states) - 2))
        table = self.run_ends(0, *arguments, "--lang", "vi").stdout
        self.assertTrue(table.startswith("chưa đạt 1/2 · Cần Thơ · BHYT (kế hoạch nhom-2024)\n"), table)
        self.assertIn("chưa báo cáo (1)", table)
        self.assertIn("Còn phải phát triển", table)

    def test_a_full_disk_is_not_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([str(test_articles.BUILD / "client" / "baophu"), "unit", "list", "-o", "json"], stdout=full,
                                  stderr=subprocess.PIPE, encoding="utf-8", timeout=WAIT_S, check=False,
                                  env={**os.environ, "BAOPHU_QUERY": self.centre.endpoints["query"]})
        self.assertEqual(done.returncode, 8, done.stderr)

    def test_csv_for_a_spreadsheet_keeps_codes_and_decimal_commas(self):
        text = self.run_ends(0, "coverage", "show", "06", "--depth", "0", "--as-of", "2021-09-30", "--excel", output="csv").stdout
        self.assertTrue(text.startswith("\ufeffrow;unit;"))
        self.assertIn('share;="06";Bắc Kạn;', text)
        self.assertIn(";15,54;", text)


class Watching(unittest.TestCase):
    def test_prints_a_proved_snapshot_then_what_changes(self):
        centre = Centre()
        self.addCleanup(centre.close)
        centre.import_articles()
        once = [json.loads(line) for line in centre.run("coverage", "watch", "92", "--once", output="jsonl").stdout.splitlines()]
        self.assertEqual({row["unit"] for row in once}, {"92", "927"})
        watch = subprocess.Popen([str(test_articles.BUILD / "client" / "baophu"), "coverage", "watch", "92", "-o", "jsonl"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                                 env={**os.environ, **{f"BAOPHU_{name.upper()}": value for name, value in centre.endpoints.items()}})
        timer = threading.Timer(WAIT_S, watch.kill)
        timer.start()
        try:
            for _ in once:
                json.loads(watch.stdout.readline())
            centre.run("report", "send", "927", "bhxh_tn", "1600", "--to", "2024-04-30", "--agent", "thoi-lai", output=None)
            row = {}
            while (row.get("unit"), row.get("row"), row.get("measure")) != ("927", "plan", "bhxh_tn"):
                row = json.loads(watch.stdout.readline())
            self.assertEqual((row["value"], row["percent"], row["plan_code"]), (1600, "56.00", "nam-2024"))
        finally:
            timer.cancel()
            watch.terminate()
            watch.wait(WAIT_S)
            watch.stdout.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
