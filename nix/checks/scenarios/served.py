ETL = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-server")
machine.wait_for_unit("lakewright-client-lake")

with subtest("the server runs as its own user"):
    assert machine.succeed("ps -o user= -C minio").split() == ["minio"]

with subtest("every secret is its reader's alone"):
    owners = machine.succeed("stat -c '%U %a' /run/agenix/*").splitlines()
    assert sorted(owners) == ["anna 400", "root 400", "root 400", "root 440"], owners
    machine.fail(f"su - emil -c 'cat {ETL}'")

with subtest("what is declared is there"):
    buckets = machine.succeed("root-mc ls lake")
    assert "raw/" in buckets and "closed/" in buckets, buckets
    assert "enabled" in machine.succeed("root-mc version info lake/raw")
    users = machine.succeed("root-mc admin user list lake")
    assert "etl" in users and "operators" in users, users
    assert "raw-writer" in machine.succeed("root-mc admin policy list lake")
    machine.succeed("root-mc admin user info lake etl | grep raw-writer")

with subtest("an ordinary user writes and reads a table, and is denied where the policy ends"):
    assert "2 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
    assert "4 rows" in machine.succeed(f"su - anna -c 'python3 /etc/lake/flights.py {ETL}'")
    machine.fail(f"su - emil -c 'python3 /etc/lake/flights.py {ETL}'")

with subtest("an operator asks without a word of configuration, and changes nothing"):
    assert "raw" in machine.succeed("su - otto -c 'lakewright bucket list'")
    machine.fail("su - otto -c 'lakewright bucket create mine'")
    machine.fail("su - emil -c 'lakewright bucket list'")

with subtest("a second start changes nothing"):
    machine.succeed("systemctl restart lakewright-client-lake")
    run = machine.get_unit_property("lakewright-client-lake", "InvocationID")
    said = machine.succeed(f"journalctl _SYSTEMD_INVOCATION_ID={run} --output=cat --no-pager")
    print(said)
    assert "nothing to do" in said, said
    machine.succeed("systemctl start lakewright-drift-lake")

with subtest("nothing has failed"):
    assert machine.succeed("systemctl --failed --plain --no-legend") == ""
