# The options of one stack: what it declares, how it is applied, and what becomes of it.
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
        What happens to what the stack owns and does not declare any more. `keep` leaves it and
        shows it as drift. `delete` takes it away. Where that is a bucket with objects or a table
        with rows, and the last applied declaration did not say `forceDestroy`, the unit fails
        before it changes anything and says what can be done.

        With `delete` going back to an older generation takes away what a newer one had declared:
        users lose their access, and what said `forceDestroy` its data.
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
          What it does about a difference. `fail`: the unit fails, to be seen in
          `systemctl --failed`. `log`: the journal says what differs. `repair`: the stack is applied
          again, with its `prune`; the choice for a server that other hosts may wipe or restore.
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
      # The text is a file of its own, so that it can be read when it is refused.
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
