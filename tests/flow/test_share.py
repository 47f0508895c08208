#!/usr/bin/python3
"""An office as its officers know it: a network share, a form filled in with LibreOffice and by openpyxl, and a centre that is not there.

usage: test_share.py BUILD_DIR [unittest arguments]

The form goes out over SMB, filled ones are dropped in with the centre down; the agent is killed (-9) while it reads them, the centre
while it receives them. What the folder said is saved must then be in coverage with the value that an independent reader (openpyxl) finds in
the sheet, exactly once; rows that were refused must be back with reasons. What a sheet may say is tested where sheets are read.
"""

import pathlib
import random
import sys
import time
import unittest

import openpyxl

import test_articles
from neighbours import LibreOffice, Share
from office import Scene, wait_until

PERIOD = ("2024-04-01", "2024-04-30")
FIGURE = "#so-lieu:"  # what the hidden row of the form says of a column of figures


def marks(sheet):
    """The hidden row of the form that says what its columns are: (row, {mark: column}), from 1."""
    for row in sheet.iter_rows(max_row=20):
        found = {cell.value: cell.column for cell in row if isinstance(cell.value, str) and cell.value.startswith("#")}
        if "#dia-ban" in found:
            return row[0].row, found
    raise AssertionError("the form does not say what its columns are")


def cells_of(path):
    """Where each figure goes: {(unit, measure): (row, column)} from 1."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    head, columns = marks(sheet)
    return {(str(sheet.cell(row, columns["#dia-ban"]).value), mark.removeprefix(FIGURE)): (row, column)
            for row in range(head + 1, sheet.max_row + 1) if sheet.cell(row, columns["#dia-ban"]).value
            for mark, column in columns.items() if mark.startswith(FIGURE)}


def figures_of(path):
    """What a filled form says, read by somebody else's reader: {(unit, measure): the cell's value}."""
    sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]
    return {key: sheet.cell(*place).value for key, place in cells_of(path).items() if sheet.cell(*place).value is not None}


def meant(value):
    """The count that a person means; None: not a count, so the row must come back."""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value == int(value) else None
    digits = value.replace(".", "")
    return int(digits) if digits.isdigit() else None


class OfficeOnAShare(unittest.TestCase):
    def setUp(self):
        self.scene = Scene(name="a-luoi")
        self.addCleanup(self.scene.close)
        self.centre, self.office = self.scene.centre, self.scene.office
        self.here = pathlib.Path(self.scene.directory.name)
        self.share = Share(self.office.folder, self.here / "smb")
        self.addCleanup(self.share.close)
        self.libre = LibreOffice(self.here / "libre")
        self.addCleanup(self.libre.close)

    def fill_by_openpyxl(self, form, target, cells):
        book = openpyxl.load_workbook(form)
        for place, value in cells.items():
            book.worksheets[0].cell(*place).value = value
        book.save(target)

    def fill_by_libreoffice(self, form, target, cells):
        self.libre.fill(form, target, {(row - 1, column - 1): value for (row, column), value in cells.items()})

    def answered(self, name):
        names = self.share.names("sent") | self.share.names("rejected")
        return [one for one in names if one.startswith(f"{name} – ")]

    def test_what_was_saved_is_in_coverage_once_whoever_dies(self):
        chance = random.Random(20240430)
        self.centre.start_enrolled()
        self.office.start()
        wait_until(lambda: (self.office.data / "mirror").exists(), f"the office learned who it is\n{self.office.log}")
        self.office.run("template", "--out", self.office.folder / "Biểu nhập.xlsx", "--from", PERIOD[0], "--to", PERIOD[1])
        form = self.here / "form.xlsx"
        self.share.get("Biểu nhập.xlsx", form)
        self.centre.kill()

        # Every figure of the form once, split over four files; one of each writer has rows that cannot be taken.
        places = cells_of(form)
        self.assertGreater(len(places), 20)
        rows = sorted({row for row, _ in places.values()})
        files = {}
        for number, fill in enumerate((self.fill_by_libreoffice, self.fill_by_openpyxl) * 2):
            mine = set(rows[number::4])
            values = {place: chance.choice([chance.randrange(3000), f"{chance.randrange(1, 9)}.{chance.randrange(1000):03}"])
                      for place in places.values() if place[0] in mine}
            if number >= 2:
                values[min(values)] = "1.234,567" if number == 2 else "không rõ"
            name = f"Báo cáo tháng {number + 1}.xlsx"
            fill(form, self.here / name, values)
            files[name] = figures_of(self.here / name)
            self.assertEqual(len(files[name]), len(values), "the writer wrote what it was told")
            self.share.put(self.here / name, f"inbox\\{name}")
            time.sleep(chance.uniform(0, 0.1))  # so that the agent is killed at another moment each time
            self.office.kill()
            self.office.start()
        for name in files:
            wait_until(lambda name=name: any("đã lưu" in one for one in self.answered(name)), f"{name} is saved\n{self.office.log}")
        done = self.office.run("report", "--unit", "481", "--measure", "bhtn", "--date", "30/4/2024", "312")
        self.assertIn("1", done.stdout)

        self.office.kill()
        self.centre.start()
        self.office.start()
        for _ in range(3):
            time.sleep(chance.uniform(0, 0.05))
            self.centre.kill()
            self.office.kill()
            self.office.start()
            self.centre.start()
        for name in files:
            wait_until(lambda name=name: any("đã nhận, biên nhận" in one for one in self.answered(name)), f"{name} is received\n{self.office.log}")

        wanted, returned = {("481", "bhtn"): 312}, {}
        for name, figures in files.items():
            back = {unit for (unit, _), value in figures.items() if meant(value) is None}
            wanted.update({key: meant(value) for key, value in figures.items() if key[0] not in back})
            returned.update({unit: name for unit in back})
        self.assertEqual(len(returned), 2)
        for (unit, measure), value in wanted.items():
            self.assertEqual([one for one in self.centre.versions(unit, measure) if one[0] == PERIOD[1]], [(PERIOD[1], value, True)],
                             (unit, measure))
        # The rows that came back are those, in the form's own format, each with a reason that names the cell.
        for unit, name in returned.items():
            back = self.here / "back.xlsx"
            self.share.get(f"rejected\\{name} – dòng bị trả lại.xlsx", back)
            sheet = openpyxl.load_workbook(back).worksheets[0]
            head, columns = marks(sheet)
            said = {str(sheet.cell(row, columns["#dia-ban"]).value): [cell.value for cell in sheet[row] if cell.value] for row in range(head + 1, sheet.max_row + 1)
                    if sheet.cell(row, columns["#dia-ban"]).value}
            self.assertEqual(list(said), [unit])
            place = next(place for (one, _), place in places.items() if one == unit)
            self.assertTrue(any(f"{place[0]}:" in str(text) for text in said[unit]), said)
            for measure in {measure for one, measure in places if one == unit}:
                self.assertEqual([one for one in self.centre.versions(unit, measure) if one[0] == PERIOD[1] and (unit, measure) not in wanted], [])
        self.assertIn("TRẠNG THÁI.txt", self.share.names("."))


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
