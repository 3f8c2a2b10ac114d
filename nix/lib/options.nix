# The documentation of all options of the modules: in the format of NixOS's documentation, and as
# the page nix/OPTIONS.md.
{ lib }:
let
  inherit
    (lib.evalModules {
      class = "nixos";
      modules = [
        ../modules
        {
          # Only the descriptions of options are evaluated, so the rest of NixOS need not be
          # imported.
          _module.check = false;
          _module.args.pkgs = throw "an option needs defaultText: its default depends on packages";
        }
      ];
    })
    options
    ;
  inherit (options.services) lakewright;

  shown = lib.filter (option: option.visible && !option.internal) (
    lib.optionAttrSetToDocList lakewright
  );

  # GitHub does not render roles such as {option}`networking.hostName`.
  withoutRoles = lib.replaceStrings [
    "{command}"
    "{env}"
    "{file}"
    "{manpage}"
    "{option}"
  ] (lib.genList (_: "") 5);

  code =
    text:
    if lib.hasInfix "\n" text then
      "\n\n  ```nix\n${
        lib.concatMapStrings (line: "  ${line}\n") (lib.splitString "\n" (lib.trim text))
      }  ```"
    else
      " `${text}`";
  value =
    value:
    if value._type or null == "literalMD" then
      " ${withoutRoles (lib.trim value.text)}"
    else
      code value.text;

  line = what: text: "- ${what}:${text}\n";
  entry =
    option:
    ''
      ### `${option.name}`

      ${lib.trim (withoutRoles option.description)}

    ''
    + line "type" " ${option.type}"
    + lib.optionalString (option ? default) (line "default" (value option.default))
    + lib.optionalString (option ? example) (line "example" (value option.example))
    + lib.optionalString option.readOnly "- read-only\n";

  chapter =
    module:
    "## services.lakewright.${module}\n\n"
    + lib.concatMapStringsSep "\n" entry (
      lib.filter (option: lib.hasPrefix "services.lakewright.${module}." option.name) shown
    );
in
{
  options.services = {
    inherit lakewright;
  };

  page = ''
    # Options of the NixOS modules

    Generated from the modules by `scripts/option_docs.sh`; `nix/modules` is the place to edit.

    ${lib.concatMapStringsSep "\n" chapter (lib.attrNames lakewright)}'';
}
