//! Profiles, and the arguments of `connect` that are the same thing.

use std::path::PathBuf;

use lakewright::{Addressing, Credentials, SettingValue, Settings, Value};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{Borrowed, IntoPyObjectExt};
use pyo3::{type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::convert::{Dict, Number, Recipe, Seconds};
use crate::error::invalid;
use crate::lake::Lake;
use crate::runtime::Awaitable;
use crate::secret::{SecretArgument, shown};

/// Defines a function that takes everything a profile may say, by keyword, and hands it to
/// `$make` as [`Settings`]: the three that exist cannot drift apart.
macro_rules! takes_settings {
    ($(#[$attribute:meta])* fn $name:ident -> $answer:ty { $make:expr }) => {
        $(#[$attribute])*
        #[pyo3(signature = (
            endpoint=None, *, profile=None, region=None, access_key_id=None,
            secret_access_key=None, session_token=None, anonymous=None, aws_profile=None,
            instance_metadata=None, virtual_host_style=None, ca_file=None, connect_timeout=None,
            read_timeout=None, timeout=None, retries=None, concurrency=None, checksums=None,
        ))]
        #[allow(clippy::too_many_arguments)]
        pub(crate) fn $name<'py>(
            py: Python<'py>,
            endpoint: Option<String>,
            profile: Option<ProfileArgument>,
            region: Option<String>,
            access_key_id: Option<SecretArgument>,
            secret_access_key: Option<SecretArgument>,
            session_token: Option<SecretArgument>,
            anonymous: Option<bool>,
            aws_profile: Option<String>,
            instance_metadata: Option<bool>,
            virtual_host_style: Option<bool>,
            ca_file: Option<PathBuf>,
            connect_timeout: Option<Seconds>,
            read_timeout: Option<Seconds>,
            timeout: Option<Seconds>,
            retries: Option<Number<u32>>,
            concurrency: Option<Number<usize>>,
            checksums: Option<bool>,
        ) -> PyResult<$answer> {
            let mut settings = Settings {
                profile: None,
                endpoint,
                region,
                access_key_id: access_key_id.map(|value| value.0),
                secret_access_key: secret_access_key.map(|value| value.0),
                session_token: session_token.map(|value| value.0),
                anonymous,
                aws_profile,
                instance_metadata,
                virtual_host_style,
                ca_file,
                connect_timeout: connect_timeout.map(|time| time.0),
                read_timeout: read_timeout.map(|time| time.0),
                timeout: timeout.map(|time| time.0),
                retries: retries.map(|number| number.0),
                concurrency: concurrency.map(|number| number.0),
                checksums,
            };
            match profile {
                None => {}
                Some(ProfileArgument::Name(name)) => settings.profile = Some(name),
                Some(ProfileArgument::Whole(_)) if settings != Settings::default() => {
                    return Err(invalid(
                        py,
                        "a whole profile leaves nothing to say; put the other arguments into it",
                    ));
                }
                Some(ProfileArgument::Whole(whole)) => settings = *whole,
            }
            ($make)(py, settings)
        }
    };
}

/// A profile: the name of one in ``profiles.toml``, or all of it.
pub(crate) enum ProfileArgument {
    Name(String),
    Whole(Box<Settings>),
}

impl FromPyObject<'_, '_> for ProfileArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        type_hint_identifier!("builtins", "str"),
        <Profile as pyo3::PyTypeInfo>::TYPE_HINT,
        type_hint_subscript!(
            type_hint_identifier!("builtins", "dict"),
            type_hint_identifier!("builtins", "str"),
            type_hint_identifier!("typing", "Any")
        )
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Ok(Self::Name(object.extract()?));
        }
        if let Ok(profile) = object.cast::<Profile>() {
            return Ok(Self::Whole(Box::new(profile.get().0.clone())));
        }
        let Ok(dict) = object.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(
                "profile is a name in profiles.toml, a lakewright.Profile or a dict",
            ));
        };
        let class = object.py().get_type::<Profile>();
        let profile = class.call((), Some(&dict))?;
        Ok(Self::Whole(Box::new(profile.cast::<Profile>()?.get().0.clone())))
    }
}

