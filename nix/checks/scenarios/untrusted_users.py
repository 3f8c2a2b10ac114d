import shlex

SERVER, CLIENT, WATCH = "lakewright-server", "lakewright-client-lake", "lakewright-watch-lake"
SECRET = "/home/anna/secret"


def run_as(user, command):
    return f"su --shell /bin/sh {user} --command {shlex.quote(command)}"


def owner(path):
    return machine.succeed(f"stat --format %U {path}").strip()


def journal(unit):
    return machine.succeed(f"journalctl --boot --unit {unit} --output cat --no-pager")


def mc(command):
    # mc reads authorities from its own directory.
    machine.succeed("install -D -m 0644 /var/lib/lake-tls/ca.pem /root/.mc/certs/CAs/lake.pem")
    return f"MC_HOST_lake=https://etl:etl-is-a-user@machine:9000 mc {command} 2>&1"


start_all()
machine.wait_for_unit(CLIENT)

with subtest("what a unit's program writes is not the environment of root's commands"):
    machine.succeed(f"systemctl restart {CLIENT}")
    machine.fail("ls /root/taken-over*")

with subtest("a renewal follows no link of the server's user"):
    folder = "/run/lakewright-server"
    machine.succeed(run_as("minio", f"rm -rf {folder}/certs && ln -s /etc {folder}/certs"))
    machine.succeed("certify second")
    machine.execute(f"systemctl reload {SERVER}")
    assert owner("/etc") == "root"
    machine.fail("ls /etc/public.crt* /etc/private.key*")
    machine.wait_until_succeeds(
        "openssl s_client -connect machine:9000 </dev/null 2>&1 | grep 'subject=.*second'",
        timeout=30,
    )

with subtest("the server's user can read its certificate and change nothing where it lies"):
    folder = machine.succeed("ps -o args= -C minio | grep -o 'certs-dir [^ ]*'").split()[1]
    machine.succeed(run_as("minio", f"cat {folder}/public.crt {folder}/private.key"))
    machine.fail(run_as("minio", f"find {folder} -writable | grep ."))
    machine.fail(run_as("anna", f"cat {folder}/private.key"))
    machine.succeed(f"systemctl restart {SERVER}")
    machine.wait_for_unit(CLIENT)

with subtest("a start makes no folder where a link on the way to a drive leads"):
    machine.succeed(f"systemctl stop {SERVER}")
    machine.fail(f"ls {folder}/private.key")
    machine.succeed(
        run_as("minio", "cd /srv/lake && mv disk kept && ln -s /srv/foreign disk"),
    )
    machine.execute(f"systemctl start {SERVER}", timeout=60)
    assert machine.succeed("ls -A /srv/foreign") == ""
    assert owner("/srv/foreign") == "root"
    machine.succeed(f"systemctl stop {SERVER}; systemctl reset-failed {SERVER} || true")
    machine.succeed("cd /srv/lake; rm disk; mv kept disk")
    machine.succeed(f"systemctl start {SERVER}")
    machine.wait_for_unit(CLIENT)

with subtest("a FIFO in place of a secret keeps no unit waiting"):
    machine.succeed(run_as("anna", f"mv {SECRET} {SECRET}.kept && mkfifo --mode=600 {SECRET}"))
    # The watch has noticed the change, and ends.
    machine.succeed("sleep 4")
    machine.wait_until_succeeds(
        f"systemctl show --property ActiveState {WATCH} | grep =inactive", timeout=20
    )
    machine.succeed(
        "install -m 0400 /var/lib/lake/etl /root/etl; echo etl-has-another-key > /root/new"
    )
    # Another secret that changes meanwhile is noticed.
    before = machine.get_unit_property(CLIENT, "InvocationID")
    machine.succeed("cat /root/new > /var/lib/lake/etl")
    machine.wait_until_succeeds(f"systemctl is-failed {CLIENT}", timeout=120)
    assert machine.get_unit_property(CLIENT, "InvocationID") != before
    assert f"user anna: {SECRET} is not a regular file" in journal(CLIENT)
    machine.succeed("cat /root/etl > /var/lib/lake/etl")

with subtest("nor a plan or another command of root"):
    plan = "lakewright-admin plan /etc/lakewright/stacks/lake.json 2>&1"
    code, output = machine.execute(plan, timeout=30)
    assert code == 2 and "user-anna" in output and "pipe" in output, (code, output)

with subtest("when the secret is back, the stack is applied"):
    machine.succeed(run_as("anna", f"rm {SECRET} && mv {SECRET}.kept {SECRET}"))
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)

with subtest("a policy that is made of grants keeps its users out of the state bucket"):
    machine.succeed(mc("cp /etc/hostname lake/raw/name"))
    # The second policy of etl allows every bucket.
    machine.succeed(mc("mb lake/other"))
    for command in (
        "ls lake/lakewright-state",
        "cat lake/lakewright-state/registry.json",
        "cp /etc/hostname lake/lakewright-state/registry.json",
        "rb --force lake/lakewright-state",
    ):
        refused = machine.fail(mc(command))
        assert "Access Denied" in refused or "Insufficient permissions" in refused, refused
    machine.succeed(f"systemctl restart {CLIENT}")
