SWITCH = "/run/booted-system/specialisation/{}/bin/switch-to-configuration test"
SERVER, CLIENT = "lakewright-server", "lakewright-client-lake"


def wait_until_failed(unit):
    machine.wait_until_succeeds(f"systemctl is-failed {unit}", timeout=120)


start_all()
machine.wait_for_unit(CLIENT)

for name, sentence in {
    "missing": "there is no file /run/agenix/nowhere",
    "empty": "the file /var/lib/lake-empty is empty",
    "default": "MinIO's published default",
}.items():
    with subtest(f"the server's root password is {name}: no server at all"):
        code, said = machine.execute(SWITCH.format(name) + " 2>&1")
        assert code != 0, said
        wait_until_failed(SERVER)
        journal = machine.succeed(f"journalctl --boot --unit {SERVER} --output cat --no-pager")
        assert sentence in journal, journal
        machine.wait_for_closed_port(9000)
        assert SERVER in machine.succeed("systemctl --failed --plain --no-legend")

with subtest("back with its secret the server starts, and the client without help"):
    machine.succeed("/run/booted-system/bin/switch-to-configuration test")
    machine.wait_for_unit(SERVER)
    machine.wait_for_unit(CLIENT)
    refused = machine.fail(
        "MC_HOST_lake=http://minioadmin:minioadmin@127.0.0.1:9000 mc ls lake 2>&1"
    )
    assert "does not exist" in refused, refused

with subtest(
    "a user's secret is missing: the client has failed and says so, the server is untouched"
):
    before = machine.get_unit_property(SERVER, "InvocationID")
    code, said = machine.execute(SWITCH.format("user") + " 2>&1")
    assert code != 0, said
    wait_until_failed(CLIENT)
    journal = machine.succeed(f"journalctl --boot --unit {CLIENT} --output cat --no-pager")
    assert "there is no file /run/agenix/nowhere" in journal, journal
    assert machine.get_unit_property(SERVER, "InvocationID") == before
    machine.succeed("root-mc ls lake")
