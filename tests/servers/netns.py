"""Network namespaces, and machines in them: what a fault can be made on for real.

A namespace is named ``netmon-PID-NAME`` after the process that made it, so that the next run finds
and removes what a crashed one left behind.  A `Machine` is a namespace with an init of its own in
further namespaces: its processes, mounts, host name and clock since boot are its own, and all of it
ends when its init is killed, as when the power goes.

Nothing here touches the interfaces of the namespace that the tests were started in.  It needs root.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_NAMED = Path("/run/netns")
# pytest's folder is root's alone, and some daemons are not root.
_FOLDERS = Path("/var/tmp")  # noqa: S108 (mkdtemp makes the folders)
_NEWNET = 0x40000000  # CLONE_NEWNET, setns(2)
_SECONDS = 30.0
# What must not outlive the test process, however that ends.
_TIED = ("setpriv", "--pdeathsig", "KILL")
_OWN = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--time")
# The first process of a machine: $1 its name, $2 where it says that it is up, $3 a mount point or
# nothing, $4 the size of a file system of its own there.  It reaps whatever is orphaned.
_INIT = """
set -e
hostname "$1"
[ -z "$3" ] || mount -t tmpfs -o "mode=755,size=$4" tmpfs "$3"
: >"$2"
while :; do sleep 3600 & wait; done
"""


def run(*command: str, words: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command, `words` on its standard input; RuntimeError with what it said if it fails."""
    done = subprocess.run(
        command, input=words or "", capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr}{done.stdout}")
    return done


def full_name(name: str) -> str:
    """A namespace's name for the whole system."""
    return f"netmon-{os.getpid()}-{name}"


@contextlib.contextmanager
def namespaces(*names: str) -> Iterator[Path]:
    """Fresh network namespaces and a folder that any user may read, until the block ends.

    What test processes that are no more have left is removed first.
    """
    _clear_dead()
    folder = Path(tempfile.mkdtemp(prefix=full_name(""), dir=_FOLDERS))
    folder.chmod(0o755)
    try:
        for name in names:
            run("ip", "netns", "add", full_name(name))
        yield folder
    finally:
        for name in names:
            _delete(full_name(name))
        shutil.rmtree(folder, ignore_errors=True)


def set_up(name: str, *lines: str) -> None:
    """Run lines of `ip` in a namespace."""
    run("ip", "-n", full_name(name), "-batch", "-", words="\n".join(lines))


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Put the calling thread into a namespace: its sockets, its new threads and its child processes."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(file: int) -> None:
        if libc.setns(file, _NEWNET):
            raise OSError(ctypes.get_errno(), f"setns into {name}: {os.strerror(ctypes.get_errno())}")

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(_NAMED / full_name(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(there)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(there)
        os.close(home)


def daemon(name: str, *command: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a namespace, which ends with the test process; what it says goes to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [*_TIED, "ip", "netns", "exec", full_name(name), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of ours, stopped or not, and wait for it."""
    process.kill()
    process.wait()


class Machine:
    """A machine with the network of the namespace `name`; it is off at first."""

    def __init__(self, name: str, folder: Path, *, disk: Path | None = None, disk_size: str = "") -> None:
        self.name = name
        self.disk = disk  # a mount point for a file system of its own
        self._disk_size = disk_size
        self._up = folder / f"{name}.up"
        self._log = folder / f"{name}.init"
        self._power: subprocess.Popen[bytes] | None = None
        self._init = 0

    def boot(self, uptime: float) -> None:
        """Switch it on, as if `uptime` seconds ago; from the main thread, with whose end it ends."""
        assert self._power is None, f"{self.name} is on already"
        self._up.unlink(missing_ok=True)
        offset = round(uptime - time.clock_gettime(time.CLOCK_BOOTTIME))
        disk = str(self.disk) if self.disk else ""
        script = ("sh", "-c", _INIT, "init", self.name, str(self._up), disk, self._disk_size)
        self._power = daemon(self.name, *_OWN, "--boottime", str(offset), *script, log=self._log)

    def await_boot(self) -> None:
        """Wait until it can run commands."""
        assert self._power is not None
        deadline = time.monotonic() + _SECONDS
        while not self._up.exists():
            if self._power.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not boot: {self._log.read_text(errors='replace')}")
            time.sleep(0.01)
        children = Path(f"/proc/{self._power.pid}/task/{self._power.pid}/children").read_text()
        self._init = int(children.split()[0])

    def power_off(self) -> None:
        """Kill everything that runs on it, at once."""
        if self._power is not None:
            if self._init:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._init, signal.SIGKILL)
                # Its end is that of its whole process namespace.
                self._power.wait(_SECONDS)
            else:
                end(self._power)
        self._power, self._init = None, 0

    def run(
        self, *command: str, words: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        assert self._init, f"{self.name} is off"
        return run("nsenter", "--target", str(self._init), "--all", *command, words=words, check=check)

    def root(self, path: Path) -> Path:
        """A path as this machine sees it, for us to read and write."""
        assert self._init, f"{self.name} is off"
        return Path(f"/proc/{self._init}/root") / path.relative_to("/")

    def runs(self, pid: int) -> bool:
        """Whether a process of that number, in its own count, runs on it."""
        state = self.root(Path(f"/proc/{pid}/stat"))
        with contextlib.suppress(OSError):
            return state.read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
        return False


def _clear_dead() -> None:
    for place in (_NAMED, _FOLDERS):
        for path in place.glob("netmon-*-*"):
            maker = path.name.split("-")[1]
            if not maker.isdecimal() or Path("/proc", maker).exists():
                continue
            if place == _NAMED:
                _delete(path.name)
            else:
                shutil.rmtree(path, ignore_errors=True)


def _delete(name: str) -> None:
    for pid in run("ip", "netns", "pids", name, check=False).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "delete", name, check=False)
