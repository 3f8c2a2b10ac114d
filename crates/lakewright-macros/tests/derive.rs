//! Tests of `#[derive(Builder)]` in the way that a crate uses it. The cases that must not compile
//! are in `ui/`.

use std::error::Error;

use lakewright_macros::Builder;

/// The example of the requirements.
#[derive(Debug, PartialEq, Builder)]
pub struct Command {
    executable: String,
    #[builder(each = "arg")]
    args: Vec<String>,
    #[builder(each = "env")]
    env: Vec<String>,
    current_dir: Option<String>,
}

#[test]
fn setters_chain_and_build_returns_the_struct() {
    let command = Command::builder()
        .executable("cargo".into())
        .args(vec!["build".into()])
        .env("A=1".into())
        .current_dir("..".into())
        .build()
        .unwrap();
    let expected = Command {
        executable: "cargo".into(),
        args: vec!["build".into()],
        env: vec!["A=1".into()],
        current_dir: Some("..".into()),
    };
    assert_eq!(command, expected);
}

#[test]
fn setters_take_exactly_the_value() {
    type Setter<T> = fn(&mut CommandBuilder, T) -> &mut CommandBuilder;
    let _: Setter<String> = CommandBuilder::executable;
    let _: Setter<String> = CommandBuilder::current_dir;
    // Two setters, because the names differ.
    let _: Setter<Vec<String>> = CommandBuilder::args;
    let _: Setter<String> = CommandBuilder::arg;
    // One setter, because the names are equal.
    let _: Setter<String> = CommandBuilder::env;
}

#[test]
fn option_and_each_may_be_left_out() {
    let command = Command::builder().executable("cargo".into()).build().unwrap();
    assert_eq!((command.args, command.env, command.current_dir), (vec![], vec![], None));
}

#[test]
fn each_appends_to_the_value_of_the_plain_setter() {
    let mut builder = Command::builder();
    builder.executable("cargo".into()).args(vec!["build".into()]);
    builder.arg("-v".into()).arg("--release".into());
    builder.env("A=1".into()).env("B=2".into());
    let command = builder.build().unwrap();
    assert_eq!(command.args, ["build", "-v", "--release"]);
    assert_eq!(command.env, ["A=1", "B=2"]);
}

#[test]
fn a_plain_setter_replaces() {
    let mut builder = Command::builder();
    builder.executable("a".into()).executable("b".into()).arg("x".into()).args(vec![]);
    let command = builder.build().unwrap();
    assert_eq!((command.executable.as_str(), command.args.len()), ("b", 0));
}

#[test]
fn a_missing_field_is_named() {
    let error = Command::builder().arg("build".into()).build().unwrap_err();
    assert_eq!(error.field(), "executable");
    let error: Box<dyn Error + Send + Sync> = error.into();
    assert_eq!(error.to_string(), "Command: the field `executable` is missing");
}

/// Implements none of `Clone`, `Debug`, `Default` and `PartialEq`.
struct Opaque(u8);

#[derive(Builder)]
struct Pair {
    left: Opaque,
    #[builder(each = "right")]
    right: Vec<Opaque>,
    middle: Opaque,
}

#[test]
fn a_failed_build_changes_nothing_and_a_successful_one_empties_the_builder() {
    let mut builder = Pair::builder();
    builder.left(Opaque(1)).right(Opaque(2));
    assert_eq!(builder.build().err().map(|error| error.field()), Some("middle"));

    let pair = builder.middle(Opaque(3)).build().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((pair.left.0, pair.right[0].0, pair.middle.0), (1, 2, 3));

    assert_eq!(builder.build().err().map(|error| error.field()), Some("left"));
    let pair = builder.left(Opaque(4)).middle(Opaque(5)).build();
    assert!(pair.is_ok_and(|pair| pair.right.is_empty()));
}

const REGION: &str = "eu-west-1";

#[derive(Debug, PartialEq, Builder)]
struct Profile {
    #[builder(default = REGION.to_owned())]
    region: String,
    #[builder(default = "path")]
    style: &'static str,
    #[builder(default)]
    path_style: bool,
    #[builder(default = Self::ATTEMPTS)]
    attempts: u32,
    #[builder(each = "host", default = vec!["localhost".to_owned()])]
    hosts: Vec<String>,
    #[builder(default = vec![443])]
    #[builder(each = "port")]
    port: Vec<u16>,
    #[builder(default)]
    tags: Vec<(String, String)>,
}

impl Profile {
    const ATTEMPTS: u32 = 4;
}

