# Conversion of MinIO's settings.
{ lib }:
rec {
  type = lib.types.oneOf [
    lib.types.bool
    lib.types.int
    lib.types.singleLineStr
  ];
  # The notation that MinIO parses.
  text = value: if lib.isBool value then (if value then "on" else "off") else toString value;
  # The notation in a unit's environment, where a percent sign would start a specifier of systemd.
  literal = value: lib.replaceStrings [ "%" ] [ "%%" ] (text value);
  # Whether a URL contains a password.
  hasPassword = value: builtins.match ".*://[^/@]*:[^/@]+@.*" (text value) != null;
}
