# Gives a test machine the published SSH host key that its secrets are encrypted to (see
# tests/deploy/keys), and imports agenix.
{
  agenix,
  config,
  lib,
  ...
}:
let
  path = "/etc/ssh/ssh_host_ed25519_key";
  install = ''
    mkdir -p /etc/ssh
    (umask 077; cat ${../../tests/deploy/keys/ssh_host_ed25519_key} > ${path})
  '';
  byUnit = config.systemd.sysusers.enable || config.services.userborn.enable;
in
{
  imports = [ agenix ];

  age.identityPaths = [ path ];
  system.activationScripts = {
    testHostKey = {
      text = install;
      deps = [ "specialfs" ];
    };
  }
  // lib.optionalAttrs (!byUnit) { agenixInstall.deps = [ "testHostKey" ]; };
}
