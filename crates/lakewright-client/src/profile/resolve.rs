//! The resolution of settings: the layers, their order, and the origin of each value.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::profile::ProfileSet;
use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use zeroize::Zeroizing;

use super::settings::{SettingValue, Settings, duration};
use super::{Credentials, Profile, UrlStyle, aws_files, env, file};

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An argument of the call.
    Argument,
    /// A profile of `profiles.toml`.
    Profile {
        /// The name of the profile.
        name: String,
        /// The file that contains the profile.
        file: PathBuf,
    },
    /// An environment variable.
    Environment(&'static str),
    /// A profile of the shared AWS files.
    AwsFiles {
        /// The name of the profile.
        profile: String,
    },
    /// The default, because no layer has a value.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("argument"),
            Self::Profile { name, file } => write!(f, "profile {name} in {}", file.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::AwsFiles { profile } => write!(f, "AWS profile {profile}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A profile file whose secrets every user of the machine can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedSecrets {
    /// The path of the file.
    pub file: PathBuf,
    /// The permissions of the file.
    pub mode: u32,
}

impl fmt::Display for ExposedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "every user can read the secrets in {} (mode {:04o}): chmod 600 it, or write {{ file = … }} \
             instead of a secret",
            self.file.display(),
            self.mode
        )
    }
}

/// The environment variables of the process, read once so that a resolution is consistent. They may
/// hold secrets, so they are overwritten when they are dropped and are never printed.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    vars: HashMap<String, Zeroizing<String>>,
}

impl Surroundings {
    /// Returns the environment of the process.
    pub(super) fn here() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, Zeroizing::new(value.into_string().ok()?)))
            })
            .collect();
        Self { vars }
    }

    /// Returns the value of a variable; `None` if it is unset or empty.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns the directory that a variable names; `None` if it is no absolute path. A relative one
    /// would be a folder of the current folder, which may belong to another user.
    pub(super) fn directory(&self, name: &str) -> Option<&Path> {
        self.var(name).map(Path::new).filter(|path| path.is_absolute())
    }

    /// Returns the variables by which the SDK finds the shared AWS files.
    fn locations(&self) -> HashMap<String, String> {
        [env::HOME, env::AWS_CONFIG_FILE, env::AWS_SHARED_CREDENTIALS_FILE]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.var(name)?.to_owned())))
            .collect()
    }

    /// Returns the home directory; `None` if it is not known.
    pub(super) fn home(&self) -> Option<&Path> {
        self.directory(env::HOME)
    }

    fn parsed<T>(
        &self,
        name: &str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.var(name) else { return Ok(None) };
        parse(text.trim()).map(Some).ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, format!("${name} is {text:?}, which is no {what}"))
        })
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.parsed(name, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => None,
        })
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.parsed(name, "time in seconds", |text| duration(text.parse().ok()?).ok())
    }

    /// Returns the value of `name`, or a reference to the file that `file` names. It is an error if
    /// both are set.
    fn secret(&self, name: &'static str, file: &'static str) -> Result<Option<SettingValue>> {
        match (self.var(name), self.var(file)) {
            (Some(_), Some(_)) => Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("${name} and ${file} are both set; keep one"),
            )),
            (Some(text), None) => Ok(Some(SettingValue::Literal(Secret::new(text)))),
            (None, Some(path)) => Ok(Some(SettingValue::Reference(SecretRef::File(path.into())))),
            (None, None) => Ok(None),
        }
    }
}

/// The settings of one layer, with their origin.
struct Layer {
    settings: Settings,
    origin: Origin,
    /// The environment variables that the fields come from, by field.
    variables: BTreeMap<&'static str, &'static str>,
}

impl Layer {
    fn new(settings: Settings, origin: Origin) -> Self {
        Self { settings, origin, variables: BTreeMap::new() }
    }

    fn origin(&self, field: &str) -> Origin {
        match self.variables.get(field) {
            Some(variable) => Origin::Environment(variable),
            None => self.origin.clone(),
        }
    }

    /// Whether the layer has a field of the credentials. All of them are taken from one layer.
    fn has_credentials(&self) -> bool {
        let s = &self.settings;
        s.access_key_id.is_some()
            || s.secret_access_key.is_some()
            || s.session_token.is_some()
            || s.aws_profile.is_some()
            || s.anonymous == Some(true)
            || s.instance_metadata == Some(true)
    }
}

