//! The derive macros of lakewright. So far there is one, [`Builder`](macro@Builder).
//!
//! A macro here depends on nothing at run time: whatever the generated code needs, the derive
//! generates, and it names everything by its full path, so that it means the same in every module.

use proc_macro::TokenStream;

mod builder;

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
/// - `Command::builder()`, which starts a `CommandBuilder`: no field is set.
/// - `CommandBuilder` with a setter for each field. A setter takes the value and returns
///   `&mut Self`, so that calls chain and a builder can also be filled across several statements.
///   A second call replaces the value. The setter of an `Option<T>` takes a `T`.
/// - `CommandBuilder::build(&mut self) -> Result<Command, CommandBuilderError>`. A build moves the
///   values out, which is why no field has to be `Clone`: one that succeeds leaves the builder
///   empty. One that fails loses nothing; set what was missing and build again.
/// - `CommandBuilderError`, a [`std::error::Error`] that says which field is missing, also through
///   `field() -> &'static str`. If several are, it is the first. Where every field may be left out
///   there is no such type; the error is then [`Infallible`](std::convert::Infallible):
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
/// let Ok(retry) = Retry::builder().pause_seconds(1).build();
/// assert_eq!((retry.attempts, retry.pause_seconds), (3, Some(1)));
/// ```
///
/// All of it is as visible as the struct. Doc comments of a field go to its setter, and so do
/// `#[deprecated]` and `#[doc(hidden)]`; a doc link to `Self` means the builder there, so link to
/// the struct by name. Lifetimes, type and const parameters and where clauses carry over.
///
/// # What may be left out
///
/// | field | if it was not set |
/// |---|---|
/// | `Option<T>` | `None` |
/// | `#[builder(default)]` | [`Default::default()`] |
/// | `#[builder(default = expr)]` | `expr`, evaluated by `build` |
/// | `#[builder(each = "…")]` | an empty `Vec`, unless a default says otherwise |
/// | any other | `build` fails |
///
/// `default = expr` takes an expression of the field's type, so a quoted value is a `&'static str`
/// and not code: `default = "eu-west-1".to_owned()` is how a `String` gets one. `Self` in it is the
/// struct; the builder and the other fields are out of its sight, and `return` and `?` do not
/// leave `build`.
///
/// # One at a time
///
/// `#[builder(each = "arg")]` on a `Vec<T>` adds a setter `arg` that takes a `T` and appends it.
/// The setter for the whole `Vec` stays, unless the two have the same name: then there is only the
/// one that appends.
///
/// # Which types are `Option` and `Vec`
///
/// A macro sees the spelling of a type and not its meaning. `Option<T>`, `option::Option<T>` and
/// `std::option::Option<T>` (or `core`, with or without a leading `::`) are taken for an `Option`;
/// the same holds for `Vec` with `std` and `alloc`. A type alias is not seen through: where `None`
/// has to be set explicitly, or must not be the default, an alias makes an `Option` a field like
/// any other.
///
/// # Errors
///
/// An unknown key, a key given twice, `each` on another type than `Vec`, a name that is no
/// identifier or is already a setter, and `default` on an `Option` are compile errors that point at
/// the attribute. All mistakes in a struct are reported at once.
///
/// ```compile_fail
/// # use lakewright_macros::Builder;
/// #[derive(Builder)]
/// struct Command {
///     #[builder(eac = "arg")] // unknown key: expected `each = "name"`, `default` or …
///     args: Vec<String>,
/// }
/// ```
#[proc_macro_derive(Builder, attributes(builder))]
pub fn derive_builder(input: TokenStream) -> TokenStream {
    builder::derive(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
