//! Sessions over real sockets, with the test in the place of the channel between two processes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as AxumRequest;
use http_body_util::BodyExt;
use proptest::prelude::*;
use rekindle_core::MoveRefusal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use super::*;
use crate::http::course::Course;
use crate::http::options::HttpOptions;
use crate::http::testing::Process;
use crate::moves::Departure;
use crate::tracker::Tracker;

const PATIENCE: Duration = Duration::from_secs(30);

/// Answers with the path and the body.
fn app() -> Router {
    Router::new().fallback(async |request: AxumRequest| {
        let path = request.uri().path().to_owned();
        yield_now().await;
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        [path.as_bytes(), b":", &body].concat()
    })
}

fn serve<IO: Transport>(process: &Process, stream: IO, bytes: Vec<u8>) -> JoinHandle<()> {
    serve_app(process, app(), stream, bytes)
}

fn serve_app<IO: Transport>(
    process: &Process,
    app: Router,
    stream: IO,
    bytes: Vec<u8>,
) -> JoinHandle<()> {
    let session = Session::new(Home::new(Arc::clone(&process.site), app.clone()), app);
    let connection = Paused { stream, bytes: bytes.into(), stay: process.stay() };
    tokio::spawn(session.run(connection, Protocols::Either))
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let client = client.unwrap();
    client.set_nodelay(true).unwrap();
    (client, accepted.unwrap().0)
}

/// The next connection that a process gives away.
async fn departure(process: &Process) -> Departure {
    let next = async {
        loop {
            match process.shared.outbox.next() {
                Some(departure) => return departure,
                None => yield_now().await,
            }
        }
    };
    timeout(PATIENCE, next).await.expect("it leaves")
}

/// What the next process gets of it: the old one is told that it is gone.
fn arrive<IO: Transport>(departure: Departure) -> (IO, Vec<u8>) {
    let descriptor: OwnedFd = departure.parcel.descriptor.try_clone().unwrap();
    departure.parcel.gone();
    (IO::from_descriptor(descriptor).unwrap(), departure.entry.bytes)
}

async fn read_until(client: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let byte = timeout(PATIENCE, client.read_u8()).await.expect("in time");
        text.push(char::from(byte.unwrap_or_else(|error| panic!("{error} after {text:?}"))));
    }
    text
}

fn get(number: usize) -> String {
    format!("GET /{number} HTTP/1.1\r\nhost: x\r\n\r\n")
}

#[tokio::test]
async fn a_fresh_connection_moves_with_nothing_and_is_served_by_the_next_process() {
    let (old, new) = (Process::new(), Process::new());
    let (mut client, server) = pair().await;
    let served = serve(&old, server, Vec::new());
    old.harbour.set_course(Course::Move);
    let departure = departure(&old).await;
    assert_eq!(departure.entry.receiver.name.as_str(), "web");
    assert_eq!(departure.entry.bytes, b"");
    assert_eq!(old.shared.tracker.in_flight(), 1, "until it is gone it counts");
    let (stream, bytes) = arrive::<TcpStream>(departure);
    served.await.unwrap();
    assert_eq!(old.shared.tracker.in_flight(), 0);
    serve(&new, stream, bytes);
    client.write_all(get(1).as_bytes()).await.unwrap();
    read_until(&mut client, "/1:").await;
    assert_eq!(new.shared.tracker.in_flight(), 1);
}

#[tokio::test]
async fn a_response_in_flight_goes_out_before_its_connection_leaves() {
    let (old, new) = (Process::new(), Process::new());
    let (mut client, server) = UnixStream::pair().unwrap();
    serve(&old, server, Vec::new());
    let head = "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbo";
    client.write_all(head.as_bytes()).await.unwrap();
    yield_now().await;
    old.harbour.set_course(Course::Move);
    client.write_all(format!("dy{}", &get(2)[..9]).as_bytes()).await.unwrap();
    let answer = read_until(&mut client, "/1:body").await;
    assert!(!answer.to_ascii_lowercase().contains("connection:"), "{answer}");
    let (stream, bytes) = arrive::<UnixStream>(departure(&old).await);
    serve(&new, stream, bytes);
    client.write_all(&get(2).as_bytes()[9..]).await.unwrap();
    read_until(&mut client, "/2:").await;
}

