ETL = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-client-lake")
machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
# What runs only for a moment is seen by looking again and again.
machine.execute(
    "(while ! test -e /root/enough; do"
    " cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n' || true; sleep 0.02;"
    " done) > /root/seen 2>/dev/null &"
)
machine.succeed("systemctl restart lakewright-server lakewright-client-lake")
machine.succeed("systemctl start lakewright-drift-lake")
machine.wait_for_unit("lakewright-client-lake")
machine.succeed("touch /root/enough; sleep 1; grep -a -q 'apply' /root/seen")

# The values, one a line, in a file: they must not stand in a command line here either. The root
# user's name is none.
machine.succeed(
    "umask 077; for secret in /run/agenix/*; do"
    ' case $secret in *-root-user) ;; *) cat "$secret"; echo ;; esac; done'
    " | grep . > /root/values"
)
assert int(machine.succeed("grep -c . /root/values")) == 3


def nowhere(what, command):
    """A command prints what is looked through. How many lines hold a secret is told, not which."""
    with subtest(f"no secret in {what}"):
        size = int(machine.succeed(f"{command} | wc -c"))
        assert size > 0, "nothing was looked through"
        found = machine.succeed(f"{command} | grep -a -c -F -f /root/values || true")
        assert found.strip() == "0", f"{found.strip()} lines of {what}"


nowhere("units, their scripts, and the documents that they read", "python3 /etc/lake/texts.py")
nowhere("any command line", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
nowhere("any command line or environment while the units start", "cat /root/seen")
nowhere("any environment", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
nowhere("the journal", "journalctl --no-pager --output=export --all")
nowhere("what systemd knows of the units", "systemctl show 'lakewright-*' --all --no-pager")
nowhere("/etc", "grep -rha '' /etc --exclude-dir=ssh 2>/dev/null | cat")

with subtest("the check finds what is there"):
    machine.succeed('logger "$(tail -n 1 /root/values)"')
    machine.wait_until_succeeds(
        "journalctl --no-pager --output=export --all | grep -a -q -F -f /root/values", timeout=30
    )

with subtest("nobody else reads a secret of the units"):
    for unit in ("lakewright-server", "lakewright-client-lake"):
        machine.fail(f"su - emil -c 'ls /run/credentials/{unit}.service'")
    machine.fail("su - emil -c 'cat /run/lakewright-client-lake/environment'")
