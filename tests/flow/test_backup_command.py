#!/usr/bin/python3
"""`baophud backup` and `baophu server backup-verified`, as an administrator or a timer runs them.

usage: test_backup_command.py BUILD_DIR [unittest arguments]

Exit statuses, what is printed for people and for programs, and that the centre is told of proved places of its own history only. That a copy
is whole or absent is tests/fault/test_backup.c.
"""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import test_articles
from office import Centre
from test_articles import WAIT_S


class Backup(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="baophu-backup-")
        self.addCleanup(directory.cleanup)
        self.here = pathlib.Path(directory.name)
        self.centre = Centre(self.here / "centre")
        self.addCleanup(self.centre.kill)
        self.to = self.here / "backups"
        self.to.mkdir()

    def baophud(self, code, *arguments, **more):
        program = test_articles.BUILD / "daemon" / "baophud"
        done = subprocess.run([program, "backup", *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=WAIT_S,
                              stdin=subprocess.DEVNULL, check=False, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def backup(self, *arguments):
        return json.loads(self.baophud(0, "--data", self.centre.data, "--to", self.to, "-o", "json", *arguments).stdout)

    def tell(self, code, proof, *arguments):
        path = self.here / "proof.json"
        path.write_text(proof if isinstance(proof, str) else json.dumps(proof), encoding="utf-8")
        done = self.centre.run("server", "backup-verified", path, *arguments, check=False, output=None)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_it_prints_the_place_and_the_centre_takes_it(self):
        self.centre.start_enrolled()
        status = self.centre.rows("server", "status")[0]
        proof = self.backup()
        self.assertEqual((proof["store"], proof["seq"], proof["digest"]), (status["store"], status["seq"], status["digest"]))
        path = pathlib.Path(proof["path"])
        self.assertRegex(path.name, rf"^baophu-{proof['store'][:8]}-\d{{8}}T\d{{6}}Z-{proof['seq']}$")
        self.assertEqual([child.name for child in path.iterdir()], ["log"])
        self.assertEqual(proof["bytes"], sum(file.stat().st_size for file in (path / "log").iterdir()))
        self.assertEqual(path.stat().st_mode & 0o777, 0o700)
        self.assertEqual((status["backup_seq"], status["backup_time"]), (None, None))
        self.assertIn(f"place {proof['seq']}", self.tell(0, proof).stdout)
        status = self.centre.rows("server", "status")[0]
        self.assertEqual(status["backup_seq"], proof["seq"])
        self.assertGreaterEqual(status["backup_time"], status["started"])
        kept = self.here / "kept.json"
        self.baophud(0, "--check", path, "--proof", kept)
        self.tell(0, kept.read_text(encoding="utf-8"))
        self.assertIn("cannot be written", self.baophud(73, "--check", path, "--proof", self.here / "nowhere" / "x").stderr)
        checked = json.loads(self.baophud(0, "--check", path, "-o", "json").stdout)
        self.assertEqual((checked["seq"], checked["digest"], checked["path"]), (proof["seq"], proof["digest"], str(path)))
        self.tell(0, checked)

        # for people, and while the centre does not run
        self.assertEqual(self.centre.stop(), 0)
        said = self.baophud(0, "--data", self.centre.data, "--to", self.to, "--keep", "1").stdout
        self.assertIn("made:", said)
        self.assertIn("removed  1 older", said)
        self.assertEqual(len(list(self.to.iterdir())), 1)
        self.centre.start()
        again = self.centre.rows("server", "status")[0]
        self.assertEqual((again["backup_seq"], again["backup_time"]), (status["backup_seq"], status["backup_time"]))

    def test_the_centre_believes_only_places_of_its_own_history(self):
        self.centre.start_enrolled()
        proof = self.backup()
        seq = self.centre.rows("server", "status")[0]["seq"]
        self.assertIn("NO_SUCH", self.tell(6, {**proof, "digest": "00" * 32}).stderr)
        self.assertIn("of another", self.tell(6, {**proof, "seq": proof["seq"] + 100000}).stderr)
        self.assertIn("is empty: no backup was made", self.tell(2, "").stderr)
        for wrong in ("[1]", "{}", "{", '{"seq": 1}', json.dumps({**proof, "seq": -5}), json.dumps({**proof, "digest": proof["digest"][:-1] + "G"}),
                      json.dumps({**proof, "seq": "7"}), json.dumps({**proof, "digest": proof["digest"] + "00"}), "x" * 100000, "\0\0"):
            self.assertIn("is not what", self.tell(2, wrong).stderr, wrong[:40])
        done = self.centre.run("server", "backup-verified", self.here / "nowhere", check=False, output=None)
        self.assertEqual(done.returncode, 2)
        self.centre.run("server", "backup-verified", "-", check=False, output=None)
        self.assertEqual(self.centre.rows("server", "status")[0]["seq"], seq + 4, "two refusals, each in an epoch, and nothing else")

    def test_it_is_never_in_the_journal(self):
        """A place is one of a history: sent again to a centre that was put back, it would be of another."""
        self.centre.start_enrolled()
        journal = self.here / "journal"
        proof = self.backup()
        done = self.tell(2, proof, "--journal", journal)
        self.assertIn("--journal", done.stderr)
        os.environ["BAOPHU_JOURNAL"] = str(journal)
        self.addCleanup(os.environ.pop, "BAOPHU_JOURNAL", None)
        self.tell(0, proof)
        self.assertFalse(journal.exists())
        self.centre.kill()
        shutil.rmtree(self.centre.data)
        shutil.copytree(proof["path"], self.centre.data)
        self.centre.start()
        self.assertEqual(self.centre.rows("server", "resend")[0]["sent"], 0)

    def test_a_centre_goes_on_from_a_backup(self):
        self.centre.start_enrolled()
        units = self.centre.rows("unit", "list", "--depth", "8")
        proof = self.backup()
        self.centre.kill()
        shutil.rmtree(self.centre.data)
        shutil.copytree(proof["path"], self.centre.data)
        self.centre.start()
        self.assertEqual(self.centre.rows("unit", "list", "--depth", "8"), units)
        again = self.backup()
        self.assertGreater(again["seq"], proof["seq"])
        self.assertEqual(again["store"], proof["store"])
        # a daemon can also be started right on it; then it is not what its name says any more
        other = Centre(self.here / "other")
        other.command[other.command.index("--data-dir") + 1] = proof["path"]
        other.start()
        self.assertEqual(other.stop(), 0)
        self.assertIn("is not what its name says", self.baophud(74, "--check", proof["path"]).stderr)

    def test_a_page_that_the_disk_does_not_give_is_said(self):
        """The kernel tells it by SIGBUS, since the log is read by mapping it."""
        self.centre.start_enrolled()
        command = [test_articles.BUILD / "daemon" / "baophud", "backup", "--data", self.centre.data, "--to", self.to]
        for _ in range(100):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
            while process.poll() is None and not list(self.to.glob("*.part")):
                pass
            process.send_signal(signal.SIGBUS)
            said = process.communicate(timeout=WAIT_S)[1]
            if process.returncode:
                break
            shutil.rmtree(self.to)  # it was faster
            self.to.mkdir()
        self.assertEqual(process.returncode, 74, said)
        self.assertIn("cannot be read from the disk", said)
        self.assertEqual([path.suffix for path in self.to.iterdir()], [".part"])
        self.assertIn("removed  1 unfinished", self.baophud(0, "--data", self.centre.data, "--to", self.to).stdout)

    def test_wrong_flags_and_directories(self):
        self.centre.start_enrolled()
        data = ("--data", self.centre.data)
        for arguments, said in (((), "either --to or --check"), (("--to",), "--to needs a value"), (("--to", self.to, "--check", self.to), "exclude"),
                                ((*data, "--to", self.to, "--keep", "0"), "--keep is a number"), ((*data, "--to", self.to, "-o", "xml"), "json only"),
                                (("--check", self.to, "--keep", "2"), "goes with --proof and -o only"), (("--nonsense",), "is not a flag"),
                                ((*data, "--to", self.to, "more"), "is not a flag"), ((*data, "--to", self.here / "unmounted"), "is its disk mounted"),
                                ((*data, "--to", self.centre.data), "inside the data directory"),
                                (("--data", self.here, "--to", self.to), "there is no log in"), (("--check", self.to), "is no backup"),
                                (("--check", self.here / "nowhere"), "cannot be opened"),
                                (("--config", self.here / "nowhere", "--to", self.to), "nowhere")):
            self.assertIn(said, self.baophud(78, *arguments).stderr, arguments)
        self.assertEqual(list(self.to.iterdir()), [])
        self.assertIn("--keep N", self.baophud(0, "--help").stdout)
        settings = self.here / "baophud.conf"
        settings.write_text(f'data_dir = "{self.centre.data}"\n', encoding="utf-8")
        self.baophud(0, "--config", settings, "--to", self.to)

    def test_a_terminal_sees_how_far_it_is_only_when_it_takes_long(self):
        self.centre.start_enrolled()
        terminal, other = pty.openpty()
        done = subprocess.run([test_articles.BUILD / "daemon" / "baophud", "backup", "--data", self.centre.data, "--to", self.to],
                              stdout=subprocess.PIPE, stderr=other, stdin=subprocess.DEVNULL, timeout=WAIT_S, check=True)
        os.close(other)
        try:
            said = os.read(terminal, 1000)
        except OSError:
            said = b""
        os.close(terminal)
        self.assertEqual(said, b"", "a copy of an instant says nothing on the way")
        self.assertIn(b"made:", done.stdout)


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
