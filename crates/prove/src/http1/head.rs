//! The head of an answer: what it says of the body and of the connection. Owns RFC 9112 §6.3 and
//! §9.3; refuses to read bodies.

use crate::wrong::WrongAnswer;

/// The most fields of a head.
pub(crate) const MAX_FIELDS: usize = 128;

/// What the client must know of a response head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the connection may be used again, by the answer's own words.
    pub(crate) keeps: bool,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// Reads a head and its length in bytes from the start of `bytes`; `None` if it is not whole.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, WrongAnswer> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(WrongAnswer::Head),
        };
        let (Some(status), Some(version)) = (response.code, response.version) else {
            return Err(WrongAnswer::Head);
        };
        let fields = Fields::gather(response.headers)?;
        let framing = fields.framing(status);
        let said = if version == 0 { fields.says_keep_alive } else { !fields.says_close };
        let keeps = said && framing != Framing::UntilClose;
        Ok(Some((Self { status, framing, keeps }, length)))
    }

    /// A 1xx answer that a final one follows. 101 is final: it ends HTTP/1.1 on the connection.
    pub(crate) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    pub(crate) fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// The fields that decide.
#[derive(Debug, Default)]
struct Fields {
    length: Option<u64>,
    is_chunked: bool,
    says_close: bool,
    says_keep_alive: bool,
}

impl Fields {
    fn gather(headers: &[httparse::Header<'_>]) -> Result<Self, WrongAnswer> {
        let mut fields = Self::default();
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                let length = content_length(header.value).ok_or(WrongAnswer::Framing)?;
                if fields.length.replace(length).is_some_and(|before| before != length) {
                    return Err(WrongAnswer::Framing);
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                // No `TE` was sent, so that nothing but one `chunked` is in order.
                if fields.is_chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(WrongAnswer::Framing);
                }
                fields.is_chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                fields.says_close |= has_token(header.value, b"close");
                fields.says_keep_alive |= has_token(header.value, b"keep-alive");
            }
        }
        if fields.is_chunked && fields.length.is_some() {
            return Err(WrongAnswer::Framing);
        }
        Ok(fields)
    }

    fn framing(&self, status: u16) -> Framing {
        match (status, self.length) {
            // These have no body, whatever their fields say.
            (100..=199 | 204 | 304, _) => Framing::Length(0),
            _ if self.is_chunked => Framing::Chunked,
            (_, Some(length)) => Framing::Length(length),
            (_, None) => Framing::UntilClose,
        }
    }
}

/// Digits only: `parse` alone would take a sign.
fn content_length(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Whether this token is in a list of them, separated by commas.
pub(crate) fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<Head, WrongAnswer> {
        Head::parse(head.as_bytes()).map(|parsed| {
            let (head_parsed, length) = parsed.expect("the head is whole");
            assert_eq!(length, head.len());
            head_parsed
        })
    }

    fn fields(fields: &str) -> Result<Head, WrongAnswer> {
        parse(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"))
    }

    #[test]
    fn framing_follows_rfc_9112() {
        let framing = |text| fields(text).map(|head| head.framing);
        assert_eq!(framing("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(framing("content-length: 3\r\ncontent-length: 3\r\n"), Ok(Framing::Length(3)));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
        assert_eq!(framing(""), Ok(Framing::UntilClose));
    }

    #[test]
    fn contradictions_are_wrong() {
        for text in [
            "content-length: 1\r\ncontent-length: 2\r\n",
            "content-length: 1\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip\r\n",
            "content-length: +1\r\n",
            "content-length: -1\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
        ] {
            assert_eq!(fields(text), Err(WrongAnswer::Framing), "{text:?}");
        }
    }

    #[test]
    fn keeping_is_what_version_and_field_say() {
        let keeps = |text| parse(text).unwrap().keeps;
        assert!(keeps("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: x, Close\r\n\r\n"));
        assert!(keeps("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: closed\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"), "only the close ends the body");
        assert!(!keeps("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(keeps("HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"));
    }

    #[test]
    fn some_statuses_have_no_body() {
        let head = parse("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!((head.framing, head.keeps), (Framing::Length(0), true));
        let interim =
            |status: u16| parse(&format!("HTTP/1.1 {status} x\r\n\r\n")).unwrap().is_interim();
        assert!(interim(100) && interim(103) && !interim(101) && !interim(200));
    }

    #[test]
    fn half_a_head_is_neither_right_nor_wrong() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(Head::parse(&head[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn garbage_is_wrong() {
        for text in ["SSH-2.0-x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(Head::parse(text.as_bytes()), Err(WrongAnswer::Head), "{text}");
        }
        let many = "x: y\r\n".repeat(MAX_FIELDS + 1);
        assert_eq!(fields(&many), Err(WrongAnswer::Head));
    }
}