/// The merged settings of all layers, with the origin of each value.
#[derive(Clone, Debug)]
pub struct Resolved {
    settings: Settings,
    origins: BTreeMap<&'static str, Origin>,
}

impl Settings {
    /// Merges all layers, in this order: these settings, the profile that they name,
    /// `LAKEWRIGHT_*`, the profile that `LAKEWRIGHT_PROFILE` names, `AWS_*`, the shared AWS files,
    /// the default profile. Each value is that of the first layer that has one; access key, secret
    /// key and token come from one layer together.
    ///
    /// # Errors
    /// `InvalidConfig` for a file or variable that cannot be parsed, and for a named profile that
    /// does not exist.
    pub async fn resolve(self) -> Result<Resolved> {
        let resolved = resolve(self, &Surroundings::here()).await;
        let resolved = resolved.map_err(|error| error.during("resolve_profile"))?;
        if let Some(exposed) = resolved.exposed_secrets() {
            warn_once(&exposed);
        }
        Ok(resolved)
    }
}

/// Logs a warning, once for each file in the life of the process: programs may connect often.
fn warn_once(exposed: &ExposedSecrets) {
    static WARNED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if WARNED.lock().unwrap_or_else(PoisonError::into_inner).insert(exposed.file.clone()) {
        tracing::warn!("{exposed}");
    }
}

/// Returns the names of all profiles in the `profiles.toml` files, with the file of each.
///
/// # Errors
/// `InvalidConfig` if a file cannot be read or parsed.
pub fn profile_names() -> Result<Vec<(String, PathBuf)>> {
    let profiles = file::load(&Surroundings::here())?;
    Ok(profiles.into_iter().map(|(name, (path, _))| (name, path)).collect())
}

async fn resolve(arguments: Settings, around: &Surroundings) -> Result<Resolved> {
    let mut files = file::load(around)?;
    let mut take = |name: &str| match files.remove(name) {
        Some((file, settings)) => {
            Ok(Layer::new(settings, Origin::Profile { name: name.to_owned(), file }))
        }
        None => Err(Error::new(
            ErrorKind::InvalidConfig,
            format!(
                "there is no profile {name:?} in {}",
                file::paths(around)
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect::<Vec<_>>()
                    .join(" or ")
            ),
        )),
    };

    let named = arguments.profile.clone();
    let mut layers = vec![Layer::new(arguments, Origin::Argument)];
    if let Some(name) = &named {
        layers.push(take(name)?);
    }
    layers.push(lakewright_variables(around)?);
    if let (None, Some(name)) = (&named, around.var(env::PROFILE)) {
        layers.push(take(name)?);
    }
    layers.push(aws_variables(around));
    let aws_profile = layers.iter().find_map(|layer| layer.settings.aws_profile.clone());
    layers.extend(aws_layer(around, aws_profile).await?);
    layers.extend(take("default").ok());
    Ok(merge(layers))
}

fn merge(layers: Vec<Layer>) -> Resolved {
    let mut settings = Settings::default();
    let mut origins = BTreeMap::new();
    macro_rules! first {
        ($($field:ident),*) => {$(
            if let Some(layer) = layers.iter().find(|layer| layer.settings.$field.is_some()) {
                settings.$field = layer.settings.$field.clone();
                origins.insert(stringify!($field), layer.origin(stringify!($field)));
            }
        )*};
    }
    first!(
        endpoint,
        region,
        registry_key,
        virtual_host_style,
        ca_file,
        connect_timeout,
        read_timeout,
        timeout,
        retries,
        concurrency,
        checksums,
        payload_signing
    );
    if let Some(layer) = layers.iter().find(|layer| layer.has_credentials()) {
        macro_rules! together {
            ($($field:ident),*) => {$(
                settings.$field = layer.settings.$field.clone();
                if settings.$field.is_some() {
                    origins.insert(stringify!($field), layer.origin(stringify!($field)));
                }
            )*};
        }
        together!(
            access_key_id,
            secret_access_key,
            session_token,
            anonymous,
            aws_profile,
            instance_metadata
        );
    }
    Resolved { settings, origins }
}

