"""Makes /etc look like the tree that is named: /etc/static is a link to it, each of its files a
link into /etc/static, or a copy if it has a mode. Files of an earlier tree that this one lacks are
removed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ETC, STATIC = Path("/etc"), Path("/etc/static")
# Debian's base has files in these directories; NixOS replaces them completely.
WHOLE = ("systemd/system",)
COPIES = ETC / ".copies"


def put(source: Path, target: Path) -> None:
    """Replaces `target` by a link to `source`."""
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(source)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    fresh.replace(target)


def main(tree: Path) -> None:
    """Links, copies and removes."""
    put(tree, STATIC)
    wanted: set[Path] = set()
    copies: list[str] = []
    for folder, folders, files in os.walk(tree):
        base = Path(folder).relative_to(tree)
        for name in [*files, *(name for name in folders if (Path(folder) / name).is_symlink())]:
            relative = base / name
            if relative.suffix in (".mode", ".uid", ".gid") and relative.stem in [*files, *folders]:
                continue
            target = ETC / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            wanted.add(target)
            mode = tree / f"{relative}.mode"
            if not mode.exists():
                put(STATIC / relative, target)
                continue
            fresh = target.with_name(target.name + ".new")
            shutil.copy(tree / relative, fresh)
            user, group = ((tree / f"{relative}.{of}").read_text().strip() for of in ("uid", "gid"))
            shutil.chown(
                fresh,
                int(user) if user.isdigit() else user,
                int(group) if group.isdigit() else group,
            )
            fresh.chmod(int(mode.read_text(), 8))
            fresh.replace(target)
            copies.append(str(target))

    for folder, folders, files in os.walk(ETC):
        if Path(folder) == STATIC:
            continue
        for name in [*files, *folders]:
            path = Path(folder) / name
            stale = path.is_symlink() and str(path.readlink()).startswith(f"{STATIC}/")
            if stale and path not in wanted:
                path.unlink()
    old = COPIES.read_text().splitlines() if COPIES.exists() else []
    for line in old:
        if Path(line) not in wanted:
            Path(line).unlink(missing_ok=True)
    COPIES.write_text("\n".join(copies))


main(Path(sys.argv[1]))
