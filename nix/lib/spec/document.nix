# One stack's options, written out as the document that `lakewright apply` takes.
{ lib, resources }:
let
  options = import ./stack.nix { inherit lib resources; };

  # `expireAfterDays` is `expire_after_days`; S3's own names (`Version`) stay.
  snakeCase =
    name:
    if builtins.match "[A-Z].*" name != null then
      name
    else
      lib.concatMapStrings (c: if lib.toLower c == c then c else "_${lib.toLower c}") (
        lib.stringToCharacters name
      );

  # The options of a set that are fields of the document. Where a secret lies on this host is the
  # unit's business: the document names a credential.
  fields =
    options:
    removeAttrs options [
      "_module"
      "secretFile"
    ];

  # Walks along the types, so that names of options become names of fields, and names of buckets,
  # tags or columns stay as they are.
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

  # Null is "not said", and is left out.
  renderOptions =
    options: values:
    lib.filterAttrs (_: value: value != null) (
      lib.mapAttrs' (
        name: option: lib.nameValuePair (snakeCase name) (render option.type values.${name})
      ) (fields options)
    );

  # Kinds of which nothing is declared are left out too: a document is read by people.
  document =
    name: stack:
    {
      version = 1;
      stack = name;
    }
    // lib.filterAttrs (_: value: value != { }) (renderOptions options stack);

  # What systemd has to load for it: the name of the credential, its file, and whose it is.
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
