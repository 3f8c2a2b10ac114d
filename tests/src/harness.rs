//! The harness of the end-to-end tests: names, fixtures, and skips that are counted.
//!
//! A test is an `async fn` whose parameters are [`Fixture`]s. The harness sets them up, runs the
//! test on a runtime of its own, and counts it as ignored, with the reason, where a fixture is
//! [missing](Skip). A module lists its tests with [`tests!`](macro@crate::tests); a test that is on
//! no list is dead code, which the compiler reports.

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Completion, Failed};

pub use libtest_mimic::Trial;

/// The reason why a test, or the rest of one, cannot run here.
#[derive(Clone, Debug)]
pub struct Skip {
    /// The name in `LAKEWRIGHT_TEST_REQUIRE` that turns this skip into a failure, if there is one.
    requirement: Option<&'static str>,
    reason: String,
}

impl Skip {
    /// Something that the machine lacks. The test fails instead where `LAKEWRIGHT_TEST_REQUIRE`
    /// names `requirement`.
    pub fn missing(requirement: &'static str, reason: impl Into<String>) -> Self {
        Self { requirement: Some(requirement), reason: reason.into() }
    }

    /// A feature that the server under test does not have, by design.
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self { requirement: None, reason: reason.into() }
    }

    fn is_failure(&self) -> bool {
        self.requirement.is_some_and(required)
    }
}

/// Whether `LAKEWRIGHT_TEST_REQUIRE` names `requirement`.
#[must_use]
pub fn required(requirement: &str) -> bool {
    std::env::var("LAKEWRIGHT_TEST_REQUIRE")
        .is_ok_and(|list| list.split(',').any(|name| name.trim() == requirement))
}

/// A parameter of a test, such as a server; set up before the test and removed after it.
pub trait Fixture: Sized {
    /// Sets the fixture up.
    ///
    /// # Errors
    /// [`Skip`] where the machine lacks something that it needs.
    fn set_up() -> impl Future<Output = Result<Self, Skip>>;
}

/// The return type of a test: nothing, or a result whose error skips the rest of the test.
pub trait Outcome {
    /// Converts to a result.
    ///
    /// # Errors
    /// [`Skip`] where the test could not be run to its end.
    fn into_result(self) -> Result<(), Skip>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Skip> {
        Ok(())
    }
}

impl Outcome for Result<(), Skip> {
    fn into_result(self) -> Result<(), Skip> {
        self
    }
}

/// An `async fn` whose parameters are the fixtures in the tuple `F`.
pub trait Test<F>: Send + 'static {
    /// Sets the fixtures up and runs the test.
    fn run(self) -> impl Future<Output = Result<(), Skip>>;
}

impl<T, R> Test<()> for T
where
    T: FnOnce() -> R + Send + 'static,
    R: Future<Output: Outcome>,
{
    async fn run(self) -> Result<(), Skip> {
        self().await.into_result()
    }
}

impl<T, A, R> Test<(A,)> for T
where
    T: FnOnce(A) -> R + Send + 'static,
    A: Fixture,
    R: Future<Output: Outcome>,
{
    async fn run(self) -> Result<(), Skip> {
        self(A::set_up().await?).await.into_result()
    }
}

impl<T, A, B, R> Test<(A, B)> for T
where
    T: FnOnce(A, B) -> R + Send + 'static,
    A: Fixture,
    B: Fixture,
    R: Future<Output: Outcome>,
{
    async fn run(self) -> Result<(), Skip> {
        self(A::set_up().await?, B::set_up().await?).await.into_result()
    }
}

/// Names a test. `path` is its module path, crate first, as `module_path!()` has it.
///
/// # Panics
/// When the test runs and its runtime cannot be started.
pub fn trial<F>(path: &str, test: impl Test<F>) -> Trial {
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    Trial::ignorable_test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        match runtime.expect("a runtime for the test").block_on(test.run()) {
            Ok(()) => Ok(Completion::Completed),
            Err(skip) if skip.is_failure() => Err(Failed::from(format!(
                "LAKEWRIGHT_TEST_REQUIRE forbids to skip: {}",
                skip.reason
            ))),
            Err(skip) => Ok(Completion::ignored_with(skip.reason)),
        }
    })
}

/// Names a test of the macro [`tests`](crate::tests). With a reason to be `ignored` it runs only with
/// `--ignored` or `--include-ignored`.
///
/// Without these arguments an ignored test is not flagged but reports the reason when it is called,
/// because libtest-mimic prints no reason for a flagged test.
///
/// # Panics
/// As [`trial`].
pub fn listed_trial<F>(path: &str, test: impl Test<F>, ignored: Option<&'static str>) -> Trial {
    static RUNS_IGNORED: LazyLock<bool> = LazyLock::new(|| {
        let arguments = Arguments::from_args();
        arguments.ignored || arguments.include_ignored
    });
    match ignored {
        None => trial(path, test),
        Some(_) if *RUNS_IGNORED => trial(path, test).with_ignored_flag(true),
        Some(reason) => trial(path, async move || Err::<(), _>(Skip::unsupported(reason))),
    }
}

/// Defines `tests()`, which returns the named tests of the module it stands in.
///
/// `#[ignore = "takes 40 s"]` before a name leaves the test out unless `--ignored` or
/// `--include-ignored` is given; the reason is printed after its name.
#[macro_export]
macro_rules! tests {
    ($($(#[ignore = $reason:literal])? $test:ident),* $(,)?) => {
        /// Returns the tests of this module.
        pub(crate) fn tests() -> Vec<$crate::harness::Trial> {
            vec![$({
                let path = concat!(module_path!(), "::", stringify!($test));
                $crate::harness::listed_trial(path, $test, None$(.or(Some($reason)))?)
            }),*]
        }
    };
}

/// Runs the tests that the command line chooses and prints the closing line that the built-in
/// harness prints.
#[must_use]
pub fn run(tests: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// A value that the tests of this process share, created when the first test asks for it.
#[derive(Debug)]
pub(crate) struct Shared<T>(tokio::sync::Mutex<Option<Arc<T>>>);

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(tokio::sync::Mutex::const_new(None))
    }

    /// Returns the value, and creates it with `create` if there is none yet.
    pub(crate) async fn get(
        &self,
        create: impl Future<Output = Result<T, Skip>>,
    ) -> Result<Arc<T>, Skip> {
        let mut value = self.0.lock().await;
        if let Some(value) = &*value {
            return Ok(value.clone());
        }
        Ok(value.insert(Arc::new(create.await?)).clone())
    }

    /// Drops the value, once no test uses it.
    pub(crate) fn clear(&self) {
        self.0.blocking_lock().take();
    }
}
