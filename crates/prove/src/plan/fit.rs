//! Whether what a group asks, what it speaks and whom it asks fit together. Owns these rules;
//! refuses to mend what does not fit.

use tungstenite::http::uri::PathAndQuery;

use crate::endpoint::Endpoint;
use crate::group::Group;
use crate::http2;
use crate::plan::error::PlanError;
use crate::protocol::Protocol;
use crate::request::Request;
use crate::target::Target;

/// What a message needs to be told from all others.
const LEAST_MESSAGE_BYTES: usize = 16;
/// More than this is no message but a file, and each connection holds one.
const MOST_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// What the headers of IPv4 and UDP leave of 64 KiB.
const MOST_DATAGRAM_BYTES: usize = 65_507;

/// Checks the group in this place of the plan, which asks this endpoint.
pub(crate) fn check(place: usize, group: &Group, endpoint: &Endpoint) -> Result<(), PlanError> {
    let protocol = group.protocol;
    if group.connections == 0 {
        return Err(PlanError::NoConnection { group: place });
    }
    endpoint.check()?;
    let is_udp = matches!(endpoint.target(), Target::Udp(_));
    let is_for_udp = protocol == Protocol::Datagrams;
    if is_udp != is_for_udp || (is_udp && endpoint.security().is_some()) {
        let target = endpoint.target().clone();
        return Err(PlanError::Transport { group: place, protocol, target });
    }
    check_request(place, &group.request, protocol)?;
    match protocol {
        Protocol::Http2 { streams: 0 } => Err(PlanError::NoStream { group: place }),
        Protocol::Http2 { .. } if !group.mode.is_kept() => {
            Err(PlanError::NewStream { group: place })
        }
        Protocol::Http2 { .. } if !http2::is_askable(endpoint, &group.request) => {
            Err(PlanError::Path { path: group.request.path().to_owned() })
        }
        _ => Ok(()),
    }
}

fn check_request(place: usize, request: &Request, protocol: Protocol) -> Result<(), PlanError> {
    let message_bytes = match request {
        Request::Message { message_bytes, .. } => Some(*message_bytes),
        Request::Get { .. } | Request::Post { .. } => None,
    };
    if message_bytes.is_some() != protocol.takes_messages() {
        let request = request.to_string();
        return Err(PlanError::Request { group: place, protocol, request });
    }
    let has_path = !matches!(protocol, Protocol::Echo | Protocol::Datagrams);
    // The handshake of a WebSocket is made of a URI, which has stricter rules.
    let is_uri =
        || protocol != Protocol::WebSocket || request.path().parse::<PathAndQuery>().is_ok();
    if has_path && !(request.has_sound_path() && is_uri()) {
        return Err(PlanError::Path { path: request.path().to_owned() });
    }
    let most_bytes = match protocol {
        Protocol::Datagrams => MOST_DATAGRAM_BYTES,
        _ => MOST_MESSAGE_BYTES,
    };
    match message_bytes {
        Some(length) if !(LEAST_MESSAGE_BYTES..=most_bytes).contains(&length) => {
            let message_bytes = length;
            Err(PlanError::MessageLength { group: place, protocol, message_bytes, most_bytes })
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Mode;
    use crate::tls::Tls;

    const DATAGRAMS: Protocol = Protocol::Datagrams;

    fn tcp() -> Endpoint {
        Target::Tcp(([127, 0, 0, 1], 1).into()).into()
    }

    fn udp() -> Endpoint {
        Target::Udp(([127, 0, 0, 1], 1).into()).into()
    }

    fn verdict(request: Request, protocol: Protocol, endpoint: &Endpoint) -> Result<(), PlanError> {
        check(3, &Group::new(Mode::Keep, request).protocol(protocol), endpoint)
    }

    #[test]
    fn http_takes_requests_and_all_else_takes_messages() {
        let message = || Request::message("/", 64);
        assert_eq!(verdict(Request::get("/"), Protocol::Http1, &tcp()), Ok(()));
        assert_eq!(verdict(message(), Protocol::WebSocket, &tcp()), Ok(()));
        assert_eq!(verdict(message(), Protocol::Echo, &tcp()), Ok(()));
        assert_eq!(verdict(message(), DATAGRAMS, &udp()), Ok(()));
        for (request, protocol) in [
            (message(), Protocol::Http1),
            (Request::get("/"), Protocol::WebSocket),
            (Request::post("/", 64), Protocol::Echo),
        ] {
            let refused = verdict(request, protocol, &tcp()).unwrap_err();
            assert!(matches!(refused, PlanError::Request { group: 3, .. }), "{refused}");
        }
    }

    #[test]
    fn a_path_is_one_that_its_protocol_can_name() {
        let message = |path: &str| verdict(Request::message(path, 64), Protocol::WebSocket, &tcp());
        assert_eq!(message("/chat?room=1&name=%20"), Ok(()));
        for path in ["", "chat", "/a b", "/a\r\nx: y", "/a<b>"] {
            assert_eq!(message(path), Err(PlanError::Path { path: path.to_owned() }));
        }
        assert_eq!(
            verdict(Request::message("", 64), Protocol::Echo, &tcp()),
            Ok(()),
            "it has none"
        );
    }

    #[test]
    fn datagrams_go_to_udp_and_nothing_else_does() {
        let message = || Request::message("/", 64);
        let secret = udp().tls(Tls::new("localhost").insecure());
        for (protocol, endpoint) in
            [(DATAGRAMS, tcp()), (Protocol::Echo, udp()), (DATAGRAMS, secret)]
        {
            let refused = verdict(message(), protocol, &endpoint).unwrap_err();
            assert!(matches!(refused, PlanError::Transport { group: 3, .. }), "{refused}");
        }
    }

    #[test]
    fn messages_can_be_numbered_and_held() {
        for (length, protocol, endpoint, is_fine) in [
            (15, Protocol::Echo, tcp(), false),
            (16, Protocol::Echo, tcp(), true),
            (MOST_MESSAGE_BYTES, Protocol::WebSocket, tcp(), true),
            (MOST_MESSAGE_BYTES + 1, Protocol::WebSocket, tcp(), false),
            (MOST_DATAGRAM_BYTES, DATAGRAMS, udp(), true),
            (MOST_DATAGRAM_BYTES + 1, DATAGRAMS, udp(), false),
        ] {
            let found = verdict(Request::message("/", length), protocol, &endpoint);
            assert_eq!(found.is_ok(), is_fine, "{protocol} {length}: {found:?}");
        }
    }
}
