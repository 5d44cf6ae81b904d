//! The head of a request: what it asks, how its body ends, and whether the connection is kept.
//! Refuses everything that two servers could read in two ways.

use super::body::{BODY_LIMIT_BYTES, Length};
use super::refusal::Refusal;
use super::request::Method;

/// How large a head may be.
pub const HEAD_LIMIT_BYTES: usize = 16 * 1024;

/// How many fields a head may have.
pub(super) const FIELD_LIMIT: usize = 64;

/// A head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) length: Length,
    pub(super) persistence: Persistence,
    /// Whether the client waits for a `100 Continue` before it sends the body.
    pub(super) expects_continue: bool,
}

/// Whether the connection is kept after the answer (RFC 9112 §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    Kept,
    /// HTTP/1.0: kept, if the answer says so.
    KeptIfSaid,
    Closed,
}

/// A head at the beginning of `bytes`, and how long it is; none if it is not whole yet.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length > HEAD_LIMIT_BYTES => {
            Err(Refusal::HeadTooLarge)
        }
        Ok(httparse::Status::Complete(length)) => {
            let head = understand(&parsed)?;
            Ok(Some((head, length)))
        }
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_LIMIT_BYTES => {
            Err(Refusal::HeadTooLarge)
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) => Err(Refusal::Version),
        Err(_) => Err(Refusal::MalformedHead),
    }
}

fn understand(parsed: &httparse::Request<'_, '_>) -> Result<Head, Refusal> {
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Refusal::MalformedHead);
    };
    let is_old = minor == 0;
    let mut fields = Fields::default();
    for field in parsed.headers.iter() {
        fields.take(field.name, field.value.trim_ascii())?;
    }
    if !is_old && fields.hosts != 1 || fields.hosts > 1 {
        return Err(Refusal::Host);
    }
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        _ => Method::Other,
    };
    Ok(Head {
        method,
        target: target.to_owned(),
        length: fields.length(method, is_old)?,
        persistence: fields.persistence(is_old),
        expects_continue: fields.expects_continue && !is_old,
    })
}

/// The fields that make a difference, as they come.
#[derive(Debug, Default)]
struct Fields {
    hosts: usize,
    content_length: Option<u64>,
    is_chunked: bool,
    says_close: bool,
    says_keep_alive: bool,
    expects_continue: bool,
}

impl Fields {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("host") {
            self.hosts += 1;
        } else if is("content-length") {
            let length = number(value).ok_or(Refusal::AmbiguousLength)?;
            if self.content_length.replace(length).is_some_and(|before| before != length) {
                return Err(Refusal::AmbiguousLength);
            }
        } else if is("transfer-encoding") {
            // Twice chunked is as unknown as any other coding.
            if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::TransferCoding);
            }
            self.is_chunked = true;
        } else if is("connection") {
            for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                self.says_close |= option.eq_ignore_ascii_case(b"close");
                self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::Expectation);
            }
            self.expects_continue = true;
        }
        Ok(())
    }

    /// RFC 9112 §6.3. Both lengths at once, and chunks in HTTP/1.0, are how requests are smuggled.
    fn length(&self, method: Method, is_old: bool) -> Result<Length, Refusal> {
        match (self.is_chunked, self.content_length) {
            (true, Some(_)) => Err(Refusal::AmbiguousLength),
            (true, None) if is_old => Err(Refusal::AmbiguousLength),
            (true, None) => Ok(Length::Chunked),
            (false, Some(length)) => match usize::try_from(length) {
                Ok(length) if length <= BODY_LIMIT_BYTES => Ok(Length::Counted(length)),
                _ => Err(Refusal::BodyTooLarge),
            },
            (false, None) if method == Method::Post => Err(Refusal::LengthMissing),
            (false, None) => Ok(Length::Counted(0)),
        }
    }

    const fn persistence(&self, is_old: bool) -> Persistence {
        match (self.says_close, is_old, self.says_keep_alive) {
            (true, _, _) | (false, true, false) => Persistence::Closed,
            (false, true, true) => Persistence::KeptIfSaid,
            (false, false, _) => Persistence::Kept,
        }
    }
}

