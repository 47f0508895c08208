#!/usr/bin/python3
"""Writes the seeds of the fuzzers into tests/fuzz/corpus; what fuzzing found lies beside them, under names of its own.

    /usr/bin/python3 tests/fuzz/make_corpus.py

Those of image are what baophu-sheet answers to tests/vectors/sheets, kept as they are.
"""
import io
import pathlib
import unicodedata
import zipfile

corpus = pathlib.Path(__file__).parent / "corpus"

HUMAN = """1.065.565
1,065,565
1 065 565
1\u00a0065\u00a0565
92,62%
131.20%
12. 34%
1.234%
1.234,567
806 triệu đồng
12,345 triệu
12,345 triệu người
750 nghìn
3,2 tỷ
1,5 nghìn tỷ đồng
806 trđ
hơn 500
trên 1.200 người
khoảng 3,2 tỷ
gần 90.000
ước đạt khoảng 500 người
500 người (sơ bộ)
dưới 500
-500
02
30/4/2024
30-04-2024
30.4.2024
2024-04-30
2024-04-30T00:00:00
ngày 30 tháng 4 năm 2024
tính đến hết ngày 30/4/2024
3/4/24
31/12/99
5/6
30/2/2024
4/30/2024
2/2019
T4/2024
tháng 2 năm 2019
quý I/2024
quý 1 năm 2024
quý iv 2024
Q3/2024
6 tháng đầu năm 2024
6 tháng cuối năm
9 tháng
năm 2024
cả năm
năm học 2021-2022
từ 1-1 đến 30-6-2024
01/01/2024-30/06/2024
từ đầu năm đến 30/4/2024
đến hết tháng 4/2024
1.065565E6
0.92620000000000002
9.2619999999999994E-1
1e999
99999999999999999999""".split("\n")

CSV = {
    "comma": "Mã,Tên,Số\n00123,\"Xã A, huyện B\",1.065\n",
    "semicolon": "Mã;Tên;Số\r\n00123;Xã A;92,62\r\n",
    "tab": "Mã\tTên\n1\t2\n",
    "bom": "\ufeffMã,Tên\r\n1,2\r\n",
    "sep": "sep=;\na,b;c\n",
    "quotes": "a,\"b \"\"c\"\" d\",\"e\nf\"\n",
    "stray-quote": "a,\"b\"c\n",
    "open-quote": "a,\"b\nc\n",
    "blank-lines": "\n\n a \n\n,,\n",
    "mark": "baophu-bieu-nhap 1,2024-04\nMã,BHYT\n1,2\n",
    "decomposed": unicodedata.normalize("NFD", "Thị trấn Đầm Dơi,ờ\n"),
    "invisible": "a\u200bb,\u00a0c\u00a0,\u2028\n",
    "control": "a,b\x01c\n",
    "carriage-returns": "a,b\rc,d\r",
    "wide": "," * 300 + "x\n",
}
CSV_BYTES = {
    "utf16": "a,b\n".encode("utf-16"),
    "utf16-without-mark": "a,b\n".encode("utf-16-le"),
    "windows-1258": b"M\xe3,T\xean\n",
    "zero": b"a,\0b\n",
}

ROOT = '<Relationships><Relationship Id="a" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>\n'
BOOK = '<workbook><workbookPr{0}/><sheets><sheet name="T" sheetId="1" r:id="r"/></sheets></workbook>\n'
LINKS = ('<Relationships><Relationship Id="r" Type="x/worksheet" Target="sheet.xml"/><Relationship Id="t" Type="x/sharedStrings" '
         'Target="sharedStrings.xml"/><Relationship Id="s" Type="x/styles" Target="/xl/styles.xml"/></Relationships>\n')
TEXTS = '<sst><si><t>Mã</t></si><si><r><t>Xã </t></r><r><t>A</t></r><rPh><t>x</t></rPh></si><si><t>a_x000D_b</t></si></sst>\n'
STYLES = ('<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-42A]dd/mm/yyyy;@"/><numFmt numFmtId="165" formatCode="0.0&quot; triệu&quot;"/>'
          '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="165"/><xf numFmtId="17"/></cellXfs></styleSheet>\n')
TAB = ('<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2" s="1"><v>45412</v></c>'
       '<c r="B2" s="2"><v>0.9262</v></c><c r="C2"><f>A1</f><v>1.5E3</v></c><c r="D2" t="e"><v>#REF!</v></c><c r="E2" t="b"><v>1</v></c>'
       '<c r="F2" t="inlineStr"><is><r><t>x</t></r></is></c><c r="G2" t="d"><v>2024-04-30</v></c><c r="H2" s="3"><v>3.2</v></c><c r="I2"><f>1</f></c>'
       '</row></sheetData><mergeCells><mergeCell ref="B1:D1"/></mergeCells></worksheet>\n')


def parts(tab=TAB, book=BOOK.format(""), links=LINKS, texts=TEXTS, styles=STYLES, root=ROOT):
    return {"_rels/.rels": root, "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": links, "xl/sharedStrings.xml": texts,
            "xl/styles.xml": styles, "xl/sheet.xml": tab}


def sheet(rows, rest=""):
    return f"<worksheet><sheetData>{rows}</sheetData>{rest}</worksheet>\n"


