"""Declared state in Python: ``Spec``, ``Plan``, and the verbs of a lake."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import pickle
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lakewright
import pytest
from conftest import Server


@dataclass(frozen=True)
class Stack:
    """A stack with a registry of its own, so that tests do not affect each other."""

    lake: lakewright.Lake
    name: str

    @property
    def registry(self) -> str:
        return f"state-{self.name}"

    @property
    def bucket(self) -> str:
        return f"raw-{self.name}"

    def document(self, **more: Any) -> dict[str, Any]:
        document: dict[str, Any] = {
            "version": 1,
            "stack": self.name,
            "registry": self.registry,
            "buckets": {self.bucket: {"force_destroy": True}},
            "tables": {
                f"{self.bucket}/flights": {
                    # Not in alphabetical order, because the order of columns is kept.
                    "schema": {"day": "date", "carrier": "string", "arrival": "timestamp"},
                    "partition_by": ["day"],
                }
            },
        }
        document |= more
        return {name: part for name, part in document.items() if part is not None}


@pytest.fixture
def stack(lake: lakewright.Lake) -> Iterator[Stack]:
    stack = Stack(lake, secrets.token_hex(6))
    yield stack
    lake.apply(lake.plan_destroy(stack.name, registry=stack.registry))


@pytest.fixture
def on_minio(server: Any) -> None:
    if server.name != "minio":
        pytest.skip(f"{server.name} has no admin API")


def test_spec(tmp_path: Path) -> None:
    document = Stack(None, "s").document()  # type: ignore[arg-type]
    spec = lakewright.Spec(document)
    assert (spec.stack, spec.registry) == ("s", "state-s")
    columns = spec.to_dict()["tables"]["raw-s/flights"]["schema"]
    assert [column["name"] for column in columns] == ["day", "carrier", "arrival"]
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(document))
    same = [
        lakewright.Spec.load(file),
        lakewright.Spec.load(str(file)),
        lakewright.Spec.from_json(file.read_text()),
        lakewright.Spec.from_json(file.read_bytes()),
        lakewright.Spec.from_json(spec.to_json()),
        lakewright.Spec(spec.to_dict()),
        pickle.loads(pickle.dumps(spec)),
    ]
    assert all(other == spec and hash(other) == hash(spec) for other in same)
    assert {other.hash for other in same} == {spec.hash}
    assert lakewright.Spec({**document, "buckets": {}, "tables": {}}) != spec
    assert repr(spec) == "<Spec stack=s, buckets=1, tables=1>"
    assert lakewright.Spec.json_schema()["additionalProperties"] is False


def test_faults_have_paths(tmp_path: Path) -> None:
    wrong = {"version": 1, "stack": "s", "buckets": {"raw": {"quotta": 1}, "R": {}}}
    with pytest.raises(lakewright.InvalidSpecError) as caught:
        lakewright.Spec(wrong)
    assert {"buckets.raw.quotta"} < {fault.resource for fault in caught.value.failures}
    for bad in ("", "[]", "{", b"\xff", '{"version": 2, "stack": "s"}', "[" * 100_000):
        with pytest.raises(lakewright.InvalidSpecError):
            lakewright.Spec.from_json(bad)
    with pytest.raises(lakewright.NotFoundError):
        lakewright.Spec.load(tmp_path / "nothing")
    with pytest.raises(TypeError):
        lakewright.Spec("spec.json")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="JSON"):
        lakewright.Spec({"version": float("nan")})
    secret = {"secret": {"literal": "hunter2hunter2"}}
    with pytest.raises(lakewright.InvalidSpecError) as caught:
        lakewright.Spec({"version": 1, "stack": "s", "users": {"etl": secret}})
    assert "hunter2" not in str(caught.value) + repr(caught.value.to_dict())


def test_plan_apply_and_nothing_left_to_do(stack: Stack) -> None:
    lake, document = stack.lake, stack.document()
    plan = lake.plan(lakewright.Spec(document))
    assert plan == lake.plan(document), "planning changes nothing"
    assert not plan.is_empty and not plan.is_destructive
    assert (plan.stack, plan.registry, plan.registry_serial) == (stack.name, stack.registry, 0)
    assert plan.spec_hash == lakewright.Spec(document).hash
    assert plan.summary == lakewright.Summary(create=2)
    bucket, table = plan.steps
    assert (bucket.id, bucket.verb, bucket.resource) == (
        0,
        "create_bucket",
        f"bucket/{stack.bucket}",
    )
    assert (bucket.risk, bucket.reason, bucket.after) == ("safe", "it does not exist", [])
    assert (table.verb, table.after) == ("create_table", [0])
    assert f"+  bucket {stack.bucket}  (it does not exist)\n" in str(plan)
    assert "\u001b" not in str(plan)
    assert repr(plan) == f"<Plan stack={stack.name}: 2 to create>"
    assert plan.graph("dot").startswith("digraph") and "-->" in plan.graph()
    with pytest.raises(lakewright.InvalidInputError):
        plan.graph("svg")  # type: ignore[arg-type]

    events: list[tuple[str, str | None]] = []

    def progress(step: lakewright.Step, outcome: lakewright.Outcome | None) -> None:
        events.append((step.verb, None if outcome is None else outcome.status))

    report = lake.apply(plan, progress=progress)
    assert report.is_complete and report.stack == stack.name
    assert [outcome.status for outcome in report.outcomes.values()] == ["done", "done"]
    assert events == [
        ("create_bucket", None),
        ("create_bucket", "done"),
        ("create_table", None),
        ("create_table", "done"),
    ]
    assert lake.plan(document).is_empty and lake.drift(document).is_empty
    assert "Nothing to do" in str(lake.plan(document))

    state = lake.state(registry=stack.registry)
    owned = state.resources[f"bucket/{stack.bucket}"]
    assert owned.stack == stack.name and owned.declared == {"force_destroy": True}
    assert datetime.datetime.now(datetime.UTC) - owned.since < datetime.timedelta(minutes=5)
    assert state.lease is None

    with pytest.raises(lakewright.PreconditionFailedError):
        lake.apply(plan)  # the registry has changed since
    lake.drop_table(f"{stack.bucket}/flights")
    assert [step.resource for step in lake.drift(document).steps] == [
        f"table/{stack.bucket}/flights"
    ]


def test_values_survive_pickle_and_json(stack: Stack) -> None:
    plan = stack.lake.plan(stack.document())
    for other in (
        pickle.loads(pickle.dumps(plan)),
        lakewright.Plan.from_json(plan.to_json()),
        lakewright.Plan.from_json(plan.to_json().encode()),
        lakewright.Plan(plan.to_dict()),
    ):
        assert other == plan and str(other) == str(plan)
    assert plan.to_dict() == json.loads(plan.to_json())
    for bad in ("", "{}", plan.to_json().replace("create_bucket", "conjure_bucket")):
        with pytest.raises(lakewright.InvalidInputError):
            lakewright.Plan.from_json(bad)
    report = stack.lake.apply(plan.to_dict())
    state = stack.lake.state(registry=stack.registry)
    values: list[Any] = [*plan.steps, plan.summary, report, report.outcomes[0], state]
    for value in values:
        same = pickle.loads(pickle.dumps(value))
        assert same == value and hash(same) == hash(value)
        json.dumps(value.to_dict(), default=str)
    assert report.to_dict()["outcomes"][0]["status"] == "done"
    assert f"bucket/{stack.bucket}" in state.to_dict()["resources"]
    assert isinstance(state.to_dict()["resources"][f"bucket/{stack.bucket}"], dict)


def test_prune_adopt_forget(stack: Stack) -> None:
    lake, address = stack.lake, f"bucket/{stack.bucket}"
    only_bucket = stack.document(tables=None)
    lake.create_bucket(stack.bucket)
    with pytest.raises(lakewright.AlreadyExistsError):
        lake.plan(only_bucket)
    assert lake.plan(only_bucket, adopt=[address]).summary.adopt == 1
    with pytest.raises(TypeError):
        lake.plan(only_bucket, adopt=address)
    state = lake.adopt([address], stack=stack.name, registry=stack.registry)
    assert list(state.resources) == [address]
    assert lake.forget([address], stack=stack.name, registry=stack.registry).resources == {}
    with pytest.raises(lakewright.NotFoundError):
        lake.forget([address], stack=stack.name, registry=stack.registry)
    lake.apply(lake.plan(stack.document(), adopt=[address]))
    kept = lake.plan(only_bucket)
    assert [note.resource for note in kept.notes] == [f"table/{stack.bucket}/flights"]
    pruned = lake.plan(only_bucket, prune=True)
    assert pruned.is_destructive and [step.risk for step in pruned.steps] == ["destructive"]
    lake.apply(pruned)
    assert lake.plan(only_bucket, prune=True).is_empty


def test_sealed_registry(stack: Stack, server: Server) -> None:
    lake, document = stack.lake, stack.document(tables=None)
    lake.apply(lake.plan(document))
    with pytest.raises(lakewright.ConfigError, match="registry_key"):
        lake.seal(stack=stack.name, registry=stack.registry)
    with pytest.raises(lakewright.ConfigError, match="fewer than 16 bytes"):
        server.connect(registry_key="short").plan(document)
    keyed = server.connect(registry_key="a registry key of these tests")
    with pytest.raises(lakewright.CorruptError, match=f"bucket {stack.bucket}"):
        keyed.plan(document)
    assert list(keyed.seal(stack=stack.name, registry=stack.registry).resources) == [
        f"bucket/{stack.bucket}"
    ]
    assert keyed.plan(document).is_empty
    with pytest.raises(lakewright.ConfigError, match="sealed"):
        lake.plan(document)
    assert "a registry key" not in repr(keyed.profile)
    keyed.apply(keyed.plan_destroy(stack.name, registry=stack.registry))


async def test_twins(stack: Stack) -> None:
    lake, document = stack.lake, stack.document()
    await lake.wait_async(timeout=30)
    plan = await lake.plan_async(document)
    assert (await lake.apply_async(plan)).is_complete
    assert (await lake.drift_async(document)).is_empty
    address = f"table/{stack.bucket}/flights"
    state = await lake.forget_async([address], stack=stack.name, registry=stack.registry)
    assert state == await lake.state_async(registry=stack.registry)
    await lake.adopt_async([address], stack=stack.name, registry=stack.registry)
    gone = await lake.plan_destroy_async(stack.name, registry=stack.registry)
    assert gone.summary.delete == 2
    with pytest.raises(lakewright.PreconditionFailedError):
        await asyncio.gather(lake.apply_async(plan))


def test_an_exception_of_progress_is_raised_after_the_apply(stack: Stack) -> None:
    class Stumbled(Exception):
        pass

    def progress(step: lakewright.Step, outcome: lakewright.Outcome | None) -> None:
        raise Stumbled

    plan = stack.lake.plan(stack.document())
    with pytest.raises(Stumbled):
        stack.lake.apply(plan, progress=progress)
    assert stack.lake.plan(stack.document()).is_empty
    with pytest.raises(TypeError):
        stack.lake.apply(plan, progress=3)  # type: ignore[arg-type]


def test_ctrl_c_records_the_finished_steps(stack: Stack, server: Any, tmp_path: Path) -> None:
    buckets: dict[str, Any] = {f"{stack.bucket}-{n}": {} for n in range(60)}
    document = stack.document(tables=None, buckets=buckets)
    (tmp_path / "spec.json").write_text(json.dumps(document))
    script = """
