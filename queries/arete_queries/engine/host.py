"""What this machine offers the engine: memory, disk space, ports, and whether a process still lives."""

import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

MIB = 1024 * 1024


def installed_memory_mb() -> int:
    """Returns the memory of this machine, or of the container that limits it, in MiB."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit_file).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            installed = min(installed, int(text))
    return installed // MIB


def available_memory_mb() -> int | None:
    """Returns the memory that new processes can take without swapping, in MiB; None where it is not known."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return None


def free_disk_mb(folder: Path) -> int:
    """Returns the free space, in MiB, of the disk that holds `folder` or the nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // MIB


def listen_once(port: int) -> socket.socket:
    """Binds 127.0.0.1:`port` (0 for a free one) as a server would; the caller closes it to hand the port on.

    Raises:
        OSError: The port is taken, or this user may not use it.
    """
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As Java does: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    except BaseException:
        probe.close()
        raise
    return probe


def accepts_connections(port: int) -> bool:
    """Says whether something listens on 127.0.0.1:`port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def process_birth(pid: int) -> str | None:
    """Returns a token of the moment when process `pid` started, or None when no such process lives.

    A process id is given again after a while; the pair of id and token is not. Zombies count as dead.
    """
    if sys.platform == "linux":
        try:
            # The name, in parentheses, may hold spaces and parentheses: count the fields from its end.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        state, started_ticks = fields[0], fields[19]  # fields 3 and 22 of proc(5)
        return None if state in "ZX" else f"{boot}/{started_ticks}"
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=10
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def lock_holder(path: Path) -> int | None:
    """Returns the process that holds a POSIX lock on `path`, as Java's file locks are; None when nobody does.

    The lock is only asked about, never taken, so that a server that starts meanwhile is not disturbed.
    """
    import fcntl

    # struct flock: Linux puts type and whence first, macOS last.
    layout = "hhqqi" if sys.platform == "linux" else "qqihh"
    ask = (
        struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        if sys.platform == "linux"
        else struct.pack(layout, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    )
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        answer = struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, ask))
    finally:
        os.close(descriptor)
    kind, pid = (answer[0], answer[4]) if sys.platform == "linux" else (answer[3], answer[2])
    return None if kind == fcntl.F_UNLCK else pid
