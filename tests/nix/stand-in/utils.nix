# The part of nixpkgs' `utils` that modules use.
{ lib }:
let
  # systemd.unit(5), "string escaping for inclusion in unit names".
  plain = lib.stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
  hex =
    char:
    "\\x${lib.toLower (lib.fixedWidthString 2 "0" (lib.toHexString (lib.strings.charToInt char)))}";
  escape =
    text:
    lib.concatImapStrings (
      position: char:
      if char == "/" then
        "-"
      else if lib.elem char plain && !(position == 1 && char == ".") then
        char
      else
        hex char
    ) (lib.stringToCharacters text);
in
{
  escapeSystemdPath =
    path:
    let
      trimmed = lib.concatStringsSep "/" (
        lib.filter (part: part != "") (lib.splitString "/" (toString path))
      );
    in
    if trimmed == "" then "-" else escape trimmed;

  # One argument of ExecStart: quoted, with systemd's specifiers and variables escaped.
  escapeSystemdExecArg =
    arg:
    lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (
      builtins.toJSON (if builtins.isString arg then arg else toString arg)
    );
  escapeSystemdExecArgs =
    args:
    lib.concatMapStringsSep " " (
      arg: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON (toString arg))
    ) args;
}
