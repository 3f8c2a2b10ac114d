"""``services.lakewright.client`` evaluated: options, document, assertions, units, scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Nix

SCHEMA = json.loads((ROOT / "crates/lakewright-core/spec.schema.json").read_text())


def host(module: str = "{ }", base: str = "host.nix") -> str:
    """The host of the tests with a module added, as an expression."""
    return f"(import ./tests/nix/client/{base} ({{ lib, config, ... }}: {module}))"


def client(options: str) -> str:
    """The host with further options of the client."""
    return host(f"{{ services.lakewright.client = {{ {options} }}; }}")


def lake(options: str) -> str:
    """The host with further options of its stack."""
    return client(f"stacks.lake = {{ {options} }};")


# --- options and schema


def shape(schema: Mapping[str, Any]) -> object:
    """Converts a schema to the notation of shape.nix."""
    if "$ref" in schema:
        return shape(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        choices = [choice for choice in choices if choice.get("type") != "null"]
        words = [choice["const"] for choice in choices if "const" in choice]
        others = [shape(choice) for choice in choices if "const" not in choice]
        shapes = ([{"words": sorted(words)}] if words else []) + others
        return shapes[0] if len(shapes) == 1 else {"either": shapes}
    if values := schema.get("enum"):
        words = [value for value in values if isinstance(value, str)]
        shapes = (["flag"] if True in values else []) + (
            [{"words": sorted(words)}] if words else []
        )
        return shapes[0] if len(shapes) == 1 else {"either": shapes}
    kinds = schema.get("type", "anything")
    kind = kinds if isinstance(kinds, str) else next(k for k in kinds if k != "null")
    if kind == "object" and "properties" in schema:
        return {"fields": fields(schema)}
    if kind == "object":
        return {"map": shape(schema["additionalProperties"])}
    if kind == "array":
        return {"list": shape(schema["items"])}
    return {"boolean": "flag", "integer": "number", "string": "text"}.get(kind, kind)


def fields(schema: Mapping[str, Any]) -> dict[str, tuple[object, bool]]:
    """Returns the fields of an object, and whether they are required."""
    required = schema.get("required", [])
    return {name: (shape(field), name in required) for name, field in schema["properties"].items()}


def differences(options: Any, wanted: Any, where: str) -> list[str]:
    """Returns the differences between the shapes of the options and of the schema."""
    if wanted == "anything":
        return []
    if not isinstance(wanted, dict) or not isinstance(options, dict):
        return [] if options == wanted else [f"{where}: {options} instead of {wanted}"]
    if options.keys() != wanted.keys():
        return [f"{where}: {options} instead of {wanted}"]
    (kind,) = wanted
    if kind == "words":
        return [] if options == wanted else [f"{where}: {options} instead of {wanted}"]
    if kind == "either":
        if len(options[kind]) != len(wanted[kind]):
            return [f"{where}: {options} instead of {wanted}"]
        pairs = zip(options[kind], wanted[kind], strict=True)
        return [line for one, other in pairs for line in differences(one, other, where)]
    if kind == "fields":
        return field_differences(options[kind], wanted[kind], where)
    return differences(options[kind], wanted[kind], f"{where}[]")


def field_differences(options: Any, wanted: Any, where: str) -> list[str]:
    """Returns the differences between two objects."""
    found = []
    for name in options.keys() | wanted.keys():
        here = f"{where}.{name}"
        if name not in options or name not in wanted:
            found.append(f"{here}: only {'the schema' if name in wanted else 'an option'}")
            continue
        option, (field, required) = options[name], wanted[name]
        if required and option["nullable"]:
            found.append(f"{here}: may be null, and the schema requires it")
        if not required and option["needed"]:
            found.append(f"{here}: is mandatory, and the schema does not require it")
        # The unit chooses the reference to a secret.
        if name != "secret":
            found += differences(option["shape"], field, here)
    return found


@pytest.fixture(scope="module")
def options(nix: Nix) -> Any:
    """The shape of a stack's options."""
    return nix.value("import ./tests/nix/client/shape.nix { lib = import <nixpkgs-lib/lib>; }")


def test_the_options_are_the_fields_of_the_schema(options: Any) -> None:
    wanted = fields(SCHEMA)
    for name in ("version", "stack"):  # the name of a stack is that of its entry
        del wanted[name]
    assert field_differences(options, wanted, "stack") == []


