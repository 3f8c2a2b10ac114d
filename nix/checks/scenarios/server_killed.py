ETL = "/run/agenix/lakewright-lake-user-etl"
EMPTY = "find /var/lib/minio/data -mindepth 1 -delete"
SERVER, CLIENT = "lakewright-server", "lakewright-client-lake"

start_all()
machine.wait_for_unit(CLIENT)
machine.succeed(f"python3 /etc/lake/flights.py {ETL}")

with subtest("killed, it is restarted, and nothing is lost"):
    before = machine.get_unit_property(SERVER, "InvocationID")
    machine.succeed(f"systemctl kill --signal=KILL {SERVER}")
    machine.wait_until_fails(
        f"systemctl show --property=InvocationID --value {SERVER} | grep {before}"
    )
    machine.wait_for_unit(SERVER)
    machine.wait_for_open_port(9000)
    machine.wait_until_succeeds(f"python3 /etc/lake/flights.py {ETL}", timeout=60)

with subtest("restarted more often than a stack may fail, the stack is true"):
    for _ in range(6):
        machine.succeed(f"systemctl restart {SERVER}; systemctl reset-failed {SERVER}")
        machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)

with subtest("restarted on empty drives, what is declared is true again without help"):
    machine.succeed(f"systemctl stop {SERVER}", EMPTY, f"systemctl start {SERVER}")
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)
    machine.succeed("root-mc ls lake | grep raw")
    assert "2 rows" in machine.succeed(f"python3 /etc/lake/flights.py {ETL}")

with subtest("killed while its data is taken away, too"):
    machine.succeed(f"{EMPTY}; systemctl kill --signal=KILL {SERVER}")
    machine.wait_until_succeeds(f"python3 /etc/lake/flights.py {ETL}", timeout=90)
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)
