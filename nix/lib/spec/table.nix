{ lib, types }:
let
  inherit (lib) mkOption;
  inherit (lib.types)
    attrsOf
    bool
    either
    listOf
    nonEmptyStr
    str
    submodule
    ;
  inherit (types) unmanaged;

  column = submodule {
    options = {
      name = mkOption {
        type = nonEmptyStr;
        description = "Its name. Delta does not tell names apart that differ in case only.";
      };
      type = mkOption {
        type = nonEmptyStr;
        description = "Delta's name of its type.";
        example = "long";
      };
      nullable = mkOption {
        type = bool;
        default = true;
        description = "Whether values may be missing.";
      };
    };
  };
in
submodule {
  options = {
    schema = mkOption {
      type = either (attrsOf nonEmptyStr) (listOf column);
      description = ''
        Its columns: a list, or names with Delta's names of types, which come in alphabetical order
        because Nix keeps no other. Columns that are added here later are added to the table;
        everything else about columns cannot be changed afterwards.
      '';
      example = {
        day = "date";
        delay = "double";
      };
    };
    partitionBy = unmanaged (listOf str) ''
      The columns that files are divided by, outermost first. They cannot be changed afterwards.
    '';
    properties = unmanaged (attrsOf str) ''
      Table properties, such as `"delta.appendOnly"`. Properties that are not named here are not
      managed.
    '';
    constraints = unmanaged (attrsOf str) ''
      Conditions in SQL that every row must meet, by their names. Constraints that are not named
      here are not managed.
    '';
    forceDestroy = mkOption {
      type = bool;
      default = false;
      description = ''
        The table may be dropped although it has rows when it is no longer declared and `prune` is
        `"delete"`. It counts once it was applied.
      '';
    };
    adopt = types.adopt "table" "";
  };
}
