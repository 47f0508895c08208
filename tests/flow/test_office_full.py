#!/usr/bin/python3
"""An office whose disk is full, from the start or later: it says so before it accepts anything, saves nothing in part, and goes on by itself.

usage: test_office_full.py BUILD_DIR [unittest arguments]
"""

import ctypes
import os
import pathlib
import shutil
import sys
import unittest

import test_articles
from office import Office, Scene, wait_until

MIB = 1 << 20
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REMOUNT, MS_REC, MS_PRIVATE = 32, 0x4000, 1 << 18
FULL = "Đĩa của máy nơi gửi đã đầy"
HEADING = "unit,measure,to,value\n"
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind=None, flags=0, options=None):
    given = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    return libc.mount(given[0], given[1], given[2], flags, given[3]) == 0


def setUpModule():
    """A mount namespace of this test's own: nothing is left behind, whatever happens."""
    if libc.unshare(CLONE_NEWNS) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        raise unittest.SkipTest("a small file system cannot be mounted here")
    mount(None, "/", flags=MS_REC | MS_PRIVATE)


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.scene = Scene()
        self.addCleanup(self.scene.close)
        self.centre, self.office = self.scene.centre, self.scene.office

    def small_disk(self, path, mib):
        """A disk of so many MiB at `path`, which must be an empty directory."""
        pathlib.Path(path).mkdir(exist_ok=True)
        if not mount("tmpfs", path, "tmpfs", options=f"size={mib}m"):
            self.skipTest("a small file system cannot be mounted here")
        self.addCleanup(libc.umount2, os.fsencode(path), 2)

    def fill(self, path, left=0):
        """Leaves so many bytes of the disk at `path`; returns what to remove to have the room again."""
        ballast = pathlib.Path(path) / "ballast"
        with open(ballast, "wb") as file:
            room = shutil.disk_usage(path).free - left
            os.posix_fallocate(file.fileno(), 0, room)
        return ballast

    def batches(self):
        return [(row["batch"], row["figures"]) for row in self.office.json("list")]

    def owed(self):
        return sorted(int(path.name) for path in (self.office.data / "owed").iterdir())

    def check_refusing(self, code=1):
        status = self.office.run("status", code=code)
        self.assertIn("the disk of this machine is full", status.stderr)
        refused = self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85.254", code=8)
        self.assertIn("the disk of this machine is full: nothing was saved", refused.stderr)
        self.assertEqual(refused.stdout, "")

    def one_disk(self, mib):
        """The office's data and its folder on one small disk."""
        here = pathlib.Path(self.scene.directory.name)
        disk, office = here / "disk", here / "full"
        self.small_disk(disk, mib)
        office.mkdir()
        for name in ("folder", "data"):
            (disk / name).mkdir()
            (office / name).symlink_to(disk / name)
        self.office = Office(office, self.centre)
        self.addCleanup(self.office.kill)
        return disk

    def test_full_at_the_start(self):
        disk = self.one_disk(24)
        ballast = self.fill(disk, left=8 * MIB)
        self.office.start()
        wait_until(lambda: "the disk is full" in self.office.log, "the journal has it")
        self.office.drop("truoc.csv", HEADING + "927,bhxh_tn,2024-04-30,1530\n")
        self.check_refusing()
        self.assertEqual(self.batches(), [])
        wait_until(lambda: FULL in self.office.state() and "truoc.csv" not in self.office.log and "1 tệp" in self.office.state(),
                   f"it is said beside the files\n{self.office.state()}")
        self.assertTrue((self.office.inbox / "truoc.csv").exists())
        self.assertEqual(list(self.office.sent.iterdir()), [])
        self.assertEqual(self.office.stop(), 0, self.office.log)
        self.office.start()  # and again: nothing half made is in the way
        self.check_refusing()
        ballast.unlink()
        self.office.saved("truoc.csv")
        wait_until(lambda: FULL not in self.office.state(), "what no longer holds is no longer said")
        self.office.run("status")
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85.254")
        self.centre.start_enrolled()
        self.office.received("truoc.csv")
        wait_until(lambda: self.centre.versions("927", "bhyt") == [("2024-04-30", 85254, True)], "it counts")
        self.assertEqual(self.centre.versions("927", "bhxh_tn"), [("2024-04-30", 1530, True)])

    def test_not_one_byte_at_the_start(self):
        disk = self.one_disk(24)
        ballast = self.fill(disk)
        self.office.start()
        self.check_refusing()
        ballast.unlink()
        wait_until(lambda: self.office.inbox.exists() and self.office.state() and FULL not in self.office.state(), "it goes on")
        self.office.drop("sau.csv", HEADING + "927,bhxh_tn,2024-04-30,1530\n")
        self.office.saved("sau.csv")
        self.office.run("status")

    def test_full_later(self):
        """Not one byte is left when somebody's file is there to be taken."""
        disk = self.one_disk(40)
        self.office.start()
        self.office.run("report", "--unit", "927", "--measure", "bhyt", "--date", "30/4/2024", "85.254")
        for name in ("mot.csv", "hai.csv"):
            (self.office.inbox / f"{name}.part").write_text(HEADING + "927,bhxh_tn,2024-04-30,1530\n927,bhxh_tn,2024-02-30,1\n",
                                                            encoding="utf-8")
        command = pathlib.Path(self.scene.directory.name) / "lenh.csv"
        command.write_text(HEADING + "927,bhtn,2024-04-30,7\n927,bhtn,2024-02-30,1\n", encoding="utf-8")
        ballast = self.fill(disk)
        for name in ("mot.csv", "hai.csv"):
            (self.office.inbox / f"{name}.part").rename(self.office.inbox / name)
        wait_until(lambda: FULL in self.office.state() and "2 tệp" in self.office.state(),
                   f"there was room kept for saying it\n{self.office.log}{self.office.state()}")
        # Rows of it would have to be given back, and there is no room for those: then none of it is taken.
        refused = self.office.run("report", command, code=8)
        self.assertIn("nothing was saved", refused.stderr)
        self.assertEqual(self.batches(), [(1, 1)])
        self.assertIn("the disk of this machine is full", self.office.run("status", code=1).stderr)
        self.office.kill()
        self.office.start()
        self.assertEqual(self.batches(), [(1, 1)])
        self.assertEqual(sorted(path.name for path in self.office.inbox.iterdir()), ["hai.csv", "mot.csv"])
        self.assertEqual(list(self.office.rejected.iterdir()), [])
        ballast.unlink()
        for name in ("mot.csv", "hai.csv"):
            self.office.saved(name)
            self.office.returned(name)
        self.office.run("report", command, code=5)
        wait_until(lambda: FULL not in self.office.state(), "what no longer holds is no longer said")
        self.assertEqual(len(self.batches()), 4)

    def test_the_spool_fills_its_disk(self):
        """The folder lies on another disk, and what is saved has filled its own."""
        self.small_disk(self.office.data, 24)
        self.office.start()
        # Of more units than anybody has: what is remembered of them has a bound, which must not be in the way either.
        large = pathlib.Path(self.scene.directory.name) / "large.csv"
        large.write_text(HEADING + "".join(f"u{number:05},bhyt,2024-04-30,{number}\n" for number in range(60000)), encoding="utf-8")
        saved = 0
        while saved < 20:
            done = self.office.run("report", large, code=None).returncode
            if done:
                break
            saved += 1
        self.assertEqual(done, 8)
        self.assertGreater(saved, 1)
        known = self.batches()
        self.assertEqual([figures for _, figures in known], [60000] * saved)
        self.office.drop("cho.csv", large.read_bytes())
        wait_until(lambda: FULL in self.office.state() and "1 tệp" in self.office.state(), f"it stays\n{self.office.state()}")
        self.assertIn("the disk of this machine is full", self.office.run("status", code=1).stderr)
        self.assertEqual(self.batches(), known)
        self.assertEqual([path.name for path in self.office.inbox.iterdir()], ["cho.csv"])
        self.assertEqual(self.owed(), sorted(number for number, _ in known), "no answer is owed to what was not saved")
        self.office.kill()
        self.office.start()
        self.assertEqual(self.batches(), known)
        self.assertTrue(mount("tmpfs", self.office.data, "tmpfs", MS_REMOUNT, "size=64m"))
        self.office.saved("cho.csv")
        wait_until(lambda: FULL not in self.office.state(), "what no longer holds is no longer said")
        self.assertEqual([figures for _, figures in self.batches()], [60000] * (saved + 1))
        self.assertEqual(self.owed(), sorted(number for number, _ in self.batches()))


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)