import signal
import sys
import time
import lakewright
# A child of a process that ignores SIGINT (a job in the background of a script) ignores it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
lake = lakewright.connect(concurrency=1)
plan = lake.plan(lakewright.Spec.load(sys.argv[1]))
def progress(step, outcome):
    if outcome is not None:
        print(step.resource, flush=True)
        time.sleep(0.05)  # The apply must not end before the signal arrives.
lake.apply(plan, progress=progress)
"""
    env = os.environ | {
        "LAKEWRIGHT_ENDPOINT": server.endpoint,
        "LAKEWRIGHT_ACCESS_KEY_ID": server.access_key_id,
        "LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "spec.json")],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors, errors
    state = stack.lake.state(registry=stack.registry)
    assert state.lease is None
    there = {info.name for info in stack.lake.buckets()} & set(buckets)
    assert 3 <= len(there) < len(buckets)
    # The bucket of the interrupted step may exist; all other buckets are recorded.
    assert len(there - {name.removeprefix("bucket/") for name in state.resources}) <= 1
    stack.lake.apply(stack.lake.plan(document, adopt=[f"bucket/{name}" for name in there]))
    assert stack.lake.plan(document).is_empty


def test_other_threads_run_meanwhile(stack: Stack) -> None:
    """The GIL is free while a plan is applied."""
    document = stack.document(
        tables=None, buckets={f"b{i}-{stack.name}": {"force_destroy": True} for i in range(30)}
    )
    plan = stack.lake.plan(document)
    gaps, over = [0.0], threading.Event()

    def beat() -> None:
        last = time.monotonic()
        while not over.wait(0.001):
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    thread = threading.Thread(target=beat)
    thread.start()
    begun = time.monotonic()
    stack.lake.apply(plan)
    took = time.monotonic() - begun
    over.set()
    thread.join()
    assert len(gaps) > 3 and max(gaps) < max(took * 0.9, 0.1), (max(gaps), took)


def test_a_partial_failure_has_its_report(stack: Stack, on_minio: None) -> None:
    bad, good = f"bad-{stack.name}", f"good-{stack.name}"
    rules = [{"id": "n", "arn": "arn:minio:sqs::NOBODY:webhook", "events": ["s3:ObjectCreated:*"]}]
    document = stack.document(tables=None, buckets={bad: {"notifications": rules}, good: {}})
    with pytest.raises(lakewright.PartialApplyError) as caught:
        stack.lake.apply(stack.lake.plan(document))
    error = caught.value
    report = error.report
    assert isinstance(report, lakewright.Report) and not report.is_complete
    came = {(each.resource, each.verb): each for each in report.outcomes.values()}
    assert came[f"bucket/{good}", "create_bucket"].status == "done"
    failed = came[f"bucket/{bad}", "set_notifications"]
    assert failed.status == "failed" and failed.code and failed.error
    assert error.failures and error.operation == "apply"
    again = pickle.loads(pickle.dumps(error))
    assert again.report == report and str(again) == str(error)

    async def awaited() -> None:
        plan = await stack.lake.plan_async(document)
        with pytest.raises(lakewright.PartialApplyError) as caught:
            await stack.lake.apply_async(plan)
        assert not caught.value.report.is_complete

    asyncio.run(awaited())


def test_users_on_minio(stack: Stack, on_minio: None, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"s-{secrets.token_hex(12)}"
    monkeypatch.setenv("ETL_SECRET", secret)
    user, policy = f"etl-{stack.name}", f"p-{stack.name}"
    document = stack.document(
        policies={policy: {"grants": [{"access": "read", "bucket": stack.bucket}]}},
        users={user: {"secret": {"env": "ETL_SECRET"}, "policies": [policy]}},
    )
    plan = stack.lake.plan(document)
    assert secret not in plan.to_json() + str(plan) + repr(plan.steps)
    stack.lake.apply(plan)
    assert stack.lake.plan(document).is_empty
    theirs = lakewright.connect(
        stack.lake.profile.endpoint, access_key_id=user, secret_access_key=secret
    )
    assert list(theirs.bucket(stack.bucket).list()) is not None
    monkeypatch.setenv("ETL_SECRET", secret + "x")
    (step,) = stack.lake.drift(document).steps
    assert (step.resource, step.verb) == (f"user/{user}", "put_user")


def test_wait(lake: lakewright.Lake) -> None:
    lake.wait(timeout=datetime.timedelta(seconds=30))
    unreachable = lakewright.connect(
        "http://127.0.0.1:9", access_key_id="x", secret_access_key="y" * 8, retries=0
    )
    with pytest.raises(lakewright.OperationTimeoutError):
        unreachable.wait(0.2)
