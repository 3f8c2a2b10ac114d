# Parsing of server URLs.
{ lib }:
rec {
  # URLs without user and path: `https://name:port`. They contain no character that is special to a
  # shell or to systemd.
  type = lib.types.strMatching pattern // {
    description = "URL of a server (http:// or https://, a name or address, perhaps a port)";
  };
  pattern = "(https?)://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(:([0-9]+))?/?";

  # Returns the scheme, the host in lower case, and the port as text, which may be implied. Null for
  # an invalid URL.
  parse =
    url:
    let
      parts = builtins.match pattern url;
      at = lib.elemAt parts;
    in
    if parts == null then
      null
    else
      {
        scheme = at 0;
        host = lib.toLower (at 1);
        port =
          if at 3 != null then
            at 3
          else if at 0 == "https" then
            "443"
          else
            "80";
      };

  isLoopback =
    host: host == "localhost" || host == "[::1]" || builtins.match "127(\\.[0-9]+){1,3}" host != null;
}
