"""Declared state on the command line: ``lakewright spec``, ``plan``, ``apply``, ``drift``,
``state``, ``adopt``, ``forget``, ``destroy``, ``wait``."""

from __future__ import annotations

import json
import os
import pty
import re
import secrets
import select
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_cli import TIMEOUT, Cli, Server, clean_env, free_port

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Stack:
    """A stack with a registry of its own, so that tests do not affect each other."""

    cli: Cli
    name: str

    @property
    def registry(self) -> str:
        return f"state-{self.name}"

    @property
    def bucket(self) -> str:
        return f"raw-{self.name}"

    def document(self, **more: Any) -> dict[str, Any]:
        """Returns a spec that every server supports; ``None`` removes a part of it."""
        document: dict[str, Any] = {
            "version": 1,
            "stack": self.name,
            "registry": self.registry,
            "buckets": {self.bucket: {"force_destroy": True}},
            "tables": {
                f"{self.bucket}/flights": {
                    "schema": {"day": "date", "delay": "double"},
                    "partition_by": ["day"],
                    "properties": {"delta.appendOnly": "true"},
                }
            },
        }
        document |= more
        return {name: part for name, part in document.items() if part is not None}

    def write(self, **more: Any) -> str:
        (self.cli.cwd / "spec.json").write_text(json.dumps(self.document(**more)))
        return "spec.json"

    def differs(self, *args: str) -> str:
        """Runs a command that finds differences, and returns its output."""
        return self.cli.run(*args, code=3).stdout.decode()


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
def stack(cli: Cli) -> Iterator[Stack]:
    stack = Stack(cli, secrets.token_hex(6))
    yield stack
    cli.run("destroy", "--stack", stack.name, "--registry", stack.registry, "--yes")


@pytest.fixture
def on_minio(server: Any) -> None:
    if server.name != "minio":
        pytest.skip(f"{server.name} has no admin API")


# --- documents -------------------------------------------------------------------------------


def test_documents_need_no_server(tmp_path: Path) -> None:
    cli = Cli(clean_env(tmp_path) | {"LAKEWRIGHT_SECRET_ACCESS_KEY": "never-shown"}, tmp_path)
    (tmp_path / "bad.json").write_text(
        '{"version": 1, "stack": "s", "buckets": {"raw": {"versionning": true}, "R": {}}}'
    )
    error = cli.error("spec", "check", "bad.json", code=2)
    assert error["code"] == "invalid_spec"
    assert "buckets.raw.versionning" in {each["resource"] for each in error["failures"]}
    good = b'{"version": 1, "stack": "s", "buckets": {"raw": {"quota": "1KiB"}}}'
    assert cli.text("spec", "check", "-", stdin=good) == "stack s: 1 bucket\n"
    assert cli.json("spec", "check", "-", stdin=good)["buckets"] == 1
    shown = cli.text("spec", "show", "-", stdin=good)
    assert shown == '{"buckets":{"raw":{"quota":1024}},"stack":"s","version":1}\n'
    assert cli.text("spec", "show", "-", stdin=shown.encode()) == shown
    schema = ROOT / "crates/lakewright-core/spec.schema.json"
    assert cli.text("spec", "schema") == schema.read_text()
    literal = (
        b'{"version": 1, "stack": "s", "users": {"etl": {"secret": {"literal": "hunter2hunter2"}}}}'
    )
    refused = cli.run("spec", "check", "-", stdin=literal, code=2)
    assert b"hunter2" not in refused.stderr


def test_the_example_of_the_readme(stack: Stack, on_minio: None) -> None:
    text = (ROOT / "README.md").read_text()
    (example,) = re.findall(r'```json\n(\{ "version".*?)```', text, re.S)
    document = json.loads(example)
    stack.cli.run("spec", "check", "-", stdin=example.encode())
    # The default registry may have the same names from another test.
    document["registry"] = stack.registry
    document["users"]["etl"]["secret"] = {"env": "ETL"}
    # Old versions of the dropped table's objects keep the bucket from being empty.
    document["buckets"]["raw"]["force_destroy"] = True
    cli = Cli(stack.cli.env | {"ETL": "etl-secret-of-a-test"}, stack.cli.cwd)
    (cli.cwd / "readme.json").write_text(json.dumps(document))
    cli.run("apply", "readme.json", "--yes")
    cli.run("plan", "readme.json", "--detailed-exit-code")
    cli.run("destroy", "readme.json", "--yes")


