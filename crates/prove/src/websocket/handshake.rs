//! The HTTP request that opens a WebSocket. Owns its fields; refuses to check them: the plan was
//! checked.

use tungstenite::handshake::client::{Request, generate_key};
use tungstenite::http::{HeaderName, HeaderValue};

use crate::endpoint::Endpoint;

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

    /// The next request, with a key of its own (RFC 6455 §4.1).
    pub(crate) fn request(&self) -> Request {
        let mut request = self.request.clone();
        let key = HeaderValue::from_str(&generate_key()).expect("a key is base64");
        request.headers_mut().insert(HeaderName::from_static("sec-websocket-key"), key);
        request
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::handshake::client::generate_request;

    use super::*;
    use crate::target::Target;

    fn text(endpoint: &Endpoint) -> String {
        let opening = Opening::new("/ws?room=1", endpoint);
        let (bytes, key) = generate_request(opening.request()).unwrap();
        let (_, other) = generate_request(opening.request()).unwrap();
        assert_ne!(key, other, "each handshake has its own key");
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
