#!/usr/bin/python3
"""What a whole field office gets, agent, folder and command line together: a JSON line for each figure on stdout, progress on stderr.

usage: agent.py BUILD_DIR [--reports N]

  sheet    10,000 rows, .csv and .xlsx, by command and by the folder, until they are saved; the office knows 3,000 units
  waiting  N reports (100,000) of one figure that were saved with the link down: memory, a start with them, and their delivery

client/bench/office.c measures the outbox alone, and saves the N reports here. The office's data lie on the disk at BENCH_DIR (TMPDIR), but for
those reports, since a hundred thousand flushes measure the disk and nothing of the office.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "flow"))
import test_articles  # noqa: E402
from office import Centre, Office, wait_until  # noqa: E402

UNITS, SHEET_ROWS, ROUNDS = 3000, 10000, 5
SAVED = 1000  # of the reports that wait: by the agent itself
AGENT_BYTES_MAX = 16e6
MEASURES = ("bhyt", "bhxh_bb", "bhxh_tn", "bhtn")
HEADING = ("unit", "measure", "to", "value")
offices, verdicts = [], []


def judge(figure, config, value, unit, target):
    verdict = "pass" if value <= target else "miss"
    print(json.dumps({"sys": "baophu", "figure": figure, "config": config, "value": float(f"{value:.6g}"), "unit": unit,
                      "target": f"<= {target:.6g}", "verdict": verdict}, separators=(",", ":")), flush=True)
    verdicts.append(f"{verdict:4}  {figure:52} {value:10.4g} {unit:7} target <= {target:.4g}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def communes(province):
    """Those of province 01, or those that baophu-bench reports on."""
    return [f"{province}{number:04}" if province == "01" else f"{number:05}" for number in range(UNITS)]


def enrol(centre, directory):
    """Two provinces of 30 districts and 3,000 communes each, and an office for each."""
    units = ["change,date,code,name,level,parent"]
    for province in ("01", "02"):
        units.append(f"create,2012-01-01,{province},Tỉnh {province},province,VN")
        units += [f"create,2012-01-01,{province}h{number:02},Huyện số {number} tỉnh {province},district,{province}" for number in range(30)]
        units += [f"create,2012-01-01,{code},Xã Phú Thịnh {code},commune,{province}h{at % 30:02}" for at, code in enumerate(communes(province))]
    for name, lines in (("unit", units), ("agent", ["agent,unit,measures,extent,from,until", "tinh-01,01,,,2012-01-01,", "bench-0,02,,,2012-01-01,"])):
        path = directory / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        centre.run(name, "import", path, output=None)


def memory(office):
    """Bytes that the process has, and the most that it ever had."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{office.process.pid}/status").read_text().splitlines())
    return tuple(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))


def an_office(directory, centre, name):
    office = Office(directory, centre, name=name)
    offices.append(office)
    return office


def start(office):
    began = time.monotonic()
    office.start()
    return time.monotonic() - began


