# The options of one stack: its resources, how it is applied, and its generated values.
{
  config,
  lib,
  pkgs,
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.lakewright.client;
  spec = import ../../lib/spec { inherit lib; };
  command = import ./command.nix { inherit config lib pkgs; };
in
{ name, config, ... }:
{
  options = spec.stack // {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether units apply the stack and watch it. Switched off, its document is still checked and
        built, and what it owns stays as it is.
      '';
    };

    prune = mkOption {
      type = types.enum [
        "keep"
        "delete"
      ];
      default = "keep";
      description = ''
        How resources are handled that the stack owns and no longer declares. `keep` leaves them and
        shows them as drift. `delete` deletes them. If one is a bucket with objects or a table with
        rows, and its last applied declaration did not set `forceDestroy`, the unit fails before it
        changes anything, with a message that explains the remedies.

        With `delete`, a rollback to an older generation deletes the resources that only the newer
        one declared: users lose their access, and resources with `forceDestroy` their data.
      '';
    };

    drift = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = ''
          Whether a timer compares the server with what is declared
          (`lakewright-drift-NAME.service`).
        '';
      };
      startAt = mkOption {
        type = types.str;
        default = "hourly";
        example = "*:0/15";
        description = "When it compares, as in {manpage}`systemd.time(7)`. What systemd does not understand fails the build.";
      };
      action = mkOption {
        type = types.enum [
          "fail"
          "log"
          "repair"
        ];
        default = "fail";
        description = ''
          The reaction to a difference. `fail`: the unit fails, visible in `systemctl --failed`.
          `log`: the difference is written to the journal. `repair`: the stack is applied again,
          with its `prune`; the choice for a server that other hosts may wipe or restore.
        '';
      };
    };

    specFile = mkOption {
      type = types.package;
      readOnly = true;
      description = ''
        The stack's document, checked by `lakewright-spec` when it is built: a bad declaration fails
        the build. On the host it is {file}`/etc/lakewright/stacks/NAME.json`.
      '';
      # The text is a separate file, so that it can be read when it is refused.
      default =
        let
          written = pkgs.writeText "lakewright-${name}-unchecked.json" (
            builtins.toJSON (spec.document name config)
          );
        in
        pkgs.runCommand "lakewright-${name}.json" { } ''
          ${lib.getExe' cfg.specPackage "lakewright-spec"} check ${written}
          cp ${written} "$out"
        '';
      defaultText = lib.literalMD "built from the declaration";
    };

    planScript = mkOption {
      type = types.package;
      readOnly = true;
      description = ''
        Prints what applying the stack would change on the live server; run it on the host as root.
        It changes nothing.
      '';
      default = command.planScript name config;
      defaultText = lib.literalMD "built from the declaration";
    };
  };
}
