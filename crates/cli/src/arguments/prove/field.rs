//! `FieldArgument`: a field of a request, `NAME: VALUE`. Refuses what could not stand in one; which
//! fields are the client's own to say is known to the client.

use std::str::FromStr;

use http::{HeaderName, HeaderValue};

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldArgument {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for FieldArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "write it as 'name: value'".to_owned();
        let (name, value) = text.split_once(':').ok_or_else(malformed)?;
        let name: HeaderName = name.parse().map_err(|_| malformed())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| malformed())?;
        if name == http::header::HOST {
            return Err("for the field `host`, use --host".to_owned());
        }
        let value = value.to_str().map_err(|_| "its value must be ASCII".to_owned())?;
        Ok(Self { name: name.to_string(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_a_name_and_a_value() {
        let field = FieldArgument::from_str("Cookie: a=b; c:d ").unwrap();
        assert_eq!(field, FieldArgument { name: "cookie".into(), value: "a=b; c:d".into() });
        assert_eq!(FieldArgument::from_str("x:").unwrap().value, "");
    }

    #[test]
    fn what_cannot_stand_in_a_head_is_refused() {
        let table = [
            ("cookie", "'name: value'"),
            ("a b: c", "'name: value'"),
            ("x: y\r\nhost: z", "'name: value'"),
            ("Host: x", "--host"),
            ("x: ü", "ASCII"),
        ];
        for (text, expected) in table {
            let error = FieldArgument::from_str(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
