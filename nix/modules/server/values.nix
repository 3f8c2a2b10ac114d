# Values of MinIO's settings.
{ lib }:
rec {
  # As MinIO reads them.
  text = value: if lib.isBool value then (if value then "on" else "off") else toString value;
  # As they stand in a unit's environment, where systemd takes a percent sign for a specifier.
  literal = value: lib.replaceStrings [ "%" ] [ "%%" ] (text value);
  # An address with a password in it.
  hasPassword = value: builtins.match ".*://[^/@]*:[^/@]+@.*" (text value) != null;
}
