SERVER, CLIENT = "lakewright-server", "lakewright-client-lake"
TLS = "/var/lib/lake-tls"
HEALTH = f"curl --fail --silent --cacert {TLS}/ca.pem https://machine:9000/minio/health/live"


def invocation(unit):
    return machine.get_unit_property(unit, "InvocationID")


def mc(password):
    # mc reads authorities from its own directory.
    machine.succeed(f"install -D -m 0644 {TLS}/ca.pem /root/.mc/certs/CAs/lake.pem")
    return f"MC_HOST_lake=https://lake-root:{password}@machine:9000 mc ls lake 2>&1"


def subject():
    return machine.succeed("openssl s_client -connect machine:9000 </dev/null 2>&1 | grep subject=")


def journal(unit):
    return machine.succeed(f"journalctl --boot --unit {unit} --output cat --no-pager")


start_all()
machine.wait_for_unit(CLIENT)
assert "first" in subject()
machine.succeed(mc("the-first-password"))

with subtest("a renewed certificate is taken up, and no connection is refused meanwhile"):
    before = invocation(SERVER)
    machine.execute(
        "rm -f /root/refused; while test ! -e /root/enough; do"
        f" {HEALTH} || echo refused >> /root/refused; sleep 0.05; done >/dev/null 2>&1 &"
    )
    machine.succeed("certify second")
    machine.wait_until_succeeds(
        "openssl s_client -connect machine:9000 </dev/null 2>&1 | grep 'subject=.*second'",
        timeout=30,
    )
    machine.succeed("sleep 1; touch /root/enough")
    machine.fail("test -e /root/refused")
    assert invocation(SERVER) == before

with subtest(
    "a stack that gave up on a certificate by a stranger goes on with one by its authority"
):
    machine.succeed(f"mv {TLS} /root/tls; certify stranger; mv /root/tls/ca.* {TLS}")
    machine.wait_until_succeeds(
        "openssl s_client -connect machine:9000 </dev/null 2>&1 | grep 'subject=.*stranger'",
        timeout=30,
    )
    # Limits the unit to a single attempt.
    once = f"/run/systemd/system/{CLIENT}.service.d/once.conf"
    machine.succeed(f"mkdir -p $(dirname {once}); printf '[Service]\nRestart=no\n' > {once}")
    machine.succeed("systemctl daemon-reload")
    machine.fail(f"systemctl restart {CLIENT}")
    machine.succeed(f"rm {once}; systemctl daemon-reload; systemctl is-failed {CLIENT}")
    assert "certificate" in journal(CLIENT)
    machine.succeed("certify second")
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)
    assert invocation(SERVER) == before

with subtest("a key that is not the certificate's is told, and the old pair serves on"):
    machine.succeed(f"cp {TLS}/key.pem /root/key.pem; cat {TLS}/ca.key > {TLS}/key.pem")
    machine.fail(f"systemctl reload {SERVER}")
    told = journal(SERVER)
    assert f"the key in {TLS}/key.pem is not that of the certificate" in told, told
    machine.succeed(HEALTH)
    assert "second" in subject()
    machine.succeed(f"cat /root/key.pem > {TLS}/key.pem")
    machine.succeed(f"systemctl reload {SERVER}")
    assert invocation(SERVER) == before

with subtest("a secret that is written again with the same contents restarts nothing"):
    machine.succeed("printf the-first-password > /run/lake/root-password; sleep 3")
    assert invocation(SERVER) == before

with subtest("another root password restarts server and client, and the old one is refused"):
    machine.succeed("umask 077; echo the-second-password > /root/new")
    machine.succeed("mv /root/new /run/lake/root-password")
    machine.wait_until_succeeds(mc("the-second-password"), timeout=60)
    machine.fail(mc("the-first-password"))
    assert invocation(SERVER) != before
    assert "root-password has changed" in journal("lakewright-server-watch")
    machine.wait_for_unit(CLIENT)

with subtest("a new generation of secrets, as sops-nix and agenix bring it, is seen"):
    before = invocation(SERVER)
    machine.succeed(
        "mkdir --mode 0751 /run/lake.d/2",
        "umask 077; echo the-third-password > /run/lake.d/2/root-password",
        "ln -s /run/lake.d/2 /run/lake.new",
        "mv --no-target-directory /run/lake.new /run/lake",
        "rm -r /run/lake.d/1",
    )
    machine.wait_until_succeeds(mc("the-third-password"), timeout=60)
    machine.fail(mc("the-second-password"))
    assert invocation(SERVER) != before
    machine.wait_for_unit(CLIENT)

# The starts above count towards systemd's start limit.
machine.succeed(f"systemctl reset-failed {SERVER} {CLIENT}")

with subtest("without its secret the server fails, and starts when the secret comes"):
    machine.succeed("mv /run/lake/root-password /root/away")
    machine.fail(f"systemctl restart {SERVER}")
    machine.wait_until_succeeds(f"systemctl is-failed {SERVER}", timeout=60)
    machine.succeed("mv /root/away /run/lake/root-password")
    machine.wait_until_succeeds(f"systemctl is-active {SERVER}", timeout=60)
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)

machine.succeed(f"systemctl reset-failed {SERVER} {CLIENT}")

with subtest("a file that everybody may read is refused by the next start"):
    machine.succeed("chmod o=r /run/lake/root-password")
    machine.fail(f"systemctl restart {SERVER}")
    told = journal(SERVER)
    assert "all users may read or write the file /run/lake/root-password" in told, told
    machine.succeed("chmod o= /run/lake/root-password")
    machine.wait_until_succeeds(f"systemctl is-active {SERVER}", timeout=60)
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=60)

machine.succeed(f"systemctl reset-failed {SERVER} {CLIENT}")

with subtest("on another address the host's programs find it by the certificate's name"):
    machine.succeed("/run/booted-system/specialisation/elsewhere/bin/switch-to-configuration test")
    # The address to which NixOS maps the name first.
    machine.fail("openssl s_client -connect 127.0.0.2:9000 </dev/null")
    machine.succeed("openssl s_client -connect 192.168.77.1:9000 </dev/null")
    machine.wait_for_unit(CLIENT)
    machine.succeed(mc("the-third-password"), HEALTH)
