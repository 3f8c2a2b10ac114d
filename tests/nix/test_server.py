"""``services.lakewright.server`` and ``.age`` evaluated: assertions, command line, unit, secrets;
and the check before the start, run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from conftest import REQUIRED, ROOT, Nix

SECRETS = ROOT / "secrets"
HOST_KEY = ROOT / "tests/deploy/keys/ssh_host_ed25519_key"


def host(module: str = "{ }", base: str = "host.nix") -> str:
    """The host of the tests with a module added, as an expression."""
    return f"(import ./tests/nix/server/{base} ({{ lib, config, ... }}: {module}))"


def server(options: str) -> str:
    """The host with further options of the server."""
    return host(f"{{ services.lakewright.server = {{ {options} }}; }}")


def drives(paths: str) -> str:
    """A module with these drives and a root file system."""
    return f'{{ fileSystems."/" = {{ }}; services.lakewright.server.drives = [ {paths} ]; }}'


def pools(list_: str, more: str = "") -> str:
    """A module with these pools, on the host minio-1."""
    return (
        f'{{ imports = [ {of_server(more)} ]; networking.hostName = "minio-1";'
        " services.lakewright.server = { listen.address = lib.mkDefault null;"
        f" pools = [ {list_} ]; }}; }}"
    )


def of_server(options: str) -> str:
    """A module with options of the server."""
    return f"{{ services.lakewright.server = {{ {options} }}; }}"


def quoted(words: Iterable[object]) -> str:
    """Returns a Nix list of strings."""
    return " ".join(f'"{word}"' for word in words)


def target(options: str, name: str = "hook") -> str:
    """A module with a notification target."""
    return of_server(f'notificationTargets."{name}" = {{ {options} }};')


def needs(tool: str) -> None:
    """Skips a test that needs a missing program."""
    if not shutil.which(tool):
        if "nix" in REQUIRED:
            pytest.fail(f"nix is required: {tool} is not installed")
        pytest.skip(f"{tool} is not installed")


FOUR_HOSTS = 'hosts = { prefix = "minio-"; to = 4; };'
FOUR_DRIVES = 'drives = { prefix = "/srv/disk-"; to = 4; };'
WEBHOOK = 'kind = "webhook"; settings.endpoint = "http://127.0.0.1:1/";'

# Modules that must be refused, and the part of the message with the reason.
REFUSED = {
    "two servers": (
        "{ services.minio.enable = true; }",
        "services.minio are both enabled",
    ),
    "firewall for loopback": (of_server("openFirewall = true;"), "listens on\nloopback only"),
    "one port": (of_server("console.port = 9000;"), "cannot both listen on port 9000"),
    "pools on loopback": (
        pools(f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}", 'listen.address = "127.0.0.1";'),
        "listen.address is loopback",
    ),
    "drives on /": (
        drives('"/srv/a" "/srv/b"'),
        "lie on the file system of `/`: /srv/a /srv/b",
    ),
    "one of two drives on /": (
        '{ imports = [ { fileSystems."/srv/a" = { }; } (' + drives('"/srv/a" "/srv/b"') + ") ]; }",
        "lie on the file system of `/`: /srv/b.",
    ),
    "a drive twice": (of_server('drives = [ "/a" "/a" ];'), "names a drive twice"),
    "drives at home": (
        of_server('drives = [ "/home/me/lake" ];'),
        "these drives lie there: /home/me",
    ),
    "17 drives": (
        pools('{ drives = { prefix = "/srv/disk-"; to = 17; }; }'),
        "cannot be divided so: 17",
    ),
    "a series backwards": (
        pools('{ drives = { prefix = "/srv/disk-"; from = 4; to = 1; }; }'),
        "ends before it begins",
    ),
    "a small pool beside another": (
        pools(f'{{ {FOUR_DRIVES} }} {{ drives = {{ prefix = "/srv/new-"; to = 1; }}; }}'),
        "beside another pool",
    ),
    "a stranger to the pools": (
        pools(f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}", 'hostName = "other";'),
        "names no host other",
    ),
    "a pool without hosts": (
        pools(
            f'{{ {FOUR_HOSTS} {FOUR_DRIVES} }} {{ drives = {{ prefix = "/srv/new-"; to = 4; }}; }}'
        ),
        "every pool names its hosts",
    ),
    "a key without a certificate": (of_server('tls.keyFile = "/k";'), "needed both"),
    "two certificates": (
        '{ security.acme.certs."a.test" = { }; services.lakewright.server.tls = {'
        ' useACMEHost = "a.test"; keyFile = "/k"; certificateFile = "/c"; }; }',
        "Keep one",
    ),
    "another's setting": (of_server('settings.SCANNER = "slow";'), "takes MinIO's names"),
    "a setting with an option": (
        of_server('settings.MINIO_SITE_REGION = "x";'),
        "options of their own for MINIO_SITE_REGION",
    ),
    "a secret setting with an option": (
        of_server('secretSettings.MINIO_ROOT_PASSWORD = "/p";'),
        "options of their own for MINIO_ROOT_PASSWORD",
    ),
    "a target by its variables": (
        of_server("settings.MINIO_NOTIFY_WEBHOOK_ENABLE_x = true;"),
        "options of their own for MINIO_NOTIFY_WEBHOOK_ENABLE_x",
    ),
    "a secret among the settings": (
        of_server('settings.MINIO_IDENTITY_OPENID_CLIENT_SECRET = "x";'),
        "would put secrets into the Nix store",
    ),
    "a password in a setting": (
        of_server('settings.MINIO_LOGGER_WEBHOOK_ENDPOINT_a = "http://me:secret@log:1";'),
        "give MINIO_LOGGER_WEBHOOK_ENDPOINT_a in secretSettings",
    ),
    "a license": (
        of_server('settings.MINIO_SUBNET_LICENSE = "x";'),
        "give MINIO_SUBNET_LICENSE in secretSettings",
    ),
    "an unknown setting of a target": (
        target(f"{WEBHOOK} settings.url = 1;"),
        r"webhook does not know these settings \(url\)",
    ),
    "a target without an address": (
        target('kind = "webhook";'),
        r"webhook needs these settings too \(endpoint\)",
    ),
    "a target's token in the store": (
        target(f'{WEBHOOK} settings.auth_token = "t";'),
        r"give them in secretFiles \(auth_token\)",
    ),
    "a target's password in its URL": (
        target('kind = "amqp"; settings.url = "amqp://me:secret@mq:5672";'),
        r"hold a password.*\(url\)",
    ),
    "a target's setting twice": (
        target(f'{WEBHOOK} secretFiles.endpoint = "/e";'),
        r"in settings and in secretFiles \(endpoint\)",
    ),
    "a target's name": (target(WEBHOOK, "my-hook"), "letters, digits and underscores"),
    "encrypted files without agenix": (
        "{ services.lakewright.age.rootUser = ./secrets/minio-root-user.age; }",
        "agenix's module is not imported",
    ),
    "an encrypted file without a declared user": (
        "{ services.lakewright.age.users.lake.ghost = ./secrets/etl.age; }",
        r"services.lakewright.client.stacks does not declare: users.lake.ghost",
    ),
    "two secrets in one place": (
        "{ services.lakewright = { age.users = { a.b-user-c = ./secrets/etl.age;"
        " a-user-b.c = ./secrets/operators.age; };"
        ' client = { enable = true; stacks = { a.users.b-user-c.secretFile = lib.mkForce "/b";'
        ' a-user-b.users.c.secretFile = lib.mkForce "/c"; }; }; }; }',
        "to one place, call a stack or a user otherwise: lakewright-a-user-b-user-c.",
    ),
}

# Hosts on which no assertion may fail.
ACCEPTED = {
    "nothing said": "{ }",
    "one drive on /": drives('"/srv/a"'),
    "drives with mounts": (
        '{ fileSystems."/" = { }; fileSystems."/srv/a" = { }; fileSystems."/srv/b" = { };'
        ' services.lakewright.server.drives = [ "/srv/a/data" "/srv/b" ]; }'
    ),
    "drives with mount units": (
        '{ fileSystems."/" = { }; fileSystems."/srv/a" = { };'
        ' systemd.mounts = [ { what = "tmpfs"; where = "/srv/b"; } ];'
        ' services.lakewright.server.drives = [ "/srv/a" "/srv/b" ]; }'
    ),
    "a firewall for one of two": of_server("openFirewall = true; listen.address = null;"),
    "hosts": pools(f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}"),
    "an address without a password": of_server(
        'settings.MINIO_LOGGER_WEBHOOK_ENDPOINT_a = "http://log:1/a:b@c";'
    ),
    "a target": target(f'{WEBHOOK} secretFiles.auth_token = "/t";'),
}


@pytest.fixture(scope="module")
def failed(nix: Nix) -> Any:
    """The messages of the failing assertions, of all hosts at once."""
    modules = {name: module for name, (module, _) in REFUSED.items()} | ACCEPTED
    entries = " ".join(f'"{name}" = {host(module)}.failed;' for name, module in modules.items())
    return nix.value(f"{{ {entries} }}")


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(failed: Any, name: str) -> None:
    messages = failed[name]
    pattern = REFUSED[name][1]
    assert any(re.search(pattern, message, re.DOTALL) for message in messages), messages


@pytest.mark.parametrize("name", ACCEPTED)
def test_is_accepted(failed: Any, name: str) -> None:
    assert failed[name] == []


@pytest.mark.parametrize(
    "file",
    [
        "./secrets/etl.age",
        '"${./secrets/etl.age}"',
        '"/nix/store/00000000000000000000000000000000-password"',
        '"run/secrets/password"',
        '"/run/my secrets/password"',
        '"/run/secrets/100%"',
    ],
)
def test_secrets_are_files_outside_of_the_store(nix: Nix, file: str) -> None:
    refusal = nix.refusal(server(f"rootPasswordFile = lib.mkForce {file};") + ".unit.serviceConfig")
    assert "path of a file outside of the Nix store, as a string" in refusal


# --- the command line and the environment


@pytest.mark.parametrize(
    ("module", "arguments", "distributed"),
    [
        ("{ }", "/var/lib/minio/data", False),
        (
            drives('"/srv/a" "/srv/b" "/srv/c" "/srv/d"'),
            "/srv/a /srv/b /srv/c /srv/d",
            False,
        ),
        (pools(f"{{ {FOUR_DRIVES} }}"), "/srv/disk-{1...4}", False),
        (
            pools(
                f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}"
                ' { hosts = { prefix = "minio-"; from = 5; to = 12; digits = 2;'
                ' suffix = ".test"; };'
                ' drives = { prefix = "/srv/"; to = 2; suffix = "/data"; }; }'
            ),
            "http://minio-{1...4}:9000/srv/disk-{1...4}"
            " http://minio-{05...12}.test:9000/srv/{1...2}/data",
            True,
        ),
        (
            pools(
                f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}",
                'listen.port = 443; tls = { certificateFile = "/c"; keyFile = "/k"; };',
            ),
            "https://minio-{1...4}:443/srv/disk-{1...4}",
            True,
        ),
    ],
    ids=["one drive", "four drives", "a pool of one host", "two pools of hosts", "hosts with TLS"],
)
def test_exec_start(nix: Nix, module: str, arguments: str, distributed: bool) -> None:
    service: Any = nix.value(f"{host(module)}.unit.serviceConfig")
    assert service["ExecStart"].endswith(f" --anonymous {arguments}")
    # A host finds the others after its start, however long that takes.
    assert service["Type"] == ("exec" if distributed else "notify")
    assert service["TimeoutStartSec"] == "5min"


def test_hosts_of_a_cluster_have_the_same_settings(nix: Nix) -> None:
    """MinIO compares the settings of all hosts and does not start if they differ."""

    def environment(name: str) -> Any:
        module = pools(
            f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}",
            'tls = { certificateFile = "/c"; keyFile = "/k"; };',
        ).replace('"minio-1"', f'"{name}"')
        return nix.value(
            f"with {host(module)}; {{ inherit (unit) environment; at = server.endpoint; }}"
        )

    one, two = environment("minio-1"), environment("minio-2")
    assert one["at"] != two["at"]
    assert one["environment"] == two["environment"]


def test_hosts_know_their_own_drives(nix: Nix) -> None:
    module = pools(
        f"{{ {FOUR_HOSTS} {FOUR_DRIVES} }}"
        ' { hosts = { prefix = "minio-"; from = 5; to = 8; };'
        ' drives = { prefix = "/new/"; to = 4; }; }'
    )
    config: Any = nix.value(
        f"with {host(module)}; {{ inherit (server) localDrives; inherit (unit) unitConfig;"
        ' made = config.systemd.tmpfiles.settings."10-lakewright-server"; }'
    )
    mine = [f"/srv/disk-{number}" for number in range(1, 5)]
    assert config["localDrives"] == mine == list(config["made"])
    assert config["unitConfig"] == {"WantsMountsFor": mine}


def test_adopts_data_of_services_minio(nix: Nix) -> None:
    config: Any = nix.value(
        f"with {host()}; {{ unit = unit.serviceConfig; mounts = unit.unitConfig;"
        " user = { inherit (config.users.users.minio) group uid isSystemUser; };"
        " uid = config.ids.uids.minio; gid = config.users.groups.minio.gid;"
        ' made = config.systemd.tmpfiles.settings."10-lakewright-server"; }'
    )
    assert config["unit"]["User"] == config["unit"]["Group"] == "minio"
    assert config["user"] == {"group": "minio", "uid": config["uid"], "isSystemUser": True}
    assert config["gid"] == config["uid"]
    made = config["made"]["/var/lib/minio/data"]["d"]
    # The mode applies only when the directory is created.
    assert (made["user"], made["group"], made["mode"]) == ("minio", "minio", ":0750")
    assert config["mounts"] == {"RequiresMountsFor": ["/var/lib/minio/data"]}


def test_addresses(nix: Nix) -> None:
    def addresses(options: str) -> Any:
        return nix.value(
            f"with {server(options)};"
            " { inherit (server) endpoint url; console = server.console.url;"
            " start = unit.serviceConfig.ExecStart; inherit (unit) environment;"
            " ports = config.networking.firewall.allowedTCPPorts; }"
        )

    plain = addresses("")
    assert plain["endpoint"] == "http://127.0.0.1:9000"
    assert plain["url"] is plain["console"] is None
    assert "--address 127.0.0.1:9000 --console-address 127.0.0.1:9001" in plain["start"]
    assert plain["environment"]["MINIO_SERVER_URL"] is None
    assert plain["ports"] == []

    everywhere = addresses("listen.address = null; console.address = null; openFirewall = true;")
    assert everywhere["endpoint"] == "http://127.0.0.1:9000"
    assert "--address :9000 --console-address :9001" in everywhere["start"]
    assert everywhere["ports"] == [9000, 9001]

    half = addresses("listen.address = null; openFirewall = true;")
    assert half["ports"] == [9000]

    six = addresses('listen.address = "2001:db8::1"; console.enable = false; openFirewall = true;')
    assert six["endpoint"] == "http://[2001:db8::1]:9000"
    assert "--address [2001:db8::1]:9000" in six["start"]
    assert "--console-address" not in six["start"]
    assert six["environment"]["MINIO_BROWSER"] == "off"
    assert six["ports"] == [9000]

    proxied = addresses('url = "https://s3.test"; console.url = "https://console.test/minio";')
    assert proxied["endpoint"] == "http://127.0.0.1:9000"
    assert proxied["environment"]["MINIO_SERVER_URL"] == "https://s3.test"
    assert proxied["environment"]["MINIO_BROWSER_REDIRECT_URL"] == "https://console.test/minio"

    tls = addresses(
        'listen.port = 443; tls = { certificateFile = "/c"; keyFile = "/k"; name = "s3.test"; };'
    )
    assert tls["endpoint"] == tls["environment"]["MINIO_SERVER_URL"] == "https://s3.test"
    # Other machines cannot reach this name.
    assert tls["console"] is tls["environment"]["MINIO_BROWSER_REDIRECT_URL"] is None
    seen = addresses(
        'console.address = null; tls = { name = "s3.test"; certificateFile = "/c";'
        ' keyFile = "/k"; };'
    )
    assert seen["environment"]["MINIO_BROWSER_REDIRECT_URL"] == "https://s3.test:9001"


@pytest.mark.parametrize(
    ("address", "at"),
    [
        ('"127.0.0.1"', "127.0.0.1"),
        ('"localhost"', "127.0.0.1"),
        ('"10.0.0.5"', "10.0.0.5"),
        ('"2001:db8::1"', "2001:db8::1"),
        ("null", None),
        ('"::"', None),
        ('"lake.test"', None),
    ],
)
def test_the_host_finds_the_name_of_the_certificate(nix: Nix, address: str, at: str | None) -> None:
    hosts: Any = nix.value(
        server(
            f"listen.address = {address};"
            ' tls = { certificateFile = "/c"; keyFile = "/k"; name = "s3.test"; };'
        )
        + ".config.networking.hosts"
    )
    assert [address for address, names in hosts.items() if "s3.test" in names] == (
        [at] if at else []
    )


def test_a_percent_sign_is_no_specifier(nix: Nix) -> None:
    environment: Any = nix.value(
        server(
            'settings.MINIO_A = "10%d"; console.url = "https://s3.test/a%20b";'
            ' url = "https://%73.test";'
            ' notificationTargets.mq = { kind = "amqp"; settings.url = "amqp://h:5672/%2F"; };'
        )
        + ".unit.environment"
    )
    assert environment["MINIO_NOTIFY_AMQP_URL_mq"] == "amqp://h:5672/%%2F"
    assert environment["MINIO_A"] == "10%%d"
    assert environment["MINIO_BROWSER_REDIRECT_URL"] == "https://s3.test/a%%20b"
    assert environment["MINIO_SERVER_URL"] == "https://%%73.test"


def test_settings_and_limits(nix: Nix) -> None:
    config: Any = nix.value(
        "with "
        + server(
            'region = "eu-x"; prometheus.access = "public"; kmsKeyFile = "/k";'
            ' settings = { MINIO_SCANNER_SPEED = "slow"; MINIO_COMPRESSION_ENABLE = true; };'
            ' secretSettings.MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD = "/ldap";'
            ' limits = { memory = "2G"; cpu = 150; tasks = 500; openFiles = 4096; };'
        )
        + "; { inherit (unit) environment; service = unit.serviceConfig; }"
    )
    environment, service = config["environment"], config["service"]
    assert environment["MINIO_SITE_REGION"] == "eu-x"
    assert environment["MINIO_PROMETHEUS_AUTH_TYPE"] == "public"
    assert environment["MINIO_SCANNER_SPEED"] == "slow"
    assert environment["MINIO_COMPRESSION_ENABLE"] == "on"
    assert environment["MINIO_KMS_SECRET_KEY_FILE"] == "%d/kms-key"
    assert environment["MINIO_CONFIG_ENV_FILE"] == "%t/lakewright-server/settings"
    assert "MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD" not in environment
    limits = {name: service[name] for name in ("MemoryMax", "CPUQuota", "TasksMax", "LimitNOFILE")}
    assert limits == {"MemoryMax": "2G", "CPUQuota": "150%", "TasksMax": 500, "LimitNOFILE": 4096}
    loaded = {
        "root-user": "/run/secrets/root-user",
        "root-password": "/run/secrets/root-password",
        "kms-key": "/k",
        "MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD": "/ldap",
    }
    assert dict(entry.split(":") for entry in service["LoadCredential"]) == loaded
    # The fallback of a missing file.
    assert sorted(service["SetCredential"]) == sorted(f"{name}:\\n" for name in loaded)


def test_notification_targets(nix: Nix) -> None:
    config: Any = nix.value(
        "with "
        + server(
            f'notificationTargets.hook = {{ {WEBHOOK} secretFiles.auth_token = "/token";'
            ' secretFiles.client_key = "/key"; settings.client_cert = "/cert";'
            ' queueDir = "/var/lib/minio/events"; };'
            ' notificationTargets.rows = { kind = "postgresql"; settings.format = "namespace";'
            ' settings.table = "events"; secretFiles.connection_string = "/dsn"; };'
        )
        + "; { inherit (unit) environment; service = unit.serviceConfig;"
        " arns = lib.mapAttrs (_: target: target.arn) server.notificationTargets;"
        ' made = config.systemd.tmpfiles.settings."10-lakewright-server"; }'
    )
    ours = {
        name.removeprefix("MINIO_NOTIFY_"): value
        for name, value in config["environment"].items()
        if name.startswith("MINIO_NOTIFY_")
    }
    assert ours == {
        "WEBHOOK_ENABLE_hook": "on",
        "WEBHOOK_ENDPOINT_hook": "http://127.0.0.1:1/",
        "WEBHOOK_CLIENT_CERT_hook": "/cert",
        "WEBHOOK_CLIENT_KEY_hook": "%d/notify-hook-client_key",
        "WEBHOOK_QUEUE_DIR_hook": "/var/lib/minio/events",
        "WEBHOOK_QUEUE_LIMIT_hook": "100000",
        "POSTGRES_ENABLE_rows": "on",
        "POSTGRES_FORMAT_rows": "namespace",
        "POSTGRES_TABLE_rows": "events",
    }
    loaded = config["service"]["LoadCredential"]
    assert "notify-hook-client_key:/key" in loaded
    assert "MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_hook:/token" in loaded
    assert "MINIO_NOTIFY_POSTGRES_CONNECTION_STRING_rows:/dsn" in loaded
    assert config["arns"] == {
        "hook": "arn:minio:sqs:us-east-1:hook:webhook",
        "rows": "arn:minio:sqs:us-east-1:rows:postgresql",
    }
    assert "/var/lib/minio/events" in config["made"]
    assert "-/var/lib/minio/events" in config["service"]["ReadWritePaths"]


def test_files_written_during_a_start_are_compared(nix: Nix) -> None:
    after: Any = nix.value(host() + ".config.systemd.services.lakewright-server-watch.after")
    assert after == ["lakewright-server.service"]


# --- TLS


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("./nix/README.md", True),
        ("config.services.lakewright.server.package", True),
        ('"/etc/ssl/minio.pem"', True),
        ('"/etc/ssl/my minio.pem"', False),
        ('"/etc/ssl/$HOME.pem"', False),
        ('"/etc/ssl/100%.pem"', False),
        ('"etc/ssl/minio.pem"', False),
    ],
)
def test_a_certificate_has_a_plain_path(nix: Nix, file: str, taken: bool) -> None:
    expression = server(f'tls = {{ certificateFile = {file}; keyFile = "/k"; }};')
    expression += ".unit.serviceConfig.ExecReload"
    if taken:
        assert nix.value(expression)
    else:
        assert "absolute path in plain characters" in nix.refusal(expression)


def test_tls_from_files(nix: Nix) -> None:
    service: Any = nix.value(
        server('tls = { certificateFile = "/var/c.pem"; keyFile = "/run/k"; };')
        + ".unit.serviceConfig"
    )
    (reload,) = service["ExecReload"]
    # The reload runs as root, and is the same step as before the start. It writes to a folder that
    # systemd gives to no other user.
    folder = "/run/lakewright-server-certificates"
    assert re.fullmatch(rf"\+/nix/store/\S+-certificates /var/c.pem /run/k {folder}", reload)
    assert reload in service["ExecStartPre"]
    assert f"--certs-dir {folder} " in service["ExecStart"]
    assert folder.removeprefix("/run/") != service["RuntimeDirectory"]
    (stop,) = service["ExecStopPost"]
    assert stop.endswith(f"/bin/rm -rf {folder}")
    # A hangup would end a server without TLS.
    assert not nix.value(host() + ".unit.serviceConfig ? ExecReload")


def test_tls_from_acme(nix: Nix) -> None:
    config: Any = nix.value(
        'with (import ./tests/nix/server/host.nix { security.acme.certs.lake.domain = "s3.test";'
        ' services.lakewright.server.tls.useACMEHost = "lake"; });'
        " { inherit (unit) wants after; service = unit.serviceConfig; inherit (server) endpoint;"
        " reload = config.security.acme.certs.lake.reloadServices;"
        " groups = config.users.users.minio.extraGroups; }"
    )
    assert config["endpoint"] == "https://s3.test:9000"
    assert config["reload"] == ["lakewright-server.service"]
    assert "acme-lake.service" in config["wants"]
    assert "acme-lake.service" in config["after"]
    files = "/var/lib/acme/lake/fullchain.pem /var/lib/acme/lake/key.pem"
    folder = "/run/lakewright-server-certificates"
    assert config["service"]["ExecReload"][0].endswith(f"{files} {folder}")
    assert config["groups"] == []


# --- agenix


def test_files_of_agenix_are_named_once(nix: Nix) -> None:
    config: Any = nix.value(
        f"with {host(base='aged.nix')}; {{ inherit failed;"
        " secrets = lib.mapAttrs (_: s: { inherit (s) owner group mode path; }) config.age.secrets;"
        " inherit (server) rootUserFile rootPasswordFile kmsKeyFile;"
        " client = config.services.lakewright.client.credentials;"
        " inherit (config.services.lakewright.client.stacks.lake) users serviceAccounts; }"
    )
    assert config["failed"] == []
    roots = {"owner": "0", "group": "0", "mode": "0400"}
    names = {
        "lakewright-root-user": roots,
        "lakewright-root-password": roots,
        "lakewright-kms-key": roots,
        "lakewright-lake-user-etl": roots,
        # The members of this group work as this user.
        "lakewright-lake-user-operators": roots | {"group": "lake-operators", "mode": "0440"},
        "lakewright-lake-service-account-ingest": roots,
    }
    assert config["secrets"] == {
        name: rights | {"path": f"/run/agenix/{name}"} for name, rights in names.items()
    }
    assert config["rootUserFile"] == "/run/agenix/lakewright-root-user"
    assert config["rootPasswordFile"] == "/run/agenix/lakewright-root-password"
    assert config["kmsKeyFile"] == "/run/agenix/lakewright-kms-key"
    assert config["client"]["secretAccessKeyFile"] == config["rootPasswordFile"]
    users, accounts = config["users"], config["serviceAccounts"]
    assert users["etl"]["secretFile"] == "/run/agenix/lakewright-lake-user-etl"
    assert accounts["ingest"]["secretFile"] == "/run/agenix/lakewright-lake-service-account-ingest"


UNITS = ["lakewright-server", "lakewright-client-lake", "lakewright-drift-lake"]


@pytest.mark.parametrize(
    ("way", "service"),
    [
        ("", False),
        ("systemd.sysusers.enable = true;", True),
        ("services.userborn.enable = true;", True),
    ],
    ids=["activation", "sysusers", "userborn"],
)
def test_order_after_agenix(nix: Nix, way: str, service: bool) -> None:
    units: Any = nix.value(
        f"with {host(f'{{ {way} }}', 'aged.nix')}; lib.mapAttrs"
        " (_: unit: { inherit (unit) after requires wants; }) config.systemd.services"
    )
    installer = "agenix-install-secrets.service"
    assert ("agenix-install-secrets" in units) == service
    for name in UNITS:
        after, wants = units[name]["after"], units[name]["wants"]
        assert {"run-agenix.d.mount", "run-keys.mount"} <= set(after)
        assert (installer in after) == service
        assert (installer in wants) == service
        # The installer restarts with every secret of the host.
        assert installer not in units[name]["requires"]


def test_a_changed_secret_restarts_the_units_that_use_it(nix: Nix) -> None:
    def triggers(options: str = "") -> dict[str, list[str]]:
        module = f"{{ services.lakewright.age = {{ {options} }}; }}"
        units: Any = nix.value(
            f"with {host(module, 'aged.nix')}; lib.genAttrs"
            f" [ {quoted(UNITS[:2])} ]"
            " (name: config.systemd.services.${name}.restartTriggers)"
        )
        return {name.removeprefix("lakewright-"): list for name, list in units.items()}

    def changed(options: str) -> set[str]:
        now = triggers(options)
        return {unit for unit in now if now[unit] != before[unit]}

    before = triggers()
    password = "rootPassword = lib.mkForce ./secrets/minio-root-password-rotated.age;"
    assert changed(password) == {"server", "client-lake"}
    assert changed("users.lake.etl = lib.mkForce ./secrets/etl-rotated.age;") == {"client-lake"}
    assert changed("kmsKey = lib.mkForce ./secrets/etl.age;") == {"server"}


def test_a_changed_tls_key_reloads(nix: Nix) -> None:
    module = (
        "{ services.lakewright.age.tlsKey = ./secrets/etl.age;"
        ' services.lakewright.server.tls.certificateFile = "/c"; }'
    )
    with_key: Any = nix.value(
        f"with {host(module, 'aged.nix')};"
        " { inherit (unit) restartTriggers reloadTriggers; key = server.tls.keyFile; }"
    )
    without: Any = nix.value(host(base="aged.nix") + ".unit.restartTriggers")
    assert with_key["restartTriggers"] == without
    assert len(with_key["reloadTriggers"]) == 1
    assert with_key["key"] == "/run/agenix/lakewright-tls-key"


# --- the files in secrets/


def decrypted(file: Path) -> str:
    """Returns the content of an encrypted file."""
    needs("age")
    return subprocess.run(
        ["age", "--decrypt", "--identity", HOST_KEY, file],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_secrets_are_those_of_secrets_nix(nix: Nix) -> None:
    rules: Any = nix.value("import ./secrets/secrets.nix")
    assert sorted(rules) == sorted(file.name for file in SECRETS.glob("*.age"))
    public = HOST_KEY.with_suffix(".pub").read_text().strip()
    assert all(rule["publicKeys"] == [public] for rule in rules.values())
    values = {name: decrypted(SECRETS / name) for name in rules}
    assert all(len(value.splitlines()) == 1 for value in values.values())
    for name in ("minio-root-password", "etl"):
        assert values[f"{name}.age"] != values[f"{name}-rotated.age"]


def test_no_secret_is_in_the_store(nix: Nix) -> None:
    system = nix.build(host(base="aged.nix") + ".toplevel")
    closure = subprocess.run(
        ["nix-store", "--query", "--requisites", system], check=True, capture_output=True, text=True
    ).stdout.split()
    assert len(closure) > 10
    values = [decrypted(file).strip().encode() for file in SECRETS.glob("*.age")]
    patterns = [value for value in values if len(value) > 12]
    assert len(patterns) == len(values) - 1  # all but the root user's name
    files = [
        file
        for path in map(Path, closure)
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.is_file() and not file.is_symlink()
    ]
    assert any(b"MINIO_ROOT_PASSWORD_FILE" in file.read_bytes() for file in files)
    for file in files:
        text = file.read_bytes()
        assert not [file for value in patterns if value in text]


# --- hardening


@pytest.mark.parametrize(
    ("module", "unit", "most"),
    [
        ("{ }", "lakewright-server", 1.1),
        (of_server("listen.port = 80;"), "lakewright-server", 1.5),
        ("{ }", "lakewright-server-watch", 1.2),
    ],
    ids=["server", "server on a low port", "watch"],
)
def test_exposure(nix: Nix, tmp_path: Path, module: str, unit: str, most: float) -> None:
    needs("systemd-analyze")
    file = tmp_path / f"{unit}.service"
    shutil.copy(nix.build(host(module) + ".toplevel") / "etc/systemd/system" / file.name, file)
    report = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", file],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    print(*(line for line in report.splitlines() if "✓" not in line), sep="\n")
    exposure = re.search(r"Overall exposure level.*: ([0-9.]+) ", report)
    assert exposure
    assert float(exposure[1]) <= most


def test_units_are_well_formed(nix: Nix, tmp_path: Path) -> None:
    needs("systemd-analyze")
    units = nix.build(host() + ".toplevel") / "etc/systemd/system"
    names = [file.name for file in units.glob("lakewright-server*") if file.is_file()]
    assert len(names) == 3
    for name in names:
        shutil.copy(units / name, tmp_path / name)
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / name for name in names)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    ).stderr
    ours = [
        line for line in told.splitlines() if "lakewright" in line and "not executable" not in line
    ]
    assert ours == []


# --- the check before the start


def program(nix: Nix, host: str) -> str:
    """The check of a host, built."""
    nix.build(f"{host}.toplevel")
    return str(nix.value(f"{host}.check"))


@pytest.fixture(scope="module")
def programs(nix: Nix) -> dict[str, str]:
    """The checks of several hosts, built once."""
    modules = {
        "plain": host(),
        "kms": server('kmsKeyFile = "/missing/kms";'),
        "settings": server(
            'secretSettings = { MINIO_A_PASSWORD = "/missing/a"; MINIO_B_TOKEN = "/missing/b"; };'
        ),
    }
    return {name: program(nix, module) for name, module in modules.items()}


def check(program: str, folder: Path, **credentials: str) -> subprocess.CompletedProcess[str]:
    """Runs the check with these credentials; the root user has valid defaults."""
    given = {"root_user": "lake-root", "root_password": "correct-horse"} | credentials
    for name, value in given.items():
        # Names of settings are environment variables.
        (folder / (name if name.isupper() else name.replace("_", "-"))).write_text(value)
    environment = {
        "PATH": "/usr/bin:/bin",
        "CREDENTIALS_DIRECTORY": str(folder),
        "RUNTIME_DIRECTORY": str(folder),
    }
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    # A value that is not a published default never appears.
    for value in filter(None, (value.strip() for value in given.values())):
        assert value == "minioadmin" or value not in done.stderr + done.stdout
    return done


GOOD_KEY = "lake:" + "A" * 43 + "="


@pytest.mark.parametrize(
    ("kind", "credentials", "sentence"),
    [
        ("plain", {"root_password": "\n"}, "/run/secrets/root-password is missing or empty"),
        ("plain", {"root_user": " \n"}, "/run/secrets/root-user is missing or empty"),
        ("plain", {"root_user": "minioadmin"}, "published default 'minioadmin'"),
        ("plain", {"root_password": "minioadmin\n"}, "published default 'minioadmin'"),
        ("plain", {"root_user": " ab \n"}, "shorter than 3 characters"),
        ("plain", {"root_password": "seven-7\n"}, "shorter than 8 characters"),
        ("plain", {"root_password": "lake-root"}, "is the root user's name"),
        ("plain", {"root_password": "eight-long\nsecond"}, "has several lines"),
        (
            "plain",
            {"root_user": "MINIO_ROOT_USER=lake-root"},
            "lines of an environment file",
        ),
        ("kms", {"kms_key": "\n"}, "/missing/kms is missing or empty"),
        ("kms", {"kms_key": "lake:c2hvcnQ="}, "does not hold NAME:KEY"),
        ("kms", {"kms_key": GOOD_KEY.removeprefix("lake:")}, "does not hold NAME:KEY"),
        (
            "settings",
            {"MINIO_A_PASSWORD": "\n", "MINIO_B_TOKEN": "3"},
            "/missing/a is missing or empty",
        ),
        ("settings", {"MINIO_A_PASSWORD": "1\n2", "MINIO_B_TOKEN": "3"}, "several lines"),
    ],
)
def test_the_check_refuses(
    programs: dict[str, str], tmp_path: Path, kind: str, credentials: dict[str, str], sentence: str
) -> None:
    done = check(programs[kind], tmp_path, **credentials)
    assert done.returncode == 1
    assert done.stderr.startswith("The server is not started: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_secret_files_are_checked_before_systemd_opens_them(nix: Nix, tmp_path: Path) -> None:
    for name in ("user", "kms"):
        (tmp_path / name).write_text("content")
        (tmp_path / name).chmod(0o644)
    os.mkfifo(tmp_path / "password", 0o600)
    module = server(
        f'rootUserFile = "{tmp_path}/user"; rootPasswordFile = "{tmp_path}/password";'
        f'kmsKeyFile = "{tmp_path}/kms"; secretSettings.MINIO_A_TOKEN = "{tmp_path}/token";'
    )
    nix.build(f"{module}.toplevel")
    config: Any = nix.value(f"{module}.unit.serviceConfig")
    (condition,) = config["ExecCondition"]
    assert condition.startswith("+/nix/store/")
    done = subprocess.run(
        [condition.removeprefix("+")],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 255
    # The name of the root user is not a secret.
    assert done.stderr.splitlines() == [
        f"lakewright: MINIO_A_TOKEN: there is no file {tmp_path}/token",
        f"lakewright: kms-key: all users may read or write the file {tmp_path}/kms (mode 644): "
        f"chmod o= {tmp_path}/kms",
        f"lakewright: root-password: {tmp_path}/password is not a regular file",
    ]


def test_root_gives_drives_away_only_by_systemd_tmpfiles(nix: Nix) -> None:
    config: Any = nix.value(
        f"""let host = {server('drives = [ "/srv/lake/data" ];')}; in {{
          steps = host.unit.serviceConfig.ExecStartPre;
          rules = host.config.systemd.tmpfiles.settings."10-lakewright-server"."/srv/lake/data".d;
        }}"""
    )
    as_root = [step for step in config["steps"] if step.startswith("+")]
    (step,) = as_root
    assert re.fullmatch(
        r"\+-/nix/store/\S+/bin/systemd-tmpfiles --create 10-lakewright-server.conf", step
    )
    assert (config["rules"]["user"], config["rules"]["mode"]) == ("minio", ":0750")


def test_the_check_accepts(programs: dict[str, str], tmp_path: Path) -> None:
    done = check(programs["plain"], tmp_path, root_user="lake-root\n", root_password=" a b c d e\n")
    assert (done.returncode, done.stderr) == (0, "")
    done = check(programs["kms"], tmp_path, kms_key=f"{GOOD_KEY}\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_secret_settings_become_lines_for_minio(programs: dict[str, str], tmp_path: Path) -> None:
    done = check(
        programs["settings"],
        tmp_path,
        MINIO_A_PASSWORD='it\'s $HOME "quoted" \\n\n',
        MINIO_B_TOKEN="second\n",
    )
    assert (done.returncode, done.stderr) == (0, "")
    settings = tmp_path / "settings"
    # MinIO removes one pair of quotes and keeps the rest unchanged.
    assert settings.read_text().splitlines() == [
        'MINIO_A_PASSWORD="it\'s $HOME "quoted" \\n"',
        'MINIO_B_TOKEN="second"',
    ]
    assert settings.stat().st_mode & 0o777 == 0o600


def test_drives_on_root(nix: Nix, tmp_path: Path) -> None:
    root = Path("/").stat().st_dev
    if tmp_path.stat().st_dev != root or Path("/dev/shm").stat().st_dev == root:
        pytest.skip("temporary files or /dev/shm are not where they usually are")
    here, also_here, absent = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    here.mkdir()
    also_here.mkdir()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        elsewhere = Path(name)

        def checked(*drives: Path) -> subprocess.CompletedProcess[str]:
            module = server(f"drives = [ {quoted(drives)} ];")
            return check(program(nix, module), tmp_path)

        assert checked(here).returncode == 0
        assert checked(elsewhere, absent, absent / "d").returncode == 0

        half = checked(here, also_here, elsewhere, absent)
        assert half.returncode == 1
        assert "of 4 drives these lie on the file system of /" in half.stderr
        assert f": {here} {also_here}. Mount" in half.stderr

        fewer = checked(here, elsewhere, absent)
        assert fewer.returncode == 0
        assert fewer.stderr.startswith("Left out until")
        assert str(here) in fewer.stderr
