//! Taking apart: whatever has come in, what comes out is what no request was made of.

use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Poll, Wake, Waker};

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use super::*;
use crate::http::exchange::{Exchanges, service};
use crate::http::response_body::held;
use crate::http::testing::{Process, settle};

/// More than any test writes before it reads.
const PIPE_BYTES: usize = 1 << 20;

/// Answers with the path and the body; `/ignore…` without having read it.
fn app() -> Router {
    Router::new().fallback(async |request: AxumRequest| {
        let path = request.uri().path().to_owned();
        yield_once().await;
        if path.starts_with("/ignore") {
            return path.into_response();
        }
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        yield_once().await;
        [path.as_bytes(), b":", &body].concat().into_response()
    })
}

/// Lets hyper see that the program is not done yet, even if it is not who polls it first.
async fn yield_once() {
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        if polls > 2 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Serves a stream in a process.
fn serve_in(
    process: &Process,
    stream: DuplexStream,
    first: Bytes,
) -> impl Future<Output = End<DuplexStream>> + use<> {
    serve_app_in(process, app(), stream, first)
}

fn serve_app_in(
    process: &Process,
    app: Router,
    stream: DuplexStream,
    first: Bytes,
) -> impl Future<Output = End<DuplexStream>> + use<> {
    let (tally, task) = (Arc::new(Tally::default()), SpeakingTask::default());
    let (site, stay) = (Arc::clone(&process.site), process.stay());
    let exchanges = Exchanges {
        info: stay.info.clone(),
        tally: Arc::clone(&tally),
        task: Arc::clone(&task),
        request_timeout: None,
    };
    let wire = Wire::new(stream, first, Arc::clone(&tally), stay);
    let service = service(app, exchanges, held);
    async move {
        let connection = site.http1.serve_connection(TokioIo::new(wire), service);
        serve(connection.with_upgrades(), tally, task, &mut site.pilot()).await
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a client can read now.
fn read_now(client: &mut DuplexStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut space = [0; 4096];
        let mut buffer = ReadBuf::new(&mut space);
        let read = poll_fn(|context| Pin::new(&mut *client).poll_read(context, &mut buffer));
        match settle(pin!(read)) {
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                all.extend_from_slice(buffer.filled());
            }
            _ => return all,
        }
    }
}

/// The bodies of the responses in `bytes`, which must all be whole, and say nothing of a close.
fn bodies(mut bytes: &[u8]) -> Vec<String> {
    let mut bodies = Vec::new();
    while !bytes.is_empty() {
        let text = std::str::from_utf8(bytes).expect("text");
        let (head, rest) = text.split_once("\r\n\r\n").expect("a whole head");
        if head == "HTTP/1.1 100 Continue" {
            bytes = rest.as_bytes();
            continue;
        }
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("connection:"), "{head}");
        let (_, length) = head.split_once("content-length: ").expect("a length");
        let length: usize = length.lines().next().and_then(|it| it.parse().ok()).expect("a number");
        let (body, next) = rest.split_at(length);
        bodies.push(body.to_owned());
        bytes = next.as_bytes();
    }
    bodies
}

#[derive(Debug, Clone)]
enum Kind {
    Get,
    Sized(String),
    Chunked(Vec<String>),
}

fn bytes_of(number: usize, kind: &Kind) -> String {
    let head = |method: &str| format!("{method} /{number} HTTP/1.1\r\nhost: x\r\n");
    match kind {
        Kind::Get => format!("{}\r\n", head("GET")),
        Kind::Sized(body) => {
            format!("{}content-length: {}\r\n\r\n{body}", head("POST"), body.len())
        }
        Kind::Chunked(chunks) => {
            let mut text = format!("{}transfer-encoding: chunked\r\n\r\n", head("POST"));
            for chunk in chunks {
                text += &format!("{:x}\r\n{chunk}\r\n", chunk.len());
            }
            text + "0\r\n\r\n"
        }
    }
}

fn answer_of(number: usize, kind: &Kind) -> String {
    match kind {
        Kind::Get => format!("/{number}:"),
        Kind::Sized(body) => format!("/{number}:{body}"),
        Kind::Chunked(chunks) => format!("/{number}:{}", chunks.concat()),
    }
}

fn requests() -> Vec<Kind> {
    vec![
        Kind::Get,
        Kind::Sized("some body".into()),
        Kind::Get,
        Kind::Chunked(vec!["a".into(), "chunk or two".into()]),
        Kind::Sized(String::new()),
        Kind::Get,
    ]
}

