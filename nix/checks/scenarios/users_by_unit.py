ETL = "/run/agenix/lakewright-lake-user-etl"
UNITS = ("lakewright-server", "lakewright-client-lake")

start_all()
machine.wait_for_unit("lakewright-client-lake")

with subtest("the secrets come from a unit, and before ours"):
    machine.wait_for_unit("agenix-install-secrets")
    installed = int(
        machine.get_unit_property("agenix-install-secrets", "ActiveEnterTimestampMonotonic")
    )
    for unit in UNITS:
        started = int(machine.get_unit_property(unit, "InactiveExitTimestampMonotonic"))
        assert installed <= started, (unit, installed, started)
        machine.fail(f"journalctl --boot --unit {unit} | grep 'Scheduled restart'")

with subtest("and belong to whom they should"):
    assert machine.succeed(f"stat -c %U {ETL}").strip() == "anna"
    machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")


def switch(specialisation):
    before = [machine.get_unit_property(unit, "InvocationID") for unit in UNITS]
    machine.succeed(
        f"/run/booted-system/specialisation/{specialisation}/bin/switch-to-configuration test"
    )
    for unit in UNITS:
        machine.wait_for_unit(unit)
    after = [machine.get_unit_property(unit, "InvocationID") for unit in UNITS]
    return [old != new for old, new in zip(before, after, strict=True)]


with subtest("a changed secret of another service restarts no unit of this project"):
    old = machine.succeed("cat /run/agenix/other")
    assert switch("other") == [False, False]
    assert machine.succeed("cat /run/agenix/other") != old

with subtest("a secret of ours changes: both restart, with the new one"):
    machine.succeed(f"install -m 0400 {ETL} /root/old-etl")
    assert switch("rotated") == [True, True]
    machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
    machine.fail("python3 /etc/lake/flights.py /root/old-etl")
    machine.succeed("root-mc ls lake")

with subtest("a reboot into the first configuration finds it all again"):
    machine.shutdown()
    machine.start()
    machine.wait_for_unit("lakewright-client-lake")
    assert "6 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
