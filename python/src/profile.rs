//! Profiles, and the arguments of `connect`, which are the same.

use std::path::PathBuf;
use std::time::Duration;

use lakewright::profile::{Credentials, UrlStyle, Value};
use lakewright::{SettingValue, Settings};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{Borrowed, IntoPyObjectExt, PyTypeInfo, type_hint_union};

use crate::convert::hint::{DICT, STR};
use crate::convert::{Dict, Number, Reduced, Seconds};
use crate::error::invalid;
use crate::lake::Lake;
use crate::runtime::{Awaitable, promise, wait};
use crate::secret::{SecretArgument, shown};

/// Hands the arguments of a profile to a macro: their only list. `endpoint` and `profile` come
/// before them.
macro_rules! with_profile_arguments {
    ($macro:ident! { $($head:tt)* }) => {
        $macro! {
            { $($head)* }
            secrets { access_key_id, secret_access_key, session_token, registry_key, }
            settings {
                /// The region that requests are signed for.
                region: String,
                /// Whether requests are sent without a signature.
                anonymous: bool,
                /// A profile of the shared AWS files, which the credentials come from.
                aws_profile: String,
                /// Whether the credentials come from the metadata service of the cloud machine.
                instance_metadata: bool,
                /// Whether the bucket is part of the host name.
                virtual_host_style: bool,
                /// A PEM file of certificates that are trusted besides those of the system.
                ca_file: PathBuf,
                /// The limit for opening a connection, in seconds.
                connect_timeout: Seconds,
                /// The limit for the time in which the server sends nothing, in seconds.
                read_timeout: Seconds,
                /// The limit for one request with its retries, in seconds.
                timeout: Seconds,
                /// How often a failed request is retried.
                retries: Number<u32>,
                /// How many requests one transfer sends at the same time.
                concurrency: Number<usize>,
                /// Whether uploads carry a CRC32C.
                checksums: bool,
                /// Whether signatures cover the SHA-256 of bodies; by default only on plain HTTP to
                /// another machine.
                payload_signing: bool,
            }
        }
    };
}

/// The type of an argument of a profile: how the setting is stored, and how it is shown.
trait Setting {
    type Stored;
    type Shown;

    fn stored(self) -> Self::Stored;
    fn shown(stored: &Self::Stored) -> Self::Shown;
}

macro_rules! plain_settings {
    ($($type:ty),*) => {
        $(impl Setting for $type {
            type Stored = Self;
            type Shown = Self;

            fn stored(self) -> Self {
                self
            }

            fn shown(stored: &Self) -> Self {
                stored.clone()
            }
        })*
    };
}

plain_settings!(String, bool, PathBuf);

impl<T: Copy> Setting for Number<T> {
    type Stored = T;
    type Shown = T;

    fn stored(self) -> T {
        self.0
    }

    fn shown(stored: &T) -> T {
        *stored
    }
}

impl Setting for Seconds {
    type Stored = Duration;
    type Shown = f64;

    fn stored(self) -> Duration {
        self.0
    }

    fn shown(stored: &Duration) -> f64 {
        stored.as_secs_f64()
    }
}

/// The `profile` argument: the name of a profile in ``profiles.toml``, or all its settings.
pub(crate) enum ProfileArgument {
    Name(String),
    Settings(Box<Settings>),
}

impl FromPyObject<'_, '_> for ProfileArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(STR, Profile::TYPE_HINT, DICT);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Ok(Self::Name(object.extract()?));
        }
        if let Ok(profile) = object.cast::<Profile>() {
            return Ok(Self::Settings(Box::new(profile.get().0.clone())));
        }
        let Ok(dict) = object.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(
                "profile is a name in profiles.toml, a lakewright.Profile or a dict",
            ));
        };
        let class = object.py().get_type::<Profile>();
        let profile = class.call((), Some(&dict))?;
        Ok(Self::Settings(Box::new(profile.cast::<Profile>()?.get().0.clone())))
    }
}

