SERVER = "lakewright-server"

start_all()

with subtest("the host comes up, though the server still looks for the other one"):
    machine.wait_for_unit("multi-user.target", timeout=120)
    machine.require_unit_state(SERVER)
    machine.wait_until_succeeds(
        "curl --fail --silent http://10.77.0.1:9000/minio/health/live", timeout=60
    )
    machine.fail("curl --fail --silent http://10.77.0.1:9000/minio/health/cluster")

with subtest("a switch that restarts the server returns"):
    machine.succeed(f"timeout 60 systemctl restart {SERVER}")

with subtest("it does not give up"):
    machine.succeed("sleep 10")
    machine.require_unit_state(SERVER)
    assert machine.get_unit_property(SERVER, "NRestarts") == "0"
