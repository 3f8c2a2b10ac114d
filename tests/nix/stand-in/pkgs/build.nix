# Stand-ins for nixpkgs' trivial builders, as far as modules use them.
{ lib, system }:
let
  bash = "/bin/bash";

  runCommand =
    name: attrs: script:
    derivationOf name (removeAttrs attrs [
      "meta"
      "passthru"
    ]) script (attrs.meta or { }) (attrs.passthru or { });

  derivationOf =
    name: env: script: meta: passthru:
    let
      drv = derivation (
        env
        // {
          inherit name system script;
          passAsFile = [ "script" ] ++ env.passAsFile or [ ];
          builder = bash;
          args = [
            "-c"
            "export PATH=/usr/local/bin:/usr/bin:/bin; set -euo pipefail; source \"$scriptPath\""
          ];
        }
      );
    in
    drv
    // passthru
    // {
      inherit meta name;
      overrideAttrs = _: throw "the stand-in has no overrideAttrs";
    };

  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
      checkPhase ? "",
      meta ? { },
    }:
    runCommand name
      {
        inherit text meta;
        passAsFile = [ "text" ];
      }
      ''
        target=$out${lib.escapeShellArg destination}
        mkdir -p "$(dirname "$target")"
        cp "$textPath" "$target"
        ${lib.optionalString executable ''chmod +x "$target"''}
        ${checkPhase}
      '';

  bashCheck = ''${bash} -n "$target"'';
in
{
  inherit runCommand writeTextFile;
  runCommandLocal = runCommand;
  runtimeShell = bash;

  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    writeTextFile {
      name = baseNameOf path;
      inherit text;
      destination = "/${path}";
    };
  writeScript =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
      meta.mainProgram = name;
    };
  writeShellScript =
    name: text:
    writeTextFile {
      inherit name;
      text = "#!${bash}\n${text}\n";
      executable = true;
      checkPhase = bashCheck;
    };
  writeShellScriptBin =
    name: text:
    writeTextFile {
      inherit name;
      text = "#!${bash}\n${text}\n";
      executable = true;
      destination = "/bin/${name}";
      checkPhase = bashCheck;
      meta.mainProgram = name;
    };
  # As nixpkgs' builder, this runs shellcheck, if the machine has it.
  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? { },
      excludeShellChecks ? [ ],
      meta ? { },
      inheritPath ? true,
      bashOptions ? [
        "errexit"
        "nounset"
        "pipefail"
      ],
    }:
    writeTextFile {
      inherit name;
      text = lib.concatStringsSep "\n" (
        [ "#!${bash}" ]
        ++ map (option: "set -o ${option}") bashOptions
        ++ lib.mapAttrsToList (key: value: "${lib.toShellVar key value}\nexport ${key}") runtimeEnv
        ++ lib.optional (
          runtimeInputs != [ ] || !inheritPath
        ) ''export PATH="${lib.makeBinPath runtimeInputs}${lib.optionalString inheritPath ":$PATH"}"''
        ++ [
          text
          ""
        ]
      );
      executable = true;
      destination = "/bin/${name}";
      checkPhase = ''
        ${bashCheck}
        if command -v shellcheck >/dev/null; then
          shellcheck ${
            lib.optionalString (
              excludeShellChecks != [ ]
            ) "--exclude ${lib.concatStringsSep "," excludeShellChecks}"
          } "$target"
        fi
      '';
      meta = {
        mainProgram = name;
      }
      // meta;
    };

  # A tree of links to all files of `paths`; the first of several wins.
  symlinkJoin =
    {
      name,
      paths,
      meta ? { },
      postBuild ? "",
    }:
    runCommand name { inherit meta; } ''
      mkdir -p "$out"
      for path in ${toString paths}; do
        cp --recursive --symbolic-link --no-clobber --no-preserve=mode "$path"/. "$out"/
      done
      ${postBuild}
    '';
  linkFarm =
    name: entries:
    runCommand name { } (
      ''
        mkdir -p "$out"; cd "$out"
      ''
      +
        lib.concatMapStrings
          (entry: ''
            mkdir -p "$(dirname ${lib.escapeShellArg entry.name})"
            ln -s ${lib.escapeShellArg "${entry.path}"} ${lib.escapeShellArg entry.name}
          '')
          (
            if lib.isAttrs entries then
              lib.mapAttrsToList (name: path: { inherit name path; }) entries
            else
              entries
          )
    );
}
