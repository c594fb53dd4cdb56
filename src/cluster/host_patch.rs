//! PURE. What the body of a PATCH of a host says, and everything that can be wrong with it.
//!
//! In two steps, because clients are told that a host does not exist before they are told that a value is wrong, but
//! after they are told that a field is: [`PatchBody::parse`] looks at the form, [`PatchBody::patch`] at the values.
//! Values are taken as leniently as Django's ORM takes them, but what it would choke on is refused.
//!
//! The texts of errors are the interface's own.

use serde_json::{Map, Value};

use super::HostPatch;

/// Characters, not bytes.
const MAX_REASON: usize = 250;

const FIELDS: [&str; 3] = ["pause_reason", "is_paused", "is_active"];

/// A body whose form is right: it names fields, and only those that may be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchBody(Map<String, Value>);

/// The form of a body is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// It cannot be parsed.
    #[error("JSON parse error - {0}")]
    NotJson(String),
    /// It is another kind of JSON value.
    #[error("Request body must be a JSON object.")]
    NotAnObject,
    /// It names what cannot be changed, in this order.
    #[error("Unexpected fields: {}", .0.join(", "))]
    UnexpectedFields(Vec<String>),
    /// It names nothing.
    #[error("No fields specified for update.")]
    NoFields,
}

/// A value of a body is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The field cannot have it.
    #[error("Invalid value for field: \"{0}\"")]
    Invalid(&'static str),
    /// The reason is too long.
    #[error("Value too long for field: \"pause_reason\" (max {MAX_REASON})")]
    TooLong,
}

impl PatchBody {
    /// Reads a body. Of a field that it has twice, the last value counts.
    ///
    /// # Errors
    /// See [`FormError`]; of several errors the first in the order of its variants, but an empty body has no fields.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        if body.is_empty() {
            return Err(FormError::NoFields);
        }
        let value = serde_json::from_slice(body).map_err(|error| FormError::NotJson(error.to_string()))?;
        let Value::Object(fields) = value else {
            return Err(FormError::NotAnObject);
        };
        let unexpected = fields.keys().filter(|name| !FIELDS.contains(&name.as_str()));
        let unexpected: Vec<String> = unexpected.cloned().collect();
        if !unexpected.is_empty() {
            return Err(FormError::UnexpectedFields(unexpected));
        }
        if fields.is_empty() {
            return Err(FormError::NoFields);
        }
        Ok(Self(fields))
    }

    /// The change that the values make.
    ///
    /// # Errors
    /// See [`ValueError`]; the first field of pause_reason, is_paused, is_active whose value is wrong.
    pub fn patch(&self) -> Result<HostPatch, ValueError> {
        Ok(HostPatch {
            pause_reason: self.0.get("pause_reason").map(reason).transpose()?,
            is_paused: self.boolean("is_paused")?,
            is_active: self.boolean("is_active")?,
        })
    }

    /// The booleans of Django's `BooleanField`: `true`, numbers equal to one, `"t"`, `"True"`, `"1"`, and their opposites.
    fn boolean(&self, name: &'static str) -> Result<Option<bool>, ValueError> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let read = match value {
            Value::Bool(value) => Some(*value),
            Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
            Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
            Value::String(text) => match text.as_str() {
                "t" | "True" | "1" => Some(true),
                "f" | "False" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        read.map(Some).ok_or(ValueError::Invalid(name))
    }
}

