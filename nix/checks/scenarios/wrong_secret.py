SWITCH = "/run/booted-system/specialisation/{}/bin/switch-to-configuration test"
SERVER, CLIENT = "lakewright-server", "lakewright-client-lake"

start_all()
machine.wait_for_unit(CLIENT)
before = machine.get_unit_property(SERVER, "InvocationID")
users = machine.succeed("root-mc admin user list lake | sort")

with subtest("the client fails with a sentence"):
    code, said = machine.execute(SWITCH.format("wrong") + " 2>&1")
    assert code != 0, said
    run = f"journalctl --boot --unit {CLIENT} --output cat --no-pager"
    machine.wait_until_succeeds(f"{run} | grep -i 'signature\\|secret'", timeout=60)
    print(machine.succeed(f"{run} | tail -n 20"))
    assert "not-the-password" not in machine.succeed(run)

with subtest("the server is untouched"):
    assert machine.get_unit_property(SERVER, "InvocationID") == before
    assert machine.succeed("root-mc admin user list lake | sort") == users

with subtest("with the right secret it succeeds again"):
    machine.succeed("/run/booted-system/bin/switch-to-configuration test")
    machine.wait_for_unit(CLIENT)
