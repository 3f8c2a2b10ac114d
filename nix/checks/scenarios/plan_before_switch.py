SWITCH = "/run/booted-system/specialisation/next/bin/switch-to-configuration"
CLIENT = "lakewright-client-lake"


def planned(text):
    """The lines of a plan: what is created, changed or destroyed."""
    marks = ("+ ", "~ ", "- ", "<-", "->")
    return [line.rstrip() for line in text.splitlines() if line.lstrip().startswith(marks)]


start_all()
machine.wait_for_unit(CLIENT)
run = machine.get_unit_property(CLIENT, "InvocationID")

with subtest("the plan says what will be, and nothing happens"):
    said = machine.succeed(f"{SWITCH} dry-activate 2>&1")
    announced = planned(said)
    assert any("bucket new" in line for line in announced), said
    assert any("team" in line for line in announced), said
    assert machine.get_unit_property(CLIENT, "InvocationID") == run
    machine.fail("root-mc stat lake/new")

with subtest("the switch does that and nothing else"):
    machine.succeed(f"{SWITCH} test")
    machine.wait_for_unit(CLIENT)
    run = machine.get_unit_property(CLIENT, "InvocationID")
    said = machine.succeed(f"journalctl _SYSTEMD_INVOCATION_ID={run} --output=cat --no-pager")
    assert planned(said) == announced, (announced, said)
    machine.succeed("root-mc stat lake/new")

with subtest("then there is nothing left to plan"):
    said = machine.succeed(f"{SWITCH} dry-activate 2>&1")
    assert planned(said) == [] and "Nothing to do" in said, said

with subtest("a server that is not there does not keep the plan from ending"):
    machine.succeed("systemctl stop lakewright-server")
    said = machine.succeed(f"{SWITCH} dry-activate 2>&1")
    assert "cannot be made now" in said, said
