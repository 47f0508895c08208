"""What an office has beside our programs: a network share as Windows sees it, and LibreOffice.

Share: a Samba server of its own on a loopback port, without rights on the machine, reached by smbclient.
Writer: LibreOffice without a window, driven over its own interface (UNO); it opens a sheet, types into cells and saves.
"""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

WAIT_S = 60

SMB_CONF = """\
[global]
workgroup = VANPHONG
server role = standalone server
interfaces = 127.0.0.1/8
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
map to guest = Bad User
guest account = {user}
private dir = {state}
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
load printers = no
disable spoolss = yes
[bao-phu]
path = {folder}
guest ok = yes
read only = no
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Share:
    """The folder, shared. What is in it is read and written over SMB only."""

    def __init__(self, folder, state):
        self.state = pathlib.Path(state)
        self.state.mkdir(mode=0o700)
        self.port = free_port()
        self.conf = self.state / "smb.conf"
        self.conf.write_text(SMB_CONF.format(port=self.port, state=self.state, folder=folder, user=pwd.getpwuid(os.getuid()).pw_name))
        smbd = shutil.which("smbd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        self.log = open(self.state / "out", "wb")
        self.process = subprocess.Popen([smbd, "-F", "--no-process-group", "-s", self.conf], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT,
                                        start_new_session=True)  # it ends its whole process group, which must not be ours
        deadline = time.monotonic() + WAIT_S
        while self.command("ls", check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"smbd does not serve: {(self.state / 'out').read_text(errors='replace')}")
            time.sleep(0.05)

    def command(self, text, check=True):
        done = subprocess.run(["smbclient", "//127.0.0.1/bao-phu", "-p", str(self.port), "-N", "-s", self.conf, "-c", text],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_S)
        if check and done.returncode:
            raise RuntimeError(f"smbclient {text!r}: {done.stdout}{done.stderr}")
        return done

    def put(self, path, name):
        """As an officer drops a file: `name` is a path in the share, with backslashes or slashes."""
        self.command(f'put "{path}" "{name}"')

    def get(self, name, path):
        self.command(f'get "{name}" "{path}"')

    def names(self, folder):
        """Names of the files in a folder of the share, as SMB says them."""
        done = self.command(f'cd "{folder}"; ls', check=False)
        names = set()
        for line in done.stdout.splitlines():
            if line.startswith("  ") and " blocks of size " not in line:
                # name, attributes, bytes, weekday, month, day, time, year: the name may hold blanks
                fields = line.rstrip().rsplit(None, 7)
                if len(fields) == 8 and "D" not in fields[1]:
                    names.add(fields[0].strip())
                elif len(fields) == 8 and "D" in fields[1]:
                    continue
        return names

    def close(self):
        self.process.terminate()
        self.process.wait(WAIT_S)
        self.log.close()


class LibreOffice:
    """One LibreOffice for all sheets of a test; starting it takes seconds."""

    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.state.mkdir(mode=0o700)
        self.pipe = f"baophu{os.getpid()}"
        self.process = subprocess.Popen(
            ["soffice", "--headless", "--norestore", "--nologo", "--nodefault", f"-env:UserInstallation=file://{self.state}/profile",
             f"--accept=pipe,name={self.pipe};urp;"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, HOME=str(self.state)), start_new_session=True)
        import uno
        self.uno = uno
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                context = resolver.resolve(f"uno:pipe,name={self.pipe};urp;StarOffice.ComponentContext")
                break
            except Exception:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)
        self.desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)

    def property(self, name, value):
        one = self.uno.createUnoStruct("com.sun.star.beans.PropertyValue")
        one.Name, one.Value = name, value
        return one

    def fill(self, source, target, cells):
        """Opens `source`, types {(row, column): text or number} into its first visible sheet (counted from 0), saves as .xlsx."""
        document = self.desktop.loadComponentFromURL(self.uno.systemPathToFileUrl(str(source)), "_blank", 0, (self.property("Hidden", True),))
        try:
            sheets = [document.Sheets.getByIndex(i) for i in range(document.Sheets.Count)]
            sheet = next(one for one in sheets if one.IsVisible)
            for (row, column), value in cells.items():
                cell = sheet.getCellByPosition(column, row)
                if isinstance(value, str):
                    cell.String = value
                else:
                    cell.Value = value
            document.storeToURL(self.uno.systemPathToFileUrl(str(target)), (self.property("FilterName", "Calc MS Excel 2007 XML"),))
        finally:
            document.close(True)

    def close(self):
        try:
            self.desktop.terminate()
        except Exception:
            pass  # the connection ends with the program that it asked to end
        self.process.wait(WAIT_S)

