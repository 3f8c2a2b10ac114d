SERVER, CLIENT = "lakewright-server", "lakewright-client-lake"

start_all()
with subtest("the server fails again and again"):
    machine.wait_until_succeeds(
        f"systemctl show --property=NRestarts --value {SERVER} | grep --invert-match '^0$'",
        timeout=60,
    )
    machine.fail(f"systemctl is-active {CLIENT}")

with subtest("it recovers, and the client succeeds"):
    machine.succeed("touch /var/lib/lake-may-start")
    machine.wait_until_succeeds(f"systemctl is-active {SERVER}", timeout=60)
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=90)
    machine.succeed("root-mc ls lake | grep raw")

with subtest("failed for good at boot, it is started by hand, and the client follows"):
    machine.succeed("find /var/lib/minio/data -mindepth 1 -delete; rm /var/lib/lake-may-start")
    machine.shutdown()
    machine.start()
    machine.wait_until_succeeds(f"systemctl is-failed {SERVER}", timeout=120)
    machine.succeed("touch /var/lib/lake-may-start")
    machine.succeed(f"systemctl reset-failed {SERVER}; systemctl start {SERVER}")
    machine.wait_until_succeeds(f"systemctl is-active {CLIENT}", timeout=120)
    machine.succeed("root-mc ls lake | grep raw")
