//! Uploads and answers that take long on purpose, so that a restart comes in between.

use std::time::Duration;

use rekindle_prove::{Cause, WrongAnswer};
use rekindle_prove::{FailureKind, Group, Mode, Outcome, Phase, Plan, Request, Tally, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::server::{Server, honest};

const TIME: Duration = Duration::from_millis(300);

fn post(body_bytes: usize) -> Group {
    Group::new(Mode::Keep, Request::post("/echo", body_bytes))
}

fn get() -> Group {
    Group::new(Mode::Keep, Request::get("/"))
}

/// One request of this group, to a server that is this function of the connection.
async fn against<F>(group: Group, server: impl FnOnce(TcpStream) -> F) -> Outcome
where
    F: Future<Output = ()>,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    let load = Plan::new(target).group(group.requests(1)).start().unwrap();
    let serving = async { server(listener.accept().await.unwrap().0).await };
    tokio::join!(load.wait(), serving).0
}

async fn read_head(socket: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_takes_its_time_and_is_echoed() {
    for server in [Server::tcp(honest).await, Server::unix(honest)] {
        let group = post(100_000).upload_time(TIME).connections(3).requests(2);
        let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
        assert_eq!(outcome.tally, Tally { started: 6, answered: 6, ..Tally::default() });
        assert!(outcome.groups[0].latency.shortest() >= TIME);
        assert!(outcome.elapsed >= TIME * 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_out_evenly() {
    const BYTES: usize = 1_000;
    let outcome = against(post(BYTES).upload_time(TIME), async |mut socket| {
        read_head(&mut socket).await;
        let began = Instant::now();
        let mut body = vec![0; BYTES];
        let (first, second) = body.split_at_mut(BYTES / 2);
        socket.read_exact(first).await.unwrap();
        let half = began.elapsed();
        socket.read_exact(second).await.unwrap();
        assert!(half >= TIME / 3, "half of it before half of its time: {half:?}");
        assert!(began.elapsed() - half >= TIME / 3, "and so the other half");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BYTES}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body).await.unwrap();
        // The client closes.
        assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
    })
    .await;
    assert_eq!(outcome.tally, Tally { started: 1, answered: 1, ..Tally::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_is_lost_while_it_is_sent() {
    let outcome = against(post(1_000).upload_time(TIME), async |mut socket| {
        read_head(&mut socket).await;
        socket.shutdown().await.unwrap();
        // Read to the end, so that the close is an end of file.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(outcome.tally, Tally { started: 1, lost: 1, ..Tally::default() });
    assert_eq!(outcome.failures[0].phase, Phase::Sending);
    assert!(outcome.elapsed < TIME, "it is seen at once: {:?}", outcome.elapsed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_answered_before_its_end_is_wrong() {
    let outcome = against(post(20).upload_time(TIME), async |mut socket| {
        read_head(&mut socket).await;
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        socket.write_all(head).await.unwrap();
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(outcome.tally, Tally { started: 1, wrong: 1, ..Tally::default() });
    let short = WrongAnswer::EchoTooShort { length_bytes: 0 };
    assert_eq!(outcome.failures[0].cause, Cause::Answer(short));
}

const BODY_BYTES: usize = 60_000;
const RATE: u64 = 200_000;

async fn answer(socket: &mut TcpStream, sent_bytes: usize) {
    read_head(socket).await;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY_BYTES}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![b'x'; sent_bytes]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_no_faster_than_its_rate() {
    let outcome = against(get().read_rate(RATE), async |mut socket| {
        answer(&mut socket, BODY_BYTES).await;
        // The client closes.
        assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
    })
    .await;
    assert_eq!(outcome.tally, Tally { started: 1, answered: 1, ..Tally::default() });
    let least = Duration::from_secs_f64(BODY_BYTES as f64 / RATE as f64);
    let took = outcome.groups[0].latency.longest();
    assert!(took >= least * 9 / 10 && took < least * 10, "{took:?}");
}

/// How many bytes a server gets rid of, with a send buffer as small as can be, before it has to
/// wait for its client.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_is_still_with_the_server() {
    let listener = TcpSocket::new_v4().unwrap();
    listener.set_send_buffer_size(1).unwrap();
    listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listener.listen(1).unwrap();
    let target = Target::Tcp(listener.local_addr().unwrap());
    let plan = Plan::new(target).group(get().read_rate(1).requests(1));
    let load = plan.start().unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    read_head(&mut socket).await;
    let mut written =
        socket.write(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n").await.unwrap();
    let block = vec![0; 999_999];
    while let Ok(count) = timeout(TIME, socket.write(&block)).await {
        written += count.unwrap();
    }
    assert!(written < 60_000, "{written}");
    drop(load);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_while_it_is_read_slowly_is_lost() {
    let outcome = against(get().read_rate(RATE), async |mut socket| {
        answer(&mut socket, BODY_BYTES - 1).await;
    })
    .await;
    assert_eq!(outcome.tally, Tally { started: 1, lost: 1, ..Tally::default() });
    let failure = &outcome.failures[0];
    assert_eq!((failure.kind, failure.phase), (FailureKind::Lost, Phase::Reading));
}
