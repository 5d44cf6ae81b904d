//! An answer's bytes on the wire.

use std::io::Write;

use super::answer::Answer;
use super::head::Persistence;

/// How an answer is framed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framing {
    /// Whether the body is left out, as for `HEAD`.
    pub(super) without_body: bool,
    pub(super) persistence: Persistence,
}

/// The bytes of an answer, with the fields that all answers have.
pub(super) fn encode(answer: &Answer, fields: &[(&str, String)], framing: Framing) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + answer.body.len());
    let (status, length) = (answer.status.line(), answer.body.len());
    let persistence = match framing.persistence {
        Persistence::Kept => "",
        Persistence::KeptIfSaid => "connection: keep-alive\r\n",
        Persistence::Closed => "connection: close\r\n",
    };
    write!(
        bytes,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\n{persistence}"
    )
    .expect("a vector takes every write");
    for (name, value) in fields {
        write!(bytes, "{name}: {value}\r\n").expect("a vector takes every write");
    }
    if let Some(allow) = answer.allow {
        write!(bytes, "allow: {allow}\r\n").expect("a vector takes every write");
    }
    bytes.extend_from_slice(b"\r\n");
    if !framing.without_body {
        bytes.extend_from_slice(&answer.body);
    }
    bytes
}
