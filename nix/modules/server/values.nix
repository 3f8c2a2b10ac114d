# Values of MinIO's settings.
{ lib }:
rec {
  type = lib.types.oneOf [
    lib.types.bool
    lib.types.int
    lib.types.singleLineStr
  ];
  # As MinIO reads them.
  text = value: if lib.isBool value then (if value then "on" else "off") else toString value;
  # As they stand in a unit's environment, where systemd takes a percent sign for a specifier.
  literal = value: lib.replaceStrings [ "%" ] [ "%%" ] (text value);
  # An address with a password in it.
  hasPassword = value: builtins.match ".*://[^/@]*:[^/@]+@.*" (text value) != null;
}
