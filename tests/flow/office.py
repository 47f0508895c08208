"""A centre and a field office for tests: real processes on directories of their own, started, stopped and killed at will.

Nothing here sleeps for luck: readiness is what a process says to systemd, everything else is awaited with a deadline that fails the test.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unicodedata

import test_articles
from test_articles import ARTICLES, WAIT_S


_enrolled = []  # the directory of a centre that was set up; removed when the process ends


def wait_until(condition, what, seconds=WAIT_S):
    """The first true value of the condition, looked at often; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


class Process:
    """One program that says when it is ready."""

    def __init__(self, name, directory, command, environment=None):
        self.name, self.directory, self.command = name, pathlib.Path(directory), [str(word) for word in command]
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self):
        assert self.process is None
        notify_path = self.directory / f"{self.name}.notify"
        notify_path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, self.log_path.open("a", encoding="utf-8") as log:
            notify.bind(str(notify_path))
            notify.settimeout(WAIT_S)
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**self.environment, "NOTIFY_SOCKET": str(notify_path)})
            deadline = time.monotonic() + WAIT_S
            notify.settimeout(0.05)
            while True:
                try:
                    if "READY=1" in notify.recv(4096).decode():
                        return self
                except TimeoutError:
                    pass
                if self.process.poll() is not None or time.monotonic() > deadline:
                    code = self.process.returncode
                    self.kill()
                    raise AssertionError(f"{self.name} did not become ready (exit {code})\n{self.log}")

    def start_failing(self):
        """Starts it where it cannot; its exit code."""
        with self.log_path.open("a", encoding="utf-8") as log:
            return subprocess.run(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment, timeout=WAIT_S,
                                  check=False).returncode

    @property
    def log_path(self):
        return self.directory / f"{self.name}.log"

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(WAIT_S)
        self.process = None
        return code

    def kill(self):
        """SIGKILL, no good-bye. Right also when it does not run."""
        if self.process:
            self.process.kill()
            self.process.wait(WAIT_S)
            self.process = None


