# Converts the options of one stack to the spec that `lakewright apply` reads.
{ lib, resources }:
let
  options = import ./stack.nix { inherit lib resources; };

  # `expireAfterDays` becomes `expire_after_days`; names of S3 (`Version`) are kept.
  snakeCase =
    name:
    if builtins.match "[A-Z].*" name != null then
      name
    else
      lib.concatMapStrings (c: if lib.toLower c == c then c else "_${lib.toLower c}") (
        lib.stringToCharacters name
      );

  # The options of a set that are fields of the spec. The path of a secret on this host is used by
  # the unit; the spec refers to a credential.
  fields =
    options:
    removeAttrs options [
      "_module"
      "secretFile"
    ];

  # Converts a value according to its type, so that names of options become names of fields, whereas
  # names of buckets, tags or columns are kept.
  render =
    type: value:
    if value == null then
      null
    else
      {
        nullOr = render type.nestedTypes.elemType value;
        attrsOf = lib.mapAttrs (_: render type.nestedTypes.elemType) value;
        listOf = map (render type.nestedTypes.elemType) value;
        either = render (
          if type.nestedTypes.left.check value then type.nestedTypes.left else type.nestedTypes.right
        ) value;
        submodule = renderOptions (type.getSubOptions [ ]) value;
      }
      .${type.name} or value;

  # Null means that an option is not set, so the field is omitted.
  renderOptions =
    options: values:
    lib.filterAttrs (_: value: value != null) (
      lib.mapAttrs' (
        name: option: lib.nameValuePair (snakeCase name) (render option.type values.${name})
      ) (fields options)
    );

  # Kinds without resources are omitted too, to keep the spec readable.
  document =
    name: stack:
    {
      version = 1;
      stack = name;
    }
    // lib.filterAttrs (_: value: value != { }) (renderOptions options stack);

  # The credentials that systemd has to load: name, file, and the resource that each belongs to.
  secrets =
    stack:
    let
      of =
        what:
        lib.mapAttrsToList (
          name: declared: {
            inherit (declared.secret) credential;
            file = declared.secretFile;
            owner = "${what} ${name}";
          }
        );
    in
    of "user" stack.users ++ of "service account" stack.serviceAccounts;
in
{
  inherit
    document
    fields
    secrets
    snakeCase
    ;
}
