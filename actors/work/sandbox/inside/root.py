"""A root folder that holds what Python needs and nothing else of the host, all of it read-only."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from actors.work.sandbox.inside import kernel

SCRATCH = "/scratch"
TEMPORARY = f"{SCRATCH}/tmp"  # noqa: S108 - a folder of the candidate's own root
NOBODY = 65534
SYSTEM_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")  # shared libraries, time zones
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def shown_folders(libraries: Sequence[str]) -> list[str]:
    """Folders of the host that a candidate sees, each at its own place, outermost first."""
    wanted = [f"{sys.base_prefix}/lib", f"{sys.base_prefix}/{sys.platlibdir}", os.path.dirname(os.__file__), *libraries]
    found: list[str] = []
    for folder in sorted({os.path.realpath(each) for each in (*wanted, *SYSTEM_FOLDERS) if os.path.isdir(each)}):
        if not any(folder.startswith(outer + "/") for outer in found):
            found.append(folder)
    return found


def build(base: str, libraries: Sequence[str]) -> None:
    """Make a new root in this mount namespace and move into it; the old one is gone for this process and its children.

    Raises:
        OSError: The kernel refused a mount.
    """
    new = f"{base}/root"
    links = {each: os.readlink(each) for each in ("/lib", "/lib64", "/bin", "/sbin") if os.path.islink(each)}
    folders = shown_folders(libraries)
    os.makedirs(new, exist_ok=True)
    kernel.mount("tmpfs", new, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    for folder in folders:
        os.makedirs(new + folder)
        kernel.mount(folder, new + folder, "", kernel.MS_BIND | kernel.MS_REC)
    os.makedirs(f"{new}/dev")
    for device in DEVICES:
        with open(new + device, "x", encoding="ascii"):
            pass
        kernel.mount(device, new + device, "", kernel.MS_BIND)
    for place, target in links.items():
        os.symlink(target, new + place)
    _write_small_files(new)
    for point in _mount_points(new):
        device_flag = 0 if point.startswith(f"{new}/dev/") else kernel.MS_NODEV
        flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | device_flag
        kernel.mount("", point, "", flags)
    _enter(new)


def _write_small_files(new: str) -> None:
    for folder in ("etc", SCRATCH.strip("/"), ".old"):
        os.makedirs(f"{new}/{folder}")
    usual = f"{new}/tmp"  # noqa: S108
    if not os.path.exists(usual):  # it exists where the libraries themselves are below it; TMPDIR leads on all the same
        os.symlink(TEMPORARY, usual)
    with open(f"{new}/etc/passwd", "x", encoding="ascii") as file:
        file.write(f"nobody:x:{NOBODY}:{NOBODY}::{TEMPORARY}:/bin/false\n")
    with open(f"{new}/etc/group", "x", encoding="ascii") as file:
        file.write(f"nogroup:x:{NOBODY}:\n")


def _mount_points(new: str) -> list[str]:
    """Mount points below the new root, also those that came along with a folder."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4].encode().decode("unicode_escape") for line in file]
    return [point for point in points if point.startswith(f"{new}/")]


def _enter(new: str) -> None:
    os.chdir(new)
    kernel.pivot_root(".", ".old")
    os.chdir("/")
    kernel.detach("/.old")
    os.rmdir("/.old")
    kernel.mount(
        "", "/", "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    )
