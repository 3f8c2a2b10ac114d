//! `#[derive(Builder)]`: parses the struct into a [`model::Model`] and generates code from it.

use proc_macro2::TokenStream;

mod attr;
mod expand;
mod model;

/// Expands the derive. The error combines all mistakes in `input`.
pub(crate) fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input = model::name_self(input)?;
    let model = model::Model::read(input)?;
    Ok(expand::expand(&model))
}
