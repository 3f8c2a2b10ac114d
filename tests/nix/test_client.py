"""``services.lakewright.client`` evaluated: options, document, assertions, units, scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
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
    """A schema in the words of shape.nix."""
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
        shapes = (["flag"] if True in values else []) + ([{"words": sorted(words)}] if words else [])
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
    """The fields of an object, and whether they must be said."""
    required = schema.get("required", [])
    return {name: (shape(field), name in required) for name, field in schema["properties"].items()}


def differences(options: Any, wanted: Any, where: str) -> list[str]:
    """How the shape of options differs from that of the schema."""
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
    """The same of objects."""
    told = []
    for name in options.keys() | wanted.keys():
        here = f"{where}.{name}"
        if name not in options or name not in wanted:
            told.append(f"{here}: only {'the schema' if name in wanted else 'an option'}")
            continue
        option, (field, required) = options[name], wanted[name]
        if required and option["nullable"]:
            told.append(f"{here}: may be null, and the schema requires it")
        if not required and option["needed"]:
            told.append(f"{here}: must be said, and the schema does not require it")
        # How a secret is referred to is the unit's choice.
        if name != "secret":
            told += differences(option["shape"], field, here)
    return told


@pytest.fixture(scope="module")
def options(nix: Nix) -> Any:
    """The shape of a stack's options."""
    return nix.value("import ./tests/nix/client/shape.nix { lib = import <nixpkgs-lib/lib>; }")


def test_the_options_are_the_fields_of_the_schema(options: Any) -> None:
    wanted = fields(SCHEMA)
    for name in ("version", "stack"):  # the stack's name is that of its entry
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
        told = sorted(field_differences(options, fields(changed), "stack"))
    assert [line.partition(":")[0] for line in told] == [
        "stack.buckets[].object_lock.mode",
        "stack.buckets[].quota",
        "stack.buckets[].quotas",
        "stack.policies[].grants[].prefix",
        "stack.service_accounts[].grants[].prefix",
        "stack.stack",
        "stack.version",
    ]


# --- the document


def test_the_document_of_everything_is_good(nix: Nix, options: Any) -> None:
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
    # It is an example of every field.
    assert unused(options, document, "stack") == []


def unused(options: Any, document: Any, where: str) -> list[str]:
    """The fields that a document nowhere has."""
    return sorted(paths(options, where) - seen(options, document, where))


def paths(options: Any, where: str) -> set[str]:
    found = set()
    for name, option in options.items():
        found.add(f"{where}.{name}")
        for inner in objects(option["shape"]):
            found |= paths(inner, f"{where}.{name}")
    return found


def objects(shape: Any) -> list[Any]:
    """The objects that a value of this shape may hold."""
    match shape:
        case {"fields": inner}:
            return [inner]
        case {"map": inner} | {"list": inner}:
            return objects(inner)
        case {"either": choices}:
            return [found for choice in choices for found in objects(choice)]
    return []


def seen(options: Any, value: Any, where: str) -> set[str]:
    if isinstance(value, list):
        return set().union(*(seen(options, item, where) for item in value))
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
                    found |= seen(shape, item, f"{where}.{name}")
    return found


def test_a_bad_document_fails_its_build(nix: Nix) -> None:
    told = nix.failed_build(
        lake('tables."raw/flights".partitionBy = lib.mkForce [ "dya" ];')
        + ".config.services.lakewright.client.stacks.lake.specFile"
    )
    assert '"dya" is no column of the table; did you mean "day"?' in told


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
            "services.lakewright.client.stacks.lake and zoo: the bucket \"raw\" is declared more "
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
            "of\nsomebody who may administer the server; there is none on this host whose root "
            "files could\nbe taken.\n"
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
    ],
)
def test_a_secret_is_no_path_of_the_store(nix: Nix, module: str, option: str, place: str) -> None:
    told = nix.refusal(
        client(module.replace("PLACE", place)) + ".config.systemd.services.lakewright-client-lake"
        ".serviceConfig.LoadCredential"
    )
    assert "outside of the Nix store, as a string" in told and option in told


NAMES = [
    *("raw", "a-b.c", "0ab", "1.2.3", "256.1.1.1", "01.2.3.4", "a" * 63, "xn-", "abc--x-s4"),
    *("ab", "a" * 64, "Raw", "ra_w", "-raw", "raw-", ".ab", "a..b", "1.2.3.4", "xn--abc"),
    *("sthree-x", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3"),
    *("abc--table-s3", "räw", "a b", "0.0.0.0", "255.255.255.255"),
]


def test_buckets_may_be_called_what_the_engine_lets_them(nix: Nix, tmp_path: Path) -> None:
    names = json.dumps(json.dumps(NAMES, ensure_ascii=False), ensure_ascii=False)
    faults = nix.value(f"""
      let
        lib = import <nixpkgs-lib/lib>;
        spec = import ./nix/lib/spec {{ inherit lib; }};
        stack = name: (lib.evalModules {{
          modules = [ {{ options = spec.stack; config.buckets.${{name}} = {{ }}; }} ];
        }}).config;
      in map (name: lib.any (check: !check.assertion) (spec.check {{
        stacks.s = stack name; foreignBuckets = [ ];
      }})) (builtins.fromJSON {names})""")
    assert isinstance(faults, list)
    binary = Path(os.environ["LAKEWRIGHT_TEST_CLI"]).with_name("lakewright-spec")
    for name, refused in zip(NAMES, faults, strict=True):
        document = tmp_path / "spec.json"
        document.write_text(json.dumps({"version": 1, "stack": "s", "buckets": {name: {}}}))
        check = subprocess.run([binary, "check", document], capture_output=True, check=False)
        assert (check.returncode == 2) == refused, f"{name}: {check.stderr.decode()}"
