ETL = "/run/agenix/lakewright-lake-user-etl"

start_all()
machine.wait_for_unit("lakewright-client-lake")
machine.succeed("mountpoint /srv/disk-1 && mountpoint /srv/disk-4")
machine.succeed(f"python3 /etc/lake/flights.py {ETL}")
machine.succeed("head -c 5000000 /dev/urandom > /root/big; root-mc cp /root/big lake/raw/big")
machine.succeed("test -d /srv/disk-3/raw/big")

with subtest("one drive is emptied: everything can be read"):
    machine.succeed("find /srv/disk-3 -mindepth 1 -delete")
    machine.succeed("root-mc cat lake/raw/big | cmp - /root/big")
    assert "4 rows" in machine.succeed(f"python3 /etc/lake/flights.py {ETL}")

with subtest("and it is healed"):
    machine.succeed("systemctl restart lakewright-server")
    machine.wait_for_unit("lakewright-server")
    machine.succeed("timeout 120 root-mc admin heal --recursive lake/raw >/dev/null 2>&1 || true")
    machine.wait_until_succeeds("test -e /srv/disk-3/raw/big/xl.meta", timeout=120)

with subtest("a new disk, which belongs to root, becomes the server's"):
    machine.succeed("umount -l /srv/disk-3; mount -t tmpfs -o size=256M,mode=0755 new /srv/disk-3")
    assert machine.succeed("stat -c %U /srv/disk-3").strip() == "root"
    machine.succeed("systemctl restart lakewright-server")
    assert machine.succeed("stat -c %U /srv/disk-3").strip() == "minio"
    machine.succeed("timeout 120 root-mc admin heal --recursive lake/raw >/dev/null 2>&1 || true")
    machine.wait_until_succeeds("test -e /srv/disk-3/raw/big/xl.meta", timeout=120)

with subtest("so another may go now"):
    machine.succeed("find /srv/disk-1 -mindepth 1 -delete")
    machine.succeed("root-mc cat lake/raw/big | cmp - /root/big")
