//! The requests of one lane, as HTTP/2 has them. Refuses to send them.

use bytes::Bytes;
use h2::client;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request as Head, Uri};

use crate::endpoint::Endpoint;
use crate::group::Group;
use crate::numbered::Numbered;
use crate::request::Request;

/// The requests of one lane, one after another.
#[derive(Debug)]
pub(crate) struct Draft {
    head: Head<()>,
    body: Option<(Vec<u8>, Numbered)>,
}

/// Whether a request of this path can be made of this endpoint: what is sound in HTTP/1.1 need not
/// be a URI.
pub(crate) fn is_askable(endpoint: &Endpoint, request: &Request) -> bool {
    uri(endpoint, request).is_some()
}

fn uri(endpoint: &Endpoint, request: &Request) -> Option<Uri> {
    let scheme = if endpoint.security().is_some() { "https" } else { "http" };
    let uri = Uri::builder().scheme(scheme).authority(endpoint.host());
    uri.path_and_query(request.path()).build().ok()
}

impl Draft {
    /// `client` is a number that no other client of the load has.
    pub(crate) fn new(group: &Group, endpoint: &Endpoint, client: u64) -> Self {
        let mut head = Head::new(());
        *head.uri_mut() = uri(endpoint, &group.request).expect("the plan was checked: it is a URI");
        let fields = head.headers_mut();
        fields.insert(USER_AGENT, HeaderValue::from_static("rekindle-prove"));
        let body = match &group.request {
            Request::Get { .. } => None,
            request @ (Request::Post { .. } | Request::Message { .. }) => {
                let length = request.content_bytes();
                fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
                Some((vec![0; length], Numbered::new(client)))
            }
        };
        for own in [USER_AGENT, CONTENT_TYPE] {
            if endpoint.has_field(own.as_str()) {
                fields.remove(own);
            }
        }
        for field in endpoint.fields() {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            let value = HeaderValue::from_str(&field.value);
            let (Ok(name), Ok(value)) = (name, value) else {
                unreachable!("the plan was checked: fields are sound");
            };
            fields.append(name, value);
        }
        if body.is_some() {
            *head.method_mut() = Method::POST;
        }
        Self { head, body }
    }

    /// Makes the next request.
    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        if let Some((content, numbered)) = &mut self.body {
            numbered.fill(content, random);
        }
    }

    /// Begins it as a stream of a connection, and says which body is to follow.
    pub(crate) fn begin(
        &self,
        connection: &mut client::SendRequest<Bytes>,
    ) -> Result<(client::ResponseFuture, h2::SendStream<Bytes>, Bytes), h2::Error> {
        let body = self.echo().map(Bytes::copy_from_slice).unwrap_or_default();
        let (response, outgoing) = connection.send_request(self.head.clone(), body.is_empty())?;
        Ok((response, outgoing, body))
    }

    /// What the answer's body must be, if it must be anything.
    pub(crate) fn echo(&self) -> Option<&[u8]> {
        self.body.as_ref().map(|(content, _)| &content[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Mode;
    use crate::target::Target;

    fn endpoint() -> Endpoint {
        Endpoint::new(Target::Tcp(([127, 0, 0, 1], 80).into()))
    }

    #[test]
    fn a_request_is_made_of_endpoint_and_group() {
        let endpoint = endpoint().field("X-A", "1").field("user-agent", "mine").field("x-a", "2");
        let group = Group::new(Mode::Keep, Request::post("/echo?x", 40));
        let mut draft = Draft::new(&group, &endpoint, 3);
        draft.renew(&mut fastrand::Rng::with_seed(1));
        assert_eq!(draft.head.uri(), "http://127.0.0.1:80/echo?x");
        assert_eq!(draft.head.method(), Method::POST);
        assert_eq!(draft.head.headers()[USER_AGENT], "mine");
        assert_eq!(draft.head.headers()[CONTENT_LENGTH], "40");
        assert_eq!(draft.head.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(draft.echo().unwrap().len(), 40);
        let get = Draft::new(&Group::new(Mode::Keep, Request::get("/")), &endpoint, 3);
        assert_eq!((get.head.method(), get.echo()), (&Method::GET, None));
    }

    #[test]
    fn what_is_no_uri_cannot_be_asked() {
        assert!(is_askable(&endpoint(), &Request::get("/a?b=%20")));
        assert!(!is_askable(&endpoint(), &Request::get("/a b")));
    }
}
