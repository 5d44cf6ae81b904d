//! The server's answer to a handshake. Owns RFC 6455 §4.1, what a client must see in it; refuses to
//! read from a socket.

use tungstenite::handshake::derive_accept_key;

use crate::http1::head::{MAX_FIELDS, has_token};
use crate::wrong::WrongAnswer;

const SWITCHING: u16 = 101;

/// What was asked for, as far as the answer hangs on it.
#[derive(Debug)]
pub(super) struct Asked {
    /// What the server must make of the key.
    accept: String,
    /// The subprotocols that the server may choose from.
    protocols: Vec<String>,
}

impl Asked {
    /// `protocols` are the fields `Sec-WebSocket-Protocol` of the request.
    pub(super) fn new<'a>(key: &str, protocols: impl Iterator<Item = &'a str>) -> Self {
        let names = protocols.flat_map(|field| field.split(',')).map(|name| name.trim().to_owned());
        Self { accept: derive_accept_key(key.as_bytes()), protocols: names.collect() }
    }

    /// The length of the answer that opens the WebSocket; `None` if it is not whole. Interim (1xx)
    /// answers before it are passed over.
    pub(super) fn judge(&self, bytes: &[u8]) -> Result<Option<usize>, WrongAnswer> {
        let mut passed_over = 0;
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut answer = httparse::Response::new(&mut fields);
            let length = match answer.parse(&bytes[passed_over..]) {
                Ok(httparse::Status::Complete(length)) => length,
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(_) => return Err(WrongAnswer::Head),
            };
            passed_over += length;
            match answer.code {
                Some(SWITCHING) if answer.version == Some(1) && self.opens(answer.headers) => {
                    return Ok(Some(passed_over));
                }
                Some(SWITCHING) => return Err(WrongAnswer::Handshake),
                Some(100..=199) => {}
                Some(status) => return Err(WrongAnswer::Status { status }),
                None => return Err(WrongAnswer::Head),
            }
        }
    }

    /// The numbered list of §4.1, from 2 on.
    fn opens(&self, headers: &[httparse::Header<'_>]) -> bool {
        let all = |name: &'static str| {
            let named = headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name));
            named.map(|header| header.value.trim_ascii())
        };
        let one = |name| {
            let mut values = all(name);
            values.next().filter(|_| values.next().is_none())
        };
        one("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
            && all("connection").any(|value| has_token(value, b"upgrade"))
            && one("sec-websocket-accept") == Some(self.accept.as_bytes())
            // No extension was asked for: none is spoken here.
            && all("sec-websocket-extensions").all(<[u8]>::is_empty)
            && self.chose_well(all("sec-websocket-protocol").collect())
    }

    /// A server need not choose a subprotocol, and may choose one only.
    fn chose_well(&self, chosen: Vec<&[u8]>) -> bool {
        match chosen.as_slice() {
            [] => true,
            [name] => self.protocols.iter().any(|asked| asked.as_bytes() == *name),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and answer of RFC 6455 §1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

    fn judge(answer: &str) -> Result<Option<usize>, WrongAnswer> {
        Asked::new(KEY, ["chat, v2"].into_iter()).judge(answer.as_bytes())
    }

    fn with(fields: &str) -> Result<Option<usize>, WrongAnswer> {
        let answer = format!("HTTP/1.1 101 Yes\r\n{fields}\r\n");
        assert_eq!(judge(&answer[..answer.len() - 1]).ok().flatten(), None, "it is not whole");
        judge(&answer).inspect(|length| assert_eq!(*length, Some(answer.len())))
    }

    #[test]
    fn what_rfc_6455_allows_opens() {
        assert!(with(&format!("{UPGRADE}{ACCEPT}")).is_ok());
        for connection in ["keep-alive, Upgrade", "UPGRADE,x", "keep-alive\r\nConnection: upgrade"]
        {
            let fields = format!("upgrade: WebSocket\r\nConnection: {connection}\r\n{ACCEPT}");
            assert!(with(&fields).is_ok(), "{connection}");
        }
        assert!(with(&format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v2\r\n")).is_ok());
        assert!(with(&format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Extensions:\r\n")).is_ok());
    }

    #[test]
    fn what_it_does_not_allow_does_not() {
        let cases = [
            UPGRADE.to_owned(),
            format!("Upgrade: websocket\r\n{ACCEPT}"),
            format!("Connection: Upgrade\r\n{ACCEPT}"),
            format!("Upgrade: websocket\r\nConnection: keep-alive, Upgraded\r\n{ACCEPT}"),
            format!("Upgrade: chat\r\nConnection: Upgrade\r\n{ACCEPT}"),
            format!(
                "{UPGRADE}sec-websocket-accept: x{}",
                &ACCEPT["sec-websocket-accept: ".len()..]
            ),
            format!("{UPGRADE}{ACCEPT}{ACCEPT}"),
            format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v3\r\n"),
            format!(
                "{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: v2\r\nSec-WebSocket-Protocol: chat\r\n"
            ),
        ];
        for fields in cases {
            assert_eq!(with(&fields), Err(WrongAnswer::Handshake), "{fields}");
        }
        let old = format!("HTTP/1.0 101 Yes\r\n{UPGRADE}{ACCEPT}\r\n");
        assert_eq!(judge(&old), Err(WrongAnswer::Handshake));
    }

    #[test]
    fn interim_answers_are_passed_over_and_others_are_told() {
        let early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
        let answer = format!("{early}HTTP/1.1 101 Yes\r\n{UPGRADE}{ACCEPT}\r\n");
        assert_eq!(judge(&format!("{answer}\u{1}")), Ok(Some(answer.len())));
        assert_eq!(judge(early), Ok(None));
        assert_eq!(judge("HTTP/1.1 200 OK\r\n\r\n"), Err(WrongAnswer::Status { status: 200 }));
        assert_eq!(judge("SSH-2.0-OpenSSH\r\n"), Err(WrongAnswer::Head));
    }
}
