# Faults of stacks whose values all have the right types, and warnings, as far as they can be found
# during evaluation. `lakewright-spec check` finds the others when the spec is built.
{ lib }:
let
  # MinIO's built-in policies, which can be attached but not declared.
  builtInPolicies = [
    "consoleAdmin"
    "diagnostics"
    "readonly"
    "readwrite"
    "writeonly"
  ];

  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  reservedPrefixes = [
    "xn--"
    "sthree-"
    "amzn-s3-demo-"
  ];
  reservedSuffixes = [
    "-s3alias"
    "--ol-s3"
    ".mrap"
    "--x-s3"
    "--table-s3"
  ];

  # Returns the rule that a bucket's name violates, or null.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  bucketFault =
    name:
    let
      length = builtins.stringLength name;
      breaks = regex: builtins.match regex name != null;
      prefix = lib.findFirst (prefix: lib.hasPrefix prefix name) null reservedPrefixes;
      suffix = lib.findFirst (suffix: lib.hasSuffix suffix name) null reservedSuffixes;
    in
    if length < 3 || length > 63 then
      "it has ${toString length} bytes, and 3 to 63 are allowed"
    else if lib.toLower name != name then
      "write it in lower case: \"${lib.toLower name}\""
    else if !breaks "[a-z0-9.-]*" then
      "only a-z, 0-9, '.' and '-' can stand in it"
    else if !breaks "[a-z0-9].*[a-z0-9]" then
      "it must begin and end with a letter or a digit"
    else if lib.hasInfix ".." name then
      "two dots may not follow each other"
    else if breaks "(${octet}\\.){3}${octet}" then
      "it must not look like an IPv4 address"
    else if prefix != null then
      "the prefix \"${prefix}\" is reserved"
    else if suffix != null then
      "the suffix \"${suffix}\" is reserved"
    else
      null;

  # Returns the bucket of a table's address.
  bucketOf = address: lib.head (lib.splitString "/" address);

  # Converts `{ where, fault }` to an assertion of NixOS if there is a fault.
  assertion =
    { where, fault }:
    {
      assertion = fault == null;
      message = "services.lakewright.client.stacks.${where}: ${toString fault}";
    };
  wrongIf = condition: text: if condition then text else null;

  eachIn = set: f: lib.concatLists (lib.mapAttrsToList f set);
  list = value: if value == null then [ ] else value;

  registryOf = stack: if stack.registry == null then "lakewright-state" else stack.registry;

  # MinIO's built-in policies that allow every bucket to users who are no administrators, and the
  # effect of access to the bucket of the registry.
  reaching = {
    readonly = "it shows which stack owns what";
    readwrite = "a change there decides what the next apply deletes";
    writeonly = "a change there decides what the next apply deletes";
  };

  # Returns the warnings about one stack.
  warningsOf =
    stackName: stack:
    let
      # A policy that is made of grants denies the bucket of the registry.
      hasGrants = name: stack.policies ? ${name} && stack.policies.${name}.grants != null;
      attached =
        where: policies:
        lib.optionals (!lib.any hasGrants (list policies)) (
          map (
            name:
            "services.lakewright.client.stacks.${stackName}.${where}.policies: \"${name}\" allows every bucket, also \"${registryOf stack}\" with the registry, and ${reaching.${name}}: declare a policy with grants for the buckets that are meant"
          ) (lib.filter (name: reaching ? ${name}) (list policies))
        );
    in
    eachIn stack.groups (name: group: attached "groups.${name}" group.policies)
    ++ eachIn stack.users (name: user: attached "users.${name}" user.policies);

  # Returns the faults of one stack. `buckets` are all buckets that it may refer to.
  ofStack =
    buckets: stackName: stack:
    let
      at = where: fault: {
        where = "${stackName}.${where}";
        inherit fault;
      };
      refers =
        where: what: known: names:
        map (
          name:
          at where (wrongIf (!lib.elem name known) "the ${what} \"${name}\" is not declared in this stack")
        ) (list names);
      attached =
        where: names: refers where "policy" (builtInPolicies ++ lib.attrNames stack.policies) names;
      inBucket =
        where: bucket:
        at where (
          wrongIf (!lib.elem bucket buckets)
            "the bucket \"${bucket}\" is not declared: declare it, or name it in services.lakewright.client.foreignBuckets if others keep it"
        );
      granted =
        where: grants:
        lib.concatMap (grant: [
          (inBucket "${where}.grants" grant.bucket)
          (at "${where}.grants" (
            wrongIf (grant.bucket == registryOf stack)
              "the bucket \"${grant.bucket}\" contains the registry, and only the user that applies stacks may use it"
          ))
        ]) (list grants);
    in
    [
      {
        where = stackName;
        fault = wrongIf (
          builtins.match "[A-Za-z0-9._-]{1,64}" stackName == null
        ) "the name of a stack is 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'";
      }
    ]
    ++ eachIn stack.buckets (
      name: bucket: [
        (at "buckets.${name}" (bucketFault name))
        (at "buckets.${name}.versioning" (
          wrongIf (
            bucket.objectLock != null
            && lib.elem bucket.versioning [
              false
              "suspended"
            ]
          ) "object lock needs versioning, which cannot be suspended under it"
        ))
        (at "buckets.${name}.quota" (
          wrongIf (
            lib.isString bucket.quota && builtins.match "[^1-9]*" bucket.quota != null
          ) "a quota of 0 bytes means no quota to MinIO: leave it out"
        ))
        (at "buckets.${name}" (
          wrongIf (
            bucket.policy != null && bucket.anonymous != null
          ) "a bucket has one policy: say `anonymous` or `policy`, not both"
        ))
      ]
    )
    ++ eachIn stack.tables (name: _: [ (inBucket "tables.\"${name}\"" (bucketOf name)) ])
    ++ eachIn stack.policies (
      name: policy:
      [
        (at "policies.${name}" (
          wrongIf (lib.elem name builtInPolicies) "MinIO comes with a policy of this name: choose another"
        ))
        (at "policies.${name}" (
          wrongIf (
            (policy.document == null) == (policy.grants == null)
          ) "say `grants` or `document`: one of the two"
        ))
      ]
      ++ granted "policies.${name}" policy.grants
    )
    ++ eachIn stack.groups (name: group: attached "groups.${name}.policies" group.policies)
    ++ eachIn stack.users (
      name: user:
      attached "users.${name}.policies" user.policies
      ++ refers "users.${name}.groups" "group" (lib.attrNames stack.groups) user.groups
    )
    ++ eachIn stack.serviceAccounts (
      name: account:
      refers "serviceAccounts.${name}.owner" "user" (lib.attrNames stack.users) (
        lib.optional (account.owner != null) account.owner
      )
      ++ granted "serviceAccounts.${name}" account.grants
    );

  # Returns the names that a server has only once, so that only one stack may declare each.
  thingsOf =
    stack:
    lib.concatLists (
      lib.mapAttrsToList (kind: names: map (name: "${kind} \"${name}\"") names) {
        bucket = lib.attrNames stack.buckets;
        table = lib.attrNames stack.tables;
        policy = lib.attrNames stack.policies;
        group = lib.attrNames stack.groups;
        # Users and service accounts share one set of access keys.
        "access key" =
          lib.attrNames stack.users
          ++ lib.mapAttrsToList (_: account: account.accessKey) stack.serviceAccounts;
      }
    );

  # Two stacks that declare the same resource would undo each other's changes.
  between =
    stacks:
    let
      owners = lib.zipAttrs (
        eachIn stacks (stackName: stack: map (thing: { ${thing} = stackName; }) (thingsOf stack))
      );
      registries = lib.unique (lib.mapAttrsToList (_: stack: stack.registry) stacks);
    in
    lib.mapAttrsToList (thing: names: {
      where = lib.concatStringsSep " and " (lib.unique names);
      fault = wrongIf (lib.length names > 1) "the ${thing} is declared more than once";
    }) owners
    ++ [
      {
        where = "<name>.registry";
        fault = wrongIf (lib.length registries > 1) "all stacks of a server share one registry";
      }
    ];
in
{
  # Returns assertions for NixOS.
  assertions =
    {
      stacks,
      foreignBuckets,
    }:
    let
      declared = lib.concatMap (stack: lib.attrNames stack.buckets) (lib.attrValues stacks);
    in
    map assertion (eachIn stacks (ofStack (declared ++ foreignBuckets)) ++ between stacks);

  # Returns warnings for NixOS.
  warnings = stacks: eachIn stacks warningsOf;
}
