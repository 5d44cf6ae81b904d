//! The server under test as a client addresses it: where, under which name, with which fields, with
//! TLS or without. Owns the check of these; refuses to connect.

use crate::target::Target;
use crate::tls::{Tls, TlsError};

/// Fields that the client writes itself, since they decide how a message is framed or what becomes
/// of the connection.
const OWN_FIELDS: [&str; 13] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A server under test, as a client addresses it.
///
/// A [`Target`] becomes one by itself: `Plan::new(target)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    target: Target,
    authority: Option<String>,
    fields: Vec<Field>,
    tls: Option<Tls>,
}

/// A field of each request, beside those that the client writes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Endpoint {
    /// This target, by its own address, in cleartext.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self { target, authority: None, fields: Vec::new(), tls: None }
    }

    /// What requests say the server is called, such as `example.org:8080`: the `Host` field of
    /// HTTP/1.1 and WebSocket, `:authority` of HTTP/2. Without it, it is the address of the target,
    /// or `localhost` for a path.
    #[must_use]
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.authority = Some(authority.into());
        self
    }

    /// A field of each request, and of each handshake of a WebSocket. The client's own
    /// `user-agent` and `content-type` give way to one of that name. Those that frame a message or
    /// govern a connection are refused, and `host` too: that is [`authority`](Self::authority).
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push(Field { name: name.into(), value: value.into() });
        self
    }

    /// Connections are encrypted.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// What requests say the server is called.
    pub(crate) fn host(&self) -> String {
        self.authority.clone().unwrap_or_else(|| self.target.host())
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether a field of this name (in small letters) is among those of the caller.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn security(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Whether requests can be made of it. What TLS trusts is looked at when its connector is made.
    pub(crate) fn check(&self) -> Result<(), EndpointError> {
        if let Some(authority) = &self.authority
            && !is_authority(authority)
        {
            return Err(EndpointError::Authority { authority: authority.clone() });
        }
        for field in &self.fields {
            field.check()?;
        }
        Ok(())
    }
}

impl Field {
    fn check(&self) -> Result<(), EndpointError> {
        let name = || self.name.clone();
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return Err(EndpointError::FieldName { name: name() });
        }
        if OWN_FIELDS.iter().any(|own| self.name.eq_ignore_ascii_case(own)) {
            return Err(EndpointError::OwnField { name: name() });
        }
        let is_sound = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
        if self.value.trim() != self.value || !self.value.bytes().all(is_sound) {
            return Err(EndpointError::FieldValue { name: name() });
        }
        Ok(())
    }
}

impl From<Target> for Endpoint {
    fn from(target: Target) -> Self {
        Self::new(target)
    }
}

/// A host and perhaps a port (RFC 3986 §3.2), without a name of a user.
fn is_authority(text: &str) -> bool {
    let is_sound =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sound)
}

/// A character of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Why no request can be made of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The authority cannot stand in a request.
    #[error("address the server as `{authority}`: that must be a host and perhaps a port")]
    Authority {
        /// What was given.
        authority: String,
    },
    /// The name of a field is none.
    #[error("send a field named `{name}`: a name is letters, digits and hyphens")]
    FieldName {
        /// What was given.
        name: String,
    },
    /// The client writes this field itself.
    #[error("send a field `{name}` of one's own: the client writes it, as its connection needs it")]
    OwnField {
        /// The name of the field.
        name: String,
    },
    /// The value of a field cannot stand in a request.
    #[error("send the field `{name}`: a value is printable ASCII with no space around it")]
    FieldValue {
        /// The name of the field.
        name: String,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::from(Target::Tcp(([127, 0, 0, 1], 80).into()))
    }

    #[test]
    fn the_authority_is_the_address_unless_it_is_told() {
        assert_eq!(endpoint().host(), "127.0.0.1:80");
        assert_eq!(endpoint().authority("example.org").host(), "example.org");
        assert_eq!(endpoint().authority("example.org").check(), Ok(()));
        assert_eq!(endpoint().authority("[::1]:8080").check(), Ok(()));
    }

    #[test]
    fn an_authority_cannot_smuggle() {
        for text in ["", "a b", "a\r\nx: y", "user@a", "a/b", "é"] {
            let refused = EndpointError::Authority { authority: text.to_owned() };
            assert_eq!(endpoint().authority(text).check(), Err(refused));
        }
    }

    #[test]
    fn fields_are_checked_by_name_and_value() {
        let check = |name: &str, value: &str| endpoint().field(name, value).check();
        assert_eq!(check("X-Trace", "a b; c=\"d\""), Ok(()));
        assert_eq!(check("x", ""), Ok(()));
        for name in ["", "a b", "a:", "a\r\nb", "é"] {
            assert_eq!(check(name, "v"), Err(EndpointError::FieldName { name: name.to_owned() }));
        }
        for value in ["a\r\nb: c", "a\nb", "é", "\0", " a", "a "] {
            assert_eq!(check("x", value), Err(EndpointError::FieldValue { name: "x".to_owned() }));
        }
        for name in ["Host", "Content-Length", "transfer-encoding", "UPGRADE"] {
            assert_eq!(check(name, "v"), Err(EndpointError::OwnField { name: name.to_owned() }));
        }
    }
}