#[test]
fn a_build_without_required_fields_returns_the_struct() {
    let profile: Profile = Profile::builder().build();
    let expected = Profile {
        region: "eu-west-1".into(),
        style: "path",
        path_style: false,
        attempts: 4,
        hosts: vec!["localhost".into()],
        port: vec![443],
        tags: vec![],
    };
    assert_eq!(profile, expected);

    let profile = Profile::builder().attempts(1).host("minio".into()).port(80).build();
    assert_eq!((profile.attempts, profile.port), (1, vec![80]));
    assert_eq!(profile.hosts, ["minio"], "a default is not appended to");
}

#[test]
fn a_default_is_evaluated_only_when_needed() {
    fn never() -> u8 {
        panic!("evaluated")
    }
    #[derive(Builder)]
    struct Lazy {
        #[builder(default = never())]
        value: u8,
        #[builder(default = Box::new(|| 2))]
        coerced: Box<dyn Fn() -> u8>,
    }
    let lazy = Lazy::builder().value(1).build();
    assert_eq!((lazy.value, (lazy.coerced)()), (1, 2));
}

/// Shadows every name that the generated code could rely on.
#[allow(dead_code, non_camel_case_types, non_upper_case_globals, unreachable_pub, unused_macros)]
mod shadowed {
    type Option = ();
    type Some = ();
    type None = ();
    type Result = ();
    type Ok = ();
    type Err = ();
    type Box = ();
    type String = ();
    type Vec = ();
    type Default = ();
    type Clone = ();
    type Debug = ();
    type str = ();
    // A generated binding with the name of a constant would be a pattern that matches the constant.
    const taken: u8 = 0;
    struct f;
    mod fmt {}
    mod std {}
    mod core {}
    macro_rules! write {
        () => {};
    }
    macro_rules! vec {
        () => {};
    }

    trait Interfering {
        fn take(&mut self) {}
        fn is_none(&self) {}
        fn push(&mut self, _: u8) {}
    }
    impl<T> Interfering for T {}

    #[derive(::core::fmt::Debug, lakewright_macros::Builder)]
    pub struct Command {
        pub executable: ::std::string::String,
        #[builder(each = "arg")]
        pub args: ::std::vec::Vec<u8>,
        pub dir: ::core::option::Option<::std::string::String>,
        #[builder(default)]
        pub quiet: bool,
    }
}

#[test]
fn shadowed_names_do_not_change_the_generated_code() {
    let command = shadowed::Command::builder().executable("x".into()).arg(1).build().unwrap();
    assert_eq!((command.args, command.dir, command.quiet), (vec![1], None, false));
    let error = shadowed::Command::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "Command: the field `executable` is missing");
}

#[derive(Debug, Builder)]
struct Generic<'a, T: Clone, U = u8, const N: usize = 2>
where
    T: PartialEq,
    Self: Sized,
{
    name: &'a str,
    items: [T; N],
    #[builder(each = "more")]
    many: Vec<&'a T>,
    extra: Option<U>,
    next: Option<Box<Self>>,
    #[builder(default = Self::width)]
    width: fn() -> usize,
}

impl<'a, T: Clone + PartialEq, U, const N: usize> Generic<'a, T, U, N> {
    fn width() -> usize {
        N
    }
}

#[test]
fn parameters_and_where_clauses_are_copied() {
    let name = String::from("generic");
    let inner: Generic<'_, char> =
        Generic::builder().name(&name).items(['a', 'b']).extra(1).build().unwrap();
    let outer = Generic::builder()
        .name("outer")
        .items(['c', 'd'])
        .more(&'e')
        .next(Box::new(inner))
        .build()
        .unwrap();
    assert_eq!((outer.name, outer.items, (outer.width)()), ("outer", ['c', 'd'], 2));
    assert_eq!((outer.many, outer.extra), (vec![&'e'], None));
    assert_eq!(outer.next.and_then(|next| next.extra), Some(1));
}

#[derive(Builder)]
struct Spelled {
    plain: std::option::Option<u8>,
    core: ::core::option::Option<u8>,
    #[builder(each = "one")]
    many: ::std::vec::Vec<u8>,
    /// An alias is handled like any other type.
    alias: Maybe,
}

type Maybe = Option<u8>;

#[test]
fn options_and_vecs_are_recognised_by_their_paths() {
    let spelled = Spelled::builder().plain(1).core(2).one(3).alias(None).build().unwrap();
    assert_eq!((spelled.plain, spelled.core, spelled.alias), (Some(1), Some(2), None));
    assert_eq!(spelled.many, [3]);
    assert!(Spelled::builder().build().is_err_and(|error| error.field() == "alias"));
}

macro_rules! declare {
    ($name:ident, $optional:ty, $many:ty) => {
        #[derive(Builder)]
        struct $name {
            optional: $optional,
            #[builder(each = "one")]
            many: $many,
        }
    };
}
declare!(Declared, Option<u8>, Vec<u8>);

