"""The root that programs see: the interpreter, packages and what a run shows besides, all read-only."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from typing import NamedTuple

from passk_tasks.sandbox.box import kernel

_SAFE = kernel.MS_NOSUID | kernel.MS_NODEV
_DEVICES = ("null", "zero", "full", "random", "urandom")
_MOUNTPOINT = "/tmp"
USER = 65534
# The folders that a program may write to; the first is its working directory and home.
SCRATCH = ("/box", "/tmp", "/dev/shm")

join, islink, isdir, exists = os.path.join, os.path.islink, os.path.isdir, os.path.exists


def interpreter_paths() -> list[str]:
    """Return the files and folders that this interpreter needs to run."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    wanted = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    # Without `site`, sys.prefix is the base interpreter's also in a virtual environment.
    folder = os.path.dirname(sys.executable)
    wanted += [sys.executable, join(folder, "pyvenv.cfg"), join(os.path.dirname(folder), "pyvenv.cfg")]
    if sys.base_prefix not in ("/", "/usr", "/usr/local"):
        wanted.append(join(sys.base_prefix, "lib"))  # conda keeps the libraries of its packages there
    wanted += ["/lib64", "/usr/lib64", "/lib/ld-linux-aarch64.so.1", "/etc/ld.so.cache"]
    if multiarch:
        wanted += [join("/lib", multiarch), join("/usr/lib", multiarch)]
    wanted += _mapped_libraries()
    wanted += ["/usr/share/zoneinfo", "/usr/lib/locale"]
    return [path for path in wanted if path and exists(path)]


def _mapped_libraries() -> list[str]:
    """Return the shared objects that this process uses, libpython among them."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        mapped = {line.split(None, 5)[5].strip() for line in maps if line.count("/")}
    return sorted(path for path in mapped if ".so" in path and path.startswith("/"))


def _follow(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the real path of `path`, and the symbolic links on the way as (link, target)."""
    links: list[tuple[str, str]] = []
    rest = [part for part in path.split("/") if part]
    at = "/"
    while rest and len(links) < 40:
        part = rest.pop(0)
        if part == "..":
            at = os.path.dirname(at)
            continue
        if part == ".":
            continue
        here = join(at, part)
        if islink(here):
            target = os.readlink(here)
            links.append((here, target))
            rest = [p for p in target.split("/") if p] + rest
            if target.startswith("/"):
                at = "/"
        else:
            at = here
    return at, links


class Shown(NamedTuple):
    """What the new root shows of the host: bind mounts, and symbolic links to them."""

    bound: list[str]
    links: dict[str, str]


def build(shown: Sequence[str], folders: Sequence[str], hidden: Sequence[str]) -> Shown:
    """Make the new root and enter it; return what it shows. The caller owns a private mount namespace.

    Args:
        shown: files and folders to show: installed packages, commands, data.
        folders: the site-packages folders.
        hidden: names of packages that are never shown.

    Raises:
        OSError: a mount failed; the text names it.
    """
    real_paths: dict[str, int] = {}
    links: dict[str, str] = {}
    for path in (*interpreter_paths(), *shown):
        real, on_the_way = _follow(path)
        links.update(on_the_way)
        if real not in real_paths:
            real_paths[real] = os.open(real, os.O_PATH | os.O_CLOEXEC)
    masked = _masked_paths(folders, hidden)  # before the mount below, which may cover them
    devices = {name: os.open(join("/dev", name), os.O_PATH | os.O_CLOEXEC) for name in _DEVICES}

    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    root = _MOUNTPOINT
    _tmpfs(root, "mode=0755,size=1m,nr_inodes=4k")
    bound: list[str] = []
    # Shortest first: a folder covers what lies in it.
    for real in sorted(real_paths, key=len):
        if not _covered(real, bound):
            _bind(real_paths[real], root + real)
            bound.append(real)
        os.close(real_paths[real])
    links = {link: target for link, target in links.items() if not _covered(link, bound)}
    for link, target in links.items():
        _link(target, root + link)
    _mask(root, masked)
    for path in bound:
        kernel.make_readonly(root + path)
    for name, handle in devices.items():
        _bind(handle, join(root, "dev", name), isfile=True)
        kernel.make_readonly(join(root, "dev", name), device=True)  # its times and mode; writing still works
        os.close(handle)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        _link(f"/proc/self/fd/{number}", join(root, "dev", name))
    _link("/proc/self/fd", join(root, "dev", "fd"))
    for folder in ("tmp", "box", "proc", "dev/shm", "etc"):
        os.makedirs(join(root, folder), 0o755, exist_ok=True)
    _write(join(root, "etc/passwd"), f"candidate:x:{USER}:{USER}::/box:/bin/false\n")
    _write(join(root, "etc/group"), f"candidate:x:{USER}:\n")
    _write(join(root, "etc/hosts"), "127.0.0.1 localhost\n")
    # Now, while the host's /proc is in this namespace: the kernel allows a new one only beside another.
    mount_proc(join(root, "proc"))
    kernel.pivot_to(root)
    return Shown(bound, links)


