"""Prints what is written down for the units of lakewright, and all that this names, and so on: unit
files, scripts, documents. Programs (files of more than a megabyte) are left out."""

import re
import sys
from pathlib import Path

MOST_BYTES = 1_000_000
NAMED = re.compile(rb"/nix/store/[0-9a-z]{32}-[\w+.?=/-]+")

todo = {path.resolve() for path in Path("/etc/systemd/system").rglob("*lakewright*")}
todo |= {path.resolve() for path in Path("/etc/lakewright").iterdir()}
todo |= {Path("/run/current-system/activate").resolve()}
done: set[Path] = set()
while todo:
    path = todo.pop()
    if path in done or not path.is_file() or path.stat().st_size > MOST_BYTES:
        continue
    done.add(path)
    text = path.read_bytes()
    sys.stdout.buffer.write(text)
    todo |= {Path(name.decode()).resolve() for name in NAMED.findall(text)}
print(f"\n{len(done)} files", file=sys.stderr)
