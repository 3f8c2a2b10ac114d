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
        assert machine.get_unit_property(unit, "NRestarts") == "0"

with subtest("and belong to whom they should"):
    assert machine.succeed(f"stat -c %U {ETL}").strip() == "anna"
    machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")

with subtest("a reboot finds it all again"):
    machine.shutdown()
    machine.start()
    machine.wait_for_unit("lakewright-client-lake")
    assert "4 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
