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
    assert "bucket spare" in said and "user guest" in said, said
    assert "lakewright-drift-lake" in machine.succeed("systemctl --failed --plain --no-legend")

with subtest("with prune it goes, except a bucket with objects and what others made"):
    machine.execute(SWITCH.format("pruned"))
    assert there() == {"full", "foreign", "raw"}, there()
    assert "guest" not in machine.succeed("root-mc admin user list lake")
    said = machine.succeed(f"journalctl --boot --unit {CLIENT} --output cat --no-pager")
    assert "bucket full" in said, said
    machine.succeed("root-mc cat lake/full/x | grep x")
