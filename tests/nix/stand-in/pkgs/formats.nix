# pkgs.formats: a type for settings and a function that writes them.
{ lib, runCommand }:
let
  value =
    lib.types.nullOr (
      lib.types.oneOf [
        lib.types.bool
        lib.types.int
        lib.types.float
        lib.types.str
        lib.types.path
        (lib.types.attrsOf value)
        (lib.types.listOf value)
      ]
    )
    // {
      description = "JSON value";
    };

  written =
    name: settings: script:
    runCommand name {
      settings = builtins.toJSON settings;
      passAsFile = [ "settings" ];
    } script;
in
{
  json = _: {
    type = value;
    generate = name: settings: written name settings ''python3 -m json.tool "$settingsPath" > "$out"'';
  };
  # Tables of strings, numbers, booleans and lists of these, which suffice for profiles.
  toml = _: {
    type = lib.types.attrsOf value;
    generate = name: settings: written name settings ''python3 ${./toml.py} "$settingsPath" > "$out"'';
  };
}
