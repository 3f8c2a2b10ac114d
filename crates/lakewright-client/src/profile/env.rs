//! The environment variables that lakewright reads.

/// An environment variable and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// The name.
    pub name: &'static str,
    /// The meaning, for display.
    pub meaning: &'static str,
}

/// Defines a constant for each variable, and the list of all. Some are read by other crates only.
macro_rules! environment {
    ($($constant:ident = $name:literal: $meaning:literal;)*) => {
        $(#[allow(dead_code)] pub(crate) const $constant: &str = $name;)*

        /// All environment variables that lakewright reads.
        pub const ENVIRONMENT: &[EnvironmentVariable] =
            &[$(EnvironmentVariable { name: $name, meaning: $meaning }),*];
    };
}

environment! {
    PROFILE = "LAKEWRIGHT_PROFILE": "name of the profile in profiles.toml that the other variables refine";
    PROFILES_FILE = "LAKEWRIGHT_PROFILES_FILE": "the profile file to read instead of the user's and the system's";
    ENDPOINT = "LAKEWRIGHT_ENDPOINT": "http(s)://host:port of the server, or embedded:DIR";
    REGION = "LAKEWRIGHT_REGION": "region that requests are signed for";
    ACCESS_KEY_ID = "LAKEWRIGHT_ACCESS_KEY_ID": "access key id";
    ACCESS_KEY_ID_FILE = "LAKEWRIGHT_ACCESS_KEY_ID_FILE": "file that holds the access key id";
    SECRET_ACCESS_KEY = "LAKEWRIGHT_SECRET_ACCESS_KEY": "secret access key";
    SECRET_ACCESS_KEY_FILE = "LAKEWRIGHT_SECRET_ACCESS_KEY_FILE": "file that holds the secret access key";
    SESSION_TOKEN = "LAKEWRIGHT_SESSION_TOKEN": "token of temporary credentials";
    SESSION_TOKEN_FILE = "LAKEWRIGHT_SESSION_TOKEN_FILE": "file that holds the token";
    REGISTRY_KEY = "LAKEWRIGHT_REGISTRY_KEY": "key that the entries of the registry are sealed with";
    REGISTRY_KEY_FILE = "LAKEWRIGHT_REGISTRY_KEY_FILE": "file that holds the registry key";
    ANONYMOUS = "LAKEWRIGHT_ANONYMOUS": "true: requests are not signed";
    INSTANCE_METADATA = "LAKEWRIGHT_INSTANCE_METADATA": "true: ask the cloud machine's metadata service for credentials";
    VIRTUAL_HOST_STYLE = "LAKEWRIGHT_VIRTUAL_HOST_STYLE": "true: the bucket stands in the host name";
    CA_FILE = "LAKEWRIGHT_CA_FILE": "PEM file of certificates to trust besides the system's";
    CONNECT_TIMEOUT = "LAKEWRIGHT_CONNECT_TIMEOUT": "seconds a connection may take to come up";
    READ_TIMEOUT = "LAKEWRIGHT_READ_TIMEOUT": "seconds the server may be silent";
    TIMEOUT = "LAKEWRIGHT_TIMEOUT": "seconds one request with its retries may take";
    RETRIES = "LAKEWRIGHT_RETRIES": "how often a failed request is sent again";
    CONCURRENCY = "LAKEWRIGHT_CONCURRENCY": "how many requests one transfer keeps under way";
    CHECKSUMS = "LAKEWRIGHT_CHECKSUMS": "false: uploads carry no CRC32C";
    PAYLOAD_SIGNING = "LAKEWRIGHT_PAYLOAD_SIGNING": "true, false: bodies are, are not part of signatures; by default on plain HTTP to another machine";
    LOG = "LAKEWRIGHT_LOG": "what the command logs on standard error, as a tracing filter such as lakewright=debug";
    AWS_PROFILE = "AWS_PROFILE": "profile of the shared AWS files";
    AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3": "endpoint of S3, before AWS_ENDPOINT_URL";
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL": "endpoint of every AWS service";
    AWS_REGION = "AWS_REGION": "region, before AWS_DEFAULT_REGION";
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION": "region";
    AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID": "access key id";
    AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY": "secret access key";
    AWS_SESSION_TOKEN = "AWS_SESSION_TOKEN": "token of temporary credentials";
    AWS_CA_BUNDLE = "AWS_CA_BUNDLE": "PEM file of certificates to trust besides the system's";
    AWS_CONFIG_FILE = "AWS_CONFIG_FILE": "the shared config file, ~/.aws/config by default";
    AWS_SHARED_CREDENTIALS_FILE = "AWS_SHARED_CREDENTIALS_FILE": "the shared credentials file, ~/.aws/credentials by default";
    CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY": "set by systemd: where a profile's { credential = \"NAME\" } is read";
    XDG_CONFIG_HOME = "XDG_CONFIG_HOME": "absolute path where lakewright/profiles.toml is looked for, ~/.config by default";
    HOME = "HOME": "where ~ is; without an absolute path neither ~/.aws nor ~/.config is read";
}
