# Services that our modules refer to. None of them is built here.
{ lib, ... }:
let
  inherit (lib) mkEnableOption mkOption types;
in
{
  options.services = {
    openssh = {
      enable = mkEnableOption "sshd";
      hostKeys = mkOption {
        type = types.listOf types.attrs;
        default = [
          {
            type = "rsa";
            bits = 4096;
            path = "/etc/ssh/ssh_host_rsa_key";
          }
          {
            type = "ed25519";
            path = "/etc/ssh/ssh_host_ed25519_key";
          }
        ];
      };
    };
    # Names that are needed to adopt its data.
    minio = {
      enable = mkEnableOption "MinIO";
      dataDir = mkOption {
        type = types.listOf (types.either types.path types.str);
        default = [ "/var/lib/minio/data" ];
      };
      listenAddress = mkOption {
        type = types.str;
        default = ":9000";
      };
      consoleAddress = mkOption {
        type = types.str;
        default = ":9001";
      };
      configDir = mkOption {
        type = types.path;
        default = "/var/lib/minio/config";
      };
      rootCredentialsFile = mkOption {
        type = types.nullOr types.path;
        default = null;
      };
      region = mkOption {
        type = types.str;
        default = "us-east-1";
      };
    };
    prometheus = {
      enable = mkEnableOption "Prometheus";
      scrapeConfigs = mkOption {
        type = types.listOf (types.attrsOf types.anything);
        default = [ ];
      };
    };
  };
}