XLSX = {
    "whole": parts(),
    "date1904": parts(book=BOOK.format(' date1904="1"')),
    "two-tabs": parts(book='<workbook><sheets><sheet name="A" r:id="h" state="hidden"/><sheet name="B" r:id="r"/><sheet name="C" r:id="r2"/></sheets>'
                           '</workbook>\n',
                      links=LINKS.replace("</R", '<Relationship Id="r2" Type="x/worksheet" Target="sheet.xml"/></R')),
    "entity-bomb": parts(tab='<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi")) + ']>' + sheet('<row><c t="str"><v>&i;</v></c></row>')),
    "external-entity": parts(tab='<!DOCTYPE w SYSTEM "file:///etc/passwd">' + sheet("")),
    "deep": parts(tab="<a>" * 2000),
    "out-of-range": parts(tab=sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    "beyond-the-last": parts(tab=sheet('<row r="1"><c r="XFE1"><v>1</v></c></row>')),
    "wide": parts(tab=sheet('<row r="1"><c r="A1"><v>1</v></c><c r="ZZ1"><v>1</v></c></row>')),
    "merged-over-each-other": parts(tab=sheet('<row r="1"><c r="A1"><v>1</v></c><c r="B2"/></row><row r="9"><c r="I9"><v>1</v></c></row>',
                                              '<mergeCells><mergeCell ref="A1:C3"/><mergeCell ref="A1:C3"/></mergeCells>')),
    "merged-out-of-range": parts(tab=sheet('<row r="1"><c r="A1"><v>1</v></c></row>',
                                           '<mergeCells><mergeCell ref="A1:XFD1048577"/></mergeCells>')),
    "merged-everything": parts(tab=sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="100"><c r="IV100"><v>1</v></c></row>',
                                         '<mergeCells><mergeCell ref="A1:IV99"/></mergeCells>')),
    "merged-backwards": parts(tab=sheet('', '<mergeCells><mergeCell ref="C3:A1"/></mergeCells>')),
    "same-cell-twice": parts(tab=sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')),
    "no-such-text": parts(tab=sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')),
    "no-such-style": parts(tab=sheet('<row r="1"><c r="A1" s="99"><v>1</v></c></row>')),
    "no-such-type": parts(tab=sheet('<row r="1"><c r="A1" t="x"><v>1</v></c></row>')),
    "without-places": parts(tab=sheet('<row><c><v>1</v></c><c t="str"><v>x</v></c></row><row><c><v>-1e-5</v></c></row>')),
    "no-day": parts(tab=sheet('<row><c s="1"><v>60</v></c><c s="1"><v>-5</v></c><c s="1"><v>9999999</v></c><c s="4"><v>1e300</v></c></row>')),
    "other-encoding": parts(tab='<?xml version="1.0" encoding="ISO-8859-1"?>' + sheet('<row><c t="str"><v>x</v></c></row>')),
    "outside": parts(links=LINKS.replace("sheet.xml", "../../../etc/passwd")),
    "external-tab": parts(links=LINKS.replace('Target="sheet.xml"', 'TargetMode="External" Target="http://example.org/x"')),
    "open-document": {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"},
    "word": {"_rels/.rels": ROOT.replace("xl/workbook.xml", "word/document.xml")},
    "nothing": {"_rels/.rels": "<Relationships/>\n"},
    "prefixes": parts(tab='<x:worksheet xmlns:x="m"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>\n'),
    "cdata": parts(tab=sheet('<row><c t="str"><v><![CDATA[<a>]]>&#65;</v></c></row>')),
}


def archive(content, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, text in content.items():
            info = zipfile.ZipInfo(name, (2024, 4, 30, 0, 0, 0))
            info.compress_type = method
            file.writestr(info, text)
    return out.getvalue()


def main():
    for number, text in enumerate(HUMAN):
        (corpus / "human" / f"seed-{number:02}").write_text(text)
        if number < 8 or unicodedata.normalize("NFD", text) != text:
            (corpus / "human" / f"seed-{number:02}-decomposed").write_text(unicodedata.normalize("NFD", text))
    for name, text in CSV.items():
        (corpus / "csv" / f"seed-{name}").write_bytes(text.encode())
    for name, text in CSV_BYTES.items():
        (corpus / "csv" / f"seed-{name}").write_bytes(text)
    for name, content in XLSX.items():
        (corpus / "xlsx" / f"seed-{name}").write_text("".join(f"=== {part}\n{text}" for part, text in content.items()))
    whole = archive(parts())
    stored = archive(parts(), zipfile.ZIP_STORED)
    binary = {
        "packed": whole,
        "stored": stored,
        "bomb": archive(parts(tab="<worksheet>" + " " * (20 << 20) + "</worksheet>")),
        "million-columns": archive(parts(tab=sheet("<row>" + "<c/>" * 1000000 + "<c><v>1</v></c></row>"))),
        "empty-archive": archive({}),
        "twice": archive({**parts(), "xl/Sheet.xml": TAB}),
        "wrong-checksum": whole[:14] + b"\0\0\0\0" + whole[18:],
        "encrypted": whole.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        "old-excel": b"PK\xd0\xcf\x11\xe0",
    }
    # Truncated in every part: in each local header, in each part's data, in the directory, in the end.
    places = [stored.find(part.encode()) for part in parts()] + [stored.find(part.encode()) + 60 for part in parts()]
    places += [stored.find(b"PK\x01\x02") + n for n in (0, 4, 60)] + [len(stored) - n for n in (1, 10, 22)]
    for number, place in enumerate(places):
        binary[f"truncated-{number:02}"] = stored[:place]
    for name, content in binary.items():
        (corpus / "xlsx" / f"seed-{name}.zip").write_bytes(content)


if __name__ == "__main__":
    main()
