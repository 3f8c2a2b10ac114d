SECRET = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-client-lake")

with subtest("the secrets come from a unit, after the users"):
    machine.wait_for_unit("agenix-install-secrets")
    assert machine.succeed(f"stat -c %U {SECRET}").strip() == "ingest"
    assert machine.get_unit_property("lakewright-server", "NRestarts") == "0"
    assert machine.succeed("stat -c %U /var/lib/minio/data").strip() == "minio"

with subtest("a program of the host works as its user"):
    machine.succeed("systemctl start ingest")

with subtest("a reboot finds it all again"):
    machine.shutdown()
    machine.start()
    machine.wait_for_unit("lakewright-client-lake")
    machine.succeed("systemctl start ingest")
    assert machine.succeed("find /var/lib/minio/data/raw -name xl.meta | wc -l").strip() == "2"