class Centre(Process):
    """baophud, and baophu pointed at it."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        directory.mkdir(exist_ok=True)
        self.data = directory / "data"
        self.endpoints = {name: f"ipc://{directory}/{name}" for name in ("ingest", "query", "publish", "control")}
        command = [test_articles.BUILD / "daemon" / "baophud", "--config", "/dev/null", "--data-dir", self.data]
        for name, endpoint in self.endpoints.items():
            command += [f"--{name}", endpoint]
        super().__init__("baophud", directory, command)

    def run(self, *arguments, check=True, output="json"):
        command = [str(test_articles.BUILD / "client" / "baophu"), *map(str, arguments)] + (["-o", output] if output else [])
        environment = {f"BAOPHU_{name.upper()}": endpoint for name, endpoint in self.endpoints.items()}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=WAIT_S, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, **environment, "BAOPHU_LANG": "en"})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def rows(self, *arguments):
        return json.loads(self.run(*arguments).stdout)

    def start_enrolled(self):
        """Started, and it knows the units, offices and plans of the articles; they are imported once in the life of this process."""
        if not _enrolled:
            _enrolled.append(tempfile.TemporaryDirectory(prefix="baophu-enrolled-"))
            first = Centre(pathlib.Path(_enrolled[0].name) / "centre").start()
            first.run("unit", "import", ARTICLES / "units.csv", output=None)
            first.run("agent", "import", ARTICLES / "agents.csv", output=None)
            first.run("plan", "import", ARTICLES / "plans.csv", "--numbers", "vi", output=None)
            assert first.stop() == 0, first.log
        shutil.copytree(pathlib.Path(_enrolled[0].name) / "centre" / "data", self.data)
        return self.start()

    def versions(self, unit, measure):
        """Every figure ever reported, oldest first: (to, value, stands)."""
        rows = self.rows("coverage", "history", unit, "--measure", measure)
        return [(row["to"], row["value"], row["stands"]) for row in sorted(rows, key=lambda row: row["seq"])]

    def standing(self, unit, measure):
        """The figures that stand: {date: value}."""
        return {to: value for to, value, stands in self.versions(unit, measure) if stands}


class Office(Process):
    """baophu-agent run, its folder, and its commands."""

    def __init__(self, directory, centre, name="thoi-lai", rest_time="50ms", settings=""):
        directory = pathlib.Path(directory)
        directory.mkdir(exist_ok=True)
        self.folder, self.data = directory / "folder", directory / "data"
        self.folder.mkdir(exist_ok=True)
        self.inbox, self.sent, self.rejected = (self.folder / name for name in ("inbox", "sent", "rejected"))
        self.state_path = self.folder / "TRẠNG THÁI.txt"
        self.config = directory / "agent.conf"
        self.config.write_text(f'agent = "{name}"\ningest = "{centre.endpoints["ingest"]}"\nquery = "{centre.endpoints["query"]}"\n'
                               f'folder = "{self.folder}"\ndata_dir = "{self.data}"\nsocket = "{directory}/socket"\n'
                               f'rest_time = "{rest_time}"\n{settings}', encoding="utf-8")
        self.program = test_articles.BUILD / "client" / "baophu-agent"
        super().__init__("agent", directory, [self.program, "run", "--config", self.config])

    def run(self, *arguments, code=0, lang="en"):
        """A command; fails the test when it ends with another exit code (None: any)."""
        done = subprocess.run([str(self.program), *map(str, arguments)],
                              capture_output=True, encoding="utf-8", timeout=WAIT_S, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "COLUMNS": "200", "BAOPHU_AGENT_CONFIG": str(self.config),
                                   "BAOPHU_LANG": lang})
        if code is not None and done.returncode != code:
            raise AssertionError(f"baophu-agent {' '.join(map(str, arguments))}: exit {done.returncode}, not {code}\n{done.stdout}"
                                 f"{done.stderr}\n{self.log}")
        return done

    def json(self, *arguments, code=0):
        return json.loads(self.run(*arguments, "-o", "json", code=code).stdout)

    def drop(self, name, content):
        """Puts a file into inbox/ as a careful program does: whole, by a rename."""
        content = content.encode() if isinstance(content, str) else content
        beside = self.folder / f".{os.getpid()}.dropping"
        beside.write_bytes(content)
        beside.rename(self.inbox / name)

    def state(self):
        return self.state_path.read_bytes().decode("utf-8-sig") if self.state_path.exists() else ""

    @staticmethod
    def text(path):
        """A text for Windows: a byte order mark, CRLF and nothing else."""
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf"), path
        assert content.count(b"\n") == content.count(b"\r\n"), path
        return content.decode("utf-8-sig").replace("\r\n", "\n")

    @staticmethod
    def find(directory, start, end=""):
        """The one path below the directory whose name begins and ends so; None."""
        names = [path for path in directory.iterdir() if unicodedata.normalize("NFC", path.name).startswith(start) and path.name.endswith(end)]
        return names[0] if len(names) == 1 else None

    def saved(self, name):
        return wait_until(lambda: self.find(self.sent, f"{name} – đã lưu", ".txt") or self.find(self.sent, f"{name} – đã nhận", ".txt"),
                          f"{name} is saved\n{self.log}\n{self.state()}")

    def received(self, name):
        return wait_until(lambda: self.find(self.sent, f"{name} – đã nhận, biên nhận ", ".txt"), f"{name} is received\n{self.log}")

    def returned(self, name, ending=".csv"):
        return wait_until(lambda: self.find(self.rejected, f"{name} – dòng bị trả lại", ending), f"rows of {name} come back\n{self.log}")

    def reasons(self, name):
        return self.text(wait_until(lambda: self.find(self.rejected, f"{name} – lý do", ".txt"), f"{name} comes back\n{self.log}"))


class Scene:
    """A directory with a centre and an office; closed by close()."""

    def __init__(self, **settings):
        self.directory = tempfile.TemporaryDirectory(prefix="baophu-office-")
        path = pathlib.Path(self.directory.name)
        self.centre = Centre(path / "centre")
        self.office = Office(path / "office", self.centre, **settings)

    def close(self):
        self.office.kill()
        self.centre.kill()
        self.directory.cleanup()
