# Gives a machine of a test the SSH host key that its secrets are encrypted to. Everybody has this
# key: see tests/deploy/keys. And agenix, which a host without this file has not.
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
