ETL = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-client-lake")
machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
# Short-lived processes are observed by repeated sampling.
machine.execute(
    "(while ! test -e /root/enough; do"
    " cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n' || true; sleep 0.02;"
    " done) > /root/seen 2>/dev/null &"
)
machine.succeed("systemctl restart lakewright-server lakewright-client-lake")
machine.succeed("systemctl start lakewright-drift-lake")
machine.wait_for_unit("lakewright-client-lake")
machine.succeed("touch /root/enough; sleep 1; grep -a -q 'apply' /root/seen")

# The values, one per line, in a file: they must not appear in a command line here either. The root
# user's name is not a secret.
machine.succeed(
    "umask 077; for secret in /run/agenix/*; do"
    ' case $secret in *-root-user) ;; *) cat "$secret"; echo ;; esac; done'
    " | grep . > /root/values"
)
assert int(machine.succeed("grep -c . /root/values")) == 3


def assert_no_secret(place, command):
    """Searches the output of a command. A failure has only the number of lines with a secret."""
    with subtest(f"no secret in {place}"):
        size = int(machine.succeed(f"{command} | wc -c"))
        assert size > 0, "the output is empty"
        found = machine.succeed(f"{command} | grep -a -c -F -f /root/values || true")
        assert found.strip() == "0", f"{found.strip()} lines of {place}"


assert_no_secret(
    "units, their scripts, and the documents that they read", "python3 /etc/lake/texts.py"
)
assert_no_secret("any command line", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
assert_no_secret("any command line or environment while the units start", "cat /root/seen")
assert_no_secret("any environment", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
assert_no_secret("the journal", "journalctl --no-pager --output=export --all")
assert_no_secret(
    "what systemd knows of the units", "systemctl show 'lakewright-*' --all --no-pager"
)
assert_no_secret("/etc", "grep -rha '' /etc --exclude-dir=ssh 2>/dev/null | cat")

with subtest("the check finds what is there"):
    machine.succeed('logger "$(tail -n 1 /root/values)"')
    machine.wait_until_succeeds(
        "journalctl --no-pager --output=export --all | grep -a -q -F -f /root/values", timeout=30
    )

with subtest("other users cannot read the secrets of the units"):
    for unit in ("lakewright-server", "lakewright-client-lake"):
        machine.fail(f"su - emil -c 'ls /run/credentials/{unit}.service'")
