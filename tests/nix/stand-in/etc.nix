# /etc: a tree of links in the store, and the script that updates /etc from it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  files = lib.filter (file: file.enable) (lib.attrValues config.environment.etc);

  tree = pkgs.runCommand "etc" { } (
    ''
      mkdir -p "$out"
    ''
    + lib.concatMapStrings (
      file:
      let
        target = lib.escapeShellArg file.target;
      in
      ''
        mkdir -p "$(dirname "$out"/${target})"
        ln -s ${lib.escapeShellArg "${file.source}"} "$out"/${target}
      ''
      + lib.optionalString (file.mode != "symlink") ''
        echo ${lib.escapeShellArg file.mode} > "$out"/${target}.mode
        echo ${
          if file.user == "+0" then toString file.uid else lib.escapeShellArg file.user
        } > "$out"/${target}.uid
        echo ${
          if file.group == "+0" then toString file.gid else lib.escapeShellArg file.group
        } > "$out"/${target}.gid
      ''
    ) files
  );
in
{
  # A text is converted to a source.
  options.environment.etc = lib.mkOption {
    type = lib.types.attrsOf (
      lib.types.submodule (
        { name, config, ... }:
        {
          config.source = lib.mkIf (config.text != null) (
            lib.mkDerivedConfig {
              isDefined = true;
              value = config.text;
              highestPrio = lib.modules.defaultOverridePriority;
            } (pkgs.writeText "etc-${lib.strings.sanitizeDerivationName (baseNameOf name)}")
          );
        }
      )
    );
  };

  config = {
    system.build.etc = tree;
    system.activationScripts.etc = {
      text = "/usr/bin/python3 ${./etc.py} ${tree}";
      deps = [
        "users"
        "groups"
      ];
    };
    environment.etc."set-environment".text = lib.concatLines (
      lib.mapAttrsToList (name: value: "export ${lib.toShellVar name value}") (
        config.environment.variables // config.environment.sessionVariables
      )
      # Debian's own directories are not included, because NixOS has only the packages that a host
      # declares.
      ++ [ ''export PATH="/run/wrappers/bin:/run/current-system/sw/bin"'' ]
    );
    environment.etc."profile.d/nixos-environment.sh".text = ". /etc/set-environment\n";
  };
}