#[tokio::test]
async fn who_is_given_back_is_served_on_with_a_goodbye() {
    let old = Process::new();
    let (mut client, server) = pair().await;
    let served = serve(&old, server, Vec::new());
    client.write_all(format!("{}{}", get(1), &get(2)[..9]).as_bytes()).await.unwrap();
    read_until(&mut client, "/1:").await;
    old.harbour.set_course(Course::Move);
    let Departure { entry, parcel } = departure(&old).await;
    served.await.unwrap();
    assert_eq!(old.shared.tracker.in_flight(), 1, "though no task waits for it");
    parcel.give_back(entry.bytes, MoveRefusal::Refused);
    assert_eq!(old.shared.tracker.in_flight(), 1);
    client.write_all(&get(2).as_bytes()[9..]).await.unwrap();
    let answer = read_until(&mut client, "/2:").await;
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    let over = async {
        while old.shared.tracker.in_flight() > 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, over).await.expect("it ends");
}

#[tokio::test]
async fn who_is_given_back_by_a_roll_back_stays_and_can_leave_later() {
    let (old, new) = (Process::new(), Process::new());
    let (mut client, server) = pair().await;
    serve(&old, server, Vec::new());
    old.harbour.set_course(Course::Move);
    let Departure { entry, parcel } = departure(&old).await;
    old.harbour.set_course(Course::Stay);
    parcel.give_back(entry.bytes, MoveRefusal::NoSuccessor);
    client.write_all(get(1).as_bytes()).await.unwrap();
    let answer = read_until(&mut client, "/1:").await;
    assert!(!answer.to_ascii_lowercase().contains("connection:"), "{answer}");
    old.harbour.set_course(Course::Move);
    let (stream, bytes) = arrive::<TcpStream>(departure(&old).await);
    serve(&new, stream, bytes);
    client.write_all(get(2).as_bytes()).await.unwrap();
    read_until(&mut client, "/2:").await;
}

#[tokio::test]
async fn who_is_given_back_before_it_hears_of_the_roll_back_is_told_nothing() {
    let old = Process::new();
    let (mut client, server) = pair().await;
    serve(&old, server, Vec::new());
    old.harbour.set_course(Course::Move);
    let Departure { entry, parcel } = departure(&old).await;
    client.write_all(get(1).as_bytes()).await.unwrap();
    parcel.give_back(entry.bytes, MoveRefusal::NoSuccessor);
    // It is answered, or tries to leave once more, as the course has not turned yet.
    let mut answered = Box::pin(read_until(&mut client, "/1:"));
    let answer = tokio::select! {
        answer = &mut answered => answer,
        Departure { entry, parcel } = departure(&old) => {
            old.harbour.set_course(Course::Stay);
            parcel.give_back(entry.bytes, MoveRefusal::NoSuccessor);
            answered.await
        }
    };
    assert!(!answer.to_ascii_lowercase().contains("connection:"), "{answer}");
}

