#!/usr/bin/python3
"""The figures of examples/articles, driven through the built programs by their command line, as a person would.

usage: test_articles.py BUILD_DIR [unittest arguments]

What the articles print must come out as printed, what is computed from it must come out as worked out by hand here, and what is
contradictory must be flagged. Not tested here: the wire and the files (other tests), and how tables look.
"""

import csv
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARTICLES = ROOT / "examples" / "articles"
OFFICES = ["hue", "a-luoi", "bac-kan", "can-tho", "thoi-lai", "ca-mau"]
BUILD = pathlib.Path("build/dev")
WAIT_S = 60  # bound of every wait; nothing here takes a second


def percent(numerator, denominator, decimals):
    """100 x numerator / denominator, half up, as digits: exact integers, independent of the product's code."""
    return (100 * 10**decimals * numerator * 2 + denominator) // (2 * denominator)


def read_csv(name):
    with open(ARTICLES / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return int(text.replace(".", ""))


class Centre:
    """A daemon on a temporary directory, and the command line pointed at it."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="baophu-articles-")
        path = pathlib.Path(self.directory.name)
        self.endpoints = {name: f"ipc://{path}/{name}" for name in ("ingest", "query", "publish", "control")}
        self.log = open(f"{path}/log", "w+", encoding="utf-8")
        self.start()

    def start(self):
        """The daemon says when it is ready, as it says to systemd; so nobody has to guess."""
        path = pathlib.Path(self.directory.name)
        (path / "notify").unlink(missing_ok=True)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"{path}/notify")
        notify.settimeout(WAIT_S)
        command = [str(BUILD / "daemon" / "baophud"), "--config", "/dev/null", "--data-dir", f"{path}/data"]
        for name, endpoint in self.endpoints.items():
            command += [f"--{name}", endpoint]
        self.daemon = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                       env={**os.environ, "NOTIFY_SOCKET": f"{path}/notify"})
        try:
            while "READY=1" not in notify.recv(4096).decode():
                pass
        except TimeoutError:
            self.close()
            raise AssertionError("baophud did not become ready") from None
        finally:
            notify.close()

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(WAIT_S)

    def run(self, *arguments, check=True, output="json", environment=None):
        command = [str(BUILD / "client" / "baophu")] + [str(argument) for argument in arguments]
        if output:
            command += ["-o", output]
        environment = os.environ if environment is None else environment
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=WAIT_S, stdin=subprocess.DEVNULL, check=False,
                              env={**environment, **{f"BAOPHU_{name.upper()}": value for name, value in self.endpoints.items()},
                                   "BAOPHU_LANG": "en"})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def rows(self, *arguments):
        return json.loads(self.run(*arguments).stdout)

    def import_articles(self):
        self.run("unit", "import", ARTICLES / "units.csv", output=None)
        self.run("agent", "import", ARTICLES / "agents.csv", output=None)
        self.run("plan", "import", ARTICLES / "plans.csv", "--numbers", "vi", output=None)
        for office in OFFICES:
            self.report(office, ARTICLES / f"{office}.csv")

    def report(self, agent, path):
        self.run("report", "import", path, "--agent", agent, "--numbers", "vi", output=None)

    def import_text(self, kind, text, *arguments):
        path = pathlib.Path(self.directory.name) / "edited.csv"
        path.write_text(text, encoding="utf-8")
        return self.rows(kind, "import", path, "--numbers", "vi", *arguments)[0]["seq"]

    def close(self):
        code = self.stop()
        self.log.seek(0)
        text = self.log.read()
        self.log.close()
        self.directory.cleanup()
        if code != 0:
            raise AssertionError(f"baophud: exit {code}\n{text}")


class WorkedBackPlans(unittest.TestCase):
    """Plans that were worked back from a printed percentage, by arithmetic alone."""

    @staticmethod
    def implied():
        figures = [row for office in OFFICES for row in read_csv(f"{office}.csv")]
        for plan in read_csv("plans.csv"):
            if plan["origin"] != "implied":
                continue
            rate = next(row for row in figures if row["denominator"] == "plan" and row["over"] == plan["plan"]
                        and row["unit"] == plan["unit"] and row["measure"] == plan["target"])
            count = next(row for row in figures if not row["denominator"] and row["unit"] == plan["unit"]
                         and row["measure"] == plan["target"] and row["to"] == rate["to"])
            printed = rate["value"].rstrip("%")
            decimals = len(printed.partition(",")[2])
            yield plan, int(count["value"]), int(printed.replace(",", "")), decimals

    def test_every_interval_is_exactly_what_prints_the_published_percentage(self):
        seen = 0
        for plan, count, digits, decimals in self.implied():
            with self.subTest(plan=plan["plan"], unit=plan["unit"], target=plan["target"]):
                low, high = self.interval(plan["document"])
                self.assertTrue(low <= int(plan["value"]) <= high)
                self.assertEqual(percent(count, low, decimals), digits)
                self.assertEqual(percent(count, high, decimals), digits)
                self.assertGreater(percent(count, low - 1, decimals), digits)
                self.assertLess(percent(count, high + 1, decimals), digits)
            seen += 1
        self.assertEqual(seen, 8)

    @staticmethod
    def interval(document):
        found = re.fullmatch(r"suy ra từ [\d,]+ %: (?:chỉ có ([\d.]+)|([\d.]+) đến ([\d.]+))", document)
        if not found:
            raise AssertionError(f"no interval in «{document}»")
        only, low, high = found.groups()
        return (number(only), number(only)) if only else (number(low), number(high))

    def test_every_row_says_where_it_comes_from(self):
        for name in ["plans.csv"] + [f"{office}.csv" for office in OFFICES]:
            for row in read_csv(name):
                self.assertTrue(row["source"], (name, row))
                self.assertTrue(row["origin"], (name, row))
                if name != "plans.csv":
                    self.assertIn(row["bound"], ("exact", "more_than", "nearly"), (name, row))


class Articles(unittest.TestCase):
    """The examples as they are."""

    @classmethod
    def setUpClass(cls):
        cls.centre = Centre()
        cls.addClassCleanup(cls.centre.close)
        cls.centre.import_articles()

    def one(self, unit, as_of, row, measure, plan=None, decimals=2, arguments=(), **wanted):
        rows = self.centre.rows("coverage", "show", unit, "--as-of", as_of, "--decimals", decimals, *arguments)
        found = [r for r in rows if r["unit"] == unit and r["row"] == row and r["measure"] == measure
                 and (plan is None or r["plan_code"] == plan)]
        for key, value in wanted.items():
            found = [r for r in found if r[key] == value]
        self.assertEqual(len(found), 1, (unit, row, measure, plan, wanted, rows))
        return found[0]

    def plan(self, unit, as_of, measure, plan, value, target, printed, decimals=2):
        row = self.one(unit, as_of, "plan", measure, plan, decimals)
        self.assertEqual((row["numerator"], row["denominator"], row["percent"]), (value, target, printed), row)
        self.assertEqual(row["remaining"], target - value)
        self.assertEqual(row["to"], as_of)
        return row

    def published(self, unit, as_of, measure, printed, state, denominator_measure):
        decimals = len(printed.partition(".")[2])
        row = self.one(unit, as_of, "published", measure, decimals=decimals, percent=printed, denominator_measure=denominator_measure)
        self.assertEqual(row["state"], state, row)
        return row

    def test_can_tho_prints_what_the_article_prints(self):
        day = "2024-04-30"
        self.plan("92", day, "bhxh_bb", "nam-2024", 143013, 154408, "92.62")
        self.plan("92", day, "bhxh_tn", "nam-2024", 18590, 37420, "49.68")
        self.plan("92", day, "bhtn", "nam-2024", 135876, 147116, "92.36")
        self.plan("92", day, "bhyt", "nam-2024", 1065565, 1181336, "90.2", decimals=1)
        for measure, printed in (("bhxh_bb", "92.62"), ("bhxh_tn", "49.68"), ("bhtn", "92.36"), ("bhyt", "90.2")):
            self.published("92", day, measure, printed, "agrees", "plan")

    def test_can_tho_first_batch_is_a_level(self):
        day = "2024-04-30"
        self.assertEqual(self.plan("92", day, "bhxh_tn", "dot1-2024", 18590, 28883, "64.36")["remaining"], 10293)
        over = self.plan("92", day, "bhyt", "dot1-2024", 1065565, 1057188, "100.79")
        self.assertEqual((over["remaining"], over["state"]), (-8377, "met"))

    def test_thoi_lai_prints_what_the_article_prints(self):
        day = "2024-04-30"
        for measure, value, target, printed in (("bhxh_bb", 2882, 3200, "90.06"), ("bhxh_tn", 1530, 2857, "53.55"),
                                                ("bhyt", 85254, 107332, "79.43")):
            self.plan("927", day, measure, "nam-2024", value, target, printed)
            self.published("927", day, measure, printed, "agrees", "plan")

    def test_a_whole_figure_is_not_added_to_what_it_holds(self):
        row = self.one("92", "2024-04-30", "stock", "bhxh_bb")
        self.assertEqual((row["value"], row["basis"], row["whole"], row["sum"]), (143013, "whole", 143013, 2882), row)
        self.assertEqual((row["units_reported"], row["units_expected"]), (1, 9))

    def test_bac_kan_count_rate_and_gap(self):
        day = "2021-09-30"
        share = self.one("06", day, "share", "bhxh_laodong")
        self.assertEqual((share["numerator"], share["denominator"], share["denominator_measure"], share["percent"]),
                         (31455, 202418, "laodong", "15.54"), share)
        against = self.one("06", day, "plan", "bhxh_laodong", "nam-2021")
        self.assertEqual((against["target_percent"], against["gap_points"], against["percent"]), ("16", "-0.46", "97.12"), against)
        self.published("06", day, "bhxh", "15.54", "agrees", "laodong")

    def test_bac_kan_rates_without_a_count_stay_rates(self):
        day = "2021-09-30"
        for measure, printed, denominator in (("bhtn", "8.03", "laodong"), ("bhyt", "95", "danso"), ("bhxh_bb", "95.6", "plan"),
                                              ("bhtn", "95.4", "plan")):
            self.published("06", day, measure, printed, "not_comparable", denominator)
        rows = self.centre.rows("coverage", "show", "06", "--as-of", day)
        for row in rows:
            if row["measure"] in ("bhtn", "bhyt", "bhxh_bb") and row["row"] in ("stock", "flow"):
                self.assertIsNone(row["value"], row)

    def test_ca_mau_against_its_plan_and_its_rise(self):
        self.plan("96", "2019-09-30", "bhxh_tn", "nam-2019", 6808, 5189, "131.20")
        self.published("96", "2019-09-30", "bhxh_tn", "131.20", "agrees", "plan")
        self.plan("96", "2019-12-31", "bhxh_tn", "nam-2019", 8262, 5189, "159.22")
        row = self.one("96", "2019-12-31", "stock", "bhxh_tn", arguments=("--since", "2019-09-30"))
        self.assertEqual((row["previous"], row["change"]), (6808, 1454), row)

    def test_ca_mau_documents_events_and_offices(self):
        share = self.one("96", "2019-12-31", "share", "kh_huyen_tl")
        self.assertEqual((share["numerator"], share["denominator"], share["percent"]), (3, 9, "33.33"), share)
        for measure, value, bound in (("vanban_tinh", 2, "exact"), ("vanban_nganh", 13, "exact"), ("vanban_huyen", 30, "more_than"),
                                      ("sukien", 130, "more_than"), ("luotdu", 11000, "more_than"), ("sukien_hnd", 9, "exact"),
                                      ("luotdu_lhpn", 1150, "nearly"), ("luotdu_cdvc", 145, "exact")):
            row = self.one("96", "2019-12-31", "flow", measure)
            self.assertEqual((row["value"], row["bound"]), (value, bound), row)

    def test_hue_has_six_rates_and_two_contradictions(self):
        day = "2020-12-31"
        for measure, printed, denominator in (("bhxh_bb", "95.7", None), ("bhxh_tn", "2.62", None), ("bhtn", "91.6", None),
                                              ("bhxh", "21.2", "lldl_tuoi"), ("bhxh_tn", "2.8", "lldl_tuoi"), ("bhtn", "19.5", "lldl_tuoi")):
            row = self.published("46", day, measure, printed, "not_comparable", denominator)
            self.assertEqual(row["status"], "estimate")
        self.assertIn("bhtn_above_bb", self.published("46", day, "bhtn", "19.5", "not_comparable", "lldl_tuoi")["flags"])
        self.assertIn("rates_differ", self.published("46", day, "bhxh_tn", "2.62", "not_comparable", None)["flags"])
        self.assertIn("rates_differ", self.published("46", day, "bhxh_tn", "2.8", "not_comparable", "lldl_tuoi")["flags"])

    def test_hue_outreach_keeps_more_than_and_nearly(self):
        for measure, value, bound in (("vanban", 30, "more_than"), ("sukien", 500, "more_than"), ("hoidap", 1000, "nearly"),
                                      ("tinbai", 850, "nearly")):
            row = self.one("46", "2020-12-10", "flow", measure)
            self.assertEqual((row["value"], row["bound"], row["from"], row["to"]), (value, bound, "2012-01-01", "2020-12-10"), row)
        row = self.one("46", "2024-02-29", "flow", "rut1lan", arguments=("--from", "2024-02-01", "--to", "2024-02-29"))
        self.assertEqual((row["value"], row["bound"]), (900, "nearly"), row)
        row = self.one("46", "2024-02-29", "flow", "rut1lan", arguments=("--from", "2024-01-01", "--to", "2024-02-29"))
        self.assertEqual((row["value"], row["bound"]), (2000, "nearly"), row)

    def test_a_luoi_rise_debt_and_reading(self):
        row = self.one("481", "2019-08-12", "stock", "bhxh_tn", arguments=("--since", "2018-12-31"))
        self.assertEqual((row["value"], row["previous"], row["change"], row["change_percent"]), (468, 287, 181, "63.07"), row)
        self.assertEqual((row["basis"], row["sum"], row["units_reported"], row["units_expected"]), ("whole", 468, 21, 21), row)
        self.assertEqual(self.one("481", "2018-12-31", "stock", "bhxh_tn")["reason"], "ambiguous_source")
        self.assertEqual(self.one("481", "2019-03-31", "stock", "no_bh")["value"], 806000000)

    def test_a_luoi_lists_are_disjoint_and_illustrative(self):
        rows = self.centre.rows("coverage", "behind", "481", "--plan", "nam-2019", "--as-of", "2019-08-12")
        rows = [row for row in rows if row["level"] == "commune"]
        count = {}
        for row in rows:
            count[row["state"]] = count.get(row["state"], 0) + 1
            self.assertEqual((row["origin"], row["denominator"], row["plan_code"]), ("illustrative", 30, "nam-2019"), row)
        self.assertEqual((count.get("half"), count.get("under_half"), count.get("zero")), (6, 5, 1), count)
        self.assertEqual([row["unit"] for row in rows if row["state"] == "zero"], ["20098"])
        ranked = [row for row in self.centre.rows("coverage", "rank", "481", "--plan", "nam-2019", "--as-of", "2019-08-12")
                  if row["level"] == "commune"]
        self.assertEqual(sum(row["state"] == "met" for row in ranked), 9)
        self.assertEqual((len(ranked), sum(row["numerator"] for row in ranked), sum(row["denominator"] for row in ranked)), (21, 468, 630))

    def test_the_lists_say_how_many_of_how_many(self):
        table = self.centre.run("coverage", "behind", "481", "--plan", "nam-2019", "--as-of", "2019-08-12", "--lang", "vi",
                                output="table").stdout
        self.assertIn("chưa đạt 12/21", table)
        self.assertIn("minh họa", table)

    def test_vietnamese_needs_no_locale_of_the_machine(self):
        for environment in ({}, {"LC_CTYPE": "C.UTF-8"}, {"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "en_US.UTF-8", "LANGUAGE": "en"}):
            table = self.centre.run("coverage", "show", "92", "--as-of", "2024-04-30", "--lang", "vi", output="table",
                                    environment=environment).stdout
            self.assertIn("Địa bàn", table, environment)
            self.assertIn("1.065.565", table, environment)


class EditedExamples(unittest.TestCase):
    """Somebody changes an example and looks what becomes of the percentage."""

    def setUp(self):
        self.centre = Centre()
        self.addCleanup(self.centre.close)
        self.centre.import_articles()

    def plan_row(self, unit, as_of, measure, plan, seq):
        rows = self.centre.rows("coverage", "show", unit, "--as-of", as_of, "--plan", plan, "--min-seq", seq)
        return next(r for r in rows if (r["row"], r["unit"], r["measure"], r["plan_code"]) == ("plan", unit, measure, plan))

    def test_a_district_rises_and_its_province_does_not(self):
        text = (ARTICLES / "thoi-lai.csv").read_text(encoding="utf-8")
        edited = text.replace("bhxh_tn,whole,,2024-04-30,1530,", "bhxh_tn,whole,,2024-04-30,1600,")
        self.assertNotEqual(text, edited)
        seq = self.centre.import_text("report", edited, "--agent", "thoi-lai")
        row = self.plan_row("927", "2024-04-30", "bhxh_tn", "nam-2024", seq)
        self.assertEqual((row["numerator"], row["denominator"], row["percent"]), (1600, 2857, "56.00"))
        rows = self.centre.rows("coverage", "show", "92", "--as-of", "2024-04-30")
        tn = next(r for r in rows if (r["row"], r["unit"], r["measure"]) == ("stock", "92", "bhxh_tn"))
        self.assertEqual((tn["value"], tn["whole"], tn["sum"]), (18590, 18590, 1600))

    def test_both_ends_of_every_interval_print_the_percentage_and_one_beyond_does_not(self):
        beyond = {("92", "bhxh_tn", 37415): "49.69", ("92", "bhxh_tn", 37424): "49.67", ("927", "bhxh_bb", 3199): "90.09",
                  ("96", "bhxh_tn", 5190): "131.18"}
        header, *lines = (ARTICLES / "plans.csv").read_text(encoding="utf-8").splitlines()
        plans = {(p["plan"], p["unit"], p["target"]): line for p, line in zip(read_csv("plans.csv"), lines)}
        for plan, count, digits, decimals in WorkedBackPlans.implied():
            low, high = WorkedBackPlans.interval(plan["document"])
            as_of = "2019-09-30" if plan["unit"] == "96" else "2024-04-30"
            line = plans[plan["plan"], plan["unit"], plan["target"]]
            for value in (low - 1, low, high, high + 1):
                with self.subTest(unit=plan["unit"], target=plan["target"], value=value):
                    edited = line.replace(f",{plan['value']},implied,", f",{value},implied,")
                    seq = self.centre.import_text("plan", f"{header}\n{edited}\n")
                    rows = self.centre.rows("coverage", "show", plan["unit"], "--as-of", as_of, "--plan", plan["plan"],
                                            "--decimals", decimals, "--min-seq", seq)
                    row = next(r for r in rows if (r["row"], r["unit"], r["measure"]) == ("plan", plan["unit"], plan["target"]))
                    self.assertEqual((row["numerator"], row["denominator"]), (count, value))
                    self.assertEqual(int(row["percent"].replace(".", "")), percent(count, value, decimals), row)
                    self.assertEqual(percent(count, value, decimals) == digits, low <= value <= high)
                    self.assertEqual(beyond.pop((plan["unit"], plan["target"], value), row["percent"]), row["percent"])
        self.assertEqual(beyond, {})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
