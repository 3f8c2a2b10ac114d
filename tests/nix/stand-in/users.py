"""Creates the users and groups of the given JSON document with Debian's own tools.

Users and groups that an earlier document created and this one lacks are removed, as NixOS does.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

DECLARED = Path("/var/lib/nixos/declared.json")


def run(*command: str) -> None:
    """Runs a command; its failure ends this program."""
    subprocess.run(command, check=True)


def names(database: list[Any], field: str) -> set[str]:
    """Returns the names in a database of the system."""
    return {getattr(entry, field) for entry in database}


def main(document: dict[str, Any]) -> None:
    """Creates the users and groups of the document and removes those of its predecessor only."""
    groups = {group["name"]: group for group in document["groups"]}
    users = {user["name"]: user for user in document["users"]}
    before = json.loads(DECLARED.read_text()) if DECLARED.exists() else {"users": [], "groups": []}
    there = names(pwd.getpwall(), "pw_name")
    for name in before["users"]:
        if name not in users and name in there:
            run("/usr/sbin/userdel", name)

    there = names(grp.getgrall(), "gr_name")
    for name, group in groups.items():
        taken = {entry.gr_gid for entry in grp.getgrall()}
        gid = [] if group["gid"] is None or group["gid"] in taken else ["--gid", str(group["gid"])]
        if name not in there:
            run("/usr/sbin/groupadd", "--system", *gid, name)

    there = names(pwd.getpwall(), "pw_name")
    for name, user in users.items():
        home = "--home" if name in there else "--home-dir"
        settings = [
            *("--gid", user["group"], home, user["home"]),
            *("--shell", user["shell"], "--comment", user["description"]),
            *("--groups", ",".join(user["extraGroups"])),
        ]
        if name in ("root", "nobody"):
            continue
        if name in there:
            run("/usr/sbin/usermod", *settings, name)
        else:
            uid = [] if user["uid"] is None else ["--uid", str(user["uid"])]
            kind = ["--system"] if user["system"] else []
            run("/usr/sbin/useradd", "--no-create-home", *kind, *uid, *settings, name)
        if user["createHome"]:
            entry = pwd.getpwnam(name)
            Path(user["home"]).mkdir(parents=True, exist_ok=True)
            os.chown(user["home"], entry.pw_uid, entry.pw_gid)
            os.chmod(user["home"], int(user["homeMode"], 8))

    there = names(grp.getgrall(), "gr_name")
    for name in before["groups"]:
        if name not in groups and name in there:
            run("/usr/sbin/groupdel", name)
    DECLARED.parent.mkdir(parents=True, exist_ok=True)
    DECLARED.write_text(json.dumps({"users": sorted(users), "groups": sorted(groups)}))


main(json.loads(Path(sys.argv[1]).read_text()))
