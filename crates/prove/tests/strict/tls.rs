//! TLS: nothing is hidden of how it begins and how it ends.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair, date_time_ymd};
use rekindle_prove::{
    Cause, CertificateFlaw, Endpoint, FailureKind, Group, Mode, Outcome, Phase, Plan, Request,
    Tally, Target, Tls, WrongAnswer,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::server::{Act, Server, faulty, honest, until};

const REQUESTS: u64 = 12;
const LONG: Duration = Duration::from_secs(3600);
/// `no_application_protocol`, RFC 7301 §3.2.
const NO_PROTOCOL: u8 = 120;

/// A certificate for `localhost`, signed with its own key.
pub(crate) struct Keys(CertifiedKey<KeyPair>);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap())
    }

    fn expired() -> Self {
        Self::with(vec!["localhost".to_owned()], long_ago)
    }

    /// As `openssl req -x509` makes them: of an authority, which is the server itself.
    fn of_authority(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Self::with(names, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    fn with(names: Vec<String>, set: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(names).unwrap();
        set(&mut params);
        let signing_key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        Self(CertifiedKey { cert, signing_key })
    }

    pub(crate) fn server(&self) -> ServerConfig {
        self.server_of(&[&TLS13, &TLS12])
    }

    fn server_of(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(self.0.signing_key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.0.cert.der().clone()], key)
            .unwrap()
    }

    /// A client that trusts this certificate.
    pub(crate) fn client(&self) -> Tls {
        Tls::new("localhost").trust(self.0.cert.pem().as_bytes())
    }

    /// The endpoint of a server with this certificate.
    pub(crate) fn endpoint(&self, target: &Target) -> Endpoint {
        Endpoint::new(target.clone()).tls(self.client())
    }
}

fn long_ago(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 2);
}

fn get(mode: Mode) -> Group {
    Group::new(mode, Request::get("/")).requests(REQUESTS)
}

async fn outcome(endpoint: Endpoint, group: Group) -> Outcome {
    Plan::new(endpoint).group(group).start().unwrap().wait().await
}

/// All that was counted of requests that all failed.
fn all(failed: Tally) -> Tally {
    Tally { started: REQUESTS, ..failed }
}

