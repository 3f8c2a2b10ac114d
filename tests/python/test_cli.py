"""Drives the real ``lakewright`` binary against a real server.

``LAKEWRIGHT_TEST_CLI`` names the binary, else it is the ``lakewright`` on PATH. The servers are
those of conftest.py.
"""

from __future__ import annotations

import json
import os
import pty
import secrets
import select
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

BINARY = os.environ.get("LAKEWRIGHT_TEST_CLI") or shutil.which("lakewright")
REQUIRED = "cli" in os.environ.get("LAKEWRIGHT_TEST_REQUIRE", "").split(",")

# The timeout of a command in seconds. A debug build on a busy machine needs less.
TIMEOUT = 60.0

if BINARY is None and not REQUIRED:
    pytest.skip("no lakewright binary: set LAKEWRIGHT_TEST_CLI", allow_module_level=True)


class Server(Protocol):
    """The server of conftest.py."""

    endpoint: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Cli:
    """The command with a connection, in a directory of its own."""

    env: dict[str, str]
    cwd: Path

    def argv(self, *args: str | Path) -> list[str]:
        assert BINARY is not None
        return [BINARY, *map(str, args)]

    def run(
        self,
        *args: str | Path,
        stdin: bytes = b"",
        code: int | None = 0,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            self.argv(*args),
            input=stdin,
            capture_output=True,
            env=self.env | (env or {}),
            cwd=self.cwd,
            timeout=TIMEOUT,
        )
        assert code is None or done.returncode == code, (args, done)
        assert self.env["LAKEWRIGHT_SECRET_ACCESS_KEY"].encode() not in done.stdout + done.stderr
        return done

    def text(self, *args: str | Path, stdin: bytes = b"") -> str:
        return self.run(*args, stdin=stdin).stdout.decode()

    def json(self, *args: str | Path, stdin: bytes = b"") -> Any:
        (line,) = self.text(*args, "--json", stdin=stdin).splitlines()
        return json.loads(line)

    def lines(self, *args: str | Path, stdin: bytes = b"") -> list[Any]:
        return [json.loads(line) for line in self.text(*args, "--json", stdin=stdin).splitlines()]

    def error(self, *args: str | Path, code: int, stdin: bytes = b"") -> dict[str, Any]:
        done = self.run(*args, "--json", code=code, stdin=stdin)
        assert done.stdout == b""
        assert done.stderr.startswith(b"error: ")
        return json.loads(done.stderr.splitlines()[-1])

    def start(self, *args: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.argv(*args), env=self.env, cwd=self.cwd, stderr=subprocess.PIPE, **options
        )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def clean_env(home: Path) -> dict[str, str]:
    """Returns an environment without the profiles of this machine."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    nowhere = str(home / "nowhere")
    return kept | {
        "HOME": str(home),
        "LAKEWRIGHT_PROFILES_FILE": nowhere,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }


@pytest.fixture
def cli(server: Server, tmp_path: Path) -> Cli:
    env = clean_env(tmp_path) | {
        "LAKEWRIGHT_ENDPOINT": server.endpoint,
        "LAKEWRIGHT_ACCESS_KEY_ID": server.access_key_id,
        "LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    work = tmp_path / "work"
    work.mkdir()
    return Cli(env, work)


@pytest.fixture
def bucket(cli: Cli) -> str:
    name = f"cli-{secrets.token_hex(6)}"
    cli.run("bucket", "create", name)
    return name


# --- buckets ---------------------------------------------------------------------------------


def test_bucket_life(cli: Cli) -> None:
    name = f"cli-{secrets.token_hex(6)}"
    assert cli.json("bucket", "create", name) == {"name": name, "status": "created"}
    assert cli.error("bucket", "create", name, code=1)["code"] == "already_exists"
    again = ("bucket", "create", name, "--exist-ok")
    assert cli.json(*again) == {"name": name, "status": "exists"}
    assert cli.text(*again) == f"{name}: exists\n"
    cli.run("bucket", "delete", name)
    assert cli.text(*again) == f"{name}: created\n"
    assert cli.json("bucket", "head", name)["name"] == name
    assert name in [bucket["name"] for bucket in cli.lines("bucket", "list")]
    assert name in cli.text("bucket", "list")
    cli.run("bucket", "delete", name)
    missing = cli.error("bucket", "head", name, code=1)
    assert (missing["code"], missing["operation"]) == ("not_found", "head_bucket")
    assert (missing["resource"], missing["status"]) == (name, 404)
    assert missing["retryable"] is False


def test_bucket_that_holds_objects_stays(cli: Cli, bucket: str) -> None:
    cli.run("object", "put", "-", f"{bucket}/a", stdin=b"x")
    assert cli.error("bucket", "delete", bucket, code=1)["code"] == "conflict"


@pytest.mark.parametrize(
    ("noun", "arguments", "value", "text"),
    [
        ("versioning", ["enabled"], "enabled", "enabled\n"),
        ("tags", ["team=data", "empty="], {"empty": "", "team": "data"}, "empty\nteam   data\n"),
        ("access", ["read"], "read", None),
    ],
)
def test_bucket_settings_as_arguments(
    cli: Cli, bucket: str, noun: str, arguments: list[str], value: Any, text: str | None
) -> None:
    asked = cli.run("bucket", noun, "set", bucket, *arguments, "--json", code=None)
    if asked.returncode:
        assert json.loads(asked.stderr.splitlines()[-1])["code"] == "unsupported"
        pytest.skip(f"the server has no {noun}")
    assert cli.json("bucket", noun, "get", bucket) == value
    if text is not None:
        assert cli.text("bucket", noun, "get", bucket) == text


def test_bucket_settings_by_name(cli: Cli, bucket: str) -> None:
    tags = {"team": "data"}
    verb = ("bucket", "setting", "set", bucket, "tags", "-")
    asked = cli.run(*verb, "--json", stdin=json.dumps(tags).encode(), code=None)
    if asked.returncode:
        assert json.loads(asked.stderr.splitlines()[-1])["code"] == "unsupported"
        pytest.skip("the server has no tags")
    printed = cli.text("bucket", "setting", "get", bucket, "tags")
    assert json.loads(printed) == tags == cli.json("bucket", "tags", "get", bucket)
    # `set` accepts the output of `get`.
    cli.run(*verb, stdin=printed.encode())
    assert "null" in cli.error(*verb, stdin=b"null", code=2)["message"]
    assert "JSON" in cli.error(*verb, stdin=b"{", code=2)["message"]
    cli.run("bucket", "setting", "delete", bucket, "tags")
    assert cli.json("bucket", "setting", "get", bucket, "tags") == {}
    assert "quota" in cli.run("bucket", "setting", "get", bucket, "tag", code=2).stderr.decode()


def test_access_below_a_wider_grant_is_refused(cli: Cli, bucket: str) -> None:
    result = cli.run("bucket", "access", "set", bucket, "read", "--json", code=None)
    if result.returncode:
        assert json.loads(result.stderr.splitlines()[-1])["code"] == "unsupported"
        pytest.skip("the server has no access")
    for level in ("none", "write"):
        error = cli.error("bucket", "access", "set", f"{bucket}/in/", level, code=1)
        assert (error["code"], error["resource"]) == ("conflict", bucket)
        assert 'the grant "read" of the whole bucket' in error["message"]
        assert cli.json("bucket", "access", "get", bucket) == "read"
    cli.run("bucket", "access", "set", f"{bucket}/in/", "read_write")
    assert cli.json("bucket", "access", "get", bucket) == {"": "read", "in/": "read_write"}
    cli.run("bucket", "access", "set", bucket, "none")
    cli.run("bucket", "access", "set", f"{bucket}/in/", "none")
    assert cli.json("bucket", "access", "get", bucket) == "none"


def test_bucket_settings_as_documents(cli: Cli, bucket: str) -> None:
    rules = [{"id": "tmp", "enabled": True, "prefix": "tmp/", "expire_after_days": 7}]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
    for noun, document, fault in (
        ("lifecycle", rules, "lifecycle[0].expire_in: "),
        ("policy", policy, "policy: "),
    ):
        verb = ("bucket", noun, "set", bucket, "-")
        text = json.dumps(document).encode()
        asked = cli.run(*verb, "--json", stdin=text, code=None)
        if asked.returncode:
            assert json.loads(asked.stderr.splitlines()[-1])["code"] == "unsupported"
            pytest.skip(f"the server has no {noun}")
        printed = cli.text("bucket", noun, "get", bucket)
        assert json.loads(printed) == document
        # `set` accepts the output of `get`.
        cli.run(*verb, stdin=printed.encode())
        assert cli.json("bucket", noun, "get", bucket) == document
        wrong = cli.error(*verb, stdin=b'[{"id": "a", "expire_in": 3}]', code=2)
        assert wrong["code"] == "invalid_input"
        assert fault in wrong["message"]
        cli.run("bucket", noun, "delete", bucket)


def test_bucket_empty(cli: Cli, bucket: str) -> None:
    cli.run("object", "put", "-", f"{bucket}/a", stdin=b"x")
    cli.run("object", "put", "-", f"{bucket}/b", stdin=b"x")
    assert "--yes" in cli.error("bucket", "empty", bucket, code=2)["message"]
    gone = cli.json("bucket", "empty", bucket, "--yes")
    assert gone == {"name": bucket, "versions": 2, "uploads": 0}
    cli.run("bucket", "delete", bucket)


# --- objects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 5 << 20, 40 << 20])
def test_bytes_come_back(cli: Cli, bucket: str, size: int) -> None:
    content = os.urandom(size)
    (cli.cwd / "in").write_bytes(content)
    put = cli.json("object", "put", "in", f"{bucket}/file")
    assert (put["bucket"], put["key"], put["size"]) == (bucket, "file", size)
    piped = cli.json("object", "put", "-", f"{bucket}/pipe", stdin=content)
    assert piped["size"] == size
    got = cli.json("object", "get", f"{bucket}/pipe", "out")
    assert (got["size"], got["bytes_written"], got["path"]) == (size, size, "out")
    assert (cli.cwd / "out").read_bytes() == content
    assert cli.run("object", "get", f"{bucket}/file", "-").stdout == content


def test_names_of_files_and_keys(cli: Cli, bucket: str) -> None:
    (cli.cwd / "a.csv").write_bytes(b"abc")
    assert cli.json("object", "put", "a.csv", f"{bucket}/in/")["key"] == "in/a.csv"
    assert cli.json("object", "put", "a.csv", f"s3://{bucket}/")["key"] == "a.csv"
    (cli.cwd / "a.csv").unlink()
    (cli.cwd / "dir").mkdir()
    cli.run("object", "get", f"{bucket}/in/a.csv")
    cli.run("object", "get", f"{bucket}/in/a.csv", "dir")
    assert (cli.cwd / "a.csv").read_bytes() == (cli.cwd / "dir/a.csv").read_bytes() == b"abc"
    assert cli.error("object", "put", "-", f"{bucket}/in/", code=2)["code"] == "invalid_input"
    # The end of a key must not lead out of the directory.
    cli.run("object", "get", f"{bucket}/x/..", code=2)


def test_conditions_ranges_and_metadata(cli: Cli, bucket: str) -> None:
    key = f"{bucket}/k"
    options = ("--content-type", "text/plain", "--metadata", "a=b", "--metadata", "c=d=e")
    cli.run("object", "put", "-", key, "--if-absent", *options, stdin=b"0123456789")
    taken = cli.error("object", "put", "-", key, "--if-absent", code=1, stdin=b"x")
    assert taken["code"] == "already_exists"
    wrong = cli.error("object", "put", "-", key, "--if-match", "0" * 32, code=1, stdin=b"x")
    assert wrong["code"] == "precondition_failed"
    head = cli.json("object", "head", key)
    assert (head["content_type"], head["metadata"]) == ("text/plain", {"a": "b", "c": "d=e"})
    assert "a=b" in cli.text("object", "head", key)
    for text, content in [("2..4", b"23"), ("7..", b"789"), ("-1", b"9"), ("..2", b"01")]:
        assert cli.run("object", "get", key, "-", "--range", text).stdout == content
    cli.run("object", "get", key, "-", "--range", "2-4", code=2)
    copied = cli.json("object", "copy", key, f"{bucket}/copies/")
    assert copied["key"] == "copies/k"
    assert cli.json("object", "head", f"{bucket}/copies/k")["metadata"] == {"a": "b", "c": "d=e"}


def test_list_and_delete(cli: Cli, bucket: str) -> None:
    keys = ["a.txt", "tmp-precious", "tmp/1", "tmp/2", "tmp/deep/3", "ä b+%.txt"]
    for key in keys:
        cli.run("object", "put", "-", f"{bucket}/{key}", stdin=b"x")
    assert [o["key"] for o in cli.lines("object", "list", bucket, "--recursive")] == keys
    assert cli.lines("object", "list", f"{bucket}/tmp") == [
        cli.lines("object", "list", f"{bucket}/tmp-", "-r")[0],
        {"bucket": bucket, "prefix": "tmp/"},
    ]
    assert len(cli.lines("object", "list", bucket, "--limit", "2")) == 2
    assert f"{bucket}/ä b+%.txt" in cli.text("object", "list", bucket)
    assert cli.text("object", "list", f"{bucket}/none") == ""

    gone = cli.lines("object", "delete", f"{bucket}/a.txt", f"{bucket}/never-was")
    assert [o["key"] for o in gone] == ["a.txt", "never-was"]
    refused = cli.error("object", "delete", "--recursive", f"{bucket}/tmp", code=2)
    assert "--yes" in refused["message"]
    gone = cli.lines("object", "delete", "--recursive", f"{bucket}/tmp", "--yes")
    assert [o["key"] for o in gone] == ["tmp/1", "tmp/2", "tmp/deep/3"]
    left = [o["key"] for o in cli.lines("object", "list", bucket, "-r")]
    assert left == ["tmp-precious", "ä b+%.txt"]
    cli.run("object", "delete", "--recursive", f"{bucket}/", "--yes")
    cli.run("bucket", "delete", bucket)


def test_versions(cli: Cli, bucket: str) -> None:
    done = cli.run("bucket", "versioning", "set", bucket, "enabled", code=None)
    if done.returncode:
        pytest.skip("the server has no versioning")
    for content in (b"1", b"22"):
        cli.run("object", "put", "-", f"{bucket}/a/k", stdin=content)
    cli.run("object", "delete", f"{bucket}/a/k")
    versions = cli.lines("object", "list", "--versions", f"{bucket}/a/")
    assert [v["is_delete_marker"] for v in versions] == [True, False, False]
    assert [v["size"] for v in versions] == [0, 2, 1]
    shown = cli.text("object", "list", "--versions", bucket).splitlines()
    assert "deleted" in shown[0]
    assert all(v["version_id"] in line for v, line in zip(versions, shown, strict=True))
    marker = versions[0]["version_id"]
    gone = cli.text("object", "delete", f"{bucket}/a/k", "--version-id", marker)
    assert gone == f"{bucket}/a/k\n"
    assert cli.run("object", "get", f"{bucket}/a/k", "-").stdout == b"22"
    args = ("object", "delete", f"{bucket}/a", f"{bucket}/b", "--version-id", marker)
    assert cli.run(*args, code=2).returncode == 2
    cli.run("bucket", "empty", bucket, "--yes")


def test_hostile_keys_do_not_reach_the_terminal(cli: Cli, bucket: str) -> None:
    cli.run("object", "put", "-", f"{bucket}/\x1b[31mred\n", stdin=b"x")
    text = cli.run("object", "list", bucket, "-r").stdout
    assert b"\x1b" not in text and text.count(b"\n") == 1
    assert cli.lines("object", "list", bucket, "-r")[0]["key"] == "\x1b[31mred\n"


# --- tables ----------------------------------------------------------------------------------

CSV = b'carrier,month,delay\nAA,1,2.5\n"B,B",1,NA\nUA,2,-3\n'


@pytest.fixture
def table(cli: Cli, bucket: str) -> str:
    uri = f"{bucket}/air/flights"
    schema = "month: int, carrier: string, delay: double"
    cli.run("table", "create", uri, "--schema", schema, "--partition-by", "month")
    (cli.cwd / "f.csv").write_bytes(CSV)
    cli.run("table", "append", uri, "f.csv", "--null", "NA")
    return uri


def test_table_life(cli: Cli, bucket: str, table: str) -> None:
    assert cli.error("table", "create", table, "--schema", "a: int", code=1)["code"] == (
        "already_exists"
    )
    differs = cli.error("table", "create", table, "--schema", "a: int", "--exist-ok", code=1)
    assert differs["code"] == "schema_mismatch"
    columns = ("--schema", "month: int, carrier: string, delay: double", "--partition-by", "month")
    again = cli.json("table", "create", table, *columns, "--exist-ok")
    assert (again["status"], again["version"]) == ("exists", 1)
    new = ("table", "create", f"{bucket}/new", *columns, "--exist-ok")
    assert cli.text(*new) == f"s3://{bucket}/new: created, version 0\n"
    assert cli.text(*new) == f"s3://{bucket}/new: exists, version 0\n"
    cli.run("table", "drop", f"{bucket}/new", "--yes")
    assert [t["uri"] for t in cli.lines("table", "list", f"{bucket}/")] == [f"s3://{table}"]
    shown = cli.json("table", "show", table)
    assert (shown["version"], shown["partition_by"]) == (1, ["month"])
    assert [(c["name"], c["type"]) for c in shown["schema"]] == [
        ("month", "integer"),
        ("carrier", "string"),
        ("delay", "double"),
    ]
    row = b'{"month": 1, "carrier": "ZZ", "delay": 9}\n'
    where = ("--replace-where", "month = 1")
    commit = cli.json(
        "table", "overwrite", table, "-", "--input-format", "jsonl", *where, stdin=row
    )
    assert (commit["version"], commit["rows"], commit["files_removed"]) == (2, 1, 1)
    assert [c["version"] for c in cli.lines("table", "history", table)] == [2, 1, 0]
    assert sum(f["rows"] for f in cli.lines("table", "files", table)) == 2
    rows = cli.lines("table", "scan", table, "--where", "month = 1")
    assert rows == [{"month": 1, "carrier": "ZZ", "delay": 9.0}]
    then = cli.lines("table", "scan", table, "--at-version", "1", "--columns", "carrier,delay")
    assert {(row["carrier"], row["delay"]) for row in then} == {
        ("AA", 2.5),
        ("B,B", None),
        ("UA", -3.0),
    }
    assert cli.lines("table", "scan", table, "--at-version", "0") == []
    cli.run("table", "drop", table, code=2)
    assert cli.json("table", "drop", table, "--yes")["uri"] == f"s3://{table}"
    assert cli.error("table", "scan", table, code=1)["code"] == "not_found"


@pytest.mark.parametrize("name", ["parquet", "arrow", "csv", "jsonl"])
def test_the_output_of_a_scan_can_be_appended(cli: Cli, bucket: str, table: str, name: str) -> None:
    bytes_ = cli.run("table", "scan", table, "--format", name).stdout
    copy = f"{bucket}/copy"
    schema = "month: int, carrier: string, delay: double"
    cli.run("table", "create", copy, "--schema", schema)
    (cli.cwd / f"rows.{name}").write_bytes(bytes_)
    assert cli.json("table", "append", copy, f"rows.{name}")["rows"] == 3
    piped = cli.json("table", "append", copy, "-", "--input-format", name, stdin=bytes_)
    assert piped["rows"] == 3
    query = "SELECT count(*) AS n, sum(delay) AS d FROM t"
    assert cli.json("sql", query, "--table", f"t={copy}") == {"n": 6, "d": -1.0}


def test_schemas_from_files(cli: Cli, bucket: str, table: str) -> None:
    (cli.cwd / "s.json").write_text('{"z": "long not null", "a": "struct<b:int,c:string>"}')
    made = cli.json("table", "create", f"{bucket}/json", "--schema", "s.json")
    assert [(c["name"], c["nullable"]) for c in made["schema"]] == [("z", False), ("a", True)]
    (cli.cwd / "s.parquet").write_bytes(
        cli.run("table", "scan", table, "--format", "parquet").stdout
    )
    made = cli.json("table", "create", f"{bucket}/parquet", "--schema", "s.parquet")
    assert [c["name"] for c in made["schema"]] == ["month", "carrier", "delay"]
    assert cli.error("table", "create", f"{bucket}/x", "--schema", "a: lang", code=2)["code"] == (
        "invalid_input"
    )


def test_a_bad_file_changes_nothing(cli: Cli, table: str) -> None:
    for content, code in [(b"carrier,dealy\nAA,1\n", "schema_mismatch"), (b"", "invalid_input")]:
        (cli.cwd / "bad.csv").write_bytes(content)
        error = cli.error(
            "table", "append", table, "bad.csv", code=1 if code == "schema_mismatch" else 2
        )
        assert error["code"] == code
    # Only the last row is invalid, long after the first rows were sent.
    (cli.cwd / "late.csv").write_bytes(b"month,carrier,delay\n" + b"1,A,2\n" * 50_000 + b"1,A,x\n")
    done = subprocess.run(
        cli.argv("table", "append", table, "late.csv"),
        env=cli.env,
        cwd=cli.cwd,
        capture_output=True,
    )
    assert done.returncode in (1, 2) and done.stderr.startswith(b"error: append")
    assert cli.json("table", "show", table)["version"] == 1


def test_missing_columns_are_null(cli: Cli, table: str) -> None:
    row = b"delay,month\n7,3\n"
    cli.run("table", "append", table, "-", "--input-format", "csv", stdin=row)
    rows = cli.lines("table", "scan", table, "--where", "month = 3")
    assert rows == [{"month": 3, "carrier": None, "delay": 7.0}]


def test_sql(cli: Cli, table: str) -> None:
    query = "SELECT month, count(*) AS n FROM f GROUP BY 1 ORDER BY 1"
    text = cli.text("sql", query, "--table", f"f={table}")
    assert text.split() == ["month", "n", "1", "2", "2", "1"]
    assert cli.text(
        "sql", "-", "--table", f"f={table}", "--format", "csv", stdin=query.encode()
    ) == ("month,n\n1,2\n2,1\n")
    assert cli.error("sql", "SELECT 1 +", code=2)["code"] == "invalid_input"
    for writing in ("CREATE TABLE t AS SELECT 1", "COPY (SELECT 1) TO 'x.csv'"):
        assert cli.run("sql", writing, code=2).stdout == b""
    assert list(cli.cwd.glob("x.csv")) == []


# --- profiles and configuration --------------------------------------------------------------


def test_profile_show_prints_origins_and_no_secret(cli: Cli, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(
        '[prod]\nendpoint = "http://user:hunter2@prod:1"\n'
        'access_key_id = "hunter2"\nsecret_access_key = "hunter2"\n'
        '[safe]\nsecret_access_key = { file = "/run/secret" }\naccess_key_id = "a"\n'
    )
    env = {"LAKEWRIGHT_PROFILES_FILE": str(profiles)}
    done = cli.run("profile", "show", "--profile", "prod", "--json", env=env)
    shown = json.loads(done.stdout)
    assert b"hunter2" not in done.stdout + done.stderr
    assert shown["secret_access_key"] == {
        "value": "***",
        "origin": f"profile prod in {profiles}",
    }
    assert shown["endpoint"]["value"] == "http://***@prod:1"
    assert shown["problem"]["code"] == "invalid_config"
    assert shown["timeout"] == {"value": 180.0, "origin": "default"}
    text = cli.run("profile", "show", "--profile", "safe", env=env).stdout.decode()
    assert "file /run/secret" in text
    here = cli.json("profile", "show")
    assert here["endpoint"]["origin"] == "$LAKEWRIGHT_ENDPOINT"
    names = cli.run("profile", "list", "--json", env=env).stdout.splitlines()
    assert [json.loads(line)["name"] for line in names] == ["prod", "safe"]
    cli.run("profile", "show", "--profile", "absent", code=2, env=env)


def test_profile_check(cli: Cli) -> None:
    checked = cli.json("profile", "check")
    assert checked["credentials"] == "keys" and checked["buckets"] >= 0
    wrong = cli.run(
        "profile", "check", "--json", code=1, env={"LAKEWRIGHT_ACCESS_KEY_ID": "somebody-else"}
    )
    assert b"hint: " in wrong.stderr
    assert json.loads(wrong.stderr.splitlines()[-1])["code"] == "unauthenticated"
    closed = f"http://127.0.0.1:{free_port()}"
    down = cli.error("profile", "check", "--endpoint", closed, "--retries", "0", code=1)
    assert (down["code"], down["retryable"]) == ("unavailable", True)


# --- the command itself ----------------------------------------------------------------------


def test_usage_errors_and_help(cli: Cli) -> None:
    assert cli.error("object", "put", code=2)["code"] == "invalid_input"
    assert cli.error("object", "get", "no-key", code=2)["code"] == "invalid_input"
    assert b"tip:" in cli.run("bucket", "creat", "x", code=2).stderr
    for args in [("--help",), ("object", "put", "--help"), ("help", "table", "scan")]:
        done = cli.run(*args)
        assert (
            done.stderr == b"" and b"lakewright table" in done.stdout
        ) or b"Examples:" in done.stdout
    assert cli.text("--version").startswith("lakewright ")
    assert b"Exit codes" in cli.run("--help").stdout
    cli.run("bucket", "list", code=2, env={"LAKEWRIGHT_LOG": "=="})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(cli: Cli, shell: str) -> None:
    script = cli.run("completions", shell).stdout
    assert b"overwrite" in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=script, check=True, timeout=TIMEOUT)


def test_manual_pages(cli: Cli) -> None:
    assert cli.text("man").startswith(".ie") or ".TH lakewright 1" in cli.text("man")
    written = cli.text("man", "--dir", "man1").splitlines()
    assert str(Path("man1/lakewright-object-put.1")) in written
    assert all((cli.cwd / path).read_text() for path in written)
    cli.run("man", "object", "fly", code=2)


def test_a_closed_pipe_is_no_error(cli: Cli, bucket: str) -> None:
    cli.run("object", "put", "-", f"{bucket}/big", stdin=bytes(8 << 20))
    million = "SELECT * FROM generate_series(1, 1000000)"
    for args in [
        ("object", "get", f"{bucket}/big", "-"),
        ("sql", million),
        *[("sql", million, "--format", f) for f in ("csv", "jsonl", "arrow", "parquet")],
        ("completions", "bash"),
        ("--help",),
    ]:
        process = cli.start(*args, stdout=subprocess.PIPE)
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.wait(TIMEOUT) == 0, args
        assert process.stderr.read() == b"", args


def test_a_full_disk_is_an_error(cli: Cli) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        for args in [("bucket", "list"), ("sql", "SELECT 1", "--format", "parquet")]:
            cli.run("bucket", "create", "cli-full-disk", "--exist-ok")
            process = cli.start(*args, stdout=full)
            assert process.wait(TIMEOUT) == 1
            assert process.stderr and b"stdout" in process.stderr.read()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_put_leaves_nothing(
    cli: Cli, server: Server, bucket: str, number: signal.Signals, code: int
) -> None:
    boto3 = pytest.importorskip("boto3")
    s3 = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
    )

    def uploads() -> list[Any]:
        return s3.list_multipart_uploads(Bucket=bucket, Prefix="big").get("Uploads", [])

    process = cli.start("object", "put", "-", f"{bucket}/big", stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(bytes(48 << 20))
    process.stdin.flush()
    deadline = time.monotonic() + TIMEOUT
    while not uploads():
        assert time.monotonic() < deadline, "the upload never began"
        time.sleep(0.05)
    process.send_signal(number)
    # stdin stays open: the command must not wait for it.
    assert process.wait(TIMEOUT) == code
    assert uploads() == []
    assert cli.text("object", "list", bucket) == ""
    process.stdin.close()


def test_an_interrupted_get_leaves_nothing(cli: Cli, bucket: str) -> None:
    cli.run("object", "put", "-", f"{bucket}/big", stdin=bytes(64 << 20))
    (cli.cwd / "big").write_bytes(b"old")
    process = cli.start("object", "get", f"{bucket}/big")
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and not list(cli.cwd.glob(".big.*")):
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT) in (130, 0)
    assert [path.name for path in cli.cwd.iterdir()] == ["big"]
    assert (cli.cwd / "big").stat().st_size in (3, 64 << 20)


def test_an_interrupted_append_commits_nothing(cli: Cli, table: str) -> None:
    process = cli.start(
        "table", "append", table, "-", "--input-format", "csv", stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"month,carrier,delay\n" + b"1,A,2\n" * 100_000)
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT) == 130
    assert cli.json("table", "show", table)["version"] == 1
    process.stdin.close()


def test_ctrl_c_reaches_a_command_whose_reader_sleeps(cli: Cli) -> None:
    process = cli.start("sql", "SELECT * FROM generate_series(1, 10000000)", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    time.sleep(1)  # signals in quick succession count as one
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT) == 130
    assert time.monotonic() - begun < 3, "a second signal ends the command at once"


def test_questions_on_a_terminal(cli: Cli, bucket: str) -> None:
    for reply, code, left in [(b"n\n", 2, 1), (None, 130, 1), (b"y\n", 0, 0)]:
        cli.run("object", "put", "-", f"{bucket}/tmp/a", stdin=b"x")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            cli.argv("object", "delete", "--recursive", f"{bucket}/tmp"),
            env=cli.env | {"TERM": "dumb"},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        output = b""
        while b"[y/N]" not in output:
            assert select.select([ours], [], [], TIMEOUT)[0], output
            output += os.read(ours, 1024)
        if reply is None:
            process.send_signal(signal.SIGINT)
        else:
            os.write(ours, reply)
        assert process.wait(TIMEOUT) == code
        os.close(ours)
        assert len(cli.lines("object", "list", bucket)) == left


def test_progress_only_on_a_terminal(cli: Cli, bucket: str) -> None:
    (cli.cwd / "file").write_bytes(bytes(64 << 20))
    assert cli.run("object", "put", "file", f"{bucket}/file").stderr == b""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        cli.argv("object", "put", "file", f"{bucket}/file"),
        env=cli.env | {"TERM": "xterm"},
        cwd=cli.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        drawn += piece
    assert process.wait(TIMEOUT) == 0
    assert b"MiB" in drawn
    assert process.stdout and b"64.0 MiB" in process.stdout.read()


# --- the embedded server ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_embedded_serves_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    env = clean_env(tmp_path) | {"LAKEWRIGHT_SECRET_ACCESS_KEY": "unused-and-never-shown"}
    server = Cli(env, tmp_path).start("embedded", "--data", "d", "--json", stdout=subprocess.PIPE)
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    assert "secret_access_key" not in ready and "access_key_id" not in ready
    client = clean_env(tmp_path) | {
        "LAKEWRIGHT_ENDPOINT": "embedded:d",
        "LAKEWRIGHT_SECRET_ACCESS_KEY": "",
    }
    attached = Cli(client | {"LAKEWRIGHT_SECRET_ACCESS_KEY": ""}, tmp_path)
    done = subprocess.run(
        attached.argv("bucket", "create", "raw"),
        env=attached.env,
        cwd=tmp_path,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done
    second = subprocess.run(
        attached.argv("embedded", "--data", "d"), env=env, cwd=tmp_path, capture_output=True
    )
    assert second.returncode == 1 and b"error:" in second.stderr
    # timeout(1) signals the process and then its group.
    server.send_signal(number)
    server.send_signal(number)
    assert server.wait(TIMEOUT) == 0


def test_embedded_shows_its_credentials_on_request(tmp_path: Path) -> None:
    env = clean_env(tmp_path) | {"LAKEWRIGHT_SECRET_ACCESS_KEY": "unused-and-never-shown"}
    server = Cli(env, tmp_path).start(
        "embedded", "--data", "d", "--json", "--show-credentials", stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    keys = {
        "LAKEWRIGHT_ENDPOINT": ready["endpoint"],
        "LAKEWRIGHT_ACCESS_KEY_ID": ready["access_key_id"],
        "LAKEWRIGHT_SECRET_ACCESS_KEY": ready["secret_access_key"],
    }
    Cli(clean_env(tmp_path) | keys, tmp_path).run("bucket", "list")
    server.send_signal(signal.SIGTERM)
    assert server.wait(TIMEOUT) == 0
