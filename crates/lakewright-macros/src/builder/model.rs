//! The validated description of a struct.

use std::collections::HashMap;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, GenericArgument, Generics, Ident, Meta,
    PathArguments, Type, Visibility,
};

use super::attr::{Attrs, Each};

/// A struct to generate a builder for.
pub(super) struct Model {
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    /// The name of the builder, such as `CommandBuilder`.
    pub(super) builder: Ident,
    /// The name of the error, such as `CommandBuilderError`.
    pub(super) error: Ident,
    pub(super) generics: Generics,
    pub(super) fields: Vec<Field>,
}

/// A field and its setters.
pub(super) struct Field {
    pub(super) ident: Ident,
    /// The `T` of the `Option<T>` in the builder, which is also the argument of the plain setter.
    pub(super) value: Type,
    /// The appending setter and the type of its argument.
    pub(super) each: Option<(Ident, Type)>,
    /// The setter that takes an `Option`, if the field is one.
    pub(super) maybe: Option<Ident>,
    /// Whether the setters convert their arguments by `Into`.
    pub(super) into: bool,
    pub(super) absent: Absent,
    /// The doc comment.
    pub(super) docs: Vec<Attribute>,
    /// `#[deprecated]`, `#[doc(hidden)]` and similar attributes, which are copied to every setter.
    pub(super) marks: Vec<Attribute>,
}

/// How `build` handles a field that was not set.
pub(super) enum Absent {
    /// `build` fails.
    Missing,
    /// The field is an `Option` and becomes `None`.
    None,
    /// The field gets the value of this expression.
    Default(TokenStream),
}

impl Model {
    /// Reads and validates `input`. The error combines all mistakes.
    pub(super) fn read(input: DeriveInput) -> syn::Result<Self> {
        let named = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => Ok(&fields.named),
                Fields::Unnamed(fields) => Err((fields.to_token_stream(), "a tuple struct")),
                Fields::Unit => Err((input.ident.to_token_stream(), "a unit struct")),
            },
            Data::Enum(data) => Err((data.enum_token.to_token_stream(), "an enum")),
            Data::Union(data) => Err((data.union_token.to_token_stream(), "a union")),
        };
        let named = named.map_err(|(place, kind)| {
            let name = input.ident.unraw();
            let message =
                format!("Builder needs a struct with named fields, and `{name}` is {kind}");
            Error::new_spanned(place, message)
        })?;

        let mut errors = Vec::new();
        for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("builder")) {
            errors.push(Error::new_spanned(attr, "`#[builder(...)]` goes on a field"));
        }
        let mut fields = Vec::new();
        let mut setters = Setters::new(named.iter().filter_map(|field| field.ident.as_ref()));
        for field in named {
            let attrs = Attrs::read(&field.attrs, &mut errors);
            match Field::read(field, attrs, &mut setters) {
                Ok(field) => fields.push(field),
                Err(error) => errors.push(error),
            }
        }
        for field in &mut fields {
            field.maybe = field.maybe.take().filter(|setter| setters.is_free(setter));
        }
        let combined = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        if let Some(errors) = combined {
            return Err(errors);
        }

        let DeriveInput { vis, ident, generics, .. } = input;
        let builder = format_ident!("{ident}Builder");
        let error = format_ident!("{ident}BuilderError");
        Ok(Self { vis, ident, builder, error, generics, fields })
    }
}