def seal() -> None:
    """Make the root itself read-only; everything on top of it is mounted by now."""
    kernel.mount(None, "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | _SAFE)


def mount_proc(target: str = "/proc", options: str | None = None) -> bool:
    """Mount a /proc of this pid namespace; False where the host does not allow it (masked /proc)."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.mount("proc", target, "proc", flags, options)
    except OSError:
        return False
    return True


def hide_init() -> None:
    """Cover this namespace's init in /proc: it tells what init and ended candidates did before."""
    kernel.mount("/empty", "/proc/1", None, kernel.MS_BIND)


def mount_scratch(size_mib: int, shown: Shown) -> None:
    """Mount the folders that a program owns and may write to.

    An interpreter may lie below one of them (a virtual environment in /tmp): what `build` bound there is
    bound again on top, in a folder that is read-only.
    """
    for folder in SCRATCH:
        inside = [path for path in shown.bound if path.startswith(folder + "/")]
        links = {link: target for link, target in shown.links.items() if link.startswith(folder + "/")}
        handles = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in inside]
        _tmpfs(folder, f"mode=1777,uid={USER},gid={USER},size={size_mib}m,nr_inodes=16k")
        direct = {path for path in (*inside, *links) if path.count("/") == folder.count("/") + 1}
        tops = {join(folder, path[len(folder) + 1 :].split("/")[0]) for path in (*inside, *links)} - direct
        for top in tops:
            os.mkdir(top)
            _tmpfs(top, "mode=0755,size=1m,nr_inodes=4k")
        for path, handle in zip(inside, handles, strict=True):
            _bind(handle, path)
            os.close(handle)
            kernel.make_readonly(path)
        for link, target in links.items():
            _link(target, link)
        for top in tops:
            kernel.mount(None, top, None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | _SAFE)


def _tmpfs(target: str, options: str) -> None:
    kernel.mount("tmpfs", target, "tmpfs", _SAFE, options)


def _covered(path: str, bound: list[str]) -> bool:
    return any(path == b or path.startswith(b + "/") for b in bound)


def _link(target: str, link: str) -> None:
    os.makedirs(os.path.dirname(link), 0o755, exist_ok=True)
    os.symlink(target, link)


def _bind(handle: int, target: str, *, isfile: bool = False) -> None:
    source = f"/proc/self/fd/{handle}"
    if isfile or not isdir(source):
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    else:
        os.makedirs(target, 0o755, exist_ok=True)
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)


def _mask(root: str, masked: list[str]) -> None:
    """Cover the hidden packages with an empty folder."""
    empty = join(root, "empty")
    os.makedirs(empty, 0o755, exist_ok=True)
    for path in masked:
        if isdir(root + path):
            kernel.mount(empty, root + path, None, kernel.MS_BIND)


def _masked_paths(folders: Sequence[str], hidden: Sequence[str]) -> list[str]:
    """Return the real folders of the hidden packages, those of the base interpreter included."""
    stdlib = sysconfig.get_path("stdlib")
    places = [*folders, join(stdlib, "site-packages"), join(stdlib, "dist-packages")]
    places.append("/usr/lib/python3/dist-packages")  # seen where toolchains in /usr/lib are
    paths = {_follow(join(place, name))[0] for place in places for name in hidden}
    return sorted(path for path in paths if isdir(path))


def readable_paths(
    shown: Sequence[str], folders: Sequence[str], hidden: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return what Landlock allows where there is no private root: trees to read, and folders to list only.

    The arguments are those of `build`. A rule holds for everything below a folder, so a folder with something
    hidden in it is replaced by its entries.
    """
    masked = _masked_paths(folders, hidden)
    trees: list[str] = []
    listed: list[str] = []
    rest = [_follow(path)[0] for path in (*interpreter_paths(), *shown)]
    rest += [join("/dev", name) for name in _DEVICES]
    while rest:
        path = rest.pop()
        if path in masked or path in listed:
            continue
        if any(inside.startswith(path + "/") for inside in masked):
            listed.append(path)
            rest += [join(path, name) for name in os.listdir(path)]
        else:
            trees.append(path)
    return sorted(set(trees)), listed + [folder for folder in folders if isdir(folder)]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
