//! HTTP over TLS in one process: which protocol is spoken, which handshakes end how, and that each
//! end is announced by `close_notify`.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

use std::fs;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rekindle::http::{HttpOptions, Tls};
use rekindle::{DrainEnd, HammerCause, Running, Service};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, crypto};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// Longer than anything here takes, so that a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A short time, for what is to end by a deadline.
const SHORT: Duration = Duration::from_millis(300);

/// A service with one listener over TLS.
struct Fixture {
    address: SocketAddr,
    running: Running,
    client: ClientConfig,
    /// Told when `/never` is asked for.
    asked: Arc<Notify>,
}

impl Fixture {
    async fn new(options: HttpOptions) -> Self {
        let (tls, certificate) = certificate();
        Self::with(tls, &[certificate], options).await
    }

    async fn with(tls: Tls, trusted: &[CertificateDer<'static>], options: HttpOptions) -> Self {
        let mut service = Service::builder().stub().drain_timeout(SHORT).start().unwrap();
        let listener = service.tcp("https", "127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Notify::new());
        service.serve_with(listener, app(&asked), options.tls(tls));
        let (running, client) = (service.ready().await.unwrap(), client(trusted));
        Self { address, running, client, asked }
    }

    fn offering(mut self, protocols: &[&[u8]]) -> Self {
        self.client.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        shake(&self.client, TcpStream::connect(self.address).await?).await
    }
}

async fn shake(client: &ClientConfig, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(client.clone())).connect(name, stream).await
}

/// A new certificate.
fn certificate() -> (Tls, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
    fs::write(&chain, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    (Tls::from_files(chain, key).unwrap(), cert.der().clone())
}

fn client(trusted: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Echoes a body. `/never` is never answered, but says that it was asked for.
fn app(asked: &Arc<Notify>) -> Router {
    let asked = Arc::clone(asked);
    let never = async move || -> () {
        asked.notify_one();
        pending().await
    };
    Router::new().route("/", any(async |body: Bytes| body)).route("/never", any(never))
}

/// Asks on a connection that is kept, and returns the head of the answer.
async fn get(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(GET).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// What comes until the server says `close_notify`. Without it, the end is an error.
async fn rest(stream: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await??;
    Ok(rest)
}

async fn version_of_an_answer(fixture: &Fixture) -> Version {
    let stream = fixture.connect().await.unwrap();
    let request = Request::get("https://localhost/").body(Full::<Bytes>::default()).unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap().version()
}

#[tokio::test]
async fn the_protocol_is_what_the_handshake_agreed_on() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let mut silent = fixture.connect().await.unwrap();
    assert!(get(&mut silent).await.starts_with("HTTP/1.1 200"), "without a word it is HTTP/1.1");
    let fixture = fixture.offering(&[b"http/1.1"]);
    let mut plain = fixture.connect().await.unwrap();
    assert_eq!(plain.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(get(&mut plain).await.starts_with("HTTP/1.1 200"));
    let fixture = fixture.offering(&[b"h2", b"http/1.1"]);
    assert_eq!(version_of_an_answer(&fixture).await, Version::HTTP_2);
}

#[tokio::test]
async fn a_protocol_that_is_off_is_not_agreed_on() {
    let fixture = Fixture::new(HttpOptions::new().http2(false)).await.offering(&[b"h2"]);
    fixture.connect().await.unwrap_err();
    let fixture = fixture.offering(&[b"h2", b"http/1.1"]);
    let stream = fixture.connect().await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_protocol_of_the_program_s_own_ends_after_the_handshake() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = signing_key.serialize_der().try_into().unwrap();
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"acme-tls/1".to_vec()];
    let tls = Tls::from_config(Arc::new(config));
    let fixture = Fixture::with(tls, &[cert.der().clone()], HttpOptions::new()).await;
    let fixture = fixture.offering(&[b"acme-tls/1"]);
    let mut stream = fixture.connect().await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"");
    let fixture = fixture.offering(&[b"http/1.1"]);
    assert!(get(&mut fixture.connect().await.unwrap()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn long_bodies_come_back_whole() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let body: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let mut stream = fixture.connect().await.unwrap();
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let answer = rest(&mut stream).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(answer.ends_with(&body));
}

#[tokio::test]
async fn a_client_without_tls_is_closed() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut said = Vec::new();
    // Whether the end is a reset depends on what the server had read.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.unwrap();
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    assert!(get(&mut fixture.connect().await.unwrap()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_handshake_that_hangs_ends_in_time() {
    let fixture = Fixture::new(HttpOptions::new().header_read_timeout(SHORT)).await;
    let mut silent = TcpStream::connect(fixture.address).await.unwrap();
    let mut slow = TcpStream::connect(fixture.address).await.unwrap();
    let begun = Instant::now();
    slow.write_all(b"\x16\x03\x01\x01").await.unwrap();
    for stream in [&mut silent, &mut slow] {
        let count = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 64])).await.unwrap();
        assert!(matches!(count, Ok(0) | Err(_)), "{count:?}");
    }
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_handshake_that_hangs_holds_a_stop_no_longer_than_it_may() {
    let fixture = Fixture::new(HttpOptions::new().header_read_timeout(SHORT / 3)).await;
    let mut slow = TcpStream::connect(fixture.address).await.unwrap();
    slow.write_all(b"\x16\x03\x01\x01").await.unwrap();
    fixture.running.stop();
    let report = fixture.running.drained().await;
    assert_eq!((report.end, report.cut), (DrainEnd::Drained, 0), "before the deadline");
    assert!(report.took >= SHORT / 4, "{report:?}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_client_that_has_said_nothing() {
    let fixture = Fixture::new(HttpOptions::new().header_read_timeout(PATIENCE)).await;
    let mut silent = TcpStream::connect(fixture.address).await.unwrap();
    while fixture.running.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    fixture.running.stop();
    let report = fixture.running.drained().await;
    assert_eq!((report.end, report.cut), (DrainEnd::Drained, 0), "before the deadline");
    assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_stop_sends_a_client_of_http_2_away() {
    let fixture = Fixture::new(HttpOptions::new()).await.offering(&[b"h2"]);
    let io = TokioIo::new(fixture.connect().await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(Full::<Bytes>::default()).unwrap();
    assert!(sender.send_request(request).await.unwrap().status().is_success());
    fixture.running.stop();
    connection.await.unwrap().unwrap();
    assert_eq!(fixture.running.drained().await.end, DrainEnd::Drained);
}

#[tokio::test]
async fn a_stop_closes_what_is_idle_and_says_so() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let mut fresh = fixture.connect().await.unwrap();
    let mut kept = fixture.connect().await.unwrap();
    get(&mut kept).await;
    fixture.running.stop();
    assert_eq!(rest(&mut fresh).await.unwrap(), b"");
    assert_eq!(rest(&mut kept).await.unwrap(), b"");
    assert_eq!(fixture.running.drained().await.end, DrainEnd::Drained);
}

#[tokio::test]
async fn a_handshake_under_way_is_finished_though_the_service_stops() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let stream = TcpStream::connect(fixture.address).await.unwrap();
    let mut handshake = pin!(shake(&fixture.client, stream));
    // The client says hello, and the service has not had its turn yet.
    assert!(poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await.is_pending());
    fixture.running.stop();
    let mut stream = handshake.await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"");
    assert_eq!(fixture.running.drained().await.end, DrainEnd::Drained);
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_look_whole() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let mut stuck = fixture.connect().await.unwrap();
    stuck.write_all(b"GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    fixture.asked.notified().await;
    let begun = Instant::now();
    fixture.running.stop();
    let error = rest(&mut stuck).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "no `close_notify`: {error}");
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    assert_eq!(fixture.running.drained().await.cut, 1);
}

#[tokio::test]
async fn half_a_request_that_is_cut_is_told_so() {
    let fixture = Fixture::new(HttpOptions::new()).await;
    let mut half = fixture.connect().await.unwrap();
    get(&mut half).await;
    half.write_all(b"GET /nev").await.unwrap();
    let begun = Instant::now();
    fixture.running.stop();
    let report = fixture.running.drained().await;
    assert_eq!(fixture.running.in_flight(), 0, "the program may exit now, and all is said");
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
    assert_eq!(rest(&mut half).await.unwrap(), b"");
    assert_eq!(report.end, DrainEnd::Hammered(HammerCause::Deadline));
}

#[tokio::test]
async fn an_idle_connection_ends_in_time_and_says_so() {
    let fixture = Fixture::new(HttpOptions::new().idle_timeout(SHORT)).await;
    let mut kept = fixture.connect().await.unwrap();
    get(&mut kept).await;
    let begun = Instant::now();
    assert_eq!(rest(&mut kept).await.unwrap(), b"");
    // The server's clock began before ours: it had sent the answer by then.
    assert!(begun.elapsed() >= SHORT / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn sessions_resume_at_all_listeners_of_one_certificate_and_at_no_other() {
    let ((tls, its), (other, others)) = (certificate(), certificate());
    let mut service = Service::builder().stub().drain_timeout(SHORT).start().unwrap();
    let mut addresses = Vec::new();
    for (name, tls) in [("one", tls.clone()), ("two", tls), ("other", other)] {
        let listener = service.tcp(name, "127.0.0.1:0").unwrap();
        addresses.push(listener.local_addr().unwrap());
        service.serve_with(listener, app(&Arc::default()), HttpOptions::new().tls(tls));
    }
    let _running = service.ready().await.unwrap();
    let client = client(&[its, others]);
    let mut kinds = Vec::new();
    for address in addresses {
        let mut stream = shake(&client, TcpStream::connect(address).await.unwrap()).await.unwrap();
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
        // The tickets come with the answer.
        get(&mut stream).await;
    }
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Full]);
}
