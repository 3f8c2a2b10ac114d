ETL = "/run/agenix/lakewright-lake-user-etl"
ROOT = "/run/agenix/lakewright-root-password"
SWITCH = "/run/booted-system/specialisation/{}/bin/switch-to-configuration test"
UNITS = ("lakewright-server", "lakewright-client-lake")


def invocations():
    return [machine.get_unit_property(unit, "InvocationID") for unit in UNITS]


start_all()
machine.wait_for_unit("lakewright-client-lake")
machine.succeed(f"python3 /etc/lake/flights.py {ETL}")
machine.succeed(f"install -m 0400 {ETL} /root/old-etl; install -m 0400 {ROOT} /root/old-root")
before = invocations()

with subtest("a switch that changes no secret restarts nothing"):
    machine.succeed(SWITCH.format("same"))
    assert invocations() == before

with subtest("a changed secret restarts both units"):
    machine.succeed(SWITCH.format("rotated"))
    machine.fail(f"cmp {ETL} /root/old-etl")
    machine.fail(f"cmp {ROOT} /root/old-root")
    machine.wait_for_unit("lakewright-server")
    machine.wait_for_unit("lakewright-client-lake")
    after = invocations()
    assert all(old != new for old, new in zip(before, after, strict=True)), (before, after)

with subtest("the new secrets work, the old ones are refused"):
    machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
    machine.succeed("root-mc ls lake")
    refused = machine.fail("python3 /etc/lake/flights.py /root/old-etl 2>&1")
    assert "UnauthenticatedError" in refused, refused
    refused = machine.fail("LAKE_PASSWORD_FILE=/root/old-root root-mc ls lake 2>&1")
    assert "signature" in refused, refused