#[test]
fn types_that_come_through_a_macro_are_recognised() {
    let declared = Declared::builder().optional(1).one(2).build();
    assert_eq!((declared.optional, declared.many), (Some(1), vec![2]));
}

#[derive(Debug, Builder)]
struct Raw {
    r#type: u8,
    #[builder(each = "r#use")]
    uses: Vec<u8>,
    #[builder(each = "matches")]
    r#matches: Vec<u8>,
}

#[test]
fn raw_identifiers_keep_their_plain_names_in_messages() {
    let raw = Raw::builder().r#type(1).r#use(2).matches(3).build().unwrap();
    assert_eq!((raw.r#type, raw.uses, raw.matches), (1, vec![2], vec![3]));
    let error = Raw::builder().build().unwrap_err();
    assert_eq!(error.to_string(), "Raw: the field `type` is missing");
}

#[derive(Builder)]
struct Configured {
    #[cfg(any())]
    absent: Missing,
    #[cfg(not(any()))]
    here: u8,
    #[cfg_attr(all(), builder(default = 2))]
    defaulted: u8,
    #[cfg(any())]
    either: u8,
    #[cfg(not(any()))]
    either: u16,
}

#[test]
fn fields_that_are_configured_out_have_no_setter() {
    let configured = Configured::builder().here(1).either(300).build().unwrap();
    assert_eq!((configured.here, configured.defaulted, configured.either), (1, 2, 300));
}

#[derive(Debug, Builder)]
struct Leaving {
    name: String,
    #[builder(default = if true { return 7 } else { 8 })]
    number: u8,
    missing: u8,
}

#[test]
fn a_default_that_returns_does_not_leave_build() {
    let mut builder = Leaving::builder();
    assert_eq!(builder.name("kept".into()).build().unwrap_err().field(), "missing");
    let leaving = builder.missing(1).build().unwrap();
    assert_eq!((leaving.name.as_str(), leaving.number, leaving.missing), ("kept", 7, 1));
}

#[derive(Builder)]
struct Empty {}

#[test]
fn a_struct_without_fields_builds() {
    let Empty {} = Empty::builder().build();
}

/// A struct whose field names equal names in the generated code.
#[derive(Builder)]
struct Own {
    builder: u8,
    field: u8,
    value: u8,
    error: u8,
}

#[test]
fn fields_may_be_named_like_the_locals_of_the_generated_code() {
    let own = Own::builder().builder(1).field(2).value(3).error(4).build().unwrap();
    assert_eq!((own.builder, own.field, own.value, own.error), (1, 2, 3, 4));
}

#[derive(Debug, PartialEq, Builder)]
struct Converted {
    #[builder(into)]
    name: String,
    #[builder(into)]
    note: Option<String>,
    #[builder(each = "tag", into)]
    tags: Vec<String>,
    #[builder(default = 1.0, into)]
    factor: f64,
    plain: Option<u8>,
}

#[test]
fn setters_with_into_convert_their_arguments() {
    let all: [&str; 2] = ["a", "b"];
    let converted = Converted::builder()
        .name("name")
        .note('n')
        .tags(all.map(str::to_owned))
        .tag("c")
        .factor(2_u8)
        .build()
        .unwrap();
    let expected = Converted {
        name: "name".into(),
        note: Some("n".into()),
        tags: vec!["a".into(), "b".into(), "c".into()],
        factor: 2.0,
        plain: None,
    };
    assert_eq!(converted, expected);
}

#[test]
fn options_have_a_setter_that_takes_an_option() {
    let mut builder = Converted::builder();
    builder.name("name").maybe_note(Some("note")).maybe_plain(Some(1));
    builder.maybe_plain(None);
    let converted = builder.build().unwrap();
    assert_eq!((converted.note.as_deref(), converted.plain), (Some("note"), None));
}

/// Names that equal the generated setters of optional fields.
#[derive(Builder)]
struct Maybes {
    a: Option<u8>,
    maybe_a: Option<u8>,
    r#type: Option<u8>,
    b: Option<u8>,
    #[builder(each = "maybe_b")]
    many: Vec<u8>,
}

#[test]
fn a_setter_of_the_struct_replaces_a_generated_one_of_the_same_name() {
    let maybes = Maybes::builder()
        .a(1)
        .maybe_a(2)
        .maybe_maybe_a(None)
        .maybe_type(Some(3))
        .b(4)
        .maybe_b(5)
        .build();
    assert_eq!((maybes.a, maybes.maybe_a, maybes.r#type), (Some(1), None, Some(3)));
    assert_eq!((maybes.b, maybes.many), (Some(4), vec![5]));
}

#[test]
fn compile_errors_point_at_the_mistake() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/lints.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
