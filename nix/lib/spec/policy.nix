{ lib, types }:
let
  inherit (lib) mkOption;
  inherit (lib.types) listOf nullOr submodule;
in
submodule {
  options = {
    document = mkOption {
      type = nullOr types.policyDocument;
      default = null;
      description = "The document as MinIO takes it. Either this or `grants`.";
    };
    grants = mkOption {
      type = nullOr (listOf types.grant);
      default = null;
      description = "The allowed access per bucket. Either this or `document`.";
    };
    adopt = types.adopt "policy" "";
  };
}