fn lakewright_variables(around: &Surroundings) -> Result<Layer> {
    let mut variables = BTreeMap::from([
        ("endpoint", env::ENDPOINT),
        ("region", env::REGION),
        ("access_key_id", env::ACCESS_KEY_ID),
        ("secret_access_key", env::SECRET_ACCESS_KEY),
        ("session_token", env::SESSION_TOKEN),
        ("registry_key", env::REGISTRY_KEY),
        ("anonymous", env::ANONYMOUS),
        ("instance_metadata", env::INSTANCE_METADATA),
        ("virtual_host_style", env::VIRTUAL_HOST_STYLE),
        ("ca_file", env::CA_FILE),
        ("connect_timeout", env::CONNECT_TIMEOUT),
        ("read_timeout", env::READ_TIMEOUT),
        ("timeout", env::TIMEOUT),
        ("retries", env::RETRIES),
        ("concurrency", env::CONCURRENCY),
        ("checksums", env::CHECKSUMS),
        ("payload_signing", env::PAYLOAD_SIGNING),
    ]);
    for (field, file) in [
        ("access_key_id", env::ACCESS_KEY_ID_FILE),
        ("secret_access_key", env::SECRET_ACCESS_KEY_FILE),
        ("session_token", env::SESSION_TOKEN_FILE),
        ("registry_key", env::REGISTRY_KEY_FILE),
    ] {
        if around.var(file).is_some() {
            variables.insert(field, file);
        }
    }
    let settings = Settings {
        endpoint: around.var(env::ENDPOINT).map(Into::into),
        region: around.var(env::REGION).map(Into::into),
        access_key_id: around.secret(env::ACCESS_KEY_ID, env::ACCESS_KEY_ID_FILE)?,
        secret_access_key: around.secret(env::SECRET_ACCESS_KEY, env::SECRET_ACCESS_KEY_FILE)?,
        session_token: around.secret(env::SESSION_TOKEN, env::SESSION_TOKEN_FILE)?,
        registry_key: around.secret(env::REGISTRY_KEY, env::REGISTRY_KEY_FILE)?,
        anonymous: around.flag(env::ANONYMOUS)?,
        instance_metadata: around.flag(env::INSTANCE_METADATA)?,
        virtual_host_style: around.flag(env::VIRTUAL_HOST_STYLE)?,
        ca_file: around.var(env::CA_FILE).map(Into::into),
        connect_timeout: around.seconds(env::CONNECT_TIMEOUT)?,
        read_timeout: around.seconds(env::READ_TIMEOUT)?,
        timeout: around.seconds(env::TIMEOUT)?,
        retries: around.parsed(env::RETRIES, "number", |text| text.parse().ok())?,
        concurrency: around.parsed(env::CONCURRENCY, "number", |text| text.parse().ok())?,
        checksums: around.flag(env::CHECKSUMS)?,
        payload_signing: around.flag(env::PAYLOAD_SIGNING)?,
        profile: None,
        aws_profile: None,
    };
    Ok(Layer { settings, origin: Origin::Default, variables })
}

fn aws_variables(around: &Surroundings) -> Layer {
    let mut variables = BTreeMap::from([
        ("access_key_id", env::AWS_ACCESS_KEY_ID),
        ("secret_access_key", env::AWS_SECRET_ACCESS_KEY),
        ("session_token", env::AWS_SESSION_TOKEN),
        ("ca_file", env::AWS_CA_BUNDLE),
    ]);
    let mut either = |field, names: [&'static str; 2]| {
        let name = names.into_iter().find(|name| around.var(name).is_some())?;
        variables.insert(field, name);
        around.var(name).map(String::from)
    };
    let literal = |name| around.var(name).map(SettingValue::from);
    let settings = Settings {
        endpoint: either("endpoint", [env::AWS_ENDPOINT_URL_S3, env::AWS_ENDPOINT_URL]),
        region: either("region", [env::AWS_REGION, env::AWS_DEFAULT_REGION]),
        access_key_id: literal(env::AWS_ACCESS_KEY_ID),
        secret_access_key: literal(env::AWS_SECRET_ACCESS_KEY),
        session_token: literal(env::AWS_SESSION_TOKEN),
        ca_file: around.var(env::AWS_CA_BUNDLE).map(Into::into),
        ..Settings::default()
    };
    Layer { settings, origin: Origin::Default, variables }
}