# --- life of a stack -------------------------------------------------------------------------


def test_plan_apply_and_nothing_left_to_do(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    text = stack.differs("plan", spec, "--detailed-exit-code")
    assert cli.text("plan", spec) == text, "planning changes nothing"
    assert text == (
        f"stack {stack.name} at {cli.env['LAKEWRIGHT_ENDPOINT']}, registry {stack.registry}\n"
        "\n"
        f"+  bucket {stack.bucket}  (it does not exist)\n"
        f"+  table {stack.bucket}/flights  (it does not exist)\n"
        "     + partition_by                 day\n"
        '     + properties.delta.appendOnly  "true"\n'
        "     + schema.day                   date\n"
        "     + schema.delay                 double\n"
        "\n"
        "Plan: 2 to create.\n"
    )
    applied = cli.json("apply", spec, "--yes")
    assert applied["is_complete"] and applied["stack"] == stack.name
    assert [step["status"] for step in applied["steps"]] == ["done", "done"]
    nothing = cli.text("plan", spec, "--detailed-exit-code")
    assert nothing.endswith("Nothing to do: everything is as it is declared.\n")
    assert cli.text("drift", spec).endswith("No drift: everything is as it is declared.\n")
    assert cli.text("apply", spec) == f"stack {stack.name}: nothing to do\n"

    state = cli.json("state", "--registry", stack.registry)
    assert state["lease"] is None
    assert {of["stack"] for of in state["resources"].values()} == {stack.name}
    assert f"table/{stack.bucket}/flights" in cli.text("state", "--registry", stack.registry)

    cli.run("destroy", spec, "--yes")
    assert cli.json("state", "--registry", stack.registry)["resources"] == {}
    assert cli.error("bucket", "head", stack.bucket, code=1)["code"] == "not_found"


def test_drift_is_found_and_repaired(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    cli.run("apply", spec, "--yes")
    cli.run("table", "drop", f"{stack.bucket}/flights", "--yes", code=None)
    cli.run("object", "delete", "--recursive", "--yes", f"{stack.bucket}/flights/", code=None)
    text = stack.differs("drift", spec)
    assert f"+  table {stack.bucket}/flights  (it is ours and is gone)\n" in text
    assert text.endswith("Drift: 1 resource differs from what is declared.\n")
    drift = json.loads(stack.differs("drift", spec, "--json"))
    assert [step["resource"] for step in drift["steps"]] == [f"table/{stack.bucket}/flights"]
    cli.run("apply", spec, "--yes")
    cli.run("drift", spec)

    # A resource that is no longer declared is kept and counts as drift.
    document = json.loads((cli.cwd / spec).read_text())
    del document["tables"]
    (cli.cwd / "less.json").write_text(json.dumps(document))
    cli.run("plan", "less.json", "--detailed-exit-code")
    assert stack.differs("drift", "less.json").endswith(
        "Drift: 1 resource differs from what is declared.\n"
    )


def test_fields_show_old_and_new(stack: Stack, on_minio: None) -> None:
    cli = stack.cli
    bucket = {"force_destroy": True, "tags": {"team": "data", "x": "1"}, "quota": "1GiB"}
    bucket["lifecycle"] = [{"id": "tmp", "prefix": "tmp/", "expire_after_days": 7}]
    cli.run("apply", stack.write(tables=None, buckets={stack.bucket: bucket}), "--yes")
    cli.run("bucket", "tags", "set", stack.bucket, "team=ops", "x=1")
    bucket["lifecycle"] = [{"id": "tmp", "prefix": "tmp/", "expire_after_days": 14}]
    bucket["quota"] = "2GiB"
    text = cli.text("plan", stack.write(tables=None, buckets={stack.bucket: bucket}))
    assert "     ~ tags.team" in text and "  ops → data\n" in text
    assert "     ~ lifecycle.tmp.expire_after_days  7 → 14" in text
    assert "1.0 GiB (1073741824 B) → 2.0 GiB (2147483648 B)" in text
    assert "tags.x" not in text, "an unchanged field is not shown"


def test_undeclared_resources_are_kept_until_pruned(stack: Stack) -> None:
    cli = stack.cli
    cli.run("apply", stack.write(), "--yes")
    spec = stack.write(tables=None)
    kept = cli.text("plan", spec)
    assert "--prune deletes it" in kept and "\n-  table" not in kept
    pruned = cli.text("plan", spec, "--prune")
    assert f"-  table {stack.bucket}/flights  DESTROYED (" in pruned
    assert pruned.endswith("Plan: 1 to delete; 1 step cannot be undone.\n")
    cli.run("apply", spec, "--prune", "--yes")
    cli.run("plan", spec, "--prune", "--detailed-exit-code")


def test_adopt_and_forget(stack: Stack) -> None:
    cli, spec, address = stack.cli, stack.write(tables=None), f"bucket/{stack.bucket}"
    cli.run("bucket", "create", stack.bucket)
    error = cli.error("plan", spec, code=1)
    assert error["code"] == "already_exists" and "lakewright adopt" in error["message"]
    assert f"<- bucket {stack.bucket}  (" in cli.text("plan", spec, "--adopt", address)
    mine = ("--stack", stack.name, "--registry", stack.registry)
    assert cli.json("adopt", address, *mine) == {"stack": stack.name, "adopted": [address]}
    cli.run("apply", spec, "--yes")
    other = ("--stack", "other", "--registry", stack.registry)
    assert cli.error("adopt", address, *other, code=1)["code"] == "conflict"
    assert cli.error("forget", address, *other, code=1)["code"] == "conflict"
    output = cli.text("forget", address, *mine)
    assert output == f"bucket {stack.bucket}: no longer owned by stack {stack.name}\n"
    assert cli.error("forget", address, *mine, code=1)["code"] == "not_found"
    assert cli.error("adopt", "bucket/no-such-bucket", *mine, code=1)["code"] == "not_found"
    assert cli.error("adopt", "bukcet/x", *mine, code=2)["code"] == "invalid_input"
    cli.run("bucket", "delete", stack.bucket)


def test_seal(stack: Stack, tmp_path: Path) -> None:
    cli, spec, address = stack.cli, stack.write(tables=None), f"bucket/{stack.bucket}"
    cli.run("apply", spec, "--yes")
    key = tmp_path / "key"
    key.write_text("a registry key of these tests")
    mine = ("--stack", stack.name, "--registry", stack.registry)
    assert cli.error("seal", *mine, code=2)["code"] == "invalid_config"
    cli.env["LAKEWRIGHT_REGISTRY_KEY_FILE"] = str(key)
    error = cli.error("plan", spec, code=1)
    assert error["code"] == "corrupt" and "lakewright seal" in error["message"]
    assert cli.json("seal", *mine) == {"stack": stack.name, "sealed": [address]}
    cli.run("plan", spec, "--detailed-exit-code")
    assert cli.json("state", "--registry", stack.registry)["resources"][address]["seal"]
    cli.run("destroy", *mine, "--yes")


# --- plan files ------------------------------------------------------------------------------


def test_a_plan_file_is_bound_to_its_spec_server_and_registry(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    cli.run("plan", spec, "--out", "a.plan")
    file = cli.cwd / "a.plan"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(cli.cwd.glob(".a.plan*"))
    refused = cli.error("apply", "a.plan", "--prune", "--yes", code=2)
    assert "applied as it is" in refused["message"]

    # Another spec.
    changed = cli.cwd / "other.json"
    changed.write_text(json.dumps(stack.document(tables=None)))
    moved = cli.error("apply", "a.plan", "--spec", "other.json", "--yes", code=1)
    assert moved["code"] == "precondition_failed"
    # Another server.
    elsewhere = cli.env["LAKEWRIGHT_ENDPOINT"].replace("127.0.0.1", "localhost")
    done = cli.run("--endpoint", elsewhere, "apply", "a.plan", "--yes", "--json", code=1)
    assert json.loads(done.stderr.splitlines()[-1])["code"] == "precondition_failed"
    assert done.stdout == b""

    # Another state of the registry.
    assert cli.json("apply", "a.plan", "--spec", spec, "--yes")["is_complete"]
    again = cli.run("apply", "a.plan", "--yes", "--json", code=1)
    assert json.loads(again.stderr.splitlines()[-1])["code"] == "precondition_failed"

    # The output of `plan --json` is a plan file, too.
    printed = cli.text("plan", stack.write(tables=None), "--prune", "--json")
    (cli.cwd / "b.plan").write_text(printed)
    assert cli.json("apply", "b.plan", "--yes")["is_complete"]
    (cli.cwd / "c.plan").write_text(printed.replace('"set', '"sat').replace('"drop', '"drip'))
    assert cli.error("apply", "c.plan", "--yes", code=2)["code"] == "invalid_input"


# --- confirmation ----------------------------------------------------------------------------


def run_and_reply(cli: Cli, question: bytes, reply: bytes, *args: str) -> tuple[int, bytes]:
    """Runs a command on a terminal and replies to its question. Returns exit code and output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        cli.argv(*args),
        env=cli.env | {"TERM": "xterm"},
        cwd=cli.cwd,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    while question not in output:
        assert select.select([ours], [], [], TIMEOUT)[0], output
        output += os.read(ours, 4096)
    os.write(ours, reply)
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    return process.wait(TIMEOUT), output


def test_without_a_terminal_nothing_is_done(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    done = cli.run("apply", spec, "--json", code=2)
    assert done.stdout == b"" and b"pass --yes" in done.stderr
    assert f"+  bucket {stack.bucket}".encode() in done.stderr, "the plan is shown"
    assert cli.error("bucket", "head", stack.bucket, code=1)["code"] == "not_found"


def test_a_terminal_asks_for_confirmation(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    code, output = run_and_reply(cli, b"[y/N]", b"n\n", "apply", spec)
    assert code == 2 and b"nothing was done" in output
    assert b"\x1b[32m+  bucket" in output, "the output has colours on a terminal"
    code, output = run_and_reply(cli, b"[y/N]", b"y\n", "apply", spec)
    assert code == 0 and b"done: " not in output
    # A step that cannot be undone is confirmed by the name of the stack.
    question = f"Type {stack.name} to continue".encode()
    code, output = run_and_reply(cli, question, b"y\n", "destroy", spec)
    assert code == 2 and b"nothing was done" in output
    cli.run("drift", spec)
    plain = Cli(cli.env | {"NO_COLOR": "1"}, cli.cwd)
    code, output = run_and_reply(plain, question, stack.name.encode() + b"\n", "destroy", spec)
    assert code == 0 and b"\x1b[31m" not in output.split(question)[0]
    assert cli.json("state", "--registry", stack.registry)["resources"] == {}


# --- hostile text and secrets ----------------------------------------------------------------


def test_control_characters_are_escaped(stack: Stack) -> None:
    cli = stack.cli
    name = f"{stack.bucket}/t"
    table = {"schema": {"a\u202eb": "long"}, "properties": {"my.\u2066x": "\u001b[2J\u202ev"}}
    spec = stack.write(tables={name: table})
    for args in (["plan", spec], ["plan", spec, "--graph", "dot"], ["plan", spec, "--json"]):
        out = cli.text(*args)
        if "--json" not in args:
            assert not re.search("[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069]", out)
    text = cli.text("plan", spec)
    assert '"\\\\u{1b}[2J' in text or '"\\u{1b}[2J\\u{202e}v"' in text
    assert "schema.a\\u{202e}b" in text or 'schema["a\\u{202e}b"]' in text


def test_graphs(stack: Stack) -> None:
    cli, spec = stack.cli, stack.write()
    dot = cli.text("plan", spec, "--graph", "dot")
    assert dot.startswith("digraph plan {") and "  s0 -> s1;\n" in dot
    mermaid = cli.text("plan", spec, "--graph", "mermaid")
    assert mermaid.startswith("flowchart LR\n") and "  s0 --> s1\n" in mermaid
    assert cli.error("plan", spec, "--graph", "dot", code=2)["code"] == "invalid_input"


def test_no_secret_is_anywhere(stack: Stack, on_minio: None) -> None:
    one, two = f"file-{secrets.token_hex(12)}", f"env-{secrets.token_hex(12)}"
    cli = Cli(stack.cli.env | {"INGEST": two}, stack.cli.cwd)
    (cli.cwd / "etl").write_text(one + "\n")
    user = f"etl-{stack.name}"
    spec = stack.write(
        users={user: {"secret": {"file": str(cli.cwd / "etl")}}},
        service_accounts={
            "ingest": {"owner": user, "access_key": f"in{stack.name}", "secret": {"env": "INGEST"}}
        },
    )
    seen = b""
    for args in (
        ["plan", spec, "--out", "a.plan"],
        ["plan", spec, "--json", "-vv"],
        ["apply", "a.plan", "--yes", "-vv"],
        ["state", "--registry", stack.registry, "--json"],
        ["state", "--registry", stack.registry],
        ["drift", spec, "-vv"],
    ):
        done = cli.run(*args)
        seen += done.stdout + done.stderr
    seen += (cli.cwd / "a.plan").read_bytes()
    for each in cli.lines("object", "list", stack.registry, "--recursive"):
        seen += cli.run("object", "get", f"{stack.registry}/{each['key']}", "-").stdout
    assert user.encode() in seen
    assert one.encode() not in seen and two.encode() not in seen
    # A changed secret is found by signing in with the declared one.
    (cli.cwd / "etl").write_text(f"other-{secrets.token_hex(12)}")
    assert (
        "the user's secret differs from the declared one"
        in cli.run("drift", spec, code=3).stdout.decode()
    )
    cli.run("destroy", spec, "--yes")


# --- failures --------------------------------------------------------------------------------


def test_a_partial_failure_gives_report_and_error(stack: Stack, on_minio: None) -> None:
    cli = stack.cli
    bad, good = f"bad-{stack.name}", f"good-{stack.name}"
    rules = [{"id": "n", "arn": "arn:minio:sqs::NOBODY:webhook", "events": ["s3:ObjectCreated:*"]}]
    spec = stack.write(
        tables=None,
        buckets={bad: {"notifications": rules, "tags": {"a": "b"}}, good: {"force_destroy": True}},
    )
    done = cli.run("apply", spec, "--yes", "--json", code=1)
    report = json.loads(done.stdout)
    error = json.loads(done.stderr.splitlines()[-1])
    assert error["code"] == "partial_apply" and error["operation"] == "apply"
    assert not report["is_complete"]
    came = {(step["resource"], step["verb"]): step for step in report["steps"]}
    assert came[f"bucket/{good}", "create_bucket"]["status"] == "done"
    failed = came[f"bucket/{bad}", "set_notifications"]
    assert failed["status"] == "failed" and failed["code"] and failed["error"]
    assert b"hint: run it again" in done.stderr
    text = cli.run("apply", spec, "--yes", code=1).stdout.decode()
    assert "1 failed" in text and f"  failed  set_notifications bucket {bad}: " in text
    # An apply of the corrected spec carries out the remaining steps.
    spec = stack.write(tables=None, buckets={bad: {"tags": {"a": "b"}}, good: {}})
    cli.run("apply", spec, "--yes")
    cli.run("plan", spec, "--detailed-exit-code")


def test_an_apply_after_ctrl_c_completes_the_rest(stack: Stack) -> None:
    cli = stack.cli
    buckets = {f"b{i}-{stack.name}": {"force_destroy": True} for i in range(60)}
    spec = stack.write(tables=None, buckets=buckets)
    process = cli.start("--concurrency", "1", "apply", spec, "--yes", stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    while not process.stderr.readline().startswith(b"done: "):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    assert process.wait(TIMEOUT) == 130
    process.stderr.close()
    begun = time.monotonic()
    assert cli.json("apply", spec, "--yes")["is_complete"]
    assert time.monotonic() - begun < 20, "the lease of a process that has ended is taken over"
    cli.run("plan", spec, "--detailed-exit-code")
    owned = cli.json("state", "--registry", stack.registry)["resources"]
    assert set(owned) == {f"bucket/{name}" for name in buckets}


def test_wait(cli: Cli) -> None:
    assert cli.json("wait", "--timeout", "30s")["ready"]
    closed = f"http://127.0.0.1:{free_port()}"
    error = cli.error("wait", "--endpoint", closed, "--timeout", "500ms", code=1)
    assert error["code"] == "timeout" and error["operation"] == "wait"
    wrong = Cli(cli.env | {"LAKEWRIGHT_SECRET_ACCESS_KEY": "wrong-secret-key"}, cli.cwd)
    assert wrong.error("wait", code=1)["code"] == "unauthenticated"