fn assert_failures(outcome: &Outcome, kind: FailureKind, phase: Phase, cause: Cause) {
    assert!(!outcome.failures.is_empty());
    for failure in &outcome.failures {
        let found = (failure.kind, failure.phase, failure.cause);
        assert_eq!(found, (kind, phase, cause), "{failure:?}");
        assert!(failure.local_port.is_some(), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_noticed_where_nothing_is_wrong() {
    let keys = Keys::new();
    for versions in [&[&TLS13], &[&TLS12]] {
        let mut config = keys.server_of(versions);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let server = Server::tls(Arc::new(config), false, honest).await;
        let mut plan = Plan::new(keys.endpoint(&server.target));
        let idle = Mode::Idle { mean_think: Duration::from_millis(2) };
        for mode in [Mode::New, Mode::Keep, idle] {
            for request in [Request::get("/"), Request::post("/echo", 300_000)] {
                plan = plan.group(Group::new(mode, request).connections(4).requests(REQUESTS));
            }
        }
        let outcome = plan.start().unwrap().wait().await;
        let each = 6 * 4 * REQUESTS;
        let expected = Tally { started: each, answered: each, ..Tally::default() };
        assert_eq!(outcome.tally, expected, "{:?}", outcome.failures);
        let left = 2 * 4;
        // The client says goodbye to the connections that it keeps, after all is told.
        while server.left() < left {
            // The server tells nobody: it is asked again.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_the_close_ends_is_whole_only_if_tls_says_so() {
    let keys = Keys::new();
    for cuts in [false, true] {
        let server = Server::tls(Arc::new(keys.server()), cuts, |_| Act::AnswerUntilClose).await;
        let outcome = outcome(keys.endpoint(&server.target), get(Mode::New)).await;
        if cuts {
            assert_eq!(outcome.tally, all(Tally { lost: REQUESTS, ..Tally::default() }));
            assert_failures(&outcome, FailureKind::Lost, Phase::Reading, Cause::CutTls);
        } else {
            assert_eq!(outcome.tally, all(Tally { answered: REQUESTS, ..Tally::default() }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_between_requests_is_a_close_and_says_whether_it_was_cut() {
    let keys = Keys::new();
    for (cuts, cause) in [(false, Cause::EndOfFile), (true, Cause::CutTls)] {
        let server = Server::tls(Arc::new(keys.server()), cuts, |_| Act::CloseIdle).await;
        let group = Group::new(Mode::Keep, Request::get("/")).connections(5).pause(LONG);
        let plan = Plan::new(keys.endpoint(&server.target)).group(group);
        let load = plan.start().unwrap();
        until(&load, |tally| tally.answered == 5).await;
        server.open_gate();
        until(&load, |tally| tally.closed_between_requests == 5).await;
        let outcome = load.stop().await;
        let closed = Tally { closed_between_requests: 5, ..Tally::default() };
        assert_eq!(outcome.tally, Tally { started: 5, answered: 5, ..closed });
        assert_failures(&outcome, FailureKind::ClosedBetweenRequests, Phase::Idle, cause);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_under_a_request_are_told_apart_as_without_tls() {
    let keys = Keys::new();
    let cases = [
        (Act::CloseUnanswered, false, Tally { lost: 4, crossed: 4, ..Tally::default() }),
        (Act::CloseUnanswered, true, Tally { lost: 4, crossed: 4, ..Tally::default() }),
        (Act::HalfAnswer, true, Tally { lost: 4, ..Tally::default() }),
        (Act::Reset, true, Tally { reset: 4, crossed: 4, ..Tally::default() }),
        (Act::WrongStatus, false, Tally { wrong: 4, ..Tally::default() }),
        (Act::TrailingBytes, false, Tally { wrong: 4, ..Tally::default() }),
        (Act::AnnounceClose, true, Tally { announced_close: 4, ..Tally::default() }),
    ];
    for (act, cuts, counted) in cases {
        let server = Server::tls(Arc::new(keys.server()), cuts, faulty(act, 4, 3)).await;
        let outcome = outcome(keys.endpoint(&server.target), get(Mode::Keep)).await;
        let failed = counted.noticed() - counted.announced_close;
        let expected = Tally { answered: REQUESTS - failed, ..all(counted) };
        assert_eq!(outcome.tally, expected, "{act:?} {cuts}");
        if act == Act::CloseUnanswered {
            let cause = if cuts { Cause::CutTls } else { Cause::EndOfFile };
            assert_failures(&outcome, FailureKind::Lost, Phase::Awaiting, cause);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_declines_the_handshake_refuses() {
    let keys = Keys::new();
    let mut config = keys.server();
    config.alpn_protocols = vec![b"spoken-by-nobody".to_vec()];
    let server = Server::tls(Arc::new(config), false, honest).await;
    for mode in [Mode::Keep, Mode::New] {
        let outcome = outcome(keys.endpoint(&server.target), get(mode)).await;
        assert_eq!(outcome.tally, all(Tally { refused: REQUESTS, ..Tally::default() }));
        let cause = Cause::Alert { code: NO_PROTOCOL };
        assert_failures(&outcome, FailureKind::Refused, Phase::Handshaking, cause);
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_breaks_off_is_lost_or_reset() {
    let keys = Keys::new();
    for resets in [false, true] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                // All of the client's greeting: a socket closed over unread bytes is reset.
                let mut header = [0; 5];
                socket.read_exact(&mut header).await.unwrap();
                let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
                socket.read_exact(&mut vec![0; length]).await.unwrap();
                if resets {
                    socket.set_zero_linger().unwrap();
                }
            }
        });
        let outcome = outcome(keys.endpoint(&target), get(Mode::Keep)).await;
        serving.abort();
        let (tally, kind, cause) = if resets {
            let errno = rustix::io::Errno::CONNRESET.raw_os_error();
            let tally = Tally { reset: REQUESTS, ..Tally::default() };
            (tally, FailureKind::Reset, Cause::System { errno })
        } else {
            let tally = Tally { lost: REQUESTS, ..Tally::default() };
            (tally, FailureKind::Lost, Cause::EndOfFile)
        };
        assert_eq!(outcome.tally, all(tally));
        assert_failures(&outcome, kind, Phase::Handshaking, cause);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_a_wrong_answer() {
    let keys = Keys::new();
    let other_name = Tls::new("example.org").trust(keys.0.cert.pem().as_bytes());
    let expired = Keys::expired();
    let cases = [
        (&keys, Keys::new().client(), CertificateFlaw::Issuer),
        (&keys, other_name, CertificateFlaw::Name),
        (&expired, expired.client(), CertificateFlaw::Expired),
    ];
    for (server_keys, tls, flaw) in cases {
        let server = Server::tls(Arc::new(server_keys.server()), false, honest).await;
        let endpoint = Endpoint::new(server.target.clone());
        let outcome = outcome(endpoint.clone().tls(tls), get(Mode::Keep)).await;
        assert_eq!(outcome.tally, all(Tally { wrong: REQUESTS, ..Tally::default() }), "{flaw}");
        let cause = Cause::Answer(WrongAnswer::Certificate { flaw });
        assert_failures(&outcome, FailureKind::Wrong, Phase::Handshaking, cause);
        let trusting = endpoint.tls(Tls::new("example.org").insecure());
        let outcome = self::outcome(trusting, get(Mode::Keep)).await;
        assert_eq!(outcome.noticed, 0, "insecure takes it: {:?}", outcome.failures);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_show_the_very_certificate_that_is_trusted() {
    let [own, nameless] = [Keys::of_authority(&["localhost"]), Keys::of_authority(&[])];
    let plain = Keys::with(Vec::new(), |_| {});
    let old = Keys::with(vec!["localhost".to_owned()], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        long_ago(params);
    });
    let other_name = Tls::new("example.org").trust(own.0.cert.pem().as_bytes());
    let cases = [
        (&own, own.client(), None),
        (&nameless, nameless.client(), None),
        (&plain, plain.client(), None),
        (&own, other_name, Some("is for another name")),
        (&old, old.client(), Some("has expired")),
        (&own, nameless.client(), Some("is not sound: CaUsedAsEndEntity")),
    ];
    for (server_keys, tls, flaw) in cases {
        let server = Server::tls(Arc::new(server_keys.server()), false, honest).await;
        let outcome = outcome(Endpoint::new(server.target.clone()).tls(tls), get(Mode::Keep)).await;
        let Some(flaw) = flaw else {
            assert_eq!(outcome.noticed, 0, "{:?}", outcome.failures);
            continue;
        };
        assert_eq!(outcome.tally, all(Tally { wrong: REQUESTS, ..Tally::default() }), "{flaw}");
        let cause = outcome.failures[0].cause.to_string();
        assert_eq!(cause, format!("the certificate {flaw}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_a_wrong_answer() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.read_u8().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            socket.try_write(answer).unwrap();
            // The client looks at the answer first, and closes.
            while socket.read(&mut [0; 1_024]).await.is_ok_and(|count| count > 0) {}
        }
    });
    let outcome = outcome(Keys::new().endpoint(&target), get(Mode::New)).await;
    serving.abort();
    assert_eq!(outcome.tally, all(Tally { wrong: REQUESTS, ..Tally::default() }));
    let cause = Cause::Answer(WrongAnswer::Tls);
    assert_failures(&outcome, FailureKind::Wrong, Phase::Handshaking, cause);
}