/// The endpoint, region, credentials and limits that requests are made with.
///
/// Takes the arguments of :func:`lakewright.connect`; ``connect(profile=...)`` takes a
/// :class:`Profile` or a name. Times are seconds (``float``) or ``timedelta``. Secrets are never
/// shown.
///
/// >>> p = lakewright.Profile("https://s3.example.org", secret_access_key={"env": "KEY"})
/// >>> p.to_dict()
/// {'endpoint': 'https://s3.example.org', 'secret_access_key': {'env': 'KEY'}}
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Profile(pub(crate) Settings);

impl Profile {
    /// Returns the profile of a lake, with every setting resolved.
    pub(crate) fn resolved(profile: &lakewright::Profile) -> Self {
        let value = |value: &Value| match value {
            Value::Literal(secret) => SettingValue::Literal(secret.clone()),
            Value::Reference(reference) => SettingValue::Reference(reference.clone()),
        };
        let mut settings = Settings::builder()
            .maybe_endpoint(profile.endpoint())
            .region(profile.region())
            .virtual_host_style(profile.url_style() == UrlStyle::VirtualHost)
            .maybe_ca_file(profile.ca_file())
            .connect_timeout(profile.connect_timeout())
            .read_timeout(profile.read_timeout())
            .timeout(profile.timeout())
            .retries(profile.retries())
            .concurrency(profile.concurrency())
            .checksums(profile.checksums())
            .payload_signing(profile.signs_payloads())
            .build();
        match profile.credentials() {
            Credentials::Anonymous => settings.anonymous = Some(true),
            Credentials::Keys { access_key_id, secret_access_key, session_token } => {
                settings.access_key_id = Some(value(access_key_id));
                settings.secret_access_key = Some(value(secret_access_key));
                settings.session_token = session_token.as_ref().map(value);
            }
            Credentials::AwsProfile { name } => settings.aws_profile = Some(name.clone()),
            Credentials::InstanceMetadata => settings.instance_metadata = Some(true),
        }
        Self(settings)
    }

    /// Returns whether a secret is given as text, and not as a reference.
    fn holds_literal_secrets(&self) -> bool {
        let Settings { access_key_id, secret_access_key, session_token, registry_key, .. } =
            &self.0;
        [access_key_id, secret_access_key, session_token, registry_key]
            .into_iter()
            .any(|value| matches!(value, Some(SettingValue::Literal(_))))
    }

    /// Refuses to pickle a profile that holds the text of a secret.
    pub(crate) fn check_portable(&self, py: Python<'_>) -> PyResult<()> {
        if self.holds_literal_secrets() {
            return Err(invalid(
                py,
                "what was built from literal secrets is not pickled: the pickle would hold the \
                 secret; name a profile, or give the secret as {\"file\": …}, {\"env\": …} or \
                 {\"credential\": …}",
            ));
        }
        Ok(())
    }
}

/// Defines the class's methods.
macro_rules! profile_methods {
    (
        {}
        secrets { $($secret:ident,)* }
        settings { $($(#[$doc:meta])* $name:ident: $type:ty,)* }
    ) => {
        #[pymethods]
        impl Profile {
            #[new]
            #[pyo3(signature = (
                endpoint=None, *, profile=None, $($secret=None,)* $($name=None,)*
            ))]
            #[allow(clippy::too_many_arguments)]
            fn new(
                endpoint: Option<String>,
                profile: Option<String>,
                $($secret: Option<SecretArgument>,)*
                $($name: Option<$type>,)*
            ) -> Self {
                let mut settings =
                    Settings::builder().maybe_endpoint(endpoint).maybe_profile(profile).build();
                $(settings.$secret = $secret.map(|value| value.0);)*
                $(settings.$name = $name.map(Setting::stored);)*
                Self(settings)
            }

            /// The name of the profile in ``profiles.toml`` that supplies the other settings.
            #[getter]
            fn profile(&self) -> Option<String> {
                self.0.profile.clone()
            }

            /// ``http(s)://host:port``, or ``embedded:DIR``.
            #[getter]
            fn endpoint(&self) -> Option<String> {
                self.0.endpoint.clone()
            }

            $(
                $(#[$doc])*
                #[getter]
                fn $name(&self) -> Option<<$type as Setting>::Shown> {
                    self.0.$name.as_ref().map(<$type as Setting>::shown)
                }
            )*

            /// Returns the settings that are given, by name. A secret given as text is shown as
            /// ``***``; times are in seconds.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Dict<'py>> {
                let dict = PyDict::new(py);
                let insert = |name: &str, value: Bound<'py, PyAny>| {
                    if value.is_none() { Ok(()) } else { dict.set_item(name, value) }
                };
                insert("profile", self.profile().into_bound_py_any(py)?)?;
                insert("endpoint", self.endpoint().into_bound_py_any(py)?)?;
                $(insert(stringify!($name), self.$name().into_bound_py_any(py)?)?;)*
                $(
                    if let Some(value) = &self.0.$secret {
                        insert(stringify!($secret), shown(py, value)?)?;
                    }
                )*
                Ok(Dict(dict))
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                crate::value::repr("Profile", &self.to_dict(py)?.0)
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                PyString::new(py, &self.__repr__(py)?).hash()
            }

            fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
                self.check_portable(py)?;
                let nothing = pyo3::types::PyTuple::empty(py);
                Ok(Reduced((nothing, self.to_dict(py)?.0).into_bound_py_any(py)?))
            }
        }
    };
}

