//! The macros of lakewright: the derive [`Builder`](macro@Builder), and [`macro@verbs`] for the
//! Python module.
//!
//! The code that the derive generates has no run-time dependencies. It refers to all items by their
//! full paths, so that names in the user's module do not change its meaning.

use proc_macro::TokenStream;

mod builder;
mod verbs;

/// Derives a builder for a struct with named fields.
///
/// ```
/// use lakewright_macros::Builder;
///
/// /// A program to start.
/// #[derive(Debug, Builder)]
/// pub struct Command {
///     /// The program's path.
///     executable: String,
///     #[builder(each = "arg")]
///     args: Vec<String>,
///     #[builder(each = "env")]
///     env: Vec<(String, String)>,
///     current_dir: Option<String>,
///     #[builder(default = 3)]
///     attempts: u32,
///     #[builder(default)]
///     quiet: bool,
/// }
///
/// let command = Command::builder()
///     .executable("cargo".to_owned())
///     .arg("build".to_owned())
///     .arg("--release".to_owned())
///     .env(("CARGO_TERM_COLOR".to_owned(), "never".to_owned()))
///     .build()?;
/// assert_eq!(command.args, ["build", "--release"]);
/// assert_eq!(command.env.len(), 1);
/// assert_eq!((command.current_dir, command.attempts, command.quiet), (None, 3, false));
///
/// let error = Command::builder().quiet(true).build().unwrap_err();
/// assert_eq!(error.field(), "executable");
/// assert_eq!(error.to_string(), "Command: the field `executable` is missing");
/// # Ok::<(), CommandBuilderError>(())
/// ```
///
/// # What is generated
///
/// - `Command::builder()`, which returns a `CommandBuilder` with no field set.
/// - `CommandBuilder` with a setter for each field. A setter takes the value and returns
///   `&mut Self`, so that calls can be chained or made in several statements. A second call
///   replaces the value. The setter of an `Option<T>` takes a `T`.
/// - For each `Option<T>` a second setter `maybe_<field>`, which takes an `Option<T>`, for a caller
///   that has one. It is left out where a field or an appending setter has that name.
/// - `CommandBuilder::build(&mut self) -> Result<Command, CommandBuilderError>`. It moves the
///   values out of the builder, so no field has to be `Clone`. After success the builder is empty.
///   After a failure it is unchanged: set the missing field and build again.
/// - `CommandBuilderError`, a [`std::error::Error`] that names the missing field in its message and
///   by `field() -> &'static str`. If several are missing, it is the first. If no field is required
///   there is no such type, and `build` returns the struct itself:
///
/// ```
/// # use lakewright_macros::Builder;
/// #[derive(Builder)]
/// struct Retry {
///     #[builder(default = 3)]
///     attempts: u32,
///     pause_seconds: Option<u64>,
/// }
///
/// let retry = Retry::builder().pause_seconds(1).build();
/// assert_eq!((retry.attempts, retry.pause_seconds), (3, Some(1)));
///
/// let given: Option<u64> = None;
/// let retry = Retry::builder().attempts(1).maybe_pause_seconds(given).build();
/// assert_eq!((retry.attempts, retry.pause_seconds), (1, None));
/// ```
///
/// All generated items have the visibility of the struct. Doc comments, `#[deprecated]` and
/// `#[doc(hidden)]` of a field are copied to its setter. A doc link to `Self` would refer to the
/// builder there, so link to the struct by name. Lifetimes, type and const parameters and where
/// clauses are copied to the builder.
///
/// # Optional fields
///
/// | field | value if it was not set |
/// |---|---|
/// | `Option<T>` | `None` |
/// | `#[builder(default)]` | [`Default::default()`] |
/// | `#[builder(default = expr)]` | `expr`, evaluated by `build` |
/// | `#[builder(each = "…")]` | an empty `Vec`, unless there is a default |
/// | any other | `build` fails |
///
/// `default = expr` takes an expression of the field's type. A quoted value is a `&'static str` and
/// not code, so the default of a `String` is written `default = "eu-west-1".to_owned()`. `Self` in
/// the expression is the struct. The expression cannot access the builder or other fields, and
/// `return` and `?` do not leave `build`.
///
/// # Appending setters
///
/// `#[builder(each = "arg")]` on a `Vec<T>` adds a setter `arg` that takes a `T` and appends it.
/// The setter for the whole `Vec` is generated as well, unless both have the same name.
///
/// # Conversion of arguments
///
/// With `#[builder(into)]` the setters of a field convert their argument: each takes
/// `impl Into<T>` where it would take a `T`. It is an option and not the rule, because the compiler
/// then cannot infer the type of `value.into()`, of a number without a suffix or of a closure.
///
/// ```
/// # use lakewright_macros::Builder;
/// #[derive(Builder)]
/// struct Upload {
///     #[builder(into)]
///     content_type: Option<String>,
///     #[builder(each = "tag", into)]
///     tags: Vec<String>,
/// }
///
/// let upload = Upload::builder().content_type("text/csv").tag("raw").tag("daily").build();
/// assert_eq!(upload.content_type.as_deref(), Some("text/csv"));
/// assert_eq!(upload.tags, ["raw", "daily"]);
/// ```
///
/// # Recognition of `Option` and `Vec`
///
/// A macro sees only the tokens of a type. `Option<T>`, `option::Option<T>` and
/// `std::option::Option<T>` (or `core`, with or without a leading `::`) are recognised as `Option`;
/// the same holds for `Vec` with `std` and `alloc`. A type alias is not resolved: use one if an
/// `Option` field must be set explicitly.
///
/// # Errors
///
/// An unknown key, a duplicate key, `each` on a type other than `Vec`, a name that is not an
/// identifier or is already a setter, and `default` on an `Option` are compile errors at the
/// attribute. All mistakes in a struct are reported at once.
///
/// ```compile_fail
/// # use lakewright_macros::Builder;
/// #[derive(Builder)]
/// struct Command {
///     #[builder(eac = "arg")] // unknown key: expected `each = "name"`, `default`, …
///     args: Vec<String>,
/// }
/// ```
#[proc_macro_derive(Builder, attributes(builder))]
pub fn derive_builder(input: TokenStream) -> TokenStream {
    builder::derive(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Declares the verbs of a Python class, each once.
///
/// The attribute is put on an inherent impl block of `Open<Handle>`. The block stays as it is
/// written; for each function in it the class `Handle` gets two methods: the verb, which blocks,
/// and its twin `<verb>_async`, which returns something to await. Both have the doc comment, the
/// `#[pyo3(signature = …)]` and the argument types of the declaration.
///
/// ```text
/// #[verbs(Lake)]
/// impl Open<Lake> {
///     /// Deletes an empty bucket.
///     #[pyo3(signature = (name))]
///     async fn delete_bucket(self, name: Name<BucketName>) -> Result<()> {
///         self.inner.delete_bucket(&name.0).await
///     }
/// }
/// ```
///
/// Arguments are converted, and the handle is opened, when the method is called; the body runs on
/// the runtime. An argument of type `&str` is copied once and lent to the body. `Result<()>`
/// becomes `None`. A function that is not `async` returns a stream, which becomes an iterator in
/// one method and an asynchronous iterator in the other.
///
/// The generated code uses `crate::verb` and `crate::runtime` of the Python module.
#[proc_macro_attribute]
pub fn verbs(handle: TokenStream, block: TokenStream) -> TokenStream {
    verbs::expand(handle.into(), block.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
