//! HTTP/2 over TLS: what is said of its end by either, and who speaks it at all.

use std::sync::Arc;
use std::time::Duration;

use rekindle_prove::{
    Cause, Endpoint, FailureKind, Group, Mode, Outcome, Phase, Plan, Protocol, Request, Tally,
    WrongAnswer,
};

use crate::http2_server::{Act, Http2Server};
use crate::server::{Server, honest, until};
use crate::tls::Keys;

const LONG: Duration = Duration::from_secs(3600);
/// `no_application_protocol`, RFC 7301 §3.2.
const NO_PROTOCOL: u8 = 120;

fn group(streams: usize, request: Request) -> Group {
    Group::new(Mode::Keep, request).protocol(Protocol::Http2 { streams })
}

async fn outcome(endpoint: Endpoint, group: Group) -> Outcome {
    Plan::new(endpoint).group(group).start().unwrap().wait().await
}

/// A server that chooses HTTP/2.
async fn server(
    keys: &Keys,
    cuts: bool,
    script: impl Fn(usize) -> Act + Send + Sync + 'static,
) -> Http2Server {
    let mut config = keys.server();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Http2Server::tls(Arc::new(config), cuts, script).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noticed_where_nothing_is_wrong() {
    let keys = Keys::new();
    let server = server(&keys, false, |_| Act::Answer).await;
    let plan = Plan::new(keys.endpoint(&server.target))
        .group(group(4, Request::get("/")).connections(2).requests(25))
        .group(group(3, Request::post("/echo", 300_000)).requests(10));
    let outcome = plan.start().unwrap().wait().await;
    let expected = Tally { started: 230, answered: 230, ..Tally::default() };
    assert_eq!(outcome.tally, expected, "{:?}", outcome.failures);
    assert_eq!((server.connections(), server.requests()), (3, 230));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_is_obeyed_and_counted_once() {
    let keys = Keys::new();
    for cuts in [false, true] {
        let script = |number| if number % 5 == 4 { Act::Goodbye } else { Act::Answer };
        let server = server(&keys, cuts, script).await;
        let endpoint = keys.endpoint(&server.target);
        let outcome = outcome(endpoint, group(1, Request::get("/")).requests(30)).await;
        let goodbyes = Tally { announced_close: 6, ..Tally::default() };
        assert_eq!(outcome.tally, Tally { started: 30, answered: 30, ..goodbyes });
        assert_eq!(server.connections(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_says_whether_it_was_cut_under_streams_and_between_them() {
    let keys = Keys::new();
    for (cuts, cause) in [(false, Cause::EndOfFile), (true, Cause::CutTls)] {
        let script = |number| if number == 2 { Act::Cut } else { Act::Silence };
        let server = self::server(&keys, cuts, script).await;
        let endpoint = keys.endpoint(&server.target);
        let outcome = outcome(endpoint, group(3, Request::get("/")).requests(1)).await;
        assert_eq!(outcome.tally, Tally { started: 3, lost: 3, ..Tally::default() });
        assert!(outcome.failures.iter().all(|it| it.cause == cause), "{:?}", outcome.failures);

        let server = self::server(&keys, cuts, |_| Act::CloseIdle).await;
        let resting = group(3, Request::get("/")).pause(LONG);
        let plan = Plan::new(keys.endpoint(&server.target)).group(resting);
        let load = plan.start().unwrap();
        until(&load, |tally| tally.answered == 3).await;
        server.open_gate();
        until(&load, |tally| tally.closed_between_requests > 0).await;
        let outcome = load.stop().await;
        let closed = Tally { closed_between_requests: 1, ..Tally::default() };
        assert_eq!(outcome.tally, Tally { started: 3, answered: 3, ..closed });
        assert_eq!(outcome.failures[0].cause, cause);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_choose_it_is_told_so() {
    let keys = Keys::new();
    let mut offers = vec![(Vec::new(), FailureKind::Wrong, WrongAnswer::NotChosen.into())];
    let other = vec![b"http/1.1".to_vec()];
    offers.push((other, FailureKind::Refused, Cause::Alert { code: NO_PROTOCOL }));
    for (protocols, kind, cause) in offers {
        let mut config = keys.server();
        config.alpn_protocols = protocols;
        let server = Server::tls(Arc::new(config), false, honest).await;
        let endpoint = keys.endpoint(&server.target);
        let outcome = outcome(endpoint, group(2, Request::get("/")).requests(3)).await;
        assert_eq!((outcome.tally.started, outcome.noticed), (6, 6));
        for failure in &outcome.failures {
            let found = (failure.kind, failure.phase, failure.cause);
            assert_eq!(found, (kind, Phase::Handshaking, cause), "{failure:?}");
        }
        assert_eq!(server.requests(), 0, "nothing was said that it could not understand");
    }
}
