# Every field of a spec, on a remote server.
{
  networking.hostName = "client";

  services.lakewright.client = {
    enable = true;
    endpoint = "https://s3.example.org";
    region = "eu-central-1";
    credentials = {
      accessKeyIdFile = "/run/secrets/admin-user";
      secretAccessKeyFile = "/run/secrets/admin-password";
    };
    foreignBuckets = [ "archive" ];

    stacks.lake = {
      registry = "lake-state";
      buckets = {
        raw = {
          versioning = true;
          quota = "10GiB";
          tags.costCentre = "data";
          lifecycle = [
            {
              id = "tmp";
              enabled = true;
              prefix = "tmp/";
              tags.temporary = "yes";
              expireAfterDays = 7;
              noncurrentExpireAfterDays = 3;
              newerNoncurrentVersions = 2;
            }
            {
              id = "end";
              expireOn = "2030-01-01";
            }
            {
              id = "markers";
              expiredObjectDeleteMarker = true;
            }
            {
              id = "cold";
              objectSizeGreaterThan = 1000;
              objectSizeLessThan = 1000000;
              abortIncompleteAfterDays = 2;
              transitions = [
                {
                  storageClass = "COLD";
                  afterDays = 30;
                }
                {
                  storageClass = "FROZEN";
                  on = "2031-01-01";
                }
              ];
              noncurrentTransitions = [
                {
                  storageClass = "COLD";
                  afterDays = 1;
                  newerNoncurrentVersions = 3;
                }
              ];
            }
          ];
          encryption = "sse_s3";
          notifications = [
            {
              id = "arrivals";
              arn = "arn:minio:sqs::PRIMARY:webhook";
              events = [ "s3:ObjectCreated:*" ];
              prefix = "in/";
              suffix = ".csv";
            }
          ];
          adopt = true;
        };
        audit = {
          objectLock = {
            mode = "governance";
            days = 30;
          };
          encryption.sseKms = "audit-key";
          policy = {
            Id = "audit";
            Statement = [
              {
                Effect = "Allow";
                Principal = "*";
                Action = [ "s3:GetObject" ];
                Resource = [ "arn:aws:s3:::audit/*" ];
              }
            ];
          };
        };
        vault.objectLock = {
          mode = "compliance";
          years = 1;
        };
        public = {
          versioning = "suspended";
          quota = 500000000;
          anonymous."Photos/" = "read";
          forceDestroy = true;
        };
      };
      tables = {
        "raw/flights" = {
          schema = [
            {
              name = "day";
              type = "date";
              nullable = false;
            }
            {
              name = "flightNumber";
              type = "string";
            }
          ];
          partitionBy = [ "day" ];
          properties."delta.appendOnly" = "true";
          constraints.has_number = "length(flightNumber) > 0";
          adopt = true;
        };
        "archive/carriers" = {
          schema.carrierName = "string";
          forceDestroy = true;
        };
      };
      policies = {
        raw-writer.grants = [
          {
            access = "read_write";
            bucket = "raw";
            prefix = "in/";
          }
          {
            access = "read";
            bucket = "archive";
          }
        ];
        lister.document = {
          Id = "lister";
          Statement = [
            {
              Effect = "Allow";
              Action = [ "s3:ListAllMyBuckets" ];
              Resource = [ "arn:aws:s3:::*" ];
            }
          ];
        };
      };
      groups.analysts = {
        policies = [
          "raw-writer"
          "readonly"
        ];
        enabled = true;
      };
      users = {
        etl = {
          secretFile = "/run/secrets/etl";
          enabled = true;
          policies = [ "raw-writer" ];
          groups = [ "analysts" ];
          adopt = true;
        };
        "jo@example.org" = {
          secretFile = "/run/secrets/jo";
          policies = [ ];
        };
      };
      serviceAccounts = {
        ingest = {
          secretFile = "/run/secrets/ingest";
          owner = "etl";
          grants = [
            {
              access = "write";
              bucket = "raw";
              prefix = "in/";
            }
          ];
          description = "the ingest job";
          expires = "2030-01-01T00:00:00Z";
        };
        reader = {
          secretFile = "/run/secrets/reader";
          accessKey = "reader-key";
          policy = {
            Id = "reader";
            Statement = [
              {
                Effect = "Allow";
                Action = [ "s3:GetObject" ];
                Resource = [ "arn:aws:s3:::raw/*" ];
              }
            ];
          };
        };
      };
    };
  };
}
