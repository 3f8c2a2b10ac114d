# Objects of a bucket are encrypted, and a webhook receives its events.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (config.services.lakewright) server;
in
{
  imports = [ ../lake.nix ];

  services.lakewright = {
    age.kmsKey = ../../../secrets/minio-kms-key.age;
    server.notificationTargets.arrivals = {
      kind = "webhook";
      # A percent sign must also be preserved in the unit.
      settings.endpoint = "http://127.0.0.1:8080/lake%2Fevents";
      secretFiles.auth_token = "/var/lib/receiver/token";
      queueDir = "/var/lib/minio/events";
    };
    client.stacks.lake.buckets.raw = {
      encryption = "sse_s3";
      notifications = [
        {
          id = "arrivals";
          inherit (server.notificationTargets.arrivals) arn;
          events = [ "s3:ObjectCreated:*" ];
          prefix = "in/";
        }
      ];
    };
  };

  systemd.tmpfiles.rules = [ "f /var/lib/receiver/token 0400 root root - let-me-in" ];
  systemd.services.receiver = {
    wantedBy = [ "multi-user.target" ];
    before = [ "lakewright-server.service" ];
    serviceConfig.ExecStart = "${lib.getExe' pkgs.python3 "python3"} ${../programs/receiver.py} /var/lib/receiver/events";
  };
}