/// Returns the layer of the shared AWS files: the profile `named` or that of `AWS_PROFILE`, which
/// must exist, and otherwise `default`.
async fn aws_layer(around: &Surroundings, named: Option<String>) -> Result<Option<Layer>> {
    let named = named.or_else(|| around.var(env::AWS_PROFILE).map(String::from));
    let wrong = |why: String| Error::new(ErrorKind::InvalidConfig, why);
    let name = named.clone().unwrap_or_else(|| "default".into());
    let profiles: ProfileSet = aws_config::profile::load(
        &aws_types::os_shim_internal::Fs::real(),
        &aws_types::os_shim_internal::Env::from(around.locations()),
        &aws_files::files(around),
        Some(Cow::Owned(name.clone())),
    )
    .await
    .map_err(|error| wrong("the shared AWS files cannot be read".into()).caused_by(error))?;
    let Some(profile) = profiles.get_profile(&name) else {
        return match named {
            Some(name) if around.home().is_none() => Err(wrong(format!(
                "there is no AWS profile {name:?}: $HOME is no absolute path, so ~/.aws is not read"
            ))),
            Some(name) => Err(wrong(format!("there is no AWS profile {name:?}"))),
            None => Ok(None),
        };
    };
    // The properties that provide credentials, according to the AWS SDKs' reference guide.
    let signs =
        ["aws_access_key_id", "role_arn", "credential_process", "sso_session", "sso_start_url"]
            .into_iter()
            .any(|property| profile.get(property).is_some());
    let settings = Settings {
        endpoint: profile.get("endpoint_url").map(Into::into),
        region: profile.get("region").map(Into::into),
        ca_file: profile.get("ca_bundle").map(Into::into),
        aws_profile: signs.then(|| name.clone()),
        ..Settings::default()
    };
    Ok(Some(Layer::new(settings, Origin::AwsFiles { profile: name })))
}