/// Digits and nothing else: `parse` alone would take a sign.
fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    // More digits than fit are a length all the same, one beyond every limit.
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok().or(Some(u64::MAX))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Head, Refusal> {
        let parsed = parse(text.as_bytes())?;
        let (head, length) = parsed.expect("the head is whole");
        assert_eq!(length, text.len());
        Ok(head)
    }

    fn with(fields: &str) -> Result<Head, Refusal> {
        head(&format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    }

    #[test]
    fn a_head_says_what_is_asked() {
        let expected = Head {
            method: Method::Get,
            target: "/slow?ms=1".into(),
            length: Length::Counted(0),
            persistence: Persistence::Kept,
            expects_continue: false,
        };
        assert_eq!(head("GET /slow?ms=1 HTTP/1.1\r\nhost: a\r\n\r\n").unwrap(), expected);
        let methods = [("HEAD", Method::Head), ("DELETE", Method::Other), ("get", Method::Other)];
        for (text, method) in methods {
            let head = head(&format!("{text} / HTTP/1.1\r\nhost: a\r\n\r\n")).unwrap();
            assert_eq!(head.method, method);
        }
    }

    #[test]
    fn the_length_of_a_body_has_one_reading_or_none() {
        let too_large = format!("Content-Length: {}\r\n", BODY_LIMIT_BYTES + 1);
        let cases = [
            ("Content-Length: 5\r\n", Ok(Length::Counted(5))),
            ("content-length: 5\r\nContent-Length: 5\r\n", Ok(Length::Counted(5))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Length::Chunked)),
            ("", Err(Refusal::LengthMissing)),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Err(Refusal::AmbiguousLength)),
            ("Content-Length: 5, 5\r\n", Err(Refusal::AmbiguousLength)),
            ("Content-Length: +5\r\n", Err(Refusal::AmbiguousLength)),
            ("Content-Length: \r\n", Err(Refusal::AmbiguousLength)),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Err(Refusal::AmbiguousLength)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(Refusal::TransferCoding)),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Err(Refusal::TransferCoding),
            ),
            (&too_large, Err(Refusal::BodyTooLarge)),
            ("Content-Length: 99999999999999999999999\r\n", Err(Refusal::BodyTooLarge)),
        ];
        for (fields, expected) in cases {
            assert_eq!(with(fields).map(|head| head.length), expected, "{fields}");
        }
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(head(old).unwrap_err(), Refusal::AmbiguousLength);
    }

    #[test]
    fn the_version_and_the_client_decide_whether_the_connection_is_kept() {
        let cases = [
            ("1.1", "", Persistence::Kept),
            ("1.1", "Connection: keep-alive\r\n", Persistence::Kept),
            ("1.1", "Connection: te, Close\r\n", Persistence::Closed),
            ("1.1", "Connection: keep-alive, close\r\n", Persistence::Closed),
            ("1.0", "", Persistence::Closed),
            ("1.0", "Connection: Keep-Alive\r\n", Persistence::KeptIfSaid),
        ];
        for (version, fields, persistence) in cases {
            let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
            assert_eq!(head(&text).unwrap().persistence, persistence, "{text}");
        }
    }

    #[test]
    fn a_host_is_needed_once() {
        assert_eq!(head("GET / HTTP/1.1\r\n\r\n").unwrap_err(), Refusal::Host);
        let twice = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
        assert_eq!(head(twice).unwrap_err(), Refusal::Host);
        assert!(head("GET / HTTP/1.0\r\n\r\n").is_ok());
    }

    #[test]
    fn only_100_continue_can_be_expected() {
        let fields = "Content-Length: 5\r\nExpect: 100-Continue\r\n";
        assert!(with(fields).unwrap().expects_continue);
        let fields = "Content-Length: 5\r\nExpect: coffee\r\n";
        assert_eq!(with(fields).unwrap_err(), Refusal::Expectation);
        // RFC 9110 §10.1.1: a 1.0 client cannot wait for it.
        let old = "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
        assert!(!head(old).unwrap().expects_continue);
    }

    #[test]
    fn what_is_no_head_is_refused() {
        let cases = [
            ("GET / HTTP/2.0\r\n\r\n", Refusal::Version),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Refusal::MalformedHead),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", Refusal::MalformedHead),
            ("\u{16}\u{3}\u{1}", Refusal::MalformedHead),
        ];
        for (text, refusal) in cases {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), refusal, "{text:?}");
        }
    }

    #[test]
    fn a_head_has_limits() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(HEAD_LIMIT_BYTES));
        assert_eq!(parse(long.as_bytes()).unwrap_err(), Refusal::HeadTooLarge);
        assert_eq!(parse(&long.as_bytes()[..HEAD_LIMIT_BYTES - 1]).unwrap(), None);
        let whole = format!("{long}Host: a\r\n\r\n");
        assert_eq!(parse(whole.as_bytes()).unwrap_err(), Refusal::HeadTooLarge);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELD_LIMIT + 1));
        assert_eq!(parse(many.as_bytes()).unwrap_err(), Refusal::HeadTooLarge);
    }
}
