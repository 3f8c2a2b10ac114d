SERVER = "lakewright-server"


def mc(host, command):
    return f"MC_HOST_lake=http://lake-root:correct-horse@{host}:9000 mc {command}"


def health(host, what):
    return f"curl --fail --silent --max-time 5 http://{host}:9000/minio/health/{what}"


start_all()

with subtest("the first host comes up, though its server still looks for the other one"):
    machine.wait_for_unit("multi-user.target", timeout=60)
    machine.require_unit_state(SERVER)
    machine.wait_until_succeeds(health("lake-1", "live"), timeout=60)
    machine.fail(health("lake-1", "cluster"))

with subtest("a switch that restarts the server returns, and it does not give up"):
    machine.succeed(f"timeout 60 systemctl restart {SERVER}; sleep 5")
    machine.require_unit_state(SERVER)
    assert machine.get_unit_property(SERVER, "NRestarts") == "0"

with subtest("with the second host it is a cluster"):
    machine.succeed("systemctl start second")
    machine.wait_until_succeeds(health("lake-1", "cluster"), timeout=60)
    machine.wait_until_succeeds(health("lake-2", "cluster"), timeout=60)
    machine.succeed(mc("lake-1", "mb lake/raw"), "echo here > /root/here")
    machine.succeed(mc("lake-1", "cp /root/here lake/raw/here"))
    assert machine.succeed(mc("lake-2", "cat lake/raw/here")) == "here\n"
    for drive in ("disk-1", "disk-2", "second-1", "second-2"):
        machine.succeed(f"test -e /srv/{drive}/raw/here/xl.meta")

with subtest("without it everything can still be read"):
    machine.succeed("systemctl kill --signal KILL second")
    assert machine.succeed(mc("lake-1", "cat lake/raw/here")) == "here\n"