/// Endpoint, region and credentials: what requests are made with.
///
/// Takes the arguments of :func:`lakewright.connect`, and is what ``connect(profile=...)``
/// takes besides a name. Times are seconds (``float``) or ``timedelta``. It never shows a secret.
///
/// >>> p = lakewright.Profile("https://s3.example.org", secret_access_key={"env": "KEY"})
/// >>> p.to_dict()
/// {'endpoint': 'https://s3.example.org', 'secret_access_key': {'env': 'KEY'}}
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Profile(pub(crate) Settings);

takes_settings! {
    /// `Profile(…)`: a function first, because signatures of constructors are methods.
    #[pyfunction]
    fn make_profile -> Profile { |_: Python<'py>, settings| Ok(Profile(settings)) }
}

impl Profile {
    /// What a lake ended up with.
    pub(crate) fn resolved(profile: &lakewright::Profile) -> Self {
        let value = |value: &Value| match value {
            Value::Literal(secret) => SettingValue::Literal(secret.clone()),
            Value::Reference(reference) => SettingValue::Reference(reference.clone()),
        };
        let mut settings = Settings {
            endpoint: profile.endpoint().map(Into::into),
            region: Some(profile.region().into()),
            virtual_host_style: Some(profile.addressing() == Addressing::VirtualHost),
            ca_file: profile.ca_file().map(Into::into),
            connect_timeout: Some(profile.connect_timeout()),
            read_timeout: Some(profile.read_timeout()),
            timeout: Some(profile.timeout()),
            retries: Some(profile.retries()),
            concurrency: Some(profile.concurrency()),
            checksums: Some(profile.checksums()),
            ..Settings::default()
        };
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

    /// Whether a secret's text is in it.
    fn holds_literal_secrets(&self) -> bool {
        [&self.0.access_key_id, &self.0.secret_access_key, &self.0.session_token]
            .into_iter()
            .any(|value| matches!(value, Some(SettingValue::Literal(_))))
    }

    /// Its arguments, for a pickle.
    pub(crate) fn portable<'py>(&self, py: Python<'py>) -> PyResult<Dict<'py>> {
        if self.holds_literal_secrets() {
            return Err(invalid(
                py,
                "what was built from literal secrets is not pickled: a secret would travel with \
                 it; name a profile, or give the secret as {\"file\": …}, {\"env\": …} or \
                 {\"credential\": …}",
            ));
        }
        self.to_dict(py)
    }
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $get:expr;)*) => {
        #[pymethods]
        impl Profile {
            #[new]
            #[pyo3(signature = (
                endpoint=None, *, profile=None, region=None, access_key_id=None,
                secret_access_key=None, session_token=None, anonymous=None, aws_profile=None,
                instance_metadata=None, virtual_host_style=None, ca_file=None,
                connect_timeout=None, read_timeout=None, timeout=None, retries=None,
                concurrency=None, checksums=None,
            ))]
            #[allow(clippy::too_many_arguments)]
            fn new(
                py: Python<'_>,
                endpoint: Option<String>,
                profile: Option<String>,
                region: Option<String>,
                access_key_id: Option<SecretArgument>,
                secret_access_key: Option<SecretArgument>,
                session_token: Option<SecretArgument>,
                anonymous: Option<bool>,
                aws_profile: Option<String>,
                instance_metadata: Option<bool>,
                virtual_host_style: Option<bool>,
                ca_file: Option<PathBuf>,
                connect_timeout: Option<Seconds>,
                read_timeout: Option<Seconds>,
                timeout: Option<Seconds>,
                retries: Option<Number<u32>>,
                concurrency: Option<Number<usize>>,
                checksums: Option<bool>,
            ) -> PyResult<Self> {
                make_profile(
                    py, endpoint, profile.map(ProfileArgument::Name), region, access_key_id,
                    secret_access_key, session_token, anonymous, aws_profile, instance_metadata,
                    virtual_host_style, ca_file, connect_timeout, read_timeout, timeout, retries,
                    concurrency, checksums,
                )
            }

            $(
                $(#[$doc])*
                #[getter]
                fn $name(&self) -> $type {
                    let get: fn(&Settings) -> $type = $get;
                    get(&self.0)
                }
            )*

            /// What was said, by name; a literal secret is shown as ``***``, times are seconds.
            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Dict<'py>> {
                let dict = PyDict::new(py);
                let secrets = [
                    ("access_key_id", &self.0.access_key_id),
                    ("secret_access_key", &self.0.secret_access_key),
                    ("session_token", &self.0.session_token),
                ];
                $({
                    let value = self.$name().into_bound_py_any(py)?;
                    if !value.is_none() {
                        dict.set_item(stringify!($name), value)?;
                    }
                })*
                for (name, value) in secrets {
                    if let Some(value) = value {
                        dict.set_item(name, shown(py, value)?)?;
                    }
                }
                Ok(Dict(dict))
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                crate::types::repr("Profile", &self.to_dict(py)?.0)
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                PyString::new(py, &self.__repr__(py)?).hash()
            }

            fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
                let nothing = pyo3::types::PyTuple::empty(py);
                Ok(Recipe((nothing, self.portable(py)?.0).into_bound_py_any(py)?))
            }
        }
    };
}

