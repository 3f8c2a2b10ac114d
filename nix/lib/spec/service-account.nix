{ lib, types }:
let
  inherit (lib) mkOption;
  inherit (lib.types)
    listOf
    nonEmptyStr
    nullOr
    str
    strMatching
    submodule
    ;

  optional =
    type: description:
    mkOption {
      type = nullOr type;
      default = null;
      inherit description;
    };
in
submodule (
  { name, config, ... }:
  {
    # The credential is named after the access key, which is unique on a server: two stacks may use
    # the same name for an account.
    options = types.secretOptions "service-account" config.accessKey // {
      accessKey = mkOption {
        type = strMatching ".{3,20}";
        default = name;
        defaultText = lib.literalMD "the name of the entry";
        description = "Its access key: 3 to 20 characters. It cannot be changed afterwards.";
      };
      owner = optional nonEmptyStr ''
        The user that it acts for: one that the same stack declares, or, where this is null,
        whoever applies the document. It cannot be changed afterwards.
      '';
      policy = optional types.policyDocument ''
        What it may do of what its owner may: a document of at most 2,048 characters. Not together
        with `grants`; where neither is said, all that its owner may.
      '';
      grants = optional (listOf types.grant) "The same as grants. Not together with `policy`.";
      description = optional str "A description for people: at most 256 bytes.";
      expires = optional str ''When it ends: `"2027-01-01T00:00:00Z"`.'';
      adopt = types.adopt "service account" " Its secret is then set to the declared one.";
    };
  }
)