#[tokio::test]
async fn half_a_head_that_is_too_large_to_go_along_is_answered_here() {
    let old = Process::with(HttpOptions::new().max_head_size(2 * MOVE_LIMIT_BYTES));
    let (mut client, server) = pair().await;
    let server_side = server.as_fd().try_clone_to_owned().unwrap();
    let served = serve(&old, server, Vec::new());
    client.write_all(get(1).as_bytes()).await.unwrap();
    read_until(&mut client, "/1:").await;
    let cookie = "c".repeat(MOVE_LIMIT_BYTES + 1);
    let head = format!("GET /2 HTTP/1.1\r\ncookie: {cookie}");
    client.write_all(head.as_bytes()).await.unwrap();
    // What it has not read yet would not have to go along.
    while !all_is_read(&server_side) {
        yield_now().await;
    }
    old.harbour.set_course(Course::Move);
    client.write_all(b"\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = read_until(&mut client, "/2:").await;
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    served.await.unwrap();
}

fn all_is_read(stream: &OwnedFd) -> bool {
    rustix::io::ioctl_fionread(stream).is_ok_and(|length| length == 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A client pipelines in pieces while its connection goes through a chain of processes: all
    /// responses are there, once, in order, and none says goodbye.
    #[test]
    fn through_a_chain_of_processes_every_request_is_answered(
        pieces in prop::collection::vec(1usize..200, 1..40),
        hops in prop::collection::vec(0usize..40, 0..12),
    ) {
        const REQUESTS: usize = 60;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (client, server) = pair().await;
            let chain = tokio::spawn(go_through(server, hops));
            let (mut reading, mut writing) = client.into_split();
            let writer = tokio::spawn(async move {
                let stream: String = (0..REQUESTS).map(get).collect();
                let (mut rest, mut pieces) = (stream.as_bytes(), pieces.into_iter().cycle());
                while !rest.is_empty() {
                    let length = pieces.next().expect("a cycle").min(rest.len());
                    writing.write_all(&rest[..length]).await.expect("it is open");
                    rest = &rest[length..];
                    yield_now().await;
                }
                writing
            });
            for number in 0..REQUESTS {
                let answer = read_until(&mut reading, &format!("\r\n\r\n/{number}:")).await;
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
                assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
                assert!(!answer.to_ascii_lowercase().contains("connection:"), "{answer}");
            }
            drop((reading, writer.await.expect("no panic")));
            timeout(PATIENCE, chain).await.expect("the end is seen").expect("no panic");
        });
    }
}

/// Serves a connection in one process after the other: in each for so many turns of the runtime.
async fn go_through(server: TcpStream, hops: Vec<usize>) {
    let (mut stream, mut bytes) = (server, Vec::new());
    for turns in hops {
        let process = Process::new();
        let mut served = serve(&process, stream, bytes);
        for _ in 0..turns {
            yield_now().await;
        }
        process.harbour.set_course(Course::Move);
        let departed = tokio::select! {
            departure = departure(&process) => {
                served.await.expect("no panic");
                Some(departure)
            }
            ended = &mut served => {
                ended.expect("no panic");
                process.shared.outbox.next()
            }
        };
        let Some(departure) = departed else { return };
        (stream, bytes) = arrive(departure);
    }
    let last = Process::new();
    serve(&last, stream, bytes).await.expect("no panic");
}

#[tokio::test]
async fn who_waits_for_its_last_response_rests_unless_a_request_has_begun() {
    let old = Process::new();
    let resting = || old.shared.tracker.counts().1;
    let comes_to = async |expected: u64| {
        let seen = async {
            while resting() != expected {
                yield_now().await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("{} rest", resting()));
    };
    let (mut kept, server) = pair().await;
    let served = serve(&old, server, Vec::new());
    let (_fresh, server) = pair().await;
    serve(&old, server, Vec::new());
    kept.write_all(get(1).as_bytes()).await.unwrap();
    read_until(&mut kept, "/1:").await;
    assert_eq!(resting(), 0, "this process goes on");
    old.harbour.set_course(Course::Goodbye);
    comes_to(2).await;
    kept.write_all(&get(2).as_bytes()[..9]).await.unwrap();
    comes_to(1).await;
    kept.write_all(&get(2).as_bytes()[9..]).await.unwrap();
    read_until(&mut kept, "/2:").await;
    served.await.unwrap();
    assert_eq!(resting(), 1);
    old.harbour.set_course(Course::Stay);
    comes_to(0).await;
}

/// Those who hold all of a process's permits.
fn all_permits(process: &Process) -> Vec<Pilot> {
    let pilots: Vec<_> = (0..rekindle_core::MOVE_WINDOW).map(|_| process.site.pilot()).collect();
    assert!(pilots.iter().all(Pilot::has_permit));
    pilots
}

#[tokio::test]
async fn who_speaks_http2_gives_up_its_place_in_the_queue() {
    let process = Process::new();
    let mut pilots = all_permits(&process);
    process.harbour.set_course(Course::Move);
    let (mut client, server) = pair().await;
    serve(&process, server, Vec::new());
    // Parked, it looks for a permit before it rests.
    while process.shared.tracker.counts().1 == 0 {
        yield_now().await;
    }
    let next = process.site.pilot();
    assert!(!next.has_permit());
    // And an empty SETTINGS frame.
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    timeout(PATIENCE, client.read_u8()).await.expect("in time").expect("HTTP/2");
    drop(pilots.pop());
    assert!(next.has_permit());
}

/// A stream that notes whether its connection counted when it was closed.
struct Noted {
    stream: TcpStream,
    tracker: Tracker,
    counted: Arc<AtomicU64>,
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.counted.store(self.tracker.in_flight(), Ordering::SeqCst);
    }
}

