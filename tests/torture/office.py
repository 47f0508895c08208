#!/usr/bin/python3
"""Whether what an office was told is saved is at the centre exactly once, whatever is killed when.

usage: office.py BUILD_DIR [--rounds N] [--seed S] [--offices K]

Each round several reporters give their office figures, by `baophu-agent report` and by files dropped into the inbox, while the office's
agent, the centre or both are killed (-9) at a random moment and started again. A slot (unit, day) is used once, or once more for a correction
by the same reporter. At the end every program is started, and the centre is asked for its whole history of each slot:

  saved (exit 0, or `đã lưu` in sent/):  its value is there, in exactly one version; the last one of a slot stands
  not known (the command was cut off):   it is there once or not at all
  anything else:                         not there

Ends with 1 and names what was lost, double or invented. The same seed kills at the same moments, as far as a machine lets it.
"""

import argparse
import collections
import csv
import datetime
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
import test_articles  # noqa: E402
from office import Centre, Office, WAIT_S  # noqa: E402

UNITS_AN_OFFICE = 20
FIRST_DAY = datetime.date(2000, 1, 1)
LAST_DAY = datetime.date(2025, 12, 31)
SAVED, UNKNOWN, REFUSED = "saved", "unknown", "refused"


class Claims:
    """What the reporters were told, by slot, in order: (value, verdict)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_slot = collections.defaultdict(list)
        self.files = {}  # name in the inbox -> (office, rows)

    def said(self, unit, day, value, verdict):
        with self.lock:
            self.by_slot[unit, day].append((value, verdict))


class Reporter(threading.Thread):
    """One person of one office, reporting on units of their own, a call at a time."""

    def __init__(self, agent, units, claims, random_source, number):
        super().__init__(daemon=True)
        self.agent, self.units, self.claims, self.random, self.number = agent, units, claims, random_source, number
        self.day = {unit: FIRST_DAY for unit in units}
        self.stopping = threading.Event()
        self.calls = 0
        self.error = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.calls += 1
                kind = self.random.random()
                if kind < 0.5:
                    self.one_figure()
                elif kind < 0.8:
                    self.file_by_command()
                else:
                    self.file_dropped()
        except Exception as error:  # said by the driver
            self.error = error

    def said(self, *arguments):
        """What a command says by its exit code: 0 is a promise, and only that."""
        done = subprocess.run([str(self.agent.program), *arguments, "--config", str(self.agent.config)], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=WAIT_S, check=False)
        return UNKNOWN if done.returncode else SAVED

    def slot(self, unit):
        """A day not used before, or the last one again: a correction."""
        if self.day[unit] > FIRST_DAY and self.random.random() < 0.2:
            return self.day[unit]
        self.day[unit] += datetime.timedelta(days=1)
        if self.day[unit] > LAST_DAY:
            raise RuntimeError("more days were reported than there are")
        return self.day[unit]

    def one_figure(self):
        unit = self.random.choice(self.units)
        day, value = self.slot(unit), self.random.randrange(10**9)
        verdict = self.said("report", "--unit", unit, "--measure", "bhxh_tn", "--date", day.isoformat(), str(value))
        self.claims.said(unit, day, value, verdict)

    def rows(self, count):
        rows, seen = [], set()
        for _ in range(count):
            unit = self.random.choice(self.units)
            day = self.slot(unit)
            if (unit, day) not in seen:
                seen.add((unit, day))
                rows.append((unit, day, self.random.randrange(10**9)))
        return rows

    @staticmethod
    def sheet(rows):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(["unit", "measure", "to", "value"])
        for unit, day, value in rows:
            writer.writerow([unit, "bhxh_tn", day.isoformat(), value])
        return text.getvalue()

    def file_by_command(self):
        rows = self.rows(self.random.randrange(2, 60))
        path = self.agent.config.parent / f"lệnh {self.number}.csv"
        path.write_text(self.sheet(rows), encoding="utf-8")
        verdict = self.said("report", path)
        for unit, day, value in rows:
            self.claims.said(unit, day, value, verdict)

    def file_dropped(self):
        """Dropped, and not looked after until it is in sent/ with its answer: the agent may be killed at any moment of it."""
        rows = self.rows(self.random.randrange(2, 60))
        name = f"Báo cáo {self.number}-{self.calls}.csv"
        beside = self.agent.folder / f".{self.number}.dropping"
        beside.write_text(self.sheet(rows), encoding="utf-8")
        beside.rename(self.agent.inbox / name)
        while not self.stopping.is_set() and not self.is_answered(name):
            time.sleep(0.02)
        # Whatever it has come to by the end: once dropped it is not lost, so it must be saved in the end.
        for unit, day, value in rows:
            self.claims.said(unit, day, value, SAVED)
        with self.claims.lock:
            self.claims.files[name] = self.agent

    def is_answered(self, name):
        return any(path.name.startswith(f"{name} – đã") for path in self.agent.sent.glob("*.txt"))


def enrol(centre, agents):
    rows = ["change,date,code,name,level,parent,new_code,successors,note"]
    senders = ["agent,unit,measures,extent,from,until,note"]
    for agent, units in agents.items():
        rows.append(f"create,1990-01-01,{agent},Huyện {agent},district,VN,,,")
        senders.append(f"{agent},{agent},,,1990-01-01,,")
        rows += [f"create,1990-01-01,{unit},Xã {unit},commune,{agent},,," for unit in units]
    units_file, senders_file = centre.directory / "units.csv", centre.directory / "agents.csv"
    units_file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    senders_file.write_text("\n".join(senders) + "\n", encoding="utf-8")
    centre.run("unit", "import", units_file, output=None)
    centre.run("agent", "import", senders_file, output=None)


def await_drained(agents):
    """Until nothing waits anywhere: what is in the spools has its receipts, what was dropped has its answer."""
    deadline = time.monotonic() + WAIT_S
    while True:
        waiting = []
        for agent in agents:
            batches = [row["batch"] for row in agent.json("list") if row["state"] == "waiting"]
            inbox = [path.name for path in agent.inbox.iterdir()]
            if batches or inbox:
                waiting.append((agent.folder, batches, inbox))
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"still waiting: {waiting}")
        time.sleep(0.05)


def judge(centre, claims, units):
    """Compares what the centre has, version by version, with what was said. Returns sentences."""
    wrong = []
    versions = collections.defaultdict(list)
    for unit in units:
        done = centre.run("coverage", "history", unit, "--measure", "bhxh_tn")
        for row in json.loads(done.stdout):
            versions[unit, datetime.date.fromisoformat(row["to"])].append(row)
    for (unit, day), said in claims.by_slot.items():
        rows = versions.pop((unit, day), [])
        values = collections.Counter(row["value"] for row in rows)
        saved = collections.Counter(value for value, verdict in said if verdict == SAVED)
        unknown = collections.Counter(value for value, verdict in said if verdict == UNKNOWN)
        where = f"{unit} on {day}"
        wrong += [f"{where}: {value} was saved and is lost" for value in saved - values]
        wrong += [f"{where}: {value} is there {count} times too often" for value, count in (values - saved - unknown).items()]
        standing = [row["value"] for row in rows if row["stands"]]
        last_saved = max((at for at, (_, verdict) in enumerate(said) if verdict == SAVED), default=None)
        may_stand = {value for value, _ in said[last_saved or 0:]}
        if len(standing) > 1 or (last_saved is not None and (not standing or standing[0] not in may_stand)):
            wrong.append(f"{where}: {standing} stands, {sorted(may_stand)} was said last")
    wrong += [f"{unit} on {day}: {len(rows)} figures that nobody reported" for (unit, day), rows in versions.items()]
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build")
    options.add_argument("--rounds", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--offices", type=int, default=2)
    options = options.parse_args()
    source = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="baophu-office-") as directory:
        directory = pathlib.Path(directory)
        test_articles.BUILD = pathlib.Path(options.build).resolve()
        centre = Centre(directory / "centre").start()
        names = {f"h{number:02}": [f"x{number:02}{unit:03}" for unit in range(UNITS_AN_OFFICE)] for number in range(options.offices)}
        enrol(centre, names)
        agents = [Office(directory / name, centre, name=name).start() for name in names]
        claims = Claims()
        reporters = []
        for agent, units in zip(agents, names.values()):
            half = len(units) // 2
            for part in (units[:half], units[half:]):
                reporters.append(Reporter(agent, part, claims, random.Random(source.random()), len(reporters)))
        for reporter in reporters:
            reporter.start()
        kills = collections.Counter()
        for number in range(options.rounds):
            time.sleep(source.uniform(0.005, 0.2))
            victims = source.choice([[centre], [source.choice(agents)], agents, [centre, source.choice(agents)]])
            for victim in victims:
                victim.kill()
                kills[type(victim).__name__] += 1
            time.sleep(source.uniform(0, 0.05))
            source.shuffle(victims := list(victims))
            for victim in victims:
                victim.start()
            if number % 50 == 49:
                print(f"round {number + 1} of {options.rounds}: {sum(len(said) for said in claims.by_slot.values())} figures reported", flush=True)
            if error := next((reporter.error for reporter in reporters if reporter.error), None):
                raise error
        for reporter in reporters:
            reporter.stopping.set()
        for reporter in reporters:
            reporter.join(WAIT_S)
            if reporter.error:
                raise reporter.error
        await_drained(agents)
        wrong = judge(centre, claims, [unit for units in names.values() for unit in units])
        verdicts = collections.Counter(verdict for said in claims.by_slot.values() for _, verdict in said)
        calls = sum(reporter.calls for reporter in reporters)
        for program in [*agents, centre]:
            program.stop()
        print(f"{options.rounds} rounds, {kills['Office']} agents and {kills['Centre']} centres killed; {calls} reports and files: "
              f"{verdicts[SAVED]} figures saved, {verdicts[UNKNOWN]} not known; {len(wrong)} wrong")
        for sentence in wrong[:50]:
            print(sentence)
        return 1 if wrong or not verdicts[SAVED] else 0


if __name__ == "__main__":
    sys.exit(main())
