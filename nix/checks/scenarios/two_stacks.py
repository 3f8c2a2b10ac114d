INGEST, REPORT = "lakewright-client-ingest", "lakewright-client-report"
ETL = "as etl /run/secrets/etl"
LOADER = "as loader /root/loader"
ANALYST = "as analyst /run/secrets/analyst"


def invocation(unit):
    return machine.get_unit_property(unit, "InvocationID")


def started(unit):
    return int(machine.get_unit_property(unit, "InactiveExitTimestampMonotonic"))


def owned():
    return machine.succeed("lakewright-admin state")


start_all()
machine.wait_for_unit(INGEST)
machine.wait_for_unit(REPORT)

with subtest("without agenix, only clients with the CA file trust the server's certificate"):
    machine.fail("systemctl cat agenix-install-secrets", "test -e /run/agenix")
    machine.fail("curl --silent https://far.test:9443/minio/health/live")
    machine.fail(f"LAKEWRIGHT_CA_FILE= {ETL} bucket list --ca-file /dev/null")

with subtest("one stack is applied after the other"):
    done = int(machine.get_unit_property(INGEST, "ActiveEnterTimestampMonotonic"))
    assert done <= started(REPORT), (done, started(REPORT))

with subtest("users and service accounts have exactly the declared access, also by a group"):
    machine.succeed("echo 1 > /tmp/x")
    machine.succeed(f"{ETL} object put /tmp/x raw/by-etl")
    machine.succeed(f"{LOADER} object put /tmp/x raw/in/by-loader")
    machine.fail(f"{LOADER} object put /tmp/x raw/elsewhere")
    machine.fail(f"{LOADER} object get raw/by-etl -")
    machine.succeed(f"{ANALYST} object list raw | grep by-etl")
    machine.fail(f"{ANALYST} object put /tmp/x raw/by-analyst")
    machine.fail(f"{ETL} object put /tmp/x marts/by-etl")

with subtest("a declared table takes rows of those who may write there"):
    rows = """printf 'carrier,delay\\nUA,12\\n' | """
    machine.succeed(f"{rows} {ANALYST} table append --input-format csv marts/delays -")
    assert "UA" in machine.succeed(f"{ANALYST} table scan marts/delays")
    machine.fail(f"{ETL} table scan marts/delays")

with subtest("each owns its own, and finds nothing to do"):
    said = owned()
    for what in ("ingest", "report", "raw", "marts/delays", "writers", "loader"):
        assert what in said, said
    for stack in ("ingest", "report"):
        machine.succeed(f"systemctl start lakewright-drift-{stack}")

with subtest("new secrets come as sops-nix brings them: who has them runs, the other does not"):
    before, other = invocation(INGEST), invocation(REPORT)
    machine.succeed(
        "cp --archive /run/secrets.d/1 /run/secrets.d/2",
        "umask 077; echo the-second-etl-key > /run/secrets.d/2/etl",
        "install -m 0400 /run/secrets.d/1/etl /root/old",
        "ln -s /run/secrets.d/2 /run/secrets.new",
        "mv --no-target-directory /run/secrets.new /run/secrets",
        "rm -r /run/secrets.d/1",
    )
    machine.wait_until_succeeds(f"{ETL} object list raw", timeout=60)
    machine.fail("as etl /root/old object list raw")
    machine.wait_for_unit(INGEST)
    assert invocation(INGEST) != before
    assert invocation(REPORT) == other

with subtest("a secret in a home is watched too"):
    machine.succeed("umask 077; install -m 0400 /root/loader /root/old")
    machine.succeed("echo the-second-loader-key > /root/loader")
    machine.wait_until_succeeds(f"{LOADER} object put /tmp/x raw/in/again", timeout=60)
    machine.fail("as loader /root/old object put /tmp/x raw/in/again")
    machine.wait_for_unit(INGEST)
    assert invocation(REPORT) == other

with subtest("a stack that is switched off leaves what it owns, and the other alone"):
    before = invocation(INGEST)
    machine.succeed("/run/booted-system/specialisation/alone/bin/switch-to-configuration test")
    machine.fail(f"systemctl cat {REPORT}")
    assert invocation(INGEST) == before
    assert "marts/delays" in owned()
    assert "UA" in machine.succeed(f"{ANALYST} table scan marts/delays")
