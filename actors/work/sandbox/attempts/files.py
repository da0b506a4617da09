"""Attempts on files and folders of the host."""

from __future__ import annotations

from actors.work.sandbox.attempts.attempt import Attempt

ATTEMPTS = (
    Attempt(
        name="write into a system folder",
        source="""
def attempt(bait):
    return refused(lambda: open("/etc/scrummage-was-here", "w").write("x"))
""",
    ),
    Attempt(
        name="write over a file of another workspace",
        source="""
def attempt(bait):
    return refused(lambda: open(bait["secret"], "w").write("changed"))
""",
    ),
    Attempt(
        name="read a file of another workspace",
        source="""
def attempt(bait):
    return refused(lambda: open(bait["secret"]).read())
""",
    ),
    Attempt(
        name="read the home of the user who runs us",
        source="""
def attempt(bait):
    found = []
    for folder, _, names in os.walk(bait["home"]):
        if "/lib" not in folder:
            found += names
    return "blocked" if not found else "escaped: " + found[0]
""",
    ),
    Attempt(
        name="read hidden tests in the sources of the simulator",
        source="""
def attempt(bait):
    return refused(lambda: os.listdir(bait["repository"]))
""",
    ),
    Attempt(
        name="write into the standard library",
        source="""
def attempt(bait):
    return refused(lambda: open(os.__file__, "a").write("# changed"))
""",
    ),
    Attempt(
        name="symbolic link out of the scratch folder",
        source="""
def attempt(bait):
    os.symlink(bait["folder"], "link")
    os.symlink("/etc", "etc")
    answers = [refused(lambda: open("link/secret.txt").read()), refused(lambda: open("etc/new", "w").write("x"))]
    return "blocked" if answers == ["blocked", "blocked"] else "escaped"
""",
    ),
    Attempt(
        name="climb out by ..",
        source="""
def attempt(bait):
    path = "../" * 40 + bait["secret"].lstrip("/")
    return refused(lambda: open(path).read())
""",
    ),
    Attempt(
        name="leave the root by chroot and ..",
        source="""
def attempt(bait):
    def escape():
        os.mkdir("jail")
        os.chroot("jail")
        os.chdir("../" * 40)
        return len(os.listdir("/"))
    return refused(escape)
""",
    ),
    Attempt(
        name="leave the root by an inherited descriptor",
        source="""
def attempt(bait):
    for number in range(3, 4096):
        try:
            os.chdir(f"/") or os.fchdir(number)
            os.chdir("..")
        except OSError:
            continue
        return "escaped"
    return "blocked"
""",
    ),
    Attempt(
        name="look through /proc",
        source="""
def attempt(bait):
    paths = ["/proc/1/environ", "/proc/self/mem", f"/proc/{bait['pid']}/environ", "/proc/1/root/etc/passwd"]
    answers = [refused(lambda: open(path, "rb").read(1)) for path in paths]
    return "blocked" if set(answers) == {"blocked"} else "escaped"
""",
    ),
    Attempt(
        name="open a file by its handle",
        source="""
def attempt(bait):
    handle = ctypes.create_string_buffer(b"\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02\\0\\0\\0\\0\\0\\0\\0", 16)
    return refused(lambda: libc.open_by_handle_at(3, handle, 0))
""",
    ),
    Attempt(
        name="make a device",
        source="""
def attempt(bait):
    return refused(lambda: os.mknod("disk", 0o060666, os.makedev(254, 0)) or 1)
""",
    ),
    Attempt(
        name="fill the disk",
        source="""
def attempt(bait):
    def fill():
        for number in range(4096):
            with open(f"block{number}", "wb") as file:
                file.write(bytes(1 << 20))
    return refused(fill)
""",
    ),
    Attempt(
        name="fill the disk with empty files",
        source="""
def attempt(bait):
    def fill():
        for number in range(100_000):
            os.close(os.open(f"empty{number}", os.O_CREAT))
    return refused(fill)
""",
    ),
    Attempt(
        name="write one huge file",
        in_trusted=True,
        source="""
def attempt(bait):
    def fill():
        with open("huge", "wb") as file:
            for _ in range(1024):
                file.write(bytes(1 << 20))
    return refused(fill)
""",
    ),
)