impl Field {
    fn read(field: &syn::Field, attrs: Attrs, setters: &mut Setters) -> syn::Result<Self> {
        let Some(ident) = field.ident.clone() else {
            return Err(Error::new_spanned(field, "Builder needs fields with names"));
        };
        let optional = argument_of(&field.ty, "Option", "option", &["std", "core"]);

        let replaced = attrs.each.as_ref().is_some_and(|each| same(&each.setter, &ident));
        if !replaced {
            setters.check_field(&ident)?;
        }
        let each = match attrs.each {
            Some(each) => {
                let Some(item) = argument_of(&field.ty, "Vec", "vec", &["std", "alloc"]) else {
                    let Each { key, literal, .. } = each;
                    let place = quote_spanned!(key=> each #literal);
                    return Err(Error::new_spanned(place, "`each` needs a field of type `Vec<T>`"));
                };
                setters.add_each(&ident, &each)?;
                Some((each.setter, item.clone()))
            }
            None => None,
        };

        let absent = match (attrs.default, optional) {
            (Some(default), Some(_)) => {
                let message = "an `Option` is `None` when left out; \
                               for another default, give the field the type inside";
                return Err(Error::new(default.key, message));
            }
            (Some(default), None) => Absent::Default(match default.expr {
                Some(expr) => expr.into_token_stream(),
                // With the key's span, a type without a default is reported at the attribute.
                None => quote_spanned!(default.key=> ::core::default::Default::default()),
            }),
            (None, Some(_)) => Absent::None,
            (None, None) if each.is_some() => Absent::Default(quote!(::std::vec::Vec::new())),
            (None, None) => Absent::Missing,
        };

        let (docs, marks) = field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc") || attr.path().is_ident("deprecated"))
            .cloned()
            .partition(|attr| {
                attr.path().is_ident("doc") && matches!(attr.meta, Meta::NameValue(_))
            });
        let value = optional.unwrap_or(&field.ty).clone();
        let maybe = optional.map(|_| format_ident!("maybe_{}", ident.unraw(), span = ident.span()));
        let into = attrs.into;
        Ok(Self { ident, value, each, maybe, into, absent, docs, marks })
    }

    /// Returns the field's name without `r#`.
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Returns whether there is a setter for the whole value, which is not the case if `each` has
    /// the same name.
    pub(super) fn has_plain_setter(&self) -> bool {
        self.each.as_ref().is_none_or(|(setter, _)| !same(setter, &self.ident))
    }
}

/// The names of the builder's methods, each with the field that owns it.
struct Setters(HashMap<Ident, String>);

impl Setters {
    fn new<'a>(fields: impl Iterator<Item = &'a Ident>) -> Self {
        Self(fields.map(|field| (field.unraw(), format!("the field `{field}`"))).collect())
    }

    fn check_field(&self, field: &Ident) -> syn::Result<()> {
        if field.unraw() == "build" {
            let message = "the setter of a field named `build` would clash with the builder's \
                           own method `build`; rename the field";
            return Err(Error::new_spanned(field, message));
        }
        Ok(())
    }

    fn add_each(&mut self, field: &Ident, each: &Each) -> syn::Result<()> {
        let Each { literal, setter, .. } = each;
        let name = setter.unraw();
        if name == "build" {
            let message = "`build` is the builder's own method; choose another name";
            return Err(Error::new_spanned(literal, message));
        }
        if same(setter, field) {
            return Ok(());
        }
        if let Some(owner) = self.0.get(&name) {
            let message = format!("{owner} already has a setter `{setter}`; choose another name");
            return Err(Error::new_spanned(literal, message));
        }
        self.0.insert(name, format!("the field `{field}`"));
        Ok(())
    }

    /// Returns whether no field has a setter of this name.
    fn is_free(&self, setter: &Ident) -> bool {
        !self.0.contains_key(setter)
    }
}

/// Compares two names; `r#arg` and `arg` are equal.
fn same(one: &Ident, other: &Ident) -> bool {
    one.unraw() == other.unraw()
}

/// Returns the `T` of a type that is written `Option<T>`, `option::Option<T>` or
/// `::std::option::Option<T>`.
///
/// A macro sees only the tokens of a type. Any other path, such as `frozen::Option<T>`, is treated
/// as another type.
fn argument_of<'a>(ty: &'a Type, name: &str, module: &str, crates: &[&str]) -> Option<&'a Type> {
    let path = match ty {
        // A type that was passed as `$ty:ty` of macro_rules is wrapped in an invisible group.
        Type::Group(group) => return argument_of(&group.elem, name, module, crates),
        Type::Paren(paren) => return argument_of(&paren.elem, name, module, crates),
        Type::Path(ty) if ty.qself.is_none() => &ty.path,
        _ => return None,
    };
    let mut segments = path.segments.iter().rev();
    let last = segments.next().filter(|last| last.ident == name)?;
    let known = segments.next().is_none_or(|segment| segment.ident == module)
        && segments.next().is_none_or(|segment| crates.iter().any(|name| segment.ident == name))
        && segments.next().is_none();
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if known && arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// Parses `input` with `Self` replaced by the type: in the builder's code it would refer to the
/// builder.
pub(super) fn name_self(input: TokenStream) -> syn::Result<DeriveInput> {
    let parsed: DeriveInput = syn::parse2(input.clone())?;
    let (_, arguments, _) = parsed.generics.split_for_impl();
    let arguments = arguments.as_turbofish().into_token_stream();
    syn::parse2(replace_self(input, &parsed.ident, &arguments))
}

fn replace_self(tokens: TokenStream, ident: &Ident, arguments: &TokenStream) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(found) if found == "Self" => {
            let mut ident = ident.clone();
            ident.set_span(found.span());
            quote!(#ident #arguments)
        }
        TokenTree::Group(group) => {
            let stream = replace_self(group.stream(), ident, arguments);
            let mut replaced = Group::new(group.delimiter(), stream);
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        token => token.into(),
    };
    tokens.into_iter().map(replace).collect::<Vec<TokenStream>>().into_iter().collect()
}