getters! {
    /// The profile of ``profiles.toml`` that fills what is not said here.
    profile: Option<String> = |s| s.profile.clone();
    /// ``http(s)://host:port``, or ``embedded:DIR``.
    endpoint: Option<String> = |s| s.endpoint.clone();
    /// The region that requests are signed for.
    region: Option<String> = |s| s.region.clone();
    /// Requests are not signed.
    anonymous: Option<bool> = |s| s.anonymous;
    /// A profile of the shared AWS files.
    aws_profile: Option<String> = |s| s.aws_profile.clone();
    /// The cloud machine's metadata service is asked.
    instance_metadata: Option<bool> = |s| s.instance_metadata;
    /// The bucket stands in the host name.
    virtual_host_style: Option<bool> = |s| s.virtual_host_style;
    /// A PEM file of certificates to trust besides the system's.
    ca_file: Option<PathBuf> = |s| s.ca_file.clone();
    /// Seconds a connection may take to come up.
    connect_timeout: Option<f64> = |s| s.connect_timeout.map(|time| time.as_secs_f64());
    /// Seconds the server may be silent.
    read_timeout: Option<f64> = |s| s.read_timeout.map(|time| time.as_secs_f64());
    /// Seconds one request with its retries may take.
    timeout: Option<f64> = |s| s.timeout.map(|time| time.as_secs_f64());
    /// How often a failed request is sent again.
    retries: Option<u32> = |s| s.retries;
    /// How many requests one transfer keeps under way.
    concurrency: Option<usize> = |s| s.concurrency;
    /// Uploads carry a CRC32C.
    checksums: Option<bool> = |s| s.checksums;
}

takes_settings! {
    /// Connects to a server, or to the one inside this process.
    ///
    /// ``endpoint`` tells which: ``http(s)://host:port`` speaks S3, ``embedded:DIR`` serves a
    /// directory in this process (or attaches to the process that does). What is not said is
    /// looked up: ``profile`` (a name in ``profiles.toml``, a :class:`Profile` or its dict), then
    /// ``LAKEWRIGHT_*``, then ``AWS_*`` and the shared AWS files, then the default profile. Key,
    /// secret and token come from one of them together; each is text, a :class:`Secret` or
    /// ``{"file": ...}``, ``{"env": ...}``, ``{"credential": ...}``.
    ///
    /// Times are seconds or ``timedelta``. Nothing is sent to a server until the first verb.
    ///
    /// Raises ``ConfigError`` for what does not hold together.
    ///
    /// >>> lakewright.connect("http://127.0.0.1:9000", anonymous=True)
    /// Lake('http://127.0.0.1:9000')
    #[pyfunction]
    fn connect -> Lake { Lake::connect }
}

takes_settings! {
    /// The asynchronous twin of :func:`connect`.
    #[pyfunction]
    fn connect_async -> Awaitable<'py, Lake> { Lake::connect_async }
}
