#!/usr/bin/python3
"""Runs a command beside a fresh collector: with_daemon.py BAOPHUD COMMAND [ARGUMENT...]

The command finds the endpoints in BAOPHU_INGEST, BAOPHU_CONTROL, BAOPHU_QUERY and BAOPHU_PUBLISH. Ends as the command ended; also with 1
when the collector was not there any more or did not stop in order. So a client in any language can be tested without starting daemons.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "flow"))
from test_python_client import Daemon  # noqa: E402


def main():
    program, command = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="baophu-") as directory:
        daemon = Daemon(program, directory)
        try:
            daemon.start()
            environment = {"BAOPHU_" + name.upper(): getattr(daemon, name) for name in ("ingest", "control", "query", "publish")}
            code = subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
            if daemon.process.poll() is not None:
                sys.exit("with_daemon: the collector is gone")
        finally:
            stopped = daemon.stop()
    sys.exit(code or (1 if stopped else 0))


if __name__ == "__main__":
    main()
