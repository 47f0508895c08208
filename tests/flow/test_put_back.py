#!/usr/bin/python3
"""A centre that is put back to yesterday's data directory is complete again by what its offices and its administrator kept.

usage: test_put_back.py BUILD_DIR [unittest arguments]

The copy is taken while the centre is stopped. After it the administrator creates a commune, enrols an office for it and changes a plan, with a
journal; both offices report, on old units and on the new one, and are told that the centre has it. Then the copy takes the place of the
data directory. `baophu server resend` and the offices' own agents must bring everything back, each figure once.
"""

import pathlib
import shutil
import sys
import tempfile
import unittest

import test_articles
from office import Centre, Office, wait_until

COMPLETE_WITHIN_S = 60
NEW_UNIT = "change,date,code,name,level,parent,new_code,successors,note\ncreate,2024-01-01,92799,Xã Mới,commune,927,,,\n"
NEW_OFFICE = "agent,unit,measures,extent,from,until,note\nxa-moi,92799,,,2024-01-01,,\n"


class PutBack(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="baophu-put-back-")
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        self.centre = Centre(self.here / "centre")
        self.addCleanup(self.centre.kill)
        self.journal = self.here / "journal"

    def office(self, name):
        office = Office(self.here / name, self.centre, name=name)
        self.addCleanup(office.kill)
        return office

    def administrate(self, *arguments):
        return self.centre.run(*arguments, "--journal", self.journal, output=None)

    def file(self, name, text):
        path = self.here / name
        path.write_text(text, encoding="utf-8")
        return path

    def keep_a_copy(self):
        """Of the data directory while the centre stands still, as of yesterday."""
        self.assertEqual(self.centre.stop(), 0)
        shutil.copytree(self.centre.data, self.here / "yesterday")
        self.centre.start()

    def put_back(self):
        self.centre.kill()
        shutil.rmtree(self.centre.data)
        shutil.copytree(self.here / "yesterday", self.centre.data)
        self.centre.start()

    def received(self, office, count):
        wait_until(lambda: [row["state"] for row in office.json("list")] == ["received"] * count, f"{office.config.parent.name} has its receipts\n"
                   f"{office.log}", COMPLETE_WITHIN_S)

    def test_it_is_complete_within_a_minute_units_made_since_too(self):
        self.centre.start_enrolled()
        old = self.office("thoi-lai").start()
        old.run("report", "--unit", "927", "--measure", "bhyt", "--date", "1/4/2024", "84000")
        self.received(old, 1)
        self.keep_a_copy()
        self.administrate("unit", "import", self.file("units.csv", NEW_UNIT))
        self.administrate("agent", "import", self.file("agents.csv", NEW_OFFICE))
        self.administrate("plan", "set", "nam-2024", "92799", "bhyt", "5000", "--from", "2024-01-01", "--to", "2024-12-31")
        new = self.office("xa-moi").start()
        old.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85254")
        old.run("report", "--unit", "927", "--measure", "bhyt", "--date", "1/4/2024", "84001")
        new.run("report", "--unit", "92799", "--measure", "bhyt", "--date", "30/4/2024", "4100")
        self.received(old, 3)
        self.received(new, 1)
        wanted = {unit: self.centre.versions(unit, "bhyt") for unit in ("927", "92799")}
        self.assertEqual(wanted, {"927": [("2024-04-01", 84000, False), ("2024-04-30", 85254, True), ("2024-04-01", 84001, True)],
                                  "92799": [("2024-04-30", 4100, True)]})
        plans = self.centre.rows("plan", "list", "92799")

        self.put_back()
        self.administrate("server", "resend")
        wait_until(lambda: {unit: self.centre.versions(unit, "bhyt") for unit in wanted} == wanted, "every figure is back, once", COMPLETE_WITHIN_S)
        self.received(old, 3)
        self.received(new, 1)
        self.assertEqual([(row["unit"], row["value"]) for row in self.centre.rows("plan", "list", "92799")],
                         [(row["unit"], row["value"]) for row in plans])
        self.assertEqual(self.centre.rows("held", "list"), [])

    def test_the_offices_may_come_before_the_administrator(self):
        """Then they are held or turned away, and go on by themselves."""
        self.centre.start_enrolled()
        self.keep_a_copy()
        self.administrate("unit", "import", self.file("units.csv", NEW_UNIT))
        self.administrate("agent", "import", self.file("agents.csv", NEW_OFFICE))
        old, new = self.office("thoi-lai").start(), self.office("xa-moi").start()
        new.run("report", "--unit", "92799", "--measure", "bhyt", "--date", "30/4/2024", "4100")
        old.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85254")
        self.received(new, 1)
        self.received(old, 1)

        self.put_back()
        wait_until(lambda: self.centre.versions("927", "bhyt") == [("2024-04-30", 85254, True)], "the old office is back", COMPLETE_WITHIN_S)
        self.administrate("server", "resend")
        wait_until(lambda: self.centre.versions("92799", "bhyt") == [("2024-04-30", 4100, True)], "the new office is back", COMPLETE_WITHIN_S)

    def test_what_is_held_for_a_unit_made_since_the_copy_goes_on_by_itself(self):
        """An office that the copy knows reports on a commune that it does not know, and comes back before the administrator."""
        self.centre.start_enrolled()
        office = self.office("thoi-lai").start()
        office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "1/4/2024", "84000")
        self.received(office, 1)
        self.keep_a_copy()
        self.administrate("unit", "import", self.file("units.csv", NEW_UNIT))
        office.kill()
        office.start()
        wait_until(lambda: office.run("report", "--unit", "92799", "--measure", "bhyt", "--date", "30/4/2024", "1", "--dry-run", code=None)
                   .returncode == 0, "the office knows its new commune")
        for value in ("4100", "4200"):
            office.run("report", "--unit", "92799", "--measure", "bhyt", "--date", "30/4/2024", value)
        office.drop("xa-moi.csv", "unit,measure,to,value\n92799,bhxh_tn,2024-04-30,310\n927,bhxh_tn,2024-04-30,1530\n")
        office.received("xa-moi.csv")
        self.received(office, 4)
        office.run("undo", 3)
        self.received(office, 5)
        wanted = {key: self.centre.standing(*key) for key in (("927", "bhyt"), ("927", "bhxh_tn"), ("92799", "bhyt"), ("92799", "bhxh_tn"))}
        self.assertEqual(wanted[("92799", "bhyt")], {"2024-04-30": 4100}, "what was said first stands again")
        versions = self.centre.versions("92799", "bhyt")

        self.put_back()
        states = lambda: {row["batch"]: row["state"] for row in office.json("list")}
        wait_until(lambda: states() == {1: "received", 2: "held", 3: "held", 4: "held", 5: "held"}, f"they wait {states()}", COMPLETE_WITHIN_S)
        self.assertIn("chờ trung tâm quyết định", office.text(office.received("xa-moi.csv")))
        self.assertEqual(self.centre.rows("held", "list")[0]["unit"], "92799")
        self.administrate("server", "resend")
        wait_until(lambda: {key: self.centre.standing(*key) for key in wanted} == wanted, "everything is back", COMPLETE_WITHIN_S)
        self.assertEqual(self.centre.rows("held", "list"), [])
        self.assertEqual(self.centre.versions("92799", "bhyt"), versions, "each once, in order")
        office.kill()
        office.start()  # it asks at once; one that runs asks every minute
        self.received(office, 5)
        wait_until(lambda: "Tất cả đã được tính" in office.text(office.received("xa-moi.csv")), "and its officer is told")


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