with_profile_arguments!(profile_methods! {});

/// Defines a function that takes the arguments of a profile and hands them to `$body` as
/// [`Settings`].
macro_rules! function_of_settings {
    (
        { $(#[$attribute:meta])* fn $function:ident -> $output:ty { $body:expr } }
        secrets { $($secret:ident,)* }
        settings { $($(#[$doc:meta])* $name:ident: $type:ty,)* }
    ) => {
        $(#[$attribute])*
        #[pyfunction]
        #[pyo3(signature = (
            endpoint=None, *, profile=None, $($secret=None,)* $($name=None,)*
        ))]
        #[allow(clippy::too_many_arguments)]
        pub(crate) fn $function<'py>(
            py: Python<'py>,
            endpoint: Option<String>,
            profile: Option<ProfileArgument>,
            $($secret: Option<SecretArgument>,)*
            $($name: Option<$type>,)*
        ) -> PyResult<$output> {
            let settings = Profile::new(endpoint, None, $($secret,)* $($name,)*).0;
            ($body)(py, with_profile(py, settings, profile)?)
        }
    };
}

/// Adds the `profile` argument to the others.
fn with_profile(
    py: Python<'_>,
    mut settings: Settings,
    profile: Option<ProfileArgument>,
) -> PyResult<Settings> {
    match profile {
        None => Ok(settings),
        Some(ProfileArgument::Name(name)) => {
            settings.profile = Some(name);
            Ok(settings)
        }
        Some(ProfileArgument::Settings(whole)) if settings == Settings::default() => Ok(*whole),
        Some(ProfileArgument::Settings(_)) => Err(invalid(
            py,
            "a Profile or dict as profile excludes the other arguments; put them into it",
        )),
    }
}

with_profile_arguments!(function_of_settings! {
    /// Connects to a server, or to the embedded server in this process.
    ///
    /// ``endpoint`` selects it: ``http(s)://host:port`` is an S3 server, ``embedded:DIR`` serves a
    /// directory in this process (or attaches to the process that serves it already). Settings
    /// that are not given come from ``profile`` (a name in ``profiles.toml``, a :class:`Profile`
    /// or its dict), then from ``LAKEWRIGHT_*``, then from ``AWS_*`` and the shared AWS files, then
    /// from the default profile. Access key, secret key and session token come from one of these
    /// together; each is text, a :class:`Secret` or ``{"file": ...}``, ``{"env": ...}``,
    /// ``{"credential": ...}``, and so is ``registry_key``, the key that the entries of the
    /// registry are sealed with.
    ///
    /// Times are seconds or ``timedelta``. No request is sent before the first verb.
    ///
    /// Raises ``ConfigError`` for settings that contradict each other.
    ///
    /// >>> lakewright.connect("http://127.0.0.1:9000", anonymous=True)
    /// Lake('http://127.0.0.1:9000')
    fn connect -> Lake { |py, settings| wait(py, Lake::connect(settings)) }
});

with_profile_arguments!(function_of_settings! {
    /// The asynchronous twin of :func:`connect`.
    fn connect_async -> Awaitable<'py, Lake> {
        |py: Python<'py>, settings| promise(py, Lake::connect(settings))
    }
});
