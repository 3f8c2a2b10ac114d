//! Generation of the builder's code.
//!
//! All code is quoted with the hygiene of macro_rules: a default expression cannot refer to any
//! local of the generated code, not even `self`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use super::model::{Absent, Field, Model};

pub(super) fn expand(model: &Model) -> TokenStream {
    let items = [builder(model), setters(model), build(model), error(model)];
    items.into_iter().collect()
}

/// Generates the builder type and the function that creates a builder.
fn builder(model: &Model) -> TokenStream {
    let Model { vis, ident, builder, generics, fields, .. } = model;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let lints = lints();
    let names = fields.iter().map(|field| &field.ident);
    let values = fields.iter().map(|field| &field.value);
    let empty = fields.iter().map(|field| &field.ident);
    let about = format!("Builds a [`{}`] from its fields.", ident.unraw());
    let start = format!("Returns a builder for [`{}`] with no field set.", ident.unraw());
    quote_spanned! {Span::mixed_site()=>
        #[doc = #about]
        #[must_use = "a builder does nothing until its `build` is called"]
        #lints
        #vis struct #builder #generics #where_clause {
            #(#names: ::core::option::Option<#values>,)*
        }

        #[automatically_derived]
        #lints
        impl #impl_generics #ident #ty_generics #where_clause {
            #[doc = #start]
            #vis fn builder() -> #builder #ty_generics {
                #builder { #(#empty: ::core::option::Option::None,)* }
            }
        }
    }
}

fn setters(model: &Model) -> TokenStream {
    let Model { vis, builder, generics, fields, .. } = model;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let lints = lints();
    let setters = fields.iter().map(|field| {
        let plain = field.has_plain_setter().then(|| plain_setter(vis, field));
        let maybe = maybe_setter(vis, field);
        let each = each_setter(vis, field);
        quote!(#plain #maybe #each)
    });
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #lints
        impl #impl_generics #builder #ty_generics #where_clause {
            #(#setters)*
        }
    }
}

fn plain_setter(vis: &syn::Visibility, field: &Field) -> TokenStream {
    let Field { ident, value: ty, docs, marks, .. } = field;
    let about = format!("Sets `{}`.", field.name());
    let about = docs.is_empty().then(|| quote!(#[doc = #about]));
    let (argument, value) = argument(field, ty);
    quote_spanned! {Span::mixed_site()=>
        #about
        #(#docs)*
        #(#marks)*
        #vis fn #ident(&mut self, value: #argument) -> &mut Self {
            self.#ident = ::core::option::Option::Some(#value);
            self
        }
    }
}

/// Generates the setter that takes an `Option`, if the field is one.
fn maybe_setter(vis: &syn::Visibility, field: &Field) -> Option<TokenStream> {
    let Field { ident, value: ty, marks, maybe, .. } = field;
    let setter = maybe.as_ref()?;
    let about = format!("Sets `{}`, or unsets it for `None`.", field.name());
    let (argument, value) = argument(field, ty);
    Some(quote_spanned! {Span::mixed_site()=>
        #[doc = #about]
        #(#marks)*
        #vis fn #setter(&mut self, value: ::core::option::Option<#argument>) -> &mut Self {
            self.#ident = match value {
                ::core::option::Option::Some(value) => ::core::option::Option::Some(#value),
                ::core::option::Option::None => ::core::option::Option::None,
            };
            self
        }
    })
}

