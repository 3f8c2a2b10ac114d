SWITCH = "/run/booted-system/specialisation/{}/bin/switch-to-configuration test"
CLIENT = "lakewright-client-lake"


def there():
    names = machine.succeed("root-mc ls lake --json | jq --raw-output .key").split()
    return {name.strip("/") for name in names} & {"spare", "full", "foreign", "raw"}


start_all()
machine.wait_for_unit(CLIENT)
machine.succeed("root-mc mb lake/foreign")
machine.succeed(SWITCH.format("more"))
machine.succeed("echo x | root-mc pipe lake/full/x")
assert there() == {"spare", "full", "foreign", "raw"}

with subtest("what is declared no more is kept"):
    machine.succeed("/run/booted-system/bin/switch-to-configuration test")
    machine.wait_for_unit(CLIENT)
    assert there() == {"spare", "full", "foreign", "raw"}
    assert "guest" in machine.succeed("root-mc admin user list lake")

with subtest("and shown as drift, for all to see"):
    machine.fail("systemctl start lakewright-drift-lake")
    said = machine.succeed("journalctl --unit lakewright-drift-lake --output cat --no-pager")
    assert "bucket spare: it is ours and not declared any more" in said, said
    assert "user guest: it is ours and not declared any more" in said, said
    assert "foreign" not in said, said

with subtest("what differs from its declaration fails the drift unit, for all to see"):
    machine.succeed("root-mc version suspend lake/raw")
    machine.fail("systemctl start lakewright-drift-lake")
    assert "lakewright-drift-lake" in machine.succeed("systemctl --failed --plain --no-legend")

with subtest("prune does not begin while a bucket with objects would have to go"):
    code, said = machine.execute(SWITCH.format("pruned") + " 2>&1")
    assert code != 0, said
    said = machine.succeed(f"journalctl --boot --unit {CLIENT} --output cat --no-pager")
    assert "bucket full: it holds objects" in said, said
    assert there() == {"spare", "full", "foreign", "raw"}, there()
    machine.succeed("root-mc cat lake/full/x | grep x")

with subtest("then it takes away what is declared no more, and nothing of others"):
    machine.succeed("root-mc rm lake/full/x", f"systemctl restart {CLIENT}")
    assert there() == {"foreign", "raw"}, there()
    assert "guest" not in machine.succeed("root-mc admin user list lake")
    machine.succeed("systemctl start lakewright-drift-lake")
