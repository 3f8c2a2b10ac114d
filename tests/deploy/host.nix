# The host of a scenario as tests/deploy boots it. The flake's checks build the same host with
# NixOS's own modules (nix/checks/scenarios.nix).
{ scenario }:
let
  standIn = import ../nix/stand-in { };
in
(standIn.evalHost {
  specialArgs.agenix = <agenix/modules/age.nix>;
  modules = [
    ../../nix/modules
    scenario
    { networking.hostName = standIn.lib.mkDefault "machine"; }
  ];
}).toplevel
