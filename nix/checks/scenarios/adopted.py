DATA = "/var/lib/minio/data"


def mc(arguments, who="lake-root:from-before-lakewright"):
    return f"MC_HOST_lake=http://{who}@127.0.0.1:9000 mc {arguments}"


def folder(path):
    return machine.succeed(f"stat --format '%u %g %a %i' {path}")


start_all()
machine.wait_for_unit("minio")
machine.wait_until_succeeds("curl --fail --silent http://127.0.0.1:9000/minio/health/cluster")
machine.succeed(
    mc("mb lake/old lake/other"), "echo kept > /root/kept", mc("cp /root/kept lake/old/")
)
machine.succeed(mc("admin user add lake etl etl-with-an-old-secret"))
before = folder(DATA), folder(f"{DATA}/old/kept")

machine.succeed("/run/booted-system/specialisation/adopted/bin/switch-to-configuration test")
machine.wait_for_unit("lakewright-server")
machine.wait_for_unit("lakewright-client-lake")

with subtest("the data is the same, and still belongs to the same user"):
    machine.fail("systemctl is-active minio")
    assert (folder(DATA), folder(f"{DATA}/old/kept")) == before
    assert machine.succeed(mc("cat lake/old/kept")) == "kept\n"
    machine.succeed(mc("ls lake/other"))

with subtest("what is declared was taken over, and nothing else"):
    assert "enabled" in machine.succeed(mc("version info lake/old"))
    machine.succeed(mc("cat lake/old/kept", "etl:etl-with-a-new-secret"))
    machine.fail(mc("cat lake/old/kept", "etl:etl-with-an-old-secret"))
    assert "un-versioned" in machine.succeed(mc("version info lake/other"))
