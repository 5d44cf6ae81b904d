//! The handshake that opens a WebSocket: one request of HTTP. Owns the request's fields, and
//! refuses to check them: the plan was checked. Refuses to judge the answer: `accept` does.

use std::io;

use tokio::io::Interest;
use tungstenite::handshake::client::{Request, generate_key, generate_request};
use tungstenite::http::{HeaderName, HeaderValue};

use super::accept::Asked;
use crate::account::fault::Fault;
use crate::endpoint::Endpoint;
use crate::http1::answer::MAX_HEAD_BYTES;
use crate::stream::Stream;
use crate::wrong::WrongAnswer;

/// How much of an answer is read at once.
const READ_BYTES: usize = 4 * 1024;
const PROTOCOL: &str = "sec-websocket-protocol";

/// What a client asks for when it opens a WebSocket; the key is another one each time.
#[derive(Debug)]
pub(crate) struct Opening {
    request: Request,
}

impl Opening {
    pub(crate) fn new(path: &str, endpoint: &Endpoint) -> Self {
        // The request line shows the path alone: the host of this address is never sent.
        let mut builder = Request::builder()
            .uri(format!("ws://localhost{path}"))
            .header("host", endpoint.host())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13");
        if !endpoint.has_field("user-agent") {
            builder = builder.header("user-agent", "rekindle-prove");
        }
        for field in endpoint.fields() {
            builder = builder.header(&field.name, &field.value);
        }
        Self { request: builder.body(()).expect("path and fields were checked with the plan") }
    }

    /// Asks, and reads the answer. Returns what has come after that: the first frames.
    pub(crate) async fn open(&self, stream: &mut Stream) -> Result<Vec<u8>, Fault> {
        let (request, asked) = self.ask();
        let mut unsent = &request[..];
        let mut answer = Vec::new();
        loop {
            let sent = write(stream, &mut unsent);
            let is_read_all = read(stream, &mut answer);
            if let Some(length) = asked.judge(&answer)? {
                return Ok(answer.split_off(length));
            }
            if answer.len() > MAX_HEAD_BYTES {
                return Err(WrongAnswer::HeadTooLong.into());
            }
            // What was not sent is told after what was not read: a server that hangs up says why
            // first.
            if is_read_all? {
                return Err(Fault::LOST);
            }
            sent?;
            let interest = match unsent.is_empty() && !stream.holds_unsent() {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            stream.ready(interest).await.map_err(|error| Fault::broken(&error))?;
        }
    }

    /// The next request, and what its answer must be like.
    fn ask(&self) -> (Vec<u8>, Asked) {
        let request = self.request();
        let named = request.headers().get_all(PROTOCOL);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let protocols: Vec<_> = named.iter().map(text).collect();
        let (bytes, key) = generate_request(request).expect("all that it needs is there");
        (bytes, Asked::new(&key, protocols.iter().map(String::as_str)))
    }

    /// The next request, with a key of its own (RFC 6455 §4.1).
    fn request(&self) -> Request {
        let mut request = self.request.clone();
        let key = HeaderValue::from_str(&generate_key()).expect("a key is base64");
        request.headers_mut().insert(HeaderName::from_static("sec-websocket-key"), key);
        request
    }
}

/// Sends as much as may go now.
fn write(stream: &mut Stream, unsent: &mut &[u8]) -> Result<(), Fault> {
    while !unsent.is_empty() {
        match stream.try_write(unsent) {
            Ok(count) => *unsent = &unsent[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(Fault::broken(&error)),
        }
    }
    Ok(())
}

/// Reads once, and says whether that was the end.
fn read(stream: &mut Stream, answer: &mut Vec<u8>) -> Result<bool, Fault> {
    let mut input = [0; READ_BYTES];
    match stream.try_read(&mut input) {
        Ok(count) => {
            answer.extend_from_slice(&input[..count]);
            Ok(count == 0)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(Fault::broken(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn text(endpoint: &Endpoint) -> String {
        let opening = Opening::new("/ws?room=1", endpoint);
        let (bytes, _) = opening.ask();
        assert_ne!(bytes, opening.ask().0, "each handshake has its own key");
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_request_names_path_host_and_fields() {
        let endpoint = Endpoint::from(Target::Tcp(([127, 0, 0, 1], 80).into()));
        let plain = text(&endpoint);
        assert!(plain.starts_with("GET /ws?room=1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{plain}");
        assert!(plain.contains("user-agent: rekindle-prove\r\n"), "{plain}");
        let named = endpoint.authority("example.org").field("User-Agent", "a").field("x-b", "c");
        let named = text(&named);
        assert!(named.contains("\r\nHost: example.org\r\n"), "{named}");
        assert!(named.contains("user-agent: a\r\n") && named.contains("x-b: c\r\n"), "{named}");
    }
}