/// Returns the type of a setter's argument `value`, and the expression that converts it to `ty`.
fn argument(field: &Field, ty: &syn::Type) -> (TokenStream, TokenStream) {
    let site = Span::mixed_site();
    if field.into {
        (
            quote_spanned!(site=> impl ::core::convert::Into<#ty>),
            quote_spanned!(site=> ::core::convert::Into::into(value)),
        )
    } else {
        (quote!(#ty), quote_spanned!(site=> value))
    }
}

fn each_setter(vis: &syn::Visibility, field: &Field) -> Option<TokenStream> {
    let Field { ident, docs, marks, .. } = field;
    let (setter, item) = field.each.as_ref()?;
    let about = format!(" Adds one item to `{}`.", field.name());
    // If this is the field's only setter, it carries the field's documentation.
    let docs = if field.has_plain_setter() { [].as_slice() } else { docs };
    let gap = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
    let (argument, value) = argument(field, item);
    Some(quote_spanned! {Span::mixed_site()=>
        #(#docs)*
        #gap
        #[doc = #about]
        #(#marks)*
        #vis fn #setter(&mut self, value: #argument) -> &mut Self {
            ::std::vec::Vec::push(
                ::core::option::Option::get_or_insert_with(
                    &mut self.#ident,
                    ::std::vec::Vec::new,
                ),
                #value,
            );
            self
        }
    })
}

/// Generates `build` in a separate impl: it contains the default expressions, which are the user's
/// code and keep the user's lints.
fn build(model: &Model) -> TokenStream {
    let Model { vis, ident, builder, error, generics, fields } = model;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let site = Span::mixed_site();

    // All checks come before the first `take`, so a failed build loses no value.
    let required = || fields.iter().filter(|field| matches!(field.absent, Absent::Missing));
    let checks = required().map(|field| {
        let (ident, name) = (&field.ident, field.name());
        quote_spanned! {site=>
            if ::core::option::Option::is_none(&self.#ident) {
                return ::core::result::Result::Err(#error { field: #name });
            }
        }
    });
    let names = fields.iter().map(|field| &field.ident);
    let values = fields.iter().map(|field| {
        let Field { ident, value: ty, absent, .. } = field;
        let taken = quote_spanned!(site=> ::core::option::Option::take(&mut self.#ident));
        match absent {
            Absent::None => taken,
            // The check above excludes this error. An `unwrap` would add a panic to the generated
            // code.
            Absent::Missing => {
                let name = field.name();
                quote_spanned!(site=> ::core::option::Option::ok_or(#taken, #error { field: #name })?)
            }
            // A `return` or `?` in the expression leaves only the closure. If it left `build`, the
            // values that were already taken out would be lost.
            Absent::Default(expr) => {
                quote_spanned!(site=> ::core::option::Option::unwrap_or_else(#taken, || -> #ty { #expr }))
            }
        }
    });

    let about = format!("Returns the [`{}`] and leaves the builder empty.", ident.unraw());
    let list = required().map(|field| format!("`{}`", field.name())).collect::<Vec<_>>().join(", ");
    let errors = match required().count() {
        0 => None,
        1 => Some(format!("If {list} is not set. The builder is then unchanged.")),
        _ => Some(format!("If one of {list} is not set. The builder is then unchanged.")),
    };
    let built = quote_spanned!(site=> #ident { #(#names: #values,)* });
    let (errors, returned, built) = match errors {
        None => (None, quote!(#ident #ty_generics), built),
        Some(errors) => (
            Some(quote! {
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = ""]
                #[doc = #errors]
            }),
            quote!(::core::result::Result<#ident #ty_generics, #error>),
            quote_spanned!(site=> ::core::result::Result::Ok(#built)),
        ),
    };
    quote_spanned! {site=>
        #[automatically_derived]
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            unreachable_pub,
            unused_qualifications,
            clippy::unnecessary_lazy_evaluations
        )]
        impl #impl_generics #builder #ty_generics #where_clause {
            #[doc = #about]
            #errors
            #vis fn build(&mut self) -> #returned {
                #(#checks)*
                #built
            }
        }
    }
}

/// Generates the error type of `build`, unless no field can be missing.
fn error(model: &Model) -> TokenStream {
    let Model { vis, ident, builder, error, fields, .. } = model;
    if !fields.iter().any(|field| matches!(field.absent, Absent::Missing)) {
        return TokenStream::new();
    }
    let lints = lints();
    let about = format!("The error of [`{builder}::build`]: a field is missing.");
    let message = format!("{}: the field `{{}}` is missing", ident.unraw());
    quote_spanned! {Span::mixed_site()=>
        #[doc = #about]
        #[derive(
            ::core::clone::Clone,
            ::core::cmp::Eq,
            ::core::cmp::PartialEq,
            ::core::fmt::Debug,
        )]
        #lints
        #vis struct #error {
            field: &'static ::core::primitive::str,
        }

        #[automatically_derived]
        #lints
        impl #error {
            /// The name of the field that is missing.
            #[must_use]
            #vis fn field(&self) -> &'static ::core::primitive::str {
                self.field
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Display for #error {
            fn fmt(
                &self,
                formatter: &mut ::core::fmt::Formatter<'_>,
            ) -> ::core::fmt::Result {
                ::core::write!(formatter, #message, self.field)
            }
        }

        #[automatically_derived]
        impl ::core::error::Error for #error {}
    }
}

/// Generates the attributes that silence lints about the shape of the generated code, which would
/// otherwise be reported to the user.
fn lints() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            missing_debug_implementations,
            non_camel_case_types,
            non_snake_case,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic
        )]
    }
}
