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
# The members of a group are declared with the users.
submodule {
  options = {
    policies = unmanaged (listOf nonEmptyStr) ''
      The policies attached to the group: all of them; an empty list means none.
    '';
    enabled = unmanaged bool "Whether its policies count; a new group's do.";
    adopt = types.adopt "group" "";
  };
}
