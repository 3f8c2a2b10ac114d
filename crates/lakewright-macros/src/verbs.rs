//! `#[verbs(Handle)]`: one declaration of a verb gives the blocking method and its asynchronous
//! twin.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, PatType,
    PathArguments, Result, ReturnType, Type, parse_quote,
};

/// Expands the attribute. All mistakes in the block are in the one error.
pub(crate) fn expand(handle: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let handle: Ident = syn::parse2(handle)?;
    let mut block: ItemImpl = syn::parse2(item)?;
    let mut methods = TokenStream::new();
    let mut errors: Option<Error> = None;
    for item in &mut block.items {
        match item {
            ImplItem::Fn(function) => match Verb::read(function) {
                Ok(verb) => methods.extend(verb.methods()),
                Err(error) => match &mut errors {
                    Some(all) => all.combine(error),
                    None => errors = Some(error),
                },
            },
            other => {
                let error = Error::new(other.span(), "a block of verbs has functions only");
                match &mut errors {
                    Some(all) => all.combine(error),
                    None => errors = Some(error),
                }
            }
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    Ok(quote! {
        #block

        #[::pyo3::pymethods]
        impl #handle {
            #methods
        }
    })
}

/// A verb as it is declared.
struct Verb {
    name: Ident,
    docs: Vec<Attribute>,
    signature: Option<Attribute>,
    arguments: Vec<Argument>,
    /// The `T` of `Result<T>`.
    output: Type,
    is_async: bool,
}

struct Argument {
    name: Ident,
    /// The type and the attributes that PyO3 reads.
    declared: PatType,
    /// Whether the type is `&str`: the future owns a copy and lends it.
    is_borrowed: bool,
}

impl Verb {
    /// Reads a declaration, and takes from it the attributes that are PyO3's.
    fn read(function: &mut ImplItemFn) -> Result<Self> {
        let name = function.sig.ident.clone();
        let docs = function.attrs.iter().filter(|a| a.path().is_ident("doc")).cloned().collect();
        let signature = take(&mut function.attrs, "pyo3");
        let mut inputs = function.sig.inputs.iter_mut();
        match inputs.next() {
            Some(FnArg::Receiver(receiver)) if receiver.reference.is_none() => {}
            _ => return Err(Error::new(name.span(), "a verb takes `self` by value")),
        }
        let mut arguments = Vec::new();
        for input in inputs {
            let FnArg::Typed(typed) = input else { continue };
            let Pat::Ident(pattern) = &*typed.pat else {
                return Err(Error::new(typed.pat.span(), "an argument of a verb is a name"));
            };
            let (name, declared) = (pattern.ident.clone(), typed.clone());
            typed.attrs.clear();
            arguments.push(Argument { name, is_borrowed: is_str(&declared.ty), declared });
        }
        let output = output_of(&function.sig.output, name.span())?;
        let is_async = function.sig.asyncness.is_some();
        function.attrs.push(parse_quote!(#[allow(clippy::too_many_arguments)]));
        Ok(Self { name, docs, signature, arguments, output, is_async })
    }

    /// The two methods of the Python class.
    fn methods(&self) -> TokenStream {
        let Self { name, docs, signature, output, .. } = self;
        let twin = format_ident!("{}_async", name.to_string().trim_start_matches("r#"));
        let declared: Vec<_> = self.arguments.iter().map(|argument| &argument.declared).collect();
        let call = self.call();
        let attributes = quote! {
            #signature
            #[allow(clippy::too_many_arguments)]
        };
        if !self.is_async {
            let twin_doc = format!("The asynchronous twin of :meth:`{name}`, for ``async for``.");
            return quote_spanned! { name.span() =>
                #(#docs)*
                #attributes
                fn #name(
                    &self,
                    py: ::pyo3::Python<'_>,
                    #(#declared,)*
                ) -> ::pyo3::PyResult<<#output as crate::verb::Iterated>::Iterator> {
                    #call
                    crate::verb::iterate(py, result)
                }

                #[doc = #twin_doc]
                #attributes
                fn #twin(
                    &self,
                    py: ::pyo3::Python<'_>,
                    #(#declared,)*
                ) -> ::pyo3::PyResult<<#output as crate::verb::Iterated>::AsyncIterator> {
                    #call
                    crate::verb::iterate_async(py, result)
                }
            };
        }
        let twin_doc = format!("The asynchronous twin of :meth:`{name}`.");
        let output = match output {
            Type::Tuple(tuple) if tuple.elems.is_empty() => quote!(crate::runtime::Done),
            output => quote!(#output),
        };
        quote_spanned! { name.span() =>
            #(#docs)*
            #attributes
            fn #name(
                &self,
                py: ::pyo3::Python<'_>,
                #(#declared,)*
            ) -> ::pyo3::PyResult<#output> {
                #call
                crate::runtime::wait(py, result)
            }

            #[doc = #twin_doc]
            #attributes
            fn #twin<'py>(
                &self,
                py: ::pyo3::Python<'py>,
                #(#declared,)*
            ) -> ::pyo3::PyResult<crate::runtime::Awaitable<'py, #output>> {
                #call
                crate::runtime::promise(py, result)
            }
        }
    }

    /// Opens the handle and binds `result` to what the declared function returns.
    fn call(&self) -> TokenStream {
        let name = &self.name;
        let owned = self.arguments.iter().filter(|argument| argument.is_borrowed).map(|argument| {
            let name = &argument.name;
            quote!(let #name = ::std::string::String::from(#name);)
        });
        let passed = self.arguments.iter().map(|argument| {
            let name = &argument.name;
            if argument.is_borrowed { quote!(&#name) } else { quote!(#name) }
        });
        let call = quote!(open.#name(#(#passed),*));
        let result = match (&self.output, self.is_async) {
            (_, false) => call,
            (Type::Tuple(tuple), true) if tuple.elems.is_empty() => {
                quote!(async move { #call.await.map(|()| crate::runtime::Done) })
            }
            _ => quote!(async move { #call.await }),
        };
        quote! {
            let open = crate::verb::Open::new(py, self)?;
            #(#owned)*
            let result = #result;
        }
    }
}

/// Takes the attribute of this name out of the list.
fn take(attributes: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let place = attributes.iter().position(|attribute| attribute.path().is_ident(name))?;
    Some(attributes.remove(place))
}

fn is_str(of: &Type) -> bool {
    let Type::Reference(reference) = of else { return false };
    matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str"))
}

/// The `T` of `-> Result<T>`.
fn output_of(output: &ReturnType, at: Span) -> Result<Type> {
    if let ReturnType::Type(_, output) = output
        && let Type::Path(path) = &**output
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(output)) = arguments.args.first()
    {
        return Ok(output.clone());
    }
    Err(Error::new(at, "a verb returns `Result<T>`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(block: TokenStream) -> String {
        expand(quote!(Lake), block).unwrap().to_string()
    }

    fn message(block: TokenStream) -> String {
        let error = expand(quote!(Lake), block).unwrap_err();
        error.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_verb_becomes_two_methods_with_one_signature() {
        let code = expanded(quote! {
            impl Open<Lake> {
                /// Drops a table.
                #[pyo3(signature = (uri, *, force=false))]
                async fn drop_table(self, uri: &str, force: bool) -> Result<()> {
                    self.inner.drop_table(uri, force).await
                }
            }
        });
        let method = "fn drop_table (& self , py : :: pyo3 :: Python < '_ > , uri : & str , \
                      force : bool ,) -> :: pyo3 :: PyResult < crate :: runtime :: Done >";
        assert!(code.contains(method), "{code}");
        assert!(code.contains("fn drop_table_async < 'py >"), "{code}");
        assert!(code.contains("The asynchronous twin of :meth:`drop_table`."), "{code}");
        assert_eq!(code.matches("signature = (uri , * , force = false)").count(), 2, "{code}");
        assert_eq!(code.matches("String :: from (uri)").count(), 2, "{code}");
    }

    #[test]
    fn a_verb_that_is_not_async_becomes_two_iterators() {
        let code = expanded(quote! {
            impl Open<Lake> {
                fn list(self) -> Result<Stream> { todo!() }
            }
        });
        assert!(code.contains("crate :: verb :: iterate (py , result)"), "{code}");
        assert!(code.contains("crate :: verb :: iterate_async (py , result)"), "{code}");
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let message = message(quote! {
            impl Open<Lake> {
                async fn borrowed(&self) -> Result<()> { todo!() }
                async fn bare(self) -> u64 { todo!() }
                async fn pattern(self, (a, b): (u64, u64)) -> Result<()> { todo!() }
                const ANY: u64 = 1;
            }
        });
        for part in [
            "a verb takes `self` by value",
            "a verb returns `Result<T>`",
            "an argument of a verb is a name",
            "a block of verbs has functions only",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
