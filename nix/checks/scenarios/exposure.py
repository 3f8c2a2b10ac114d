# The highest exposure in `systemd-analyze security` for each unit. The modules explain the
# remaining findings beside the settings.
MOST = {
    "lakewright-server": 3.0,
    "lakewright-server-watch": 3.0,
    "lakewright-client-lake": 2.0,
    "lakewright-drift-lake": 2.0,
    "lakewright-watch-lake": 2.0,
}

start_all()
machine.wait_for_unit("lakewright-client-lake")
units = machine.succeed(
    "systemctl list-unit-files 'lakewright-*.service' --no-legend | cut -d ' ' -f 1"
)
assert {unit.removesuffix(".service") for unit in units.split()} == set(MOST), units

for unit, most in MOST.items():
    with subtest(f"{unit} is exposed at most {most}"):
        machine.log(machine.succeed(f"systemd-analyze security --no-pager {unit} | grep -v '^✓'"))
        report = f"systemd-analyze security --no-pager {unit}"
        overall = machine.succeed(f"{report} | grep -o 'level for {unit}.service: [0-9.]*'")
        assert float(overall.split()[-1]) <= most, overall
