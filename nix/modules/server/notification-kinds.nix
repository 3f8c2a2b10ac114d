# MinIO's settings of each kind of notification target. Names are those of its environment variables
# in lower case: MINIO_NOTIFY_<variable>_<NAME>_<target>.
#
# `needs`: required settings, without which MinIO does not start. `takes`: optional settings.
# `secrets`: settings that can only be given as files. `files`: files that MinIO reads itself and
# that contain secrets.
{
  amqp = {
    variable = "AMQP";
    needs = [ "url" ];
    takes = [
      "arguments"
      "auto_deleted"
      "delivery_mode"
      "durable"
      "exchange"
      "exchange_type"
      "immediate"
      "internal"
      "mandatory"
      "no_wait"
      "publishing_confirms"
      "routing_key"
    ];
    secrets = [ ];
    files = [ ];
  };
  elasticsearch = {
    variable = "ELASTICSEARCH";
    needs = [
      "format"
      "index"
      "url"
    ];
    takes = [ "username" ];
    secrets = [ "password" ];
    files = [ ];
  };
  kafka = {
    variable = "KAFKA";
    needs = [ "brokers" ];
    takes = [
      "batch_commit_timeout"
      "batch_size"
      "client_tls_cert"
      "producer_compression_codec"
      "producer_compression_level"
      "sasl"
      "sasl_mechanism"
      "sasl_username"
      "tls"
      "tls_client_auth"
      "tls_skip_verify"
      "topic"
      "version"
    ];
    secrets = [ "sasl_password" ];
    files = [ "client_tls_key" ];
  };
  mqtt = {
    variable = "MQTT";
    needs = [
      "broker"
      "topic"
    ];
    takes = [
      "keep_alive_interval"
      "qos"
      "reconnect_interval"
      "username"
    ];
    secrets = [ "password" ];
    files = [ ];
  };
  mysql = {
    variable = "MYSQL";
    needs = [
      "dsn_string"
      "format"
      "table"
    ];
    takes = [ "max_open_connections" ];
    secrets = [ "dsn_string" ];
    files = [ ];
  };
  nats = {
    variable = "NATS";
    needs = [
      "address"
      "subject"
    ];
    takes = [
      "cert_authority"
      "client_cert"
      "jetstream"
      "ping_interval"
      "streaming"
      "streaming_async"
      "streaming_cluster_id"
      "streaming_max_pub_acks_in_flight"
      "tls"
      "tls_handshake_first"
      "tls_skip_verify"
      "username"
    ];
    secrets = [
      "password"
      "token"
    ];
    files = [
      "client_key"
      "nkey_seed"
      "user_credentials"
    ];
  };
  nsq = {
    variable = "NSQ";
    needs = [
      "nsqd_address"
      "topic"
    ];
    takes = [
      "tls"
      "tls_skip_verify"
    ];
    secrets = [ ];
    files = [ ];
  };
  postgresql = {
    variable = "POSTGRES";
    needs = [
      "connection_string"
      "format"
      "table"
    ];
    takes = [ "max_open_connections" ];
    secrets = [ "connection_string" ];
    files = [ ];
  };
  redis = {
    variable = "REDIS";
    needs = [
      "address"
      "format"
      "key"
    ];
    takes = [ "user" ];
    secrets = [ "password" ];
    files = [ ];
  };
  webhook = {
    variable = "WEBHOOK";
    needs = [ "endpoint" ];
    takes = [ "client_cert" ];
    secrets = [ "auth_token" ];
    files = [ "client_key" ];
  };
}
