{ lib, types }:
let
  inherit (lib.types)
    bool
    listOf
    nonEmptyStr
    submodule
    ;
  inherit (types) unmanaged;
in
submodule (
  { name, ... }:
  {
    options = types.secretOptions "user" name // {
      enabled = unmanaged bool "Whether the user may come in; a new one may.";
      policies = unmanaged (listOf nonEmptyStr) ''
        The policies attached to the user: all of them; an empty list means none. Declared in the
        same stack, or one that MinIO comes with.
      '';
      groups = unmanaged (listOf nonEmptyStr) ''
        The groups the user is in: all of them; an empty list means none.
      '';
      adopt = types.adopt "user" " The secret is then set to the declared one.";
    };
  }
)
