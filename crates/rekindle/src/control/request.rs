//! What may be asked over the control socket.

use serde::{Deserialize, Serialize};

use super::{CONTROL_VERSION, LINE_LIMIT_BYTES};

/// A request: one line from the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// What is this process, and what does it do?
    Status {},
    /// Replace this process by its next version.
    Upgrade {
        /// Which news ends the answer.
        #[serde(default)]
        wait: Wait,
        /// Arguments for the new process, without the program's name; its own as of now if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<Vec<String>>,
    },
    /// Stop gracefully.
    Stop {},
    /// Cut what still drains, in all generations.
    Hammer {},
}

/// Which news ends the answer to an upgrade request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Wait {
    /// The new process serves; it may still be rolled back.
    Committed,
    /// The new process lived through its probation.
    #[default]
    Confirmed,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    #[serde(flatten)]
    request: T,
}

impl Request {
    /// The request as a line, without the line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(&Envelope { v: CONTROL_VERSION, request: self })
            .expect("a request has string keys only")
    }

    /// The request in a line.
    ///
    /// # Errors
    ///
    /// If it is too long, no JSON, of another version, or none of the requests.
    pub fn from_line(line: &[u8]) -> Result<Self, RequestError> {
        if line.len() > LINE_LIMIT_BYTES {
            return Err(RequestError::TooLong);
        }
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(line).map_err(RequestError::NotAnObject)?;
        match fields.remove("v").as_ref().and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(CONTROL_VERSION) => {}
            Some(version) => return Err(RequestError::Version { version }),
            None => return Err(RequestError::NoVersion),
        }
        serde_json::from_value(fields.into()).map_err(RequestError::NotARequest)
    }
}

/// Why a line is no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It is too long.
    #[error("a line has more than {LINE_LIMIT_BYTES} bytes")]
    TooLong,
    /// It is not a JSON object.
    #[error("a line is not a JSON object: {0}")]
    NotAnObject(#[source] serde_json::Error),
    /// It does not say which version it speaks.
    #[error("the version is missing: begin with {{\"v\":{CONTROL_VERSION},\"request\":…}}")]
    NoVersion,
    /// It speaks another version.
    #[error("version {version} is not spoken here: this is version {CONTROL_VERSION}")]
    Version {
        /// The version.
        version: u64,
    },
    /// It is none of the requests, or has fields that it does not have.
    #[error("not a request: {0}; there are status, upgrade, stop and hammer")]
    NotARequest(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_as_it_was_written() {
        let requests = [
            Request::Status {},
            Request::Upgrade { wait: Wait::Confirmed, arguments: None },
            Request::Upgrade {
                wait: Wait::Committed,
                arguments: Some(vec!["--port".into(), "ü\n".into()]),
            },
            Request::Stop {},
            Request::Hammer {},
        ];
        for request in requests {
            let line = request.to_line();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Request::from_line(line.as_bytes()).unwrap(), request, "{line}");
        }
    }

    #[test]
    fn what_may_be_left_out_has_the_documented_default() {
        let request = Request::from_line(br#"{"v":1,"request":"upgrade"}"#).unwrap();
        assert_eq!(request, Request::Upgrade { wait: Wait::Confirmed, arguments: None });
    }

    #[test]
    fn a_bad_line_is_refused_with_what_would_be_right() {
        let table: [(&[u8], &str); 8] = [
            (b"", "not a JSON object"),
            (b"upgrade", "not a JSON object"),
            (b"[1]", "not a JSON object"),
            (br#"{"request":"status"}"#, "version is missing"),
            (br#"{"v":"1","request":"status"}"#, "version is missing"),
            (br#"{"v":2,"request":"status"}"#, "version 2 is not spoken"),
            (br#"{"v":1,"request":"reboot"}"#, "there are status, upgrade, stop and hammer"),
            (br#"{"v":1,"request":"upgrade","args":[]}"#, "unknown field"),
        ];
        for (line, expected) in table {
            let error = Request::from_line(line).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let long = vec![b' '; LINE_LIMIT_BYTES + 1];
        assert!(matches!(Request::from_line(&long), Err(RequestError::TooLong)));
    }
}
