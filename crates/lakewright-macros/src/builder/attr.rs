//! Parsing of `#[builder(…)]`.

use proc_macro2::{Span, TokenTree};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Expr, Ident, LitStr, Token};

/// The options in the `#[builder(…)]` attributes of one field.
#[derive(Default)]
pub(super) struct Attrs {
    pub(super) each: Option<Each>,
    pub(super) default: Option<Default>,
    /// Whether the option `into` is given.
    pub(super) into: bool,
}

/// The option `each = "arg"`.
pub(super) struct Each {
    pub(super) key: Span,
    pub(super) literal: LitStr,
    /// The literal's content, with the literal's span.
    pub(super) setter: Ident,
}

/// The option `default` or `default = expr`.
pub(super) struct Default {
    pub(super) key: Span,
    pub(super) expr: Option<Expr>,
}

impl Attrs {
    /// Parses the attributes of a field. Mistakes are added to `errors`.
    pub(super) fn read(attrs: &[Attribute], errors: &mut Vec<Error>) -> Self {
        let mut found = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("builder")) {
            let parsed = attr.parse_nested_meta(|meta| {
                // An invalid option is reported and skipped, so that the options after it are
                // parsed too.
                if let Err(error) = found.entry(&meta) {
                    errors.push(error);
                    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
                        meta.input.parse::<TokenTree>()?;
                    }
                }
                Ok(())
            });
            errors.extend(parsed.err());
        }
        found
    }

    fn entry(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let key = meta.path.get_ident().map(Ident::to_string);
        match key.as_deref() {
            Some("each") => {
                let each = each(meta)?;
                match self.each {
                    Some(_) => return Err(meta.error("`each` is given twice")),
                    None => self.each = Some(each),
                }
            }
            Some("default") => {
                let default = default(meta)?;
                match self.default {
                    Some(_) => return Err(meta.error("`default` is given twice")),
                    None => self.default = Some(default),
                }
            }
            // A value of `into` is reported by the parser, which expects a comma or the end here.
            Some("into") if self.into => return Err(meta.error("`into` is given twice")),
            Some("into") => self.into = true,
            _ => {
                let message = "unknown key: expected `each = \"name\"`, `default`, \
                               `default = expr` or `into`";
                return Err(Error::new_spanned(&meta.path, message));
            }
        }
        Ok(())
    }
}

fn each(meta: &ParseNestedMeta<'_>) -> syn::Result<Each> {
    let key = span_of(meta);
    let expected = "expected `each = \"name\"`, the name of the one-at-a-time setter";
    let value = meta.value().map_err(|_| Error::new(key, expected))?;
    let literal: LitStr = value.parse().map_err(|error| Error::new(error.span(), expected))?;
    let name = literal.value();
    // Parsing also accepts spaces and comments around a name, so the result is compared.
    let setter =
        literal.parse().ok().filter(|setter: &Ident| *setter == name).ok_or_else(|| {
            Error::new_spanned(&literal, format!("{name:?} is not a name a setter can have"))
        })?;
    Ok(Each { key, literal, setter })
}

fn default(meta: &ParseNestedMeta<'_>) -> syn::Result<Default> {
    let key = span_of(meta);
    let expr = if meta.input.is_empty() || meta.input.peek(Token![,]) {
        None
    } else {
        let expected = "expected `default` or `default = expr`";
        let value = meta.value().map_err(|_| Error::new(key, expected))?;
        Some(value.parse()?)
    };
    Ok(Default { key, expr })
}

fn span_of(meta: &ParseNestedMeta<'_>) -> Span {
    meta.path.get_ident().map_or_else(Span::call_site, Ident::span)
}
