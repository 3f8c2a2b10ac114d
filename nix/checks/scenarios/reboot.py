ETL = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-client-lake")
assert "2 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")

with subtest("after a reboot all is there"):
    machine.shutdown()
    machine.start()
    machine.wait_for_unit("lakewright-client-lake")
    assert "4 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")

with subtest("and after the plug was pulled"):
    # All writes must be on the disk before the power is cut.
    machine.succeed("sync")
    machine.crash()
    machine.start()
    machine.wait_for_unit("lakewright-client-lake")
    assert "6 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")

with subtest("the client found everything as it is declared"):
    run = machine.get_unit_property("lakewright-client-lake", "InvocationID")
    said = machine.succeed(f"journalctl _SYSTEMD_INVOCATION_ID={run} --output=cat --no-pager")
    assert "nothing to do" in said, said
