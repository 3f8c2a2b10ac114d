import json

EVENTS = "/var/lib/receiver/events"
DATA = "/var/lib/minio/data"


def put(key, text="a parcel"):
    machine.succeed(f"printf '{text}' | root-mc pipe lake/{key}")


def received_events(key):
    machine.wait_until_succeeds(f"grep '\"raw/{key}\"' {EVENTS}", timeout=60)
    lines = machine.succeed(f"cat {EVENTS}").splitlines()
    return [event for event in map(json.loads, lines) if event["key"] == f"raw/{key}"]


start_all()
machine.wait_for_unit("lakewright-client-lake")

with subtest("the receiver is told, at its address and with its token"):
    put("raw/in/one")
    (event,) = received_events("in/one")
    assert event["event"].startswith("s3:ObjectCreated:"), event
    assert event["path"] == "/lake%2Fevents", event
    assert event["authorization"] == "Bearer let-me-in", event

with subtest("and only of what was declared"):
    put("raw/elsewhere/one")
    put("raw/in/two")
    received_events("in/two")
    machine.fail(f"grep elsewhere {EVENTS}")

with subtest(
    "events of a time without receiver are delivered later, even after a restart of the server"
):
    machine.succeed("systemctl stop receiver")
    put("raw/in/three")
    machine.wait_until_succeeds("find /var/lib/minio/events -type f | grep .", timeout=30)
    machine.succeed("systemctl restart lakewright-server")
    machine.succeed("systemctl start receiver")
    received_events("in/three")

with subtest("objects are encrypted on the drive, where the bucket says so"):
    put("raw/in/four", "nobody-reads-this")
    put("closed/four", "everybody-reads-this")
    assert machine.succeed("root-mc cat lake/raw/in/four") == "nobody-reads-this"
    machine.succeed(f"grep --recursive --quiet everybody-reads-this {DATA}/closed")
    machine.fail(f"grep --recursive --quiet nobody-reads-this {DATA}")

with subtest("without the key the server does not start, with it all is there"):
    machine.succeed("mv /run/agenix/lakewright-kms-key /run/agenix/away")
    machine.fail("systemctl restart lakewright-server")
    machine.succeed("mv /run/agenix/away /run/agenix/lakewright-kms-key")
    machine.wait_until_succeeds("systemctl is-active lakewright-client-lake", timeout=60)
    assert machine.succeed("root-mc cat lake/raw/in/four") == "nobody-reads-this"
