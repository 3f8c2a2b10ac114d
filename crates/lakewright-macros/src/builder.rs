//! `#[derive(Builder)]`: the struct is read into a [`model::Model`], which is then written out.

use proc_macro2::TokenStream;

mod attr;
mod expand;
mod model;

/// The whole derive. Every mistake found in `input` is in the one error.
pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input = model::name_self(input)?;
    let model = model::Model::read(input)?;
    Ok(expand::expand(&model))
}