impl Resolved {
    /// Returns the endpoint as it is configured: a URL, or `embedded:DIR`.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.settings.endpoint.as_deref()
    }

    /// Returns the origin of `field`, which is a field of [`Settings`].
    #[must_use]
    pub fn origin(&self, field: &str) -> Origin {
        self.origins.get(field).cloned().unwrap_or(Origin::Default)
    }

    /// Returns the merged settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the profile file that holds one of the secrets as text and that every user of the
    /// machine can read; `None` if there is no such file.
    #[must_use]
    pub fn exposed_secrets(&self) -> Option<ExposedSecrets> {
        let s = &self.settings;
        let secrets =
            [("secret_access_key", &s.secret_access_key), ("session_token", &s.session_token)];
        secrets.into_iter().find_map(|(field, value)| {
            let (Some(SettingValue::Literal(_)), Origin::Profile { file, .. }) =
                (value, self.origin(field))
            else {
                return None;
            };
            let mode = std::fs::metadata(&file).ok()?.permissions().mode() & 0o777;
            (mode & 0o004 != 0).then_some(ExposedSecrets { file, mode })
        })
    }

    /// Replaces endpoint and credentials by those of a server that was started for the connection.
    #[must_use]
    pub fn served_at(mut self, endpoint: String, access_key_id: Secret, secret: Secret) -> Self {
        self.settings.endpoint = Some(endpoint);
        self.settings.access_key_id = Some(SettingValue::Literal(access_key_id));
        self.settings.secret_access_key = Some(SettingValue::Literal(secret));
        self.settings.session_token = None;
        self.settings.anonymous = None;
        self.settings.aws_profile = None;
        self.settings.instance_metadata = None;
        // Such a server has one name, of which buckets are no subdomains.
        self.settings.virtual_host_style = None;
        self
    }

    /// Converts the settings into a profile.
    ///
    /// # Errors
    /// `InvalidConfig` if they contradict each other or are out of range; `Unauthenticated` if no
    /// credentials are configured.
    pub fn into_profile(self) -> Result<Profile> {
        let credentials = self.credentials()?;
        let s = self.settings;
        let mut builder = Profile::builder();
        builder.credentials(credentials);
        macro_rules! given {
            ($($field:ident),*) => {$(if let Some(value) = s.$field { builder.$field(value); })*};
        }
        given!(
            endpoint,
            region,
            ca_file,
            connect_timeout,
            read_timeout,
            timeout,
            retries,
            concurrency,
            checksums,
            payload_signing
        );
        if let Some(key) = s.registry_key {
            builder.registry_key(key.into());
        }
        if s.virtual_host_style == Some(true) {
            builder.url_style(UrlStyle::VirtualHost);
        }
        let profile = builder.build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the profile is incomplete").caused_by(error)
        })?;
        profile.check()?;
        Ok(profile)
    }

    fn credentials(&self) -> Result<Credentials> {
        let s = &self.settings;
        let wrong = |why: String| Err(Error::new(ErrorKind::InvalidConfig, why));
        let ways = [
            s.access_key_id.is_some() || s.secret_access_key.is_some() || s.session_token.is_some(),
            s.anonymous == Some(true),
            s.aws_profile.is_some(),
            s.instance_metadata == Some(true),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return wrong(
                "credentials are configured in more than one way; keep one of: a key pair, \
                 anonymous, aws_profile, instance_metadata"
                    .into(),
            );
        }
        if s.anonymous == Some(true) {
            return Ok(Credentials::Anonymous);
        }
        if let Some(name) = &s.aws_profile {
            return Ok(Credentials::AwsProfile { name: name.clone() });
        }
        if s.instance_metadata == Some(true) {
            return Ok(Credentials::InstanceMetadata);
        }
        match (&s.access_key_id, &s.secret_access_key) {
            (Some(id), Some(secret)) => Ok(Credentials::Keys {
                access_key_id: id.clone().into(),
                secret_access_key: secret.clone().into(),
                session_token: s.session_token.clone().map(Into::into),
            }),
            (Some(_), None) => wrong(format!(
                "access_key_id comes from {} without a secret_access_key beside it",
                self.origin("access_key_id")
            )),
            (None, Some(_)) => wrong(format!(
                "secret_access_key comes from {} without an access_key_id beside it",
                self.origin("secret_access_key")
            )),
            (None, None) if s.session_token.is_some() => {
                wrong("a session_token needs access_key_id and secret_access_key beside it".into())
            }
            (None, None) => Err(Error::new(
                ErrorKind::Unauthenticated,
                "no credentials are configured: give access_key_id and secret_access_key, set \
                 LAKEWRIGHT_ACCESS_KEY_ID and LAKEWRIGHT_SECRET_ACCESS_KEY, name a profile, or \
                 set anonymous",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Value;

    fn around(vars: &[(&str, &str)]) -> Surroundings {
        let mut vars = exactly(vars).vars;
        // The files of this machine must not be read.
        for name in [env::PROFILES_FILE, env::AWS_CONFIG_FILE, env::AWS_SHARED_CREDENTIALS_FILE] {
            vars.entry(name.into()).or_insert_with(|| Zeroizing::new("/nonexistent".into()));
        }
        Surroundings { vars }
    }

    fn exactly(vars: &[(&str, &str)]) -> Surroundings {
        let pair = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Zeroizing::new((*value).to_owned()))
        };
        Surroundings { vars: vars.iter().map(pair).collect() }
    }

    async fn resolved(arguments: Settings, vars: &[(&str, &str)]) -> Result<Resolved> {
        resolve(arguments, &around(vars)).await
    }

    fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> String {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().into()
    }

    const PROFILES: &str = r#"
        [default]
        endpoint = "http://default:9000"
        region = "r-default"
        access_key_id = "default"
        secret_access_key = "default"
        [prod]
        endpoint = "http://prod:9000"
        access_key_id = "prod"
        secret_access_key = { file = "/run/prod" }
        retries = 7
    "#;

    #[tokio::test]
    async fn a_profile_file_is_a_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("profiles.toml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let vars = [(env::PROFILES_FILE, pipe.to_str().unwrap())];
        let error = resolved(Settings::default(), &vars).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("it is a pipe"), "{error}");
    }

    #[tokio::test]
    async fn the_order_of_the_layers() {
        let dir = tempfile::tempdir().unwrap();
        let profiles = file(&dir, "profiles.toml", PROFILES);
        let files = (env::PROFILES_FILE, &*profiles);
        let lakewright = [(env::ENDPOINT, "http://lakewright:9000")];
        let aws = [(env::AWS_ENDPOINT_URL, "http://aws:9000"), (env::AWS_REGION, "r-aws")];
        let named = || Settings { profile: Some("prod".into()), ..Settings::default() };
        let endpoint = |vars: Vec<(&'static str, &str)>, arguments| {
            let vars: Vec<(String, String)> =
                vars.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
            async move {
                let vars: Vec<(&str, &str)> =
                    vars.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                resolved(arguments, &vars).await.unwrap().endpoint().unwrap().to_owned()
            }
        };
        let all = || vec![files, lakewright[0], aws[0], aws[1]];
        let argument = Settings { endpoint: Some("http://argument:9000".into()), ..named() };
        assert_eq!(endpoint(all(), argument).await, "http://argument:9000");
        assert_eq!(endpoint(all(), named()).await, "http://prod:9000");
        assert_eq!(endpoint(all(), Settings::default()).await, "http://lakewright:9000");
        let without = vec![files, aws[0]];
        assert_eq!(endpoint(without, Settings::default()).await, "http://aws:9000");
        assert_eq!(endpoint(vec![files], Settings::default()).await, "http://default:9000");
        let by_variable = vec![files, (env::PROFILE, "prod"), aws[0]];
        assert_eq!(endpoint(by_variable, Settings::default()).await, "http://prod:9000");
    }

    #[tokio::test]
    async fn literal_secrets_in_a_readable_file_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let profiles = file(&dir, "profiles.toml", PROFILES);
        let vars = [(env::PROFILES_FILE, &*profiles)];
        let exposed = async |name: &str, mode: u32| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&profiles, permissions).unwrap();
            let named = Settings { profile: Some(name.into()), ..Settings::default() };
            resolved(named, &vars).await.unwrap().exposed_secrets()
        };
        let found = exposed("default", 0o644).await.unwrap();
        assert_eq!((found.file.to_str(), found.mode), (Some(&*profiles), 0o644));
        assert!(found.to_string().contains("0644"), "{found}");
        assert_eq!(exposed("default", 0o640).await, None);
        assert_eq!(exposed("prod", 0o644).await, None, "a reference is no secret");
        let argument = Settings {
            access_key_id: Some("a".into()),
            secret_access_key: Some("b".into()),
            ..Settings::default()
        };
        assert_eq!(resolved(argument, &vars).await.unwrap().exposed_secrets(), None);
    }

    #[tokio::test]
    async fn key_and_secret_come_from_one_layer() {
        let dir = tempfile::tempdir().unwrap();
        let profiles = file(&dir, "profiles.toml", PROFILES);
        // The access key of the environment must not be paired with the secret of the profile.
        let vars = [(env::PROFILES_FILE, &*profiles), (env::ACCESS_KEY_ID, "lonely")];
        let error = resolved(Settings::default(), &vars).await.unwrap().into_profile().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("$LAKEWRIGHT_ACCESS_KEY_ID"), "{error}");

        let vars = [
            (env::PROFILES_FILE, &*profiles),
            (env::AWS_ACCESS_KEY_ID, "env"),
            (env::AWS_SECRET_ACCESS_KEY, "env-secret"),
            (env::AWS_SESSION_TOKEN, "env-token"),
        ];
        let named = Settings { profile: Some("prod".into()), ..Settings::default() };
        let profile = resolved(named, &vars).await.unwrap().into_profile().unwrap();
        assert_eq!(
            profile.credentials(),
            &Credentials::Keys {
                access_key_id: Value::Literal(Secret::new("prod")),
                secret_access_key: Value::Reference(SecretRef::File("/run/prod".into())),
                session_token: None,
            }
        );
        assert_eq!(profile.retries(), 7);
    }

    #[tokio::test]
    async fn the_shared_aws_files() {
        let dir = tempfile::tempdir().unwrap();
        let config = file(
            &dir,
            "config",
            "[profile lake]\nregion = eu-west-3\nendpoint_url = http://shared:9000\n",
        );
        let keys =
            file(&dir, "credentials", "[lake]\naws_access_key_id = a\naws_secret_access_key = b\n");
        let mut vars = vec![
            (env::AWS_CONFIG_FILE, &*config),
            (env::AWS_SHARED_CREDENTIALS_FILE, &*keys),
            (env::AWS_PROFILE, "lake"),
        ];
        let found = resolved(Settings::default(), &vars).await.unwrap();
        assert_eq!(found.endpoint(), Some("http://shared:9000"));
        assert_eq!(found.origin("region"), Origin::AwsFiles { profile: "lake".into() });
        assert_eq!(
            found.into_profile().unwrap().credentials(),
            &Credentials::AwsProfile { name: "lake".into() }
        );
        vars[2].1 = "absent";
        let error = resolved(Settings::default(), &vars).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }

    /// Files in the current folder are not taken for those of the home directory.
    #[tokio::test]
    async fn no_file_is_read_below_a_relative_home() {
        let dir = tempfile::tempdir_in(".").unwrap();
        let relative = dir.path().strip_prefix(std::env::current_dir().unwrap()).unwrap();
        for (folder, name, text) in [
            (".aws", "config", "[profile lake]\ncredential_process = touch ran\n"),
            (".aws", "credentials", "[lake]\naws_access_key_id = a\naws_secret_access_key = b\n"),
            (".config/lakewright", "profiles.toml", "[lake]\nanonymous = true\n"),
            ("lakewright", "profiles.toml", "[lake]\nanonymous = true\n"),
        ] {
            std::fs::create_dir_all(relative.join(folder)).unwrap();
            std::fs::write(relative.join(folder).join(name), text).unwrap();
        }
        let relative = relative.to_str().unwrap();
        let nonexistent = (env::AWS_SHARED_CREDENTIALS_FILE, "/nonexistent");
        for vars in [
            vec![(env::HOME, relative)],
            vec![(env::HOME, relative), (env::AWS_CONFIG_FILE, "~/.aws/config"), nonexistent],
            vec![(env::XDG_CONFIG_HOME, relative)],
            vec![(env::HOME, "")],
        ] {
            let around = exactly(&vars);
            assert!(aws_layer(&around, None).await.unwrap().is_none(), "{vars:?}");
            let error = aws_layer(&around, Some("lake".into())).await.err().unwrap();
            assert!(error.to_string().contains("$HOME"), "{error}");
            assert_eq!(file::paths(&around), [Path::new("/etc/lakewright/profiles.toml")]);
        }
        let absolute = std::path::absolute(relative).unwrap();
        let around = exactly(&[(env::HOME, absolute.to_str().unwrap())]);
        assert!(aws_layer(&around, Some("lake".into())).await.unwrap().is_some());
        assert_eq!(file::paths(&around).len(), 2);
        // A path that the user gives is relative to the current folder, as in the AWS tools.
        let given = format!("{relative}/.aws/config");
        let around = exactly(&[(env::AWS_CONFIG_FILE, &given)]);
        assert!(aws_layer(&around, Some("lake".into())).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn missing_and_conflicting_settings_are_refused() {
        let nothing = resolved(Settings::default(), &[]).await.unwrap().into_profile();
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::Unauthenticated);
        let twice = [(env::SECRET_ACCESS_KEY, "a"), (env::SECRET_ACCESS_KEY_FILE, "b")];
        let error = resolved(Settings::default(), &twice).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        let both = Settings {
            anonymous: Some(true),
            access_key_id: Some("a".into()),
            secret_access_key: Some("b".into()),
            ..Settings::default()
        };
        let error = resolved(both, &[]).await.unwrap().into_profile().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        for (name, value) in [(env::TIMEOUT, "soon"), (env::RETRIES, "-1"), (env::ANONYMOUS, "si")]
        {
            let error = resolved(Settings::default(), &[(name, value)]).await.unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let absent = Settings { profile: Some("absent".into()), ..Settings::default() };
        assert!(resolved(absent, &[]).await.unwrap_err().to_string().contains("absent"));
    }
}
