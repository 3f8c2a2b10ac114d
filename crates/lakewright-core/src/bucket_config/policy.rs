//! What every server understands as a bucket policy.

use serde_json::Value;

use crate::policy::{DOCUMENT, MAX_BYTES, STATEMENT};
use crate::{Error, ErrorKind, Result};

/// Whether this may be a bucket policy: a document with statements, and no element in it that
/// the language does not have.
///
/// MinIO skips elements that it does not know, a misspelt `Condition` among them, and takes
/// `effect` for `Effect`: who relies on the server is told nothing and gets another policy.
///
/// # Errors
/// `InvalidInput`, naming the element; `TooLarge` above 20 KiB.
pub fn check_policy(document: &Value) -> Result<()> {
    let wrong = |why: String| Err(Error::invalid_input(why));
    let Some(fields) = document.as_object() else {
        return wrong("the policy is no JSON object".into());
    };
    if let Some(odd) = fields.keys().find(|field| !DOCUMENT.contains(&field.as_str())) {
        return wrong(format!("a policy has no element {odd:?}{}", likely(odd, &DOCUMENT)));
    }
    let statements = match fields.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => return wrong("the policy has no list of statements (\"Statement\")".into()),
    };
    for (index, statement) in statements.iter().enumerate() {
        let Some(fields) = statement.as_object() else {
            return wrong(format!("Statement[{index}] of the policy is no JSON object"));
        };
        if let Some(odd) = fields.keys().find(|field| !STATEMENT.contains(&field.as_str())) {
            return wrong(format!(
                "Statement[{index}] of the policy has an element {odd:?}, which policies have \
                 not{}",
                likely(odd, &STATEMENT)
            ));
        }
    }
    let bytes = document.to_string().len();
    if bytes > MAX_BYTES {
        let why = format!("the policy has {bytes} bytes; a bucket's may have {MAX_BYTES}");
        return Err(Error::new(ErrorKind::TooLarge, why));
    }
    Ok(())
}

/// A hint for a slip of the keyboard.
fn likely(odd: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&odd.to_lowercase(), &name.to_lowercase()), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, name)) if score > 0.85 => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_outside_the_language_are_named() {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*"});
        check_policy(&json!({"Version": "2012-10-17", "Statement": [statement]})).unwrap();
        check_policy(&json!({"Version": "2012-10-17", "Statement": statement})).unwrap();
        for (bad, said) in [
            (json!([]), "no JSON object"),
            (json!({"Version": "2012-10-17"}), "no list of statements"),
            (json!({"version": "2012-10-17", "Statement": []}), "did you mean Version?"),
            (json!({"Statement": ["a"]}), "Statement[0]"),
            (json!({"Statement": [{"effect": "Deny"}]}), "did you mean Effect?"),
            (json!({"Statement": [{}, {"Conditon": {}}]}), "did you mean Condition?"),
        ] {
            let error = check_policy(&bad).unwrap_err();
            assert!(error.message().contains(said), "{bad}: {error}");
        }
        let long = json!({"Statement": [{"Sid": "x".repeat(MAX_BYTES)}]});
        assert_eq!(check_policy(&long).unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