/// What of a stream that is cut off at `split` is answered; and, unless that is within a body,
/// where the first request begins of which the head is not there.
fn at_split(requests: &[Kind], split: usize) -> (Vec<String>, Option<usize>) {
    let (mut answers, mut begin) = (Vec::new(), 0);
    for (number, kind) in requests.iter().enumerate() {
        let text = bytes_of(number, kind);
        if split < begin + text.len() {
            let head = text.split_once("\r\n\r\n").map_or(0, |(head, _)| head.len() + 4);
            return (answers, (split < begin + head).then_some(begin));
        }
        answers.push(answer_of(number, kind));
        begin += text.len();
    }
    (answers, Some(begin))
}

#[tokio::test]
async fn at_every_offset_what_is_answered_and_what_comes_out_are_all_there_is() {
    let requests = requests();
    let stream: String = requests.iter().enumerate().map(|(n, it)| bytes_of(n, it)).collect();
    for split in 0..=stream.len() {
        let process = Process::new();
        let (mut client, server) = duplex(PIPE_BYTES);
        client.write_all(&stream.as_bytes()[..split]).await.unwrap();
        let mut serving = pin!(serve_in(&process, server, Bytes::new()));
        assert!(settle(serving.as_mut()).is_pending(), "at {split}");
        process.harbour.set_course(Course::Move);
        let (answers, begin) = at_split(&requests, split);
        match (settle(serving.as_mut()), begin) {
            (Poll::Ready(End::Apart { bytes, purpose: Purpose::Leave(_), .. }), Some(begin)) => {
                assert_eq!(bytes, stream[begin..split], "at {split}");
            }
            (Poll::Pending, None) => {}
            (polled, begin) => panic!("at {split}: {begin:?} {polled:?}"),
        }
        assert_eq!(bodies(&read_now(&mut client)), answers, "at {split}");
    }
}

