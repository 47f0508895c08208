#!/usr/bin/python3
"""Writes the spreadsheets of this directory with programs that are not ours, and beside each what is in it.

    /usr/bin/python3 tests/vectors/sheets/make.py

openpyxl.xlsx is written by python3-openpyxl, libreoffice.xlsx and the .csv files by LibreOffice (package libreoffice-calc-nogui) from it. The .txt
files come from the table below, not from a reader: one line a cell, its place, kind and text; "copy" is what a merged range repeats.
The files are kept in the tree, so that tests need neither program; run this again only to change what is in them.
"""
import datetime
import pathlib
import shutil
import subprocess
import tempfile
import unicodedata

import openpyxl
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

here = pathlib.Path(__file__).parent
MARK = "baophu-bieu-nhap 1"

# (value, number format or None, kind and text in the file of openpyxl, kind and text in that of LibreOffice when it differs)
DATE = datetime.date(2024, 4, 30)
TABLE = [
    [(MARK, None, "TEXT " + MARK), ("2024-04", None, "TEXT 2024-04"), None, None, None, None],
    [("Báo cáo tháng 4", None, "TEXT Báo cáo tháng 4"), None, None, None, None, None],
    [("Mã", None, "TEXT Mã"), ("Tên", None, "TEXT Tên"), ("BHYT", None, "TEXT BHYT"), None, ("Ngày", None, "TEXT Ngày"),
     ("Tỷ lệ", None, "TEXT Tỷ lệ")],
    [None, None, ("Kế hoạch", None, "TEXT Kế hoạch"), ("Thực hiện", None, "TEXT Thực hiện"), None, None],
    [("00123", None, "TEXT 00123"), ("Xã Hòa An", None, "TEXT Xã Hòa An"), (1065565, "#,##0", "NUMBER 1065565"),
     ("=C5*2", "#,##0", "ERROR", "NUMBER 2131130"), (DATE, "dd/mm/yyyy", "DATE 2024-04-30"), (0.9262, "0.00%", "PERCENT 0.9262")],
    [("00124", None, "TEXT 00124"), (unicodedata.normalize("NFD", "Thị trấn Đầm Dơi"), None, "TEXT Thị trấn Đầm Dơi"),
     (0, None, "NUMBER 0"), ("1.065.565", None, "TEXT 1.065.565"), (datetime.date(2019, 2, 1), "mm/yyyy", "DATE 2019-02"),
     (1.312, "0.0%", "PERCENT 1.312")],
    [("00125", None, "TEXT 00125"), ("  hai dòng\nở đây ", None, "TEXT hai dòng\\nở đây"), (12.5, None, "NUMBER 12.5"),
     (True, None, "BOOL 1"), (datetime.datetime(2024, 4, 30, 13, 30), "dd/mm/yyyy hh:mm", "DATE 2024-04-30"), None],
    [("00126", None, "TEXT 00126"), None, ("=1/0", None, "ERROR", "ERROR #DIV/0!"), (3.2, '0.0" triệu"', "ERROR 3.2"),
     (DATE, '[$-42A]d mmmm, yyyy', "DATE 2024-04-30"), None],
]
MERGED = {"A2:F2": (2, 1, 2, 6), "A3:A4": (3, 1, 4, 1), "B3:B4": (3, 2, 4, 2), "C3:D3": (3, 3, 3, 4), "E3:E4": (3, 5, 4, 5),
          "F3:F4": (3, 6, 4, 6)}


def expected(libreoffice):
    cells = {}
    for row, line in enumerate(TABLE, 1):
        for column, cell in enumerate(line, 1):
            if cell:
                cells[row, column] = cell[-1] if libreoffice else cell[2]
    for top, left, bottom, right in MERGED.values():
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    cells[row, column] = "copy " + cells[top, left]
    lines = [f"{get_column_letter(column)}{row} {cells[row, column]}" for row, column in sorted(cells)]
    return "tab Số liệu\n" + "\n".join(lines) + "\n"


def workbook(path):
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Hướng dẫn"
    first["A1"] = "Điền vào trang Số liệu"
    sheet = book.create_sheet("Số liệu")
    hidden = book.create_sheet("Ẩn")
    hidden["A1"] = MARK
    hidden.sheet_state = "hidden"
    for row, line in enumerate(TABLE, 1):
        for column, cell in enumerate(line, 1):
            if cell:
                at = sheet.cell(row, column, cell[0])
                if cell[1]:
                    at.number_format = cell[1]
    for name in MERGED:
        sheet.merge_cells(name)
    sheet["A2"].font = Font(bold=True)
    sheet.row_dimensions[1].hidden = True
    book.save(path)


def plain(path):
    """One tab for .csv: what cells show is what is in the file."""
    book = openpyxl.Workbook()
    sheet = book.active
    for line in (["Mã", "Tên", "Số liệu", "Ghi chú"], ["00123", "Xã Hòa An", "1.065.565", "có; dấu, và \"nháy\""], [None, None, None, None],
                 ["00124", "Thị trấn Đầm Dơi", "92,62%", "hai\ndòng"], ["00125", "Phường 5", 850, None]):
        sheet.append(line)
    book.save(path)


def convert(source, kind, to, target):
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["soffice", f"-env:UserInstallation=file://{work}/profile", "--headless", "--convert-to", to, "--outdir", f"{work}/out",
                        str(source)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        shutil.move(f"{work}/out/{source.stem}.{kind}", target)


def main():
    workbook(here / "openpyxl.xlsx")
    (here / "openpyxl.txt").write_text(expected(False))
    convert(here / "openpyxl.xlsx", "xlsx", "xlsx", here / "libreoffice.xlsx")
    (here / "libreoffice.txt").write_text(expected(True))
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work) / "plain.xlsx"
        plain(source)
        for name, separator in (("comma", 44), ("semicolon", 59), ("tab", 9)):
            # separator, quote, UTF-8, first line, no column formats, language, quote all text no, detect numbers no, as shown, ...
            convert(source, "csv", f'csv:Text - txt - csv (StarCalc):{separator},34,76,1,,0,false,true,false', here / f"libreoffice-{name}.csv")
    (here / "libreoffice.csv.txt").write_text(
        "tab\nA1 TEXT Mã\nB1 TEXT Tên\nC1 TEXT Số liệu\nD1 TEXT Ghi chú\nA2 TEXT 00123\nB2 TEXT Xã Hòa An\nC2 TEXT 1.065.565\n"
        "D2 TEXT có; dấu, và \"nháy\"\nA4 TEXT 00124\nB4 TEXT Thị trấn Đầm Dơi\nC4 TEXT 92,62%\nD4 TEXT hai\\ndòng\nA5 TEXT 00125\n"
        "B5 TEXT Phường 5\nC5 TEXT 850\n")


if __name__ == "__main__":
    main()