fn reason(value: &Value) -> Result<Option<String>, ValueError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() > MAX_REASON => Err(ValueError::TooLong),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(ValueError::Invalid("pause_reason")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patch(body: &str) -> Result<HostPatch, String> {
        let parsed = PatchBody::parse(body.as_bytes()).map_err(|error| error.to_string())?;
        parsed.patch().map_err(|error| error.to_string())
    }

    #[test]
    fn the_form_is_checked_before_the_values() {
        let check = |body: &str, expect: &str| assert_eq!(patch(body), Err(expect.to_owned()), "{body}");
        check("", "No fields specified for update.");
        check("{}", "No fields specified for update.");
        check("[]", "Request body must be a JSON object.");
        check("null", "Request body must be a JSON object.");
        check("\"is_paused\"", "Request body must be a JSON object.");
        check("7", "Request body must be a JSON object.");
        check(r#"{"foo":1}"#, "Unexpected fields: foo");
        check(r#"{"z":1,"is_paused":null,"a":2,"z":3}"#, "Unexpected fields: z, a");
        check(r#"{"IS_PAUSED":true}"#, "Unexpected fields: IS_PAUSED");
        check(r#"{"":true}"#, "Unexpected fields: ");
        for broken in [
            "{",
            " ",
            "{'is_paused':true}",
            r#"{"is_paused":NaN}"#,
            r#"{"is_paused":true}}"#,
            "\u{feff}{}",
        ] {
            let error = patch(broken).unwrap_err();
            assert!(error.starts_with("JSON parse error - "), "{broken}: {error}");
        }
        assert!(matches!(PatchBody::parse(b"{\"\xff\":1}"), Err(FormError::NotJson(_))));
    }

    #[test]
    fn booleans_are_lenient_within_reason() {
        let check = |value: &str, expect: Option<bool>| {
            let read = patch(&format!(r#"{{"is_paused":{value}}}"#)).map(|patch| patch.is_paused);
            let refused = Err("Invalid value for field: \"is_paused\"".to_owned());
            assert_eq!(read, expect.map_or(refused, |value| Ok(Some(value))), "{value}");
        };
        for yes in ["true", "1", "1.0", "\"t\"", "\"True\"", "\"1\""] {
            check(yes, Some(true));
        }
        for no in ["false", "0", "0.0", "\"f\"", "\"False\"", "\"0\""] {
            check(no, Some(false));
        }
        for wrong in [
            "null",
            "2",
            "-1",
            "0.5",
            "\"maybe\"",
            "\"true\"",
            "\"TRUE\"",
            "\"\"",
            "[]",
            "{}",
            "[true]",
        ] {
            check(wrong, None);
        }
        assert_eq!(
            patch(r#"{"is_active":null}"#),
            Err("Invalid value for field: \"is_active\"".to_owned())
        );
    }

    #[test]
    fn reasons_are_counted_in_characters() {
        let check = |value: &str, expect: Result<Option<String>, &str>| {
            let read = patch(&format!(r#"{{"pause_reason":{value}}}"#)).map(|patch| patch.pause_reason.unwrap());
            assert_eq!(read, expect.map_err(str::to_owned), "{value}");
        };
        let (longest, too_long) = ("é".repeat(250), "é".repeat(251));
        check(&format!("{longest:?}"), Ok(Some(longest.clone())));
        check(
            &format!("{too_long:?}"),
            Err("Value too long for field: \"pause_reason\" (max 250)"),
        );
        check("null", Ok(None));
        check("\"\"", Ok(Some(String::new())));
        for wrong in ["1", "true", "[]", "{}"] {
            check(wrong, Err("Invalid value for field: \"pause_reason\""));
        }
    }

    #[test]
    fn what_is_not_named_is_not_changed() {
        let named = patch(r#" {"is_paused":true, "pause_reason":"x", "is_paused":false} "#).unwrap();
        let expect = HostPatch {
            pause_reason: Some(Some("x".to_owned())),
            is_paused: Some(false),
            is_active: None,
        };
        assert_eq!(named, expect);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(parsed) = PatchBody::parse(&body) {
                prop_assert!(!parsed.0.is_empty());
            }
        }

        #[test]
        fn a_reason_arrives_as_it_was_sent(reason in ".{0,250}") {
            let body = serde_json::json!({"pause_reason": reason}).to_string();
            prop_assert_eq!(patch(&body).unwrap().pause_reason, Some(Some(reason)));
        }
    }
}
