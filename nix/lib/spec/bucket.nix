{ lib, types }:
let
  inherit (lib) mkOption;
  inherit (lib.types)
    attrsOf
    bool
    either
    enum
    ints
    listOf
    nullOr
    str
    strMatching
    submodule
    ;
  inherit (types) unmanaged;

  optional =
    type: description:
    mkOption {
      type = nullOr type;
      default = null;
      inherit description;
    };

  objectLock = submodule {
    options = {
      mode = optional (enum [
        "governance"
        "compliance"
      ]) "Who can undo the default retention: who has `s3:BypassGovernanceRetention`, or nobody.";
      days = optional ints.positive "How many days it holds; not together with `years`.";
      years = optional ints.positive "How many years it holds; not together with `days`.";
    };
  };

  storageClass = mkOption {
    type = str;
    description = "A storage class of S3, or the name of a tier of MinIO.";
    example = "GLACIER";
  };

  transition = submodule {
    options = {
      inherit storageClass;
      afterDays = optional ints.unsigned ''
        Days after the creation of an object, 0 for at once; not together with `on`.
      '';
      on = optional day "The day of the move, at midnight UTC; not together with `afterDays`.";
    };
  };

  noncurrentTransition = submodule {
    options = {
      inherit storageClass;
      afterDays = mkOption {
        type = ints.unsigned;
        description = "Days after a version was replaced.";
      };
      newerNoncurrentVersions = optional ints.positive "How many replaced versions stay where they are.";
    };
  };

  day = strMatching "[0-9]{4}-[0-9]{2}-[0-9]{2}";

  lifecycleRule = submodule {
    options = {
      id = mkOption {
        type = strMatching ".{1,255}";
        description = "Its name, by which it is found again; once in a bucket.";
      };
      enabled = optional bool "Whether it is in force; it is where this is null.";
      prefix = optional str "It applies to keys that begin with this; to all where this is null.";
      tags = optional (attrsOf str) "It applies to objects with all of these tags.";
      objectSizeGreaterThan = optional ints.unsigned "It applies to objects of more bytes than this.";
      objectSizeLessThan = optional ints.positive "It applies to objects of fewer bytes than this.";
      expireAfterDays = optional ints.positive "Days after its creation an object expires.";
      expireOn = optional day ''
        The day on which objects expire, at midnight UTC: `"2027-01-01"`.
      '';
      noncurrentExpireAfterDays = optional ints.positive "Days after it was replaced a version is removed.";
      newerNoncurrentVersions = optional ints.positive "How many replaced versions are kept nevertheless.";
      expiredObjectDeleteMarker = mkOption {
        type = bool;
        default = false;
        description = "Delete markers with no versions below them are removed.";
      };
      abortIncompleteAfterDays = optional ints.positive ''
        Days after its start an incomplete multipart upload is removed. MinIO does not have such
        rules and refuses them: its setting `api stale_uploads_expiry` does the same.
      '';
      transitions = optional (listOf transition) "Moves of objects to other storage.";
      noncurrentTransitions = optional (listOf noncurrentTransition) "Moves of replaced versions to other storage.";
    };
  };

  notification = submodule {
    options = {
      id = mkOption {
        type = str;
        description = "Its name, once in a bucket.";
      };
      arn = mkOption {
        type = strMatching "arn:.*";
        description = "The target that the server's operator configured.";
        example = "arn:minio:sqs::PRIMARY:webhook";
      };
      events = mkOption {
        type = listOf (strMatching "s3:.*");
        description = "S3's names of events.";
        example = [ "s3:ObjectCreated:*" ];
      };
      prefix = optional str "Only keys that begin with this.";
      suffix = optional str "Only keys that end with this.";
    };
  };

  encryption = either (enum [ "sse_s3" ]) (submodule {
    options.sseKms = mkOption {
      type = str;
      description = "Key of the server's key management.";
    };
  });

  anonymous =
    let
      level = enum [
        "none"
        "read"
        "write"
        "read_write"
      ];
    in
    either level (attrsOf level);
in
submodule {
  options = {
    versioning = unmanaged (either bool (enum [
      "enabled"
      "suspended"
    ])) "Whether objects keep their old versions.";
    objectLock = unmanaged objectLock ''
      Objects can be locked against deletion; `{ }` is object lock without a default retention. S3
      grants this at creation only, and with it versioning for good.
    '';
    quota = unmanaged types.byteSize ''
      The most bytes the bucket may hold, as a number or like `"10GiB"`. MinIO counts in the
      background and enforces it late.
    '';
    lifecycle = unmanaged (listOf lifecycleRule) ''
      What happens to objects as they age: the whole configuration; an empty list means none.
    '';
    policy = unmanaged types.policyDocument ''
      Who may do what: a policy document as S3 takes it. Not together with `anonymous`.
    '';
    anonymous = unmanaged anonymous ''
      What everybody may do without credentials: one level for the whole bucket, or levels by
      prefix, as in `{ "public/" = "read"; }`. Not together with `policy`.
    '';
    tags = unmanaged (attrsOf str) "The bucket's tags: all of them; an empty set means none.";
    encryption = unmanaged encryption ''
      How new objects are encrypted where a request does not say: `"sse_s3"` with keys that the
      server manages, or `{ sseKms = "key-id"; }`.
    '';
    notifications = unmanaged (listOf notification) ''
      Whom the server tells about changes: all of it; an empty list means nobody.
    '';
    forceDestroy = mkOption {
      type = bool;
      default = false;
      description = ''
        The bucket may be deleted with all objects in it when it is no longer declared and
        `prune` is `"delete"`. It counts once it was applied; without it a bucket with objects in
        it is never deleted.
      '';
    };
    adopt = types.adopt "bucket" "";
  };
}