#[tokio::test]
async fn who_is_to_move_is_not_read_from_any_more() {
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    process.harbour.set_course(Course::Move);
    let end = settle(pin!(serve_in(&process, server, Bytes::from_static(b"\r\n"))));
    let Poll::Ready(End::Apart { bytes, mut wire, .. }) = end else { panic!("{end:?}") };
    assert_eq!(bytes, "\r\n", "what was read before goes along");
    assert_eq!(read_now(&mut wire.stream), b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
}

#[tokio::test]
async fn who_waits_for_its_turn_to_move_is_served_meanwhile() {
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    let permits: Vec<_> = (0..rekindle_core::MOVE_WINDOW)
        .map(|_| {
            let pilot = process.site.pilot();
            assert!(pilot.has_permit());
            pilot
        })
        .collect();
    process.harbour.set_course(Course::Move);
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    assert!(settle(serving.as_mut()).is_pending());
    for number in 0..3 {
        client.write_all(bytes_of(number, &Kind::Get).as_bytes()).await.unwrap();
        assert!(settle(serving.as_mut()).is_pending());
        assert_eq!(bodies(&read_now(&mut client)), [answer_of(number, &Kind::Get)]);
    }
    drop(permits);
    assert!(matches!(settle(serving.as_mut()), Poll::Ready(End::Apart { .. })));
}

#[tokio::test]
async fn a_body_that_nobody_read_is_never_taken_for_the_next_request() {
    let body = "GET /smuggled HTTP/1.1\r\n\r\n";
    let head =
        format!("POST /ignore HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    for arrived in 0..=body.len() {
        for course in [Course::Move, Course::Close] {
            for with_head in [true, false] {
                let process = Process::new();
                let (mut client, server) = duplex(PIPE_BYTES);
                client.write_all(head.as_bytes()).await.unwrap();
                let mut serving = pin!(serve_in(&process, server, Bytes::new()));
                if with_head {
                    client.write_all(&body.as_bytes()[..arrived]).await.unwrap();
                }
                assert!(poll_once(serving.as_mut()).is_pending(), "the program is asked");
                if !with_head {
                    client.write_all(&body.as_bytes()[..arrived]).await.unwrap();
                }
                process.harbour.set_course(course);
                let (is_whole, is_last) = (arrived == body.len(), course == Course::Close);
                match settle(serving.as_mut()) {
                    Poll::Ready(End::Shut { .. }) => assert!(!is_whole || is_last, "at {arrived}"),
                    Poll::Ready(End::Apart { bytes, .. }) => {
                        assert!(is_whole && bytes.is_empty(), "at {arrived}: {bytes:?}");
                    }
                    other => panic!("at {arrived}: {other:?}"),
                }
                let answer = String::from_utf8(read_now(&mut client)).unwrap();
                assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{arrived}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_body_that_nobody_read_is_read_even_if_the_connection_is_to_move() {
    // hyper has read a part of it when the program answers.
    let body = "b".repeat(12 * 1024);
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    let head = "POST /ignore HTTP/1.1\r\nhost: x\r\ncontent-length: 12288\r\n\r\n";
    client.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    assert!(poll_once(serving.as_mut()).is_pending(), "the program is asked");
    process.harbour.set_course(Course::Move);
    let end = settle(serving.as_mut());
    let Poll::Ready(End::Apart { bytes, mut wire, .. }) = end else { panic!("{end:?}") };
    assert_eq!((&bytes[..], &read_now(&mut wire.stream)[..]), (&b""[..], &b""[..]));
    assert_eq!(bodies(&read_now(&mut client)), ["/ignore"]);
}

#[tokio::test]
async fn a_client_that_never_pauses_is_left_in_time() {
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    // More requests than hyper reads at once.
    let request = bytes_of(1, &Kind::Get);
    let many = 4_000;
    client.write_all(request.repeat(many).as_bytes()).await.unwrap();
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    assert!(poll_once(serving.as_mut()).is_pending(), "it is in the middle of it");
    process.harbour.set_course(Course::Move);
    let end = settle(serving.as_mut());
    let Poll::Ready(End::Apart { bytes, wire, .. }) = end else { panic!("{end:?}") };
    let answered = bodies(&read_now(&mut client)).len();
    assert!(answered > 0 && answered < many, "{answered}");
    assert!(bytes.len() < request.len(), "no more than a part of a request goes along");
    let next = Process::new();
    let mut serving = pin!(serve_in(&next, wire.stream, bytes));
    assert!(settle(serving.as_mut()).is_pending());
    assert_eq!(bodies(&read_now(&mut client)).len(), many - answered);
}

#[tokio::test]
async fn what_is_not_written_out_yet_does_not_move() {
    let process = Process::new();
    // Too little for a response.
    let (mut client, server) = duplex(64);
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(settle(serving.as_mut()).is_pending());
    process.harbour.set_course(Course::Move);
    let mut answer = Vec::new();
    loop {
        match settle(serving.as_mut()) {
            Poll::Pending => {}
            Poll::Ready(End::Apart { bytes, .. }) => break assert!(bytes.is_empty()),
            Poll::Ready(end) => panic!("{end:?}"),
        }
        assert!(bodies_are_incomplete(&answer), "it should have moved");
        let mut piece = [0; 16];
        let length = client.read(&mut piece).await.unwrap();
        answer.extend_from_slice(&piece[..length]);
    }
    answer.extend(read_now(&mut client));
    assert_eq!(bodies(&answer), ["/:"]);
}

fn bodies_are_incomplete(answer: &[u8]) -> bool {
    !answer.ends_with(b"\r\n\r\n/:")
}

#[tokio::test]
async fn a_stop_ends_an_idle_connection_and_answers_a_begun_request() {
    for begun in ["", "GET / HTTP/1.1\r\nho"] {
        let process = Process::new();
        let (mut client, server) = duplex(PIPE_BYTES);
        client.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        client.write_all(begun.as_bytes()).await.unwrap();
        let mut serving = pin!(serve_in(&process, server, Bytes::new()));
        assert!(settle(serving.as_mut()).is_pending());
        process.harbour.set_course(Course::Close);
        match settle(serving.as_mut()) {
            Poll::Ready(End::Apart { bytes, purpose: Purpose::Close, .. }) => {
                assert_eq!(bytes, begun);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(bodies(&read_now(&mut client)), ["/1:"]);
    }
}

#[tokio::test]
async fn after_a_goodbye_the_next_response_is_the_last_one() {
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    assert!(settle(serving.as_mut()).is_pending());
    process.harbour.set_course(Course::Goodbye);
    assert!(settle(serving.as_mut()).is_pending(), "an idle connection is not closed");
    client.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(matches!(settle(serving.as_mut()), Poll::Ready(End::Shut { is_unread: false, .. })));
    let answer = String::from_utf8(read_now(&mut client)).unwrap();
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn a_body_is_unread_unless_the_program_came_to_its_end() {
    for (path, is_unread) in [("/read", false), ("/ignore", true)] {
        let process = Process::new();
        let (mut client, server) = duplex(PIPE_BYTES);
        let mut serving = pin!(serve_in(&process, server, Bytes::new()));
        process.harbour.set_course(Course::Goodbye);
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        client.write_all(format!("{head}4\r\nbody\r\n0\r\n\r\n").as_bytes()).await.unwrap();
        let end = settle(serving.as_mut());
        let Poll::Ready(End::Shut { is_unread: left, .. }) = end else { panic!("{end:?}") };
        assert_eq!(left, is_unread, "{path}");
    }
}

#[tokio::test]
async fn the_hammer_ends_a_connection_in_the_middle_of_a_request() {
    let process = Process::new();
    let (mut client, server) = duplex(PIPE_BYTES);
    client.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    let mut serving = pin!(serve_in(&process, server, Bytes::new()));
    assert!(settle(serving.as_mut()).is_pending());
    process.harbour.set_course(Course::Cut);
    assert!(matches!(settle(serving.as_mut()), Poll::Ready(End::Over)));
    assert_eq!(read_now(&mut client), b"");
    assert_eq!(process.shared.tracker.in_flight(), 0);
}

fn kinds() -> impl Strategy<Value = Kind> {
    let text = "[a-z]{0,40}";
    let chunk = "[a-z]{1,40}";
    prop_oneof![
        Just(Kind::Get),
        text.prop_map(Kind::Sized),
        prop::collection::vec(chunk, 0..4).prop_map(Kind::Chunked),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A stream of requests comes in pieces, and after each piece the connection is asked to move
    /// or not: through however many processes it goes, each request is answered once and in order.
    #[test]
    fn through_any_number_of_moves_each_request_is_answered_once_and_in_order(
        requests in prop::collection::vec(kinds(), 1..12),
        pieces in prop::collection::vec((1usize..120, any::<bool>()), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream: String =
                requests.iter().enumerate().map(|(n, it)| bytes_of(n, it)).collect();
            let (mut rest, mut answers, mut moves) = (stream.as_bytes(), Vec::new(), 0);
            let (mut client, server) = duplex(PIPE_BYTES);
            let (mut process, mut next) = (Process::new(), Some((server, Bytes::new())));
            let mut pieces = pieces.into_iter().cycle();
            'hops: while let Some((server, bytes)) = next.take() {
                let mut serving = pin!(serve_in(&process, server, bytes));
                let mut polled = settle(serving.as_mut());
                loop {
                    answers.extend(read_now(&mut client));
                    match polled {
                        Poll::Ready(End::Apart { wire, bytes, .. }) => {
                            next = Some((wire.stream, bytes));
                            moves += 1;
                            break;
                        }
                        Poll::Ready(end) => panic!("it was closed: {end:?}"),
                        Poll::Pending if rest.is_empty() => break 'hops,
                        Poll::Pending => {}
                    }
                    let (length, is_moved) = pieces.next().expect("a cycle");
                    let (piece, later) = rest.split_at(length.min(rest.len()));
                    rest = later;
                    client.write_all(piece).await.unwrap();
                    if is_moved {
                        process.harbour.set_course(Course::Move);
                    }
                    polled = settle(serving.as_mut());
                }
                process = Process::new();
            }
            let expected: Vec<_> =
                requests.iter().enumerate().map(|(n, it)| answer_of(n, it)).collect();
            prop_assert_eq!(bodies(&answers), expected, "after {} moves", moves);
            Ok(())
        })?;
    }
}

struct Sleeps;

impl Wake for Sleeps {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn a_stream_that_was_upgraded_holds_nothing_of_the_task_that_spoke_http() {
    let (process, upgrades) = (Process::new(), Arc::<Mutex<Option<OnUpgrade>>>::default());
    let taken = Arc::clone(&upgrades);
    let app = Router::new().fallback(async move |mut request: AxumRequest| {
        *taken.lock().unwrap() = Some(hyper::upgrade::on(&mut request));
        yield_once().await;
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "x")])
    });
    let (mut client, server) = duplex(PIPE_BYTES);
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    client.write_all(request).await.unwrap();
    let task = Arc::new(Sleeps);
    let mut serving = Box::pin(serve_app_in(&process, app, server, Bytes::new()));
    let waker = Waker::from(Arc::clone(&task));
    let mut polls = 0;
    while serving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        polls += 1;
    }
    assert!(polls > 0, "it waited for its answer");
    drop((serving, waker));
    let upgrade = upgrades.lock().unwrap().take().unwrap();
    let mut stream = TokioIo::new(upgrade.await.unwrap());
    // Whoever reads and writes now is the one who is woken.
    assert!(settle(pin!(stream.read_u8())).is_pending());
    assert!(settle(pin!(stream.write_all(b"x"))).is_ready());
    assert_eq!(Arc::strong_count(&task), 1);
}