def sheet(round_number):
    """Rows with figures that were never reported before."""
    units = communes("01")
    return [(units[row % 2500], MEASURES[row // 2500], f"2024-{1 + round_number:02}-28", 1000 + row) for row in range(SHEET_ROWS)]


def write_sheet(path, rows):
    if path.suffix == ".csv":
        path.write_text("\n".join(",".join(map(str, row)) for row in (HEADING, *rows)) + "\n", encoding="utf-8")
        return
    import openpyxl  # pylint: disable=import-outside-toplevel
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for row in (HEADING, *rows):
        page.append(row)
    book.save(path)


def measure_sheets(centre, directory):
    office = an_office(directory / "sheets", centre, "tinh-01")
    office.start()
    wait_until(lambda: (office.data / "mirror").exists(), f"the office learned its units\n{office.log}", 60)
    resident, most = memory(office)
    judge("memory of the agent, its units known", f"{UNITS} units, resident; {most / 1e6:.1f} MB at most", resident, "B", AGENT_BYTES_MAX)
    numbers = iter(range(4 * ROUNDS))
    for ending in (".csv", ".xlsx"):
        took = {"command": [], "folder": []}
        for round_number in range(ROUNDS):
            for way, times in took.items():
                path = directory / f"{way}-{round_number}{ending}"
                write_sheet(path, sheet(next(numbers) % 12))
                began = time.monotonic()
                if way == "command":
                    office.run("report", path)
                else:
                    path.rename(office.inbox / path.name)
                    wait_until(lambda: list(office.sent.glob(f"{path.name} – *.txt")), f"it is saved\n{office.log}{office.state()}")
                times.append(time.monotonic() - began)
        for way, times in took.items():
            judge(f"a sheet of {SHEET_ROWS:,} rows to saved, {ending}, {way}", f"median of {ROUNDS}; slowest {max(times):.2f} s",
                  statistics.median(times), "s", 1)
    wait_until(lambda: office.json("status")["office"]["waiting"] == 0, "all is delivered", 60)
    resident, most = memory(office)
    judge("memory of the agent after sheets", f"resident; {most / 1e6:.1f} MB at most, while a sheet was understood", resident, "B",
          AGENT_BYTES_MAX)
    office.stop()


def save_some(office, count):
    """One figure a request on one connection, as a command does."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(office.directory / "socket"))
        answers = link.makefile("r", encoding="utf-8")
        for number in range(count):
            figure = {"unit": communes("02")[number], "measure": "bhyt", "value": str(1000 + number), "date": "2022-12-31"}
            link.sendall((json.dumps({"verb": "report", "lang": "vi", "figure": figure}) + "\n").encode())
            answer = {}
            while "exit" not in answer:
                answer = json.loads(answers.readline())
            if answer["exit"] != 0:
                raise AssertionError(f"{figure}: {answer}\n{office.log}")


def measure_waiting(centre, directory, reports):
    config = f"{reports:,} reports wait, {UNITS:,} units"
    office = an_office(directory / "waiting", centre, "bench-0")
    office.start()
    wait_until(lambda: (office.data / "mirror").exists(), f"the office learned its units\n{office.log}", 60)
    office.stop()
    centre.stop()
    subprocess.run([test_articles.BUILD / "client" / "baophu-bench", "--serve-office", "fill", office.data / "spool", "", str(reports - SAVED)],
                   check=True, stdout=subprocess.DEVNULL)
    judge("start of the agent", config, start(office), "s", 1)
    began = time.monotonic()
    office.run("status")
    judge("start of the agent, status answered", config, time.monotonic() - began, "s", 1)
    save_some(office, SAVED)
    office.run("status")
    office.run("list")
    resident, most = memory(office)
    judge("memory of the agent, reports waiting", f"{config}, resident; {most / 1e6:.1f} MB at most", resident, "B", AGENT_BYTES_MAX)
    if office.json("status")["office"]["waiting"] != reports:
        raise AssertionError("not as many wait")
    centre.start()
    began = time.monotonic()
    while centre.rows("server", "status")[0]["facts"] < reports:
        time.sleep(0.2)  # asking costs more than delivering
    wait_until(lambda: office.json("status")["office"]["waiting"] == 0, "and the office has the receipts", 120)
    judge("reports waiting, delivered by the agent", config, time.monotonic() - began, "s", 5 * reports / 100000)
    office.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--reports", type=int, default=100000)
    options = parser.parse_args()
    test_articles.BUILD = options.build.resolve()
    where = os.environ.get("BENCH_DIR") or None
    with tempfile.TemporaryDirectory(prefix="baophu-bench-", dir=where) as on_disk, \
            tempfile.TemporaryDirectory(prefix="baophu-bench-", dir="/dev/shm") as in_memory:
        centre = Centre(pathlib.Path(on_disk) / "centre").start()
        try:
            enrol(centre, pathlib.Path(on_disk))
            say("the office: sheets")
            measure_sheets(centre, pathlib.Path(on_disk))
            say("the office: reports that wait")
            measure_waiting(centre, pathlib.Path(in_memory), options.reports)
        finally:
            for process in (*offices, centre):
                process.kill()
    for line in verdicts:
        say(line)


if __name__ == "__main__":
    main()