impl AsyncRead for Noted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Noted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Transport for Noted {
    fn into_descriptor(self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn from_descriptor(_: OwnedFd) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn has_arrived(&self) -> bool {
        self.stream.has_arrived()
    }
}

#[tokio::test]
async fn a_connection_counts_until_it_is_closed() {
    for requests in [0, 1] {
        let process = Process::new();
        let (mut client, stream) = pair().await;
        let (tracker, counted) = (process.shared.tracker.clone(), Arc::<AtomicU64>::default());
        let stream = Noted { stream, tracker, counted: Arc::clone(&counted) };
        let served = serve(&process, stream, Vec::new());
        for number in 0..requests {
            client.write_all(get(number).as_bytes()).await.unwrap();
            read_until(&mut client, &format!("/{number}:")).await;
        }
        process.harbour.set_course(Course::Close);
        served.await.unwrap();
        assert_eq!(counted.load(Ordering::SeqCst), 1, "after {requests} requests");
        assert_eq!(process.shared.tracker.in_flight(), 0);
    }
}

#[tokio::test]
async fn who_is_on_its_way_does_not_rest() {
    let old = Process::new();
    let pilots = all_permits(&old);
    let (_client, server) = pair().await;
    serve(&old, server, Vec::new());
    old.harbour.set_course(Course::Move);
    while old.shared.tracker.counts().1 == 0 {
        yield_now().await;
    }
    drop(pilots);
    let departure = departure(&old).await;
    assert_eq!(old.shared.tracker.counts().1, 0);
    arrive::<TcpStream>(departure);
}

#[tokio::test]
async fn who_is_called_while_it_answers_moves_once_there_is_a_permit() {
    let old = Process::new();
    let pilots = all_permits(&old);
    let harbour = Arc::clone(&old.harbour);
    let app = Router::new().fallback(async move || {
        // As another thread may, while the task is being polled.
        harbour.set_course(Course::Move);
        "here"
    });
    let (mut client, server) = pair().await;
    serve_app(&old, app, server, Vec::new());
    client.write_all(get(1).as_bytes()).await.unwrap();
    read_until(&mut client, "here").await;
    drop(pilots);
    departure(&old).await;
}

#[tokio::test]
async fn a_request_that_comes_with_the_end_of_its_client_is_begun_and_not_answered() {
    let (process, begun) = (Process::new(), Arc::<AtomicU64>::default());
    let counted = Arc::clone(&begun);
    let app = Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        "here"
    });
    let (mut client, server) = pair().await;
    client.shutdown().await.unwrap();
    server.readable().await.unwrap();
    serve_app(&process, app, server, get(1).into_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!((begun.load(Ordering::SeqCst), answer.as_str()), (1, ""));
}