def test_a_difference_is_seen(options: Any) -> None:
    changed = json.loads(json.dumps(SCHEMA))
    bucket = changed["$defs"]["BucketSpec"]
    bucket["properties"]["quotas"] = bucket["properties"].pop("quota")
    changed["$defs"]["RetentionMode"]["oneOf"].pop()
    changed["$defs"]["Grant"]["required"].append("prefix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "SCHEMA", changed)
        found = sorted(field_differences(options, fields(changed), "stack"))
    assert [line.partition(":")[0] for line in found] == [
        "stack.buckets[].object_lock.mode",
        "stack.buckets[].quota",
        "stack.buckets[].quotas",
        "stack.policies[].grants[].prefix",
        "stack.service_accounts[].grants[].prefix",
        "stack.stack",
        "stack.version",
    ]


# --- the document


def test_the_document_with_every_field_is_valid(nix: Nix, options: Any) -> None:
    spec_file = nix.build(f"{host()}.config.services.lakewright.client.stacks.lake.specFile")
    document = json.loads(spec_file.read_text())
    assert ":null" not in spec_file.read_text()
    assert document["stack"] == "lake" and document["version"] == 1
    raw = document["buckets"]["raw"]
    assert raw["tags"] == {"costCentre": "data"}, "names of tags are nobody's to change"
    assert raw["lifecycle"][0]["noncurrent_expire_after_days"] == 3
    assert document["buckets"]["audit"]["encryption"] == {"sse_kms": "audit-key"}
    assert document["buckets"]["audit"]["policy"]["Version"] == "2012-10-17"
    assert document["buckets"]["public"]["anonymous"] == {"Photos/": "read"}
    assert document["users"]["etl"]["secret"] == {"credential": "user-etl"}
    assert re.fullmatch(
        "user-[0-9a-f]{64}", document["users"]["jo@example.org"]["secret"]["credential"]
    )
    assert document["service_accounts"]["ingest"]["access_key"] == "ingest"
    # The document is an example of every field.
    assert unused(options, document, "stack") == []


def unused(options: Any, document: Any, where: str) -> list[str]:
    """Returns the fields that a document never uses."""
    return sorted(paths(options, where) - used_paths(options, document, where))


def paths(options: Any, where: str) -> set[str]:
    found = set()
    for name, option in options.items():
        found.add(f"{where}.{name}")
        for inner in objects(option["shape"]):
            found |= paths(inner, f"{where}.{name}")
    return found


def objects(shape: Any) -> list[Any]:
    """Returns the objects that a value of this shape may contain."""
    match shape:
        case {"fields": inner}:
            return [inner]
        case {"map": inner} | {"list": inner}:
            return objects(inner)
        case {"either": choices}:
            return [found for choice in choices for found in objects(choice)]
    return []


def used_paths(options: Any, value: Any, where: str) -> set[str]:
    if isinstance(value, list):
        return set().union(*(used_paths(options, item, where) for item in value))
    if not isinstance(value, dict):
        return set()
    found = set()
    for name, option in options.items():
        if name in value:
            found.add(f"{where}.{name}")
            inner = objects(option["shape"])
            items = [value[name]]
            if isinstance(value[name], dict):
                items += value[name].values()
            for shape in inner:
                for item in items:
                    found |= used_paths(shape, item, f"{where}.{name}")
    return found


def test_a_bad_document_fails_its_build(nix: Nix) -> None:
    message = nix.failed_build(
        lake('tables."raw/flights".partitionBy = lib.mkForce [ "dya" ];')
        + ".config.services.lakewright.client.stacks.lake.specFile"
    )
    assert '"dya" is no column of the table; did you mean "day"?' in message


# --- assertions

STACK = "services.lakewright.client.stacks.lake"
ASSERTIONS = {
    "bucket in capitals": (
        lake("buckets.Raw = { };"),
        [f'{STACK}.buckets.Raw: write it in lower case: "raw"'],
    ),
    "bucket too short": (
        lake("buckets.ab = { };"),
        [f"{STACK}.buckets.ab: it has 2 bytes, and 3 to 63 are allowed"],
    ),
    "bucket like an address": (
        lake('buckets."10.0.0.1" = { };'),
        [f"{STACK}.buckets.10.0.0.1: it must not look like an IPv4 address"],
    ),
    "quota of nothing": (
        lake('buckets.raw.quota = lib.mkForce "0GiB";'),
        [f"{STACK}.buckets.raw.quota: a quota of 0 bytes means no quota to MinIO: leave it out"],
    ),
    "lock without versioning": (
        lake("buckets.audit.versioning = false;"),
        [
            f"{STACK}.buckets.audit.versioning: object lock needs versioning, which cannot be "
            "suspended under it"
        ],
    ),
    "two policies of a bucket": (
        lake('buckets.audit.anonymous = "read";'),
        [f"{STACK}.buckets.audit: a bucket has one policy: say `anonymous` or `policy`, not both"],
    ),
    "policy of a user": (
        lake('users.etl.policies = [ "raw-writter" ];'),
        [f'{STACK}.users.etl.policies: the policy "raw-writter" is not declared in this stack'],
    ),
    "policy of a group": (
        lake('groups.analysts.policies = [ "nothing" ];'),
        [f'{STACK}.groups.analysts.policies: the policy "nothing" is not declared in this stack'],
    ),
    "group of a user": (
        lake('users.etl.groups = [ "analyst" ];'),
        [f'{STACK}.users.etl.groups: the group "analyst" is not declared in this stack'],
    ),
    "owner of an account": (
        lake('serviceAccounts.reader.owner = "nobody";'),
        [f'{STACK}.serviceAccounts.reader.owner: the user "nobody" is not declared in this stack'],
    ),
    "bucket of a grant": (
        lake('policies.p.grants = [ { access = "read"; bucket = "rwa"; } ];'),
        [
            f'{STACK}.policies.p.grants: the bucket "rwa" is not declared: declare it, or name it '
            "in services.lakewright.client.foreignBuckets if others keep it"
        ],
    ),
    "bucket of an account's grant": (
        lake('serviceAccounts.ingest.grants = [ { access = "read"; bucket = "rwa"; } ];'),
        [
            f'{STACK}.serviceAccounts.ingest.grants: the bucket "rwa" is not declared: declare it, '
            "or name it in services.lakewright.client.foreignBuckets if others keep it"
        ],
    ),
    "bucket of the registry in a grant": (
        client(
            """foreignBuckets = [ "lake-state" ]; stacks.lake.policies.p.grants = [
              { access = "read"; bucket = "lake-state"; } ];"""
        ),
        [
            f'{STACK}.policies.p.grants: the bucket "lake-state" contains the registry, and only '
            "the user that applies stacks may use it"
        ],
    ),
    "bucket of a table": (
        lake('tables."rwa/t".schema.a = "long";'),
        [
            f'{STACK}.tables."rwa/t": the bucket "rwa" is not declared: declare it, or name it in '
            "services.lakewright.client.foreignBuckets if others keep it"
        ],
    ),
    "policy of nothing": (
        lake("policies.p = { };"),
        [f"{STACK}.policies.p: say `grants` or `document`: one of the two"],
    ),
    "policy that MinIO has": (
        lake('policies.readonly.grants = [ { access = "read"; bucket = "raw"; } ];'),
        [f"{STACK}.policies.readonly: MinIO comes with a policy of this name: choose another"],
    ),
    "name of a stack": (
        client('stacks."a b".registry = "lake-state";'),
        [
            "services.lakewright.client.stacks.a b: the name of a stack is 1 to 64 of a-z, A-Z, "
            "0-9, '.', '_' and '-'"
        ],
    ),
    "a bucket in two stacks": (
        client('stacks.zoo = { registry = "lake-state"; buckets.raw = { }; };'),
        [
            'services.lakewright.client.stacks.lake and zoo: the bucket "raw" is declared more '
            "than once"
        ],
    ),
    "an access key twice": (
        lake('serviceAccounts.etl.secretFile = "/run/secrets/x";'),
        [f'{STACK}: the access key "etl" is declared more than once'],
    ),
    "two registries": (
        client("stacks.zoo.buckets.zoo = { };"),
        [
            "services.lakewright.client.stacks.<name>.registry: all stacks of a server share one "
            "registry"
        ],
    ),
    "no server": (
        client("endpoint = lib.mkForce null;"),
        [
            "services.lakewright.client.endpoint: say where the server is; there is none on this "
            "host\n(services.lakewright.server.enable).\n"
        ],
    ),
    "no credentials": (
        client("credentials.accessKeyIdFile = lib.mkForce null;"),
        [
            "services.lakewright.client.credentials: name accessKeyIdFile and secretAccessKeyFile "
            "of a\nuser who may administer the server at https://s3.example.org. Only an endpoint "
            "that is\nthe server of this host has defaults, the root files of that server.\n"
        ],
    ),
    "no operators": (
        client('operatorsGroup = "ops";'),
        [
            'services.lakewright.client.operatorsUser: no stack declares the user\n"operators", as '
            "whom the members of ops are to work.\n"
        ],
    ),
}


@pytest.mark.parametrize("case", ASSERTIONS)
def test_an_assertion_fires_with_its_message(nix: Nix, case: str) -> None:
    expression, messages = ASSERTIONS[case]
    assert nix.value(f"{expression}.failed") == messages


def test_the_example_is_free_of_faults(nix: Nix) -> None:
    assert nix.value(f"{host()}.failed") == []


def test_policies_that_reach_the_registry_are_warned_of(nix: Nix) -> None:
    def warned(options: str) -> object:
        return nix.value(f"{lake(options)}.config.warnings")

    # The group of the example has a policy with grants beside `readonly`.
    assert warned("") == []
    assert warned("""groups.all.policies = [ "diagnostics" "writeonly" ];
        users.etl.policies = lib.mkForce [ "readonly" ];
        users."jo@example.org".policies = lib.mkForce [ "consoleAdmin" ];
        """) == [
        f'{STACK}.groups.all.policies: "writeonly" allows every bucket, also "lake-state" with the '
        "registry, and a change there decides what the next apply deletes: declare a policy with "
        "grants for the buckets that are meant",
        f'{STACK}.users.etl.policies: "readonly" allows every bucket, also "lake-state" with the '
        "registry, and it shows which stack owns what: declare a policy with grants for the "
        "buckets that are meant",
    ]


def test_a_bucket_of_another_stack_may_be_granted(nix: Nix) -> None:
    zoo = """stacks.zoo = { registry = "lake-state";
        policies.p.grants = [ { access = "read"; bucket = "raw"; } ]; };"""
    assert nix.value(f"{client(zoo)}.failed") == []


@pytest.mark.parametrize(
    "place", ["./flake.nix", '"/nix/store/00000000000000000000000000000000-x/etl"', '"etl"', '""']
)
@pytest.mark.parametrize(
    ("module", "option"),
    [
        ("stacks.lake.users.x.secretFile = PLACE;", "stacks.lake.users.x.secretFile"),
        ("credentials.secretAccessKeyFile = lib.mkForce PLACE;", "secretAccessKeyFile"),
        ("registryKeyFile = PLACE;", "registryKeyFile"),
    ],
)
def test_a_secret_is_no_path_of_the_store(nix: Nix, module: str, option: str, place: str) -> None:
    message = nix.refusal(
        client(module.replace("PLACE", place)) + ".config.systemd.services.lakewright-client-lake"
        ".serviceConfig.LoadCredential"
    )
    assert "outside of the Nix store, as a string" in message and option in message


NAMES = [
    *("raw", "a-b.c", "0ab", "1.2.3", "256.1.1.1", "01.2.3.4", "a" * 63, "xn-", "abc--x-s4"),
    *("ab", "a" * 64, "Raw", "ra_w", "-raw", "raw-", ".ab", "a..b", "1.2.3.4", "xn--abc"),
    *("sthree-x", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3"),
    *("abc--table-s3", "räw", "a b", "0.0.0.0", "255.255.255.255"),
]


def test_bucket_names_are_those_that_the_engine_accepts(nix: Nix, tmp_path: Path) -> None:
    names = json.dumps(json.dumps(NAMES, ensure_ascii=False), ensure_ascii=False)
    faults = nix.value(f"""
      let
        lib = import <nixpkgs-lib/lib>;
        spec = import ./nix/lib/spec {{ inherit lib; }};
        stack = name: (lib.evalModules {{
          modules = [ {{ options = spec.stack; config.buckets.${{name}} = {{ }}; }} ];
        }}).config;
      in map (name: lib.any (check: !check.assertion) (spec.assertions {{
        stacks.s = stack name; foreignBuckets = [ ];
      }})) (builtins.fromJSON {names})""")
    assert isinstance(faults, list)
    binary = Path(os.environ["LAKEWRIGHT_TEST_CLI"]).with_name("lakewright-spec")
    for name, refused in zip(NAMES, faults, strict=True):
        document = tmp_path / "spec.json"
        document.write_text(json.dumps({"version": 1, "stack": "s", "buckets": {name: {}}}))
        check = subprocess.run([binary, "check", document], capture_output=True, check=False)
        assert (check.returncode == 2) == refused, f"{name}: {check.stderr.decode()}"


# --- units

LOCAL = """{
  imports = [ ./nix/modules/server.nix ];
  services.lakewright = {
    server = {
      enable = true;
      rootUserFile = "/run/secrets/root-user";
      rootPasswordFile = "/run/secrets/root-password";
      OPTIONS
    };
    client = { enable = true; stacks.lake.buckets.raw = { }; stacks.zoo.buckets.zoo = { }; };
  };
}"""


def local(server: str = "", more: str = "") -> str:
    """A host with a local server and two stacks."""
    module = LOCAL.replace("./nix", str(ROOT / "nix")).replace("OPTIONS", server)
    return f"""((import ./tests/nix/stand-in {{ }}).evalHost {{
      modules = [
        ./nix/modules/client.nix
        {module}
        {{ networking.hostName = "host"; {more} }}
      ];
    }})"""


def service(nix: Nix, expression: str, unit: str) -> Any:
    """Returns the parts of a unit."""
    words = (
        "after wants requires wantedBy partOf restartTriggers environment serviceConfig "
        "startLimitIntervalSec startLimitBurst"
    )
    attributes = " ".join(f"inherit (unit) {word};" for word in words.split())
    return nix.value(
        f"let unit = {expression}.config.systemd.services.{unit}; in {{ {attributes} }}"
    )


def test_a_unit_follows_the_server_of_its_host(nix: Nix) -> None:
    unit = service(nix, local(), "lakewright-client-lake")
    server = "lakewright-server.service"
    assert unit["requires"] == [] and unit["wants"] == [server]
    assert server in unit["after"] and unit["partOf"] == [server] and server in unit["wantedBy"]
    config = unit["serviceConfig"]
    assert config["Type"] == "oneshot" and config["RemainAfterExit"] and config["DynamicUser"]
    assert config["Restart"] == "on-failure"
    assert config["LoadCredential"] == [
        "access-key-id:/run/secrets/root-user",
        "secret-access-key:/run/secrets/root-password",
    ]
    # A server on loopback needs no other address.
    assert (config["IPAddressAllow"], config["IPAddressDeny"]) == ("localhost", "any")
    # The files are checked before systemd opens them.
    assert re.fullmatch(r"\+/nix/store/\S+/lakewright-check-files-lake", config["ExecCondition"])
    (wait,) = config["ExecStartPre"]
    assert wait.endswith("/bin/lakewright wait --timeout 120s")
    assert re.search(r"/bin/lakewright apply /nix/store/\S+\.json --yes$", config["ExecStart"])
    assert unit["environment"]["LAKEWRIGHT_SECRET_ACCESS_KEY_FILE"] == "%d/secret-access-key"


def test_nothing_that_root_runs_or_reads_is_in_a_folder_of_the_unit_s_user(nix: Nix) -> None:
    for unit in ("lakewright-client-lake", "lakewright-drift-lake"):
        settings = service(nix, local(), unit)
        config = settings["serviceConfig"]
        # Variables come from the unit file alone.
        assert settings["environment"]["LAKEWRIGHT_ENDPOINT"] == "http://127.0.0.1:9000"
        assert not {"EnvironmentFile", "RuntimeDirectory", "StateDirectory"} & set(config)
        steps = [config["ExecCondition"], config.get("ExecStartPost", "+-/nix/store/")]
        assert all(re.match(r"\+-?/nix/store/", step) for step in steps), steps


@pytest.mark.parametrize(
    ("endpoint", "server", "ours"),
    [
        ("http://127.0.0.1:9000/", "", True),
        ("http://localhost:9000", "", True),
        ("http://LOCALHOST:9000", "", True),
        ("http://127.0.0.2:9000", "", True),
        ("http://[::1]:9000", "", True),
        ("http://127.0.0.1", "listen.port = 80;", True),
        ("http://10.0.0.5:9000/", 'listen.address = "10.0.0.5";', True),
        ("https://s3.example.org/", 'url = "https://s3.example.org";', True),
        ("https://s3.example.org:443", 'url = "https://s3.example.org/";', True),
        ("http://host:9000", "listen.address = null;", True),
        ("http://127.0.0.1:9100", "", False),
        ("http://10.0.0.6:9000", "", False),
        ("http://127.example.org:9000", "", False),
    ],
)
def test_the_server_of_this_host_is_known_however_it_is_written(
    nix: Nix, endpoint: str, server: str, ours: bool
) -> None:
    host = local(server, f'services.lakewright.client.endpoint = "{endpoint}";')
    unit = nix.value(f"{host}.config.services.lakewright.client.serverUnit")
    assert unit == ("lakewright-server.service" if ours else None)


def test_keys_of_the_local_server_are_no_default_for_another_endpoint(nix: Nix) -> None:
    wanted = "{ inherit (client) region; inherit (client.credentials) accessKeyIdFile; }"

    def defaults(endpoint: str) -> object:
        host = local('region = "eu-west-3";', f"services.lakewright.client.{endpoint}")
        return nix.value(f"let inherit ({host}.config.services.lakewright) client; in {wanted}")

    ours = {"region": "eu-west-3", "accessKeyIdFile": "/run/secrets/root-user"}
    assert defaults('endpoint = "http://localhost:9000";') == ours
    foreign = 'endpoint = "https://s3.example.org";'
    assert defaults(foreign) == {"region": "us-east-1", "accessKeyIdFile": None}
    host = local("", f"services.lakewright.client.{foreign}")
    failed = nix.value(
        "map (check: check.message) (builtins.filter (check: !check.assertion) "
        f"{host}.config.assertions)"
    )
    assert isinstance(failed, list)
    (message,) = failed
    assert "accessKeyIdFile and secretAccessKeyFile" in message
    assert "https://s3.example.org" in message


@pytest.mark.parametrize(
    "endpoint", ["s3.example.org", "http://a b", "http://$x:9000", "http://u@h", "http://h/path"]
)
def test_an_endpoint_is_a_plain_url(nix: Nix, endpoint: str) -> None:
    message = nix.refusal(
        client(f'endpoint = lib.mkForce "{endpoint}";')
        + ".config.services.lakewright.client.endpoint"
    )
    assert "URL of a server" in message


@pytest.mark.parametrize("file", ["/etc/my ca.pem", "/etc/$ca.pem", "/etc/50%.pem", "ca.pem"])
def test_the_authority_is_a_file_with_a_plain_name(nix: Nix, file: str) -> None:
    message = nix.refusal(
        client(f'caFile = "{file}";') + ".config.services.lakewright.client.caFile"
    )
    assert "caFile" in message and "plain characters" in message


def test_the_authority_may_be_a_file_of_the_configuration(nix: Nix) -> None:
    for file in (str(ROOT / "flake.nix"), '(builtins.toFile "ca.pem" "")'):
        unit = service(nix, client(f"caFile = {file};"), "lakewright-client-lake")
        loaded = unit["serviceConfig"]["LoadCredential"]
        assert any(re.fullmatch(r"ca:/nix/store/\S+", credential) for credential in loaded), loaded


def test_stacks_are_applied_one_after_the_other(nix: Nix) -> None:
    assert (
        "lakewright-client-lake.service" in service(nix, local(), "lakewright-client-zoo")["after"]
    )
    assert (
        "lakewright-client-zoo.service"
        not in (service(nix, local(), "lakewright-client-lake")["after"])
    )


def test_the_registry_key_is_a_credential(nix: Nix) -> None:
    unit = service(nix, client('registryKeyFile = "/run/keys/registry";'), "lakewright-client-lake")
    assert unit["environment"]["LAKEWRIGHT_REGISTRY_KEY_FILE"] == "%d/registry-key"
    assert "registry-key:/run/keys/registry" in unit["serviceConfig"]["LoadCredential"]
    # A file that vanishes leaves a text that is too short for a key.
    assert "registry-key:missing" in unit["serviceConfig"]["SetCredential"]
    unit = service(nix, client(""), "lakewright-client-lake")
    assert unit["environment"].get("LAKEWRIGHT_REGISTRY_KEY_FILE") is None


def test_a_unit_of_a_server_elsewhere_waits_for_the_network(nix: Nix) -> None:
    unit = service(nix, client('caFile = "/etc/ca.pem";'), "lakewright-client-lake")
    assert unit["partOf"] == [] and unit["wantedBy"] == ["multi-user.target"]
    assert unit["wants"] == ["network-online.target"] and "network-online.target" in unit["after"]
    config = unit["serviceConfig"]
    assert "IPAddressDeny" not in config
    assert set(config["LoadCredential"]) >= {
        *("ca:/etc/ca.pem", "user-etl:/run/secrets/etl"),
        *("service-account-ingest:/run/secrets/ingest", "access-key-id:/run/secrets/admin-user"),
    }
    # systemd substitutes missing files, so that the check can report them.
    names = [loaded.partition(":")[0] for loaded in config["LoadCredential"]]
    assert config["SetCredential"] == [f"{name}:missing" for name in names]
    assert unit["environment"]["LAKEWRIGHT_CA_FILE"] == "%d/ca"


def test_under_tls_the_endpoint_is_the_name_of_the_certificate(nix: Nix) -> None:
    tls = 'tls = { certificateFile = "/run/c.pem"; keyFile = "/run/k.pem"; name = "s3.lan"; };'
    host = local(tls)
    assert nix.value(f"{host}.config.services.lakewright.client.endpoint") == "https://s3.lan:9000"
    assert service(nix, host, "lakewright-client-lake")["partOf"] == ["lakewright-server.service"]


def test_a_changed_stack_runs_again(nix: Nix) -> None:
    def start(options: str) -> tuple[str, list[str]]:
        unit = service(nix, lake(options), "lakewright-client-lake")
        return unit["serviceConfig"]["ExecStart"], unit["restartTriggers"]

    (first, nothing), (second, _) = start(""), start("buckets.new = { };")
    assert first != second and nothing == []
    triggers = service(nix, client('restartTriggers = [ "x" ];'), "lakewright-client-lake")
    assert triggers["restartTriggers"] == ["x"]
    paths = nix.value(f"{host()}.config.systemd.paths.lakewright-watch-lake.pathConfig.PathChanged")
    assert isinstance(paths, list) and {
        *("/run/secrets/etl", "/run/secrets/admin-user", "/run/secrets.d")
    } <= set(paths)


def test_pruning_is_passed_to_every_plan_of_the_stack(nix: Nix) -> None:
    for prune, there in (("keep", False), ("delete", True)):
        stack = lake(f'prune = "{prune}"; drift.action = "repair";')
        applied = service(nix, stack, "lakewright-client-lake")["serviceConfig"]["ExecStart"]
        repaired = service(nix, stack, "lakewright-drift-lake")["serviceConfig"]["ExecStart"]
        assert repaired == applied and applied.endswith(" --prune") == there
        script = nix.build(f"{stack}.config.services.lakewright.client.stacks.lake.planScript")
        assert (" --prune" in (script / "bin/lakewright-plan-lake").read_text()) == there


def test_drift_fails_its_unit_or_is_logged(nix: Nix) -> None:
    used_paths = service(nix, host(), "lakewright-drift-lake")["serviceConfig"]
    assert (
        "/bin/lakewright drift /nix/store" in used_paths["ExecStart"]
        and "SuccessExitStatus" not in used_paths
    )
    log = service(nix, lake('drift.action = "log";'), "lakewright-drift-lake")["serviceConfig"]
    assert "/bin/lakewright drift /nix/store" in log["ExecStart"] and log["SuccessExitStatus"] == 3
    # The timer alone limits the starts.
    assert service(nix, host(), "lakewright-drift-lake")["startLimitIntervalSec"] == 0
    assert used_paths["ExecStartPre"][-1].endswith("/bin/lakewright wait --timeout 120s")
    timers = f"{lake('drift.enable = false;')}.config.systemd"
    assert nix.value(f"builtins.attrNames {timers}.timers") == []
    assert nix.value(f"{timers}.services ? lakewright-drift-lake") is False


def test_a_calendar_that_systemd_does_not_know_fails_the_build(nix: Nix) -> None:
    checks = "{}.config.system.checks"
    good = lake('drift.startAt = "*:0/15";')
    nix.build(checks.format(good))
    message = nix.failed_build(checks.format(lake('drift.startAt = "hourley";')))
    assert "hourley" in message


@pytest.mark.parametrize("seconds", [1, 120, 3600])
def test_the_timeout_of_a_unit_includes_its_wait(nix: Nix, seconds: int) -> None:
    stack = client(f"readyTimeout = {seconds};")
    for unit in ("lakewright-client-lake", "lakewright-drift-lake"):
        config = service(nix, stack, unit)["serviceConfig"]
        assert config["TimeoutStartSec"] == seconds + 600
        assert config["ExecStartPre"][-1].endswith(f" wait --timeout {seconds}s")
    unit = service(nix, stack, "lakewright-client-lake")
    each = unit["serviceConfig"]["TimeoutStartSec"] + unit["serviceConfig"]["RestartSec"]
    assert unit["startLimitIntervalSec"] >= unit["startLimitBurst"] * each


def test_secrets_in_homes_are_seen(nix: Nix) -> None:
    config = service(nix, host(), "lakewright-watch-lake")["serviceConfig"]
    assert config["ProtectHome"] == "read-only"


def test_a_stack_that_is_switched_off_has_no_units(nix: Nix) -> None:
    off = lake("enable = false;")
    units = nix.value(f"builtins.attrNames {off}.config.systemd.services")
    assert isinstance(units, list) and not [unit for unit in units if "lakewright" in unit]
    nix.build(f"{off}.config.services.lakewright.client.stacks.lake.specFile")


# --- what is built


@pytest.fixture(scope="module")
def toplevel(nix: Nix) -> Path:
    """The built host of the tests, with operators."""
    return nix.build(
        client(
            """operatorsGroup = "ops";
            stacks.lake.users.operators.secretFile = "/run/secrets/operators";"""
        )
        + ".toplevel"
    )


def test_systemd_accepts_the_units(toplevel: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    units = sorted((toplevel / "etc/systemd/system").glob("lakewright-*.service"))
    assert len(units) == 3
    for unit in units:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"exposed more than 2.0:\n{done.stdout}"
        done = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=no", unit],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in done.stderr.splitlines() if "lakewright" in line]
        # These binaries exist only in the container.
        assert [line for line in lines if "is not executable" not in line] == []


def test_the_profile_contains_the_paths_of_keys(toplevel: Path, tmp_path: Path) -> None:
    profiles = toplevel / "etc/lakewright/profiles.toml"
    shown = subprocess.run(
        [os.environ["LAKEWRIGHT_TEST_CLI"], "profile", "show", "--json"],
        env={"LAKEWRIGHT_PROFILES_FILE": str(profiles), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    settings = json.loads(shown.stdout)
    assert settings["endpoint"]["value"] == "https://s3.example.org"
    assert settings["region"]["value"] == "eu-central-1"
    assert "/run/secrets/operators" in json.dumps(settings["secret_access_key"])
    assert profiles.read_text().count("/run/secrets/") == 1, "root's keys are for the units alone"


def test_the_check_of_files_names_what_is_wrong(nix: Nix, tmp_path: Path) -> None:
    def run(*names: str) -> tuple[int, str]:
        users = " ".join(f'users.{name}-user.secretFile = "{tmp_path}/{name}";' for name in names)
        expression = client(
            f"""stacks = lib.mkForce {{ s = {{ {users} }}; }};
            credentials = {{
              accessKeyIdFile = lib.mkForce "{tmp_path}/id";
              secretAccessKeyFile = lib.mkForce "{tmp_path}/key";
            }};"""
        )
        command = nix.value(
            f"{expression}.config.systemd.services.lakewright-client-s.serviceConfig.ExecCondition"
        )
        assert isinstance(command, str)
        # Builds the derivations that the string refers to.
        nix.build(f"{expression}.toplevel")
        done = subprocess.run(
            [command.removeprefix("+")],
            env={},
            capture_output=True,
            text=True,
            check=False,
            # The check opens no file, so nothing can keep it waiting.
            timeout=30,
        )
        return done.returncode, done.stderr

    for name, content, mode in (
        *(("id", "root", 0o444), ("key", "hidden-one", 0o400), ("good", "hidden-two", 0o440)),
        *(("empty", "", 0o400), ("open", "hidden-three", 0o404)),
        ("large", "x" * ((1 << 20) + 1), 0o400),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    code, output = run(
        "good", "empty", "open", "folder", "fifo", "link", "device", "large", "absent"
    )
    # systemd skips a unit whose condition exits with a smaller code, and fails none.
    assert code == 255
    assert output.splitlines() == [
        f"lakewright: user absent-user: there is no file {tmp_path}/absent",
        f"lakewright: user device-user: {tmp_path}/device is not a regular file",
        f"lakewright: user empty-user: the file {tmp_path}/empty is empty",
        f"lakewright: user fifo-user: {tmp_path}/fifo is not a regular file",
        f"lakewright: user folder-user: {tmp_path}/folder is not a regular file",
        f"lakewright: user large-user: the file {tmp_path}/large has 1048577 bytes, and systemd "
        "loads at most 1048576",
        f"lakewright: user link-user: {tmp_path}/link is not a regular file",
        f"lakewright: user open-user: all users may read or write the file {tmp_path}/open "
        f"(mode 404): chmod o= {tmp_path}/open",
    ]
    assert run("good") == (0, "")


def functions(call: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a call of a function for files of other users."""
    script = (ROOT / "nix/lib/foreign-files.sh").read_text() + call
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_reading_a_file_of_another_user_never_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "large").write_text("x" * ((1 << 20) + 1))
    assert functions(f"read_file {tmp_path}/secret").stdout == "secret\n"
    assert len(functions(f"read_file {tmp_path}/large").stdout) == 1 << 20
    for name in ("fifo", "none", "."):
        done = functions(f"read_file {tmp_path}/{name}")
        assert (done.returncode, done.stdout) == (1, ""), name
    # The file may become a FIFO between the check of its kind and its opening.
    opening = re.search(r"dd if.*", (ROOT / "nix/lib/foreign-files.sh").read_text())
    assert opening
    done = functions(opening[0].replace("$1", f"{tmp_path}/fifo"))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_file_differs_only_from_another_content(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name, content in {"a": "a", "again": "a", "b": "b", "empty": ""}.items():
        (tmp_path / name).write_text(content)
    for file, copy, expected in (
        *(("b", "a", 0), ("again", "a", 1), ("empty", "a", 1), ("none", "a", 1)),
        *(("fifo", "a", 1), ("b", "none", 1)),
    ):
        call = f"differs {tmp_path}/{file} {tmp_path}/{copy}"
        done = functions(call, RUNTIME_DIRECTORY=str(run))
        assert done.returncode == expected, (file, copy, done.stderr)


def test_only_a_dry_activation_plans_and_it_never_fails(toplevel: Path) -> None:
    script = (toplevel / "dry-activate").read_text()
    plan = re.search(r"timeout 60 (\S+lakewright-plan-lake) \|\| echo", script)
    assert plan and "the secret of %s is not there yet" in Path(plan[1]).read_text()
    snippet = script[script.index("snippet lakewright-plan:") :].split("####")[0]
    # Only a dry activation makes a plan.
    done = subprocess.run(
        ["bash", "-euc", snippet.partition("\n")[2]],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""


def test_the_scripts_pass_shellcheck_with_any_user_names(nix: Nix) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("shellcheck is not installed")
    stack = lake(r"""users."a\$b `c` 'd'".secretFile = "/run/secrets/x";""")
    script = nix.build(f"{stack}.config.services.lakewright.client.stacks.lake.planScript")
    unit = service(nix, stack, "lakewright-client-lake")
    check = unit["serviceConfig"]["ExecCondition"].lstrip("+")
    watch = service(nix, stack, "lakewright-watch-lake")["serviceConfig"]["ExecStart"]
    nix.build(f"{stack}.toplevel")
    assert "/run/secrets/x /run/lakewright-watch-lake/started/" in Path(watch).read_text()
    for file in (script / "bin/lakewright-plan-lake", Path(check)):
        assert "a$b" in file.read_text()
        done = subprocess.run([shellcheck, file], capture_output=True, text=True, check=False)
        assert done.stdout == ""


def test_root_has_a_command_with_the_settings_of_the_units(toplevel: Path) -> None:
    script = (toplevel / "sw/bin/lakewright-admin").read_text()
    # A missing secret must not get a placeholder where changes are made.
    assert "placeholders=false" in script
    assert "credential user-etl 'user etl' /run/secrets/etl" in script
    assert "LAKEWRIGHT_SECRET_ACCESS_KEY_FILE=/run/secrets/admin-password" in script
    document = json.loads((toplevel / "etc/lakewright/stacks/lake.json").read_text())
    assert "operators" in document["users"]
