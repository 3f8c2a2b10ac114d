{ lib, config, ... }:
let
  inherit (lib) mkOption types;
  ports = mkOption {
    type = types.listOf types.port;
    default = [ ];
  };
in
{
  options = {
    networking = {
      hostName = mkOption {
        type = types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$";
        default = "nixos";
      };
      domain = mkOption {
        type = types.nullOr types.str;
        default = null;
      };
      fqdn = mkOption {
        type = types.str;
        default =
          if config.networking.domain == null then
            throw "networking.fqdn needs networking.domain"
          else
            "${config.networking.hostName}.${config.networking.domain}";
      };
      fqdnOrHostName = mkOption {
        type = types.str;
        readOnly = true;
        default =
          if config.networking.domain == null then config.networking.hostName else config.networking.fqdn;
      };
      hosts = mkOption {
        type = types.attrsOf (types.listOf types.str);
        default = { };
      };
      useDHCP = mkOption {
        type = types.bool;
        default = true;
      };
      firewall = {
        enable = mkOption {
          type = types.bool;
          default = true;
        };
        allowedTCPPorts = ports;
        allowedUDPPorts = ports;
        interfaces = mkOption {
          default = { };
          type = types.attrsOf (
            types.submodule {
              options.allowedTCPPorts = ports;
              options.allowedUDPPorts = ports;
            }
          );
        };
      };
    };

    security.pki.certificateFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
    };
    security.acme = {
      acceptTerms = mkOption {
        type = types.bool;
        default = false;
      };
      defaults = mkOption {
        type = types.attrsOf types.anything;
        default = { };
      };
      certs = mkOption {
        default = { };
        type = types.attrsOf (
          types.submodule (
            { name, ... }:
            {
              options = {
                domain = mkOption {
                  type = types.str;
                  default = name;
                };
                extraDomainNames = mkOption {
                  type = types.listOf types.str;
                  default = [ ];
                };
                directory = mkOption {
                  type = types.str;
                  readOnly = true;
                  default = "/var/lib/acme/${name}";
                };
                group = mkOption {
                  type = types.str;
                  default = "acme";
                };
                reloadServices = mkOption {
                  type = types.listOf types.str;
                  default = [ ];
                };
                postRun = mkOption {
                  type = types.lines;
                  default = "";
                };
                email = mkOption {
                  type = types.nullOr types.str;
                  default = null;
                };
                webroot = mkOption {
                  type = types.nullOr types.str;
                  default = null;
                };
                listenHTTP = mkOption {
                  type = types.nullOr types.str;
                  default = null;
                };
              };
            }
          )
        );
      };
    };
  };

  config.environment.etc.hosts = lib.mkIf (config.networking.hosts != { }) {
    text = lib.concatLines (
      lib.mapAttrsToList (address: names: "${address} ${toString names}") config.networking.hosts
    );
  };
  config.networking.hosts = {
    "127.0.0.1" = [ "localhost" ];
    "::1" = [ "localhost" ];
    "127.0.0.2" = [ config.networking.fqdnOrHostName ];
  };
  config.environment.etc.hostname.text = "${config.networking.hostName}\n";
}
