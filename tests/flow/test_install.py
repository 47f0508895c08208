#!/usr/bin/python3
"""libbaophu as a stranger meets it: installed, found in two ways, compiled against, run against a real centre.

usage: test_install.py BUILD_DIR [unittest arguments]

Installs into a temporary prefix, moves that elsewhere (nothing in it may know where it was), and builds the project tests/install twice.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import test_articles
from test_articles import ARTICLES, ROOT, WAIT_S, Centre

UNITS_BELOW = 450  # as in tests/install/outside.c
BUILD_S = 240


def run(*command, check=True, **more):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          stdin=subprocess.DEVNULL, check=False, **{"timeout": BUILD_S, **more})
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout if check else done


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="baophu-install-")
        cls.addClassCleanup(cls.directory.cleanup)
        path = pathlib.Path(cls.directory.name)
        cls.prefix = path / "elsewhere"
        for component in ("runtime", "development"):
            run("cmake", "--install", test_articles.BUILD, "--prefix", path / "prefix", "--component", component)
        (path / "prefix").rename(cls.prefix)
        cls.shared_object = next(cls.prefix.glob("**/libbaophu.so"))
        cls.headers = sorted(cls.prefix.glob("include/baophu/*.h"))

    def configure(self, name, *arguments, check=True):
        directory = pathlib.Path(self.directory.name) / name
        done = run("cmake", "-S", ROOT / "tests" / "install", "-B", directory, "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc",
                   "-DCMAKE_CXX_COMPILER=clang++", *arguments, check=check,
                   env={**os.environ, "PKG_CONFIG_PATH": str(self.shared_object.parent / "pkgconfig")})
        return directory if check else done

    def build_and_run(self, name, *arguments):
        directory = self.configure(name, *arguments)
        run("cmake", "--build", directory, "-j", "2")
        self.assertIn("libbaophu.so.0", run("readelf", "-d", directory / "outside"))
        run(directory / "outside_cpp", timeout=WAIT_S)
        centre = Centre()
        self.addCleanup(centre.close)
        centre.run("unit", "import", ARTICLES / "units.csv", output=None)
        centre.run("agent", "import", ARTICLES / "agents.csv", output=None)
        communes = "".join(f"create,2012-01-01,927{i:04},Xã {i},commune,927,,,\n" for i in range(UNITS_BELOW))
        table = pathlib.Path(self.directory.name) / "communes.csv"
        table.write_text("change,date,code,name,level,parent,new_code,successors,note\n" + communes, encoding="utf-8")
        centre.run("unit", "import", table, output=None)
        said = run(directory / "outside", *(centre.endpoints[end] for end in ("ingest", "query", "publish")), timeout=WAIT_S * 2)
        self.assertIn("all of it", said)

    def test_by_cmake_package(self):
        self.build_and_run("package", "-DFIND_BY=package", f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_by_pkg_config(self):
        self.build_and_run("pkg-config", "-DFIND_BY=pkg-config")

    def test_another_major_version_is_not_taken_for_this_one(self):
        for number, wanted in enumerate(("1", "0.99")):
            done = self.configure(f"other-{number}", "-DFIND_BY=package", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                                  f"-DWANTED={wanted}", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("considered but not accepted", " ".join(done.stdout.split()))

    def test_exports_what_the_headers_declare_and_nothing_else(self):
        said = run("nm", "-D", "--defined-only", self.shared_object).splitlines()
        exported = {line.split()[2] for line in said if line.split()[1] != "A"}
        self.assertTrue(all(re.fullmatch(r"baophu_[a-z_]+@@BAOPHU_0", name) for name in exported), exported)
        declared = set()
        for header in self.headers:
            declared |= set(re.findall(r"BAOPHU_API [^;(]*?\b(baophu_[a-z_]+)\(", header.read_text(encoding="utf-8")))
        self.assertGreater(len(declared), 30)
        self.assertEqual({name.partition("@")[0] for name in exported}, declared)
        self.assertIn("Library soname: [libbaophu.so.0]", run("readelf", "-d", self.shared_object))

    def test_headers_stand_alone_and_know_nothing_of_ours(self):
        self.assertEqual([header.name for header in self.headers],
                         ["baophu.h", "client.h", "date.h", "ratio.h", "status.h", "types.h"])
        for header in self.headers:
            for include in re.findall(r"#include\s*(\S+)", header.read_text(encoding="utf-8")):
                self.assertRegex(include, r"^<(baophu/\w+|std\w+)\.h>$")
            for compiler in (("gcc", "-std=c17", "-xc"), ("clang++", "-std=c++17", "-xc++")):
                run(*compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", self.prefix / "include",
                    "-include", header, "/dev/null")


if __name__ == "__main__":
    test_articles.BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
