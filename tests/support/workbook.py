#!/usr/bin/python3
"""workbook.py - an .xlsx filled in and looked at by a writer that is not ours (openpyxl).

  workbook.py fill IN OUT CELL=VALUE...   IN "-": a new workbook. VALUE: 12 a number, d:2025-07-31 a date, 9.5% a percentage, m:C2:D3 merges
                                          from CELL, else text; nothing: the cell is emptied
  workbook.py show FILE CELL...           one line a cell: CELL|value|locked or open, text for the format of text|colour of the paper, RRGGBB or "-"
  workbook.py page FILE                   what the sheet as a whole is: panes, protection, paper, hidden rows, validations, properties
"""
import datetime
import sys

import openpyxl


def fill(source, target, *assignments):
    book = openpyxl.Workbook() if source == "-" else openpyxl.load_workbook(source)
    sheet = book.active
    for assignment in assignments:
        cell, _, value = assignment.partition("=")
        if value.startswith("m:"):
            sheet.merge_cells(value[2:])
            continue
        if value.startswith("d:"):
            sheet[cell] = datetime.datetime.fromisoformat(value[2:])
            sheet[cell].number_format = "dd/mm/yyyy"
        elif value.endswith("%") and value[:-1].replace(".", "").isdigit():
            sheet[cell] = float(value[:-1]) / 100
            sheet[cell].number_format = "0.00%"
        elif value.lstrip("-").replace(".", "", 1).isdigit():
            sheet[cell] = float(value) if "." in value else int(value)
        else:
            sheet[cell] = value.removeprefix("t:") or None
    book.save(target)


def show(path, *cells):
    sheet = openpyxl.load_workbook(path).active
    for cell in cells:
        at = sheet[cell]
        paper = at.fill.fgColor.rgb[2:] if at.fill.fill_type == "solid" else "-"
        value = "" if at.value is None else str(at.value).replace("\n", " ")
        text = " text" if at.number_format == "@" else ""
        print(f"{cell}|{value}|{'locked' if at.protection.locked else 'open'}{text}|{paper}")


def page(path):
    sheet = openpyxl.load_workbook(path).active
    hidden = [row for row, look in sheet.row_dimensions.items() if look.hidden]
    print(f"panes {sheet.freeze_panes}")
    print(f"protected {sheet.protection.sheet}")
    print(f"paper {sheet.page_setup.paperSize} {sheet.page_setup.orientation}")
    print(f"hidden {hidden}")
    area = sheet.print_area if isinstance(sheet.print_area, str) else sheet.print_area[0]
    print(f"print {area.split('!')[-1]} {sheet.print_title_rows} {sheet.print_title_cols}")
    for check in sheet.data_validations.dataValidation:
        print(f"check {check.sqref} {check.type} {check.operator or ''} {check.formula1}")


{"fill": fill, "show": show, "page": page}[sys.argv[1]](*sys.argv[2:])
