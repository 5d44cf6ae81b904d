//! The gRPC example, with tonic's client: it is asked to open another connection, obeys, and loses
//! nothing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rekindle_examples::counter::{COUNT, CountReply, CountRequest, WHO, WhoReply, WhoRequest};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::example::Example;
use crate::process::DEADLINE;

const GRPC: &str = env!("CARGO_BIN_EXE_grpc");

const UPGRADES: u64 = 5;
const CALLERS: usize = 4;

/// A stream that is longer than an upgrade takes.
const LONG: CountRequest = CountRequest { to: 400, pause_ms: 2 };

/// A runtime for one client. It has one thread: with more, hyper may hear that it is to open
/// another connection after it found that it can send and before it does, and then fails what it
/// did not send instead of giving it back to its pool.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A client with one connection for all its calls. It is one on hyper's pool, which opens another
/// connection when it is asked to. On tonic's own channel the first call after that request is
/// cancelled, before any of it is sent, if a stream is still open on the old connection.
#[derive(Debug)]
struct Client(Grpc<Pool>);

type Pool = legacy::Client<HttpConnector, Body>;

impl Client {
    fn new(address: SocketAddr) -> Self {
        let pool = legacy::Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self(Grpc::with_origin(pool, format!("http://{address}").parse().unwrap()))
    }

    async fn who(&mut self) -> Result<WhoReply, Status> {
        let path = PathAndQuery::from_static(WHO);
        let call = self.0.unary(Request::new(WhoRequest {}), path, ProstCodec::default());
        Ok(timeout(DEADLINE, call).await.expect("an answer")?.into_inner())
    }

    async fn count(&mut self, request: CountRequest) -> Result<Streaming<CountReply>, Status> {
        let (path, codec) = (PathAndQuery::from_static(COUNT), ProstCodec::default());
        let call = self.0.server_streaming(Request::new(request), path, codec);
        Ok(timeout(DEADLINE, call).await.expect("an answer")?.into_inner())
    }

    /// Asks until the answer is this generation's, and no other one fails.
    async fn await_generation(&mut self, generation: u64) {
        let asks = async { while self.who().await.unwrap().generation != generation {} };
        timeout(DEADLINE, asks).await.unwrap();
    }
}

/// Reads a whole stream: all of it is there, and from one process.
async fn assert_whole(stream: Streaming<CountReply>, to: u64, generation: Option<u64>) {
    let replies: Vec<_> = stream.map(Result::unwrap).collect().await;
    let generation = generation.unwrap_or(replies[0].generation);
    let all: Vec<_> = (1..=to).map(|number| CountReply { number, generation }).collect();
    assert_eq!(replies, all);
}

#[test]
fn a_stream_in_flight_is_finished_while_new_calls_go_to_the_next_process() {
    let mut example = Example::http(GRPC, &["--probation", "100ms"]);
    let runtime = runtime();
    let mut client = Client::new(example.address());
    let first = WhoReply { pid: example.newest().pid, generation: 1 };
    assert_eq!(runtime.block_on(client.who()).unwrap(), first);
    let stream = runtime.block_on(client.count(LONG)).unwrap();
    example.upgrade();
    runtime.block_on(client.await_generation(2));
    runtime.block_on(assert_whole(stream, LONG.to, Some(1)));
    assert_eq!(example.generation(1).exit_status(), 0);
    let stream = runtime.block_on(client.count(CountRequest { to: 3, pause_ms: 0 })).unwrap();
    runtime.block_on(assert_whole(stream, 3, Some(2)));
}

#[test]
fn calls_and_streams_all_the_time_lose_nothing_through_upgrades() {
    let mut example = Example::http(GRPC, &["--probation", "100ms"]);
    let (address, stop) = (example.address(), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| runtime().block_on(call_until(address, &stop)));
        }
        for _ in 0..UPGRADES {
            example.upgrade();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Calls all the time, and in the end until the last generation answers.
async fn call_until(address: SocketAddr, stop: &AtomicBool) {
    let mut client = Client::new(address);
    let mut generation = 1;
    while !stop.load(Ordering::Relaxed) {
        let who = client.who().await.unwrap();
        assert!(who.generation >= generation, "a client never goes back");
        generation = who.generation;
        let stream = client.count(CountRequest { to: 20, pause_ms: 1 }).await.unwrap();
        assert_whole(stream, 20, None).await;
    }
    client.await_generation(UPGRADES + 1).await;
}

#[test]
fn a_stream_that_takes_too_long_is_cut_and_told_so() {
    let example = Example::http(GRPC, &["--drain-timeout", "100ms"]);
    let runtime = runtime();
    let mut client = Client::new(example.address());
    let endless = CountRequest { to: u64::MAX, pause_ms: 1 };
    let mut stream = runtime.block_on(client.count(endless)).unwrap();
    example.newest().signal(rustix::process::Signal::TERM);
    let end = runtime.block_on(async {
        timeout(DEADLINE, async { while let Some(Ok(_)) = stream.next().await {} }).await
    });
    assert!(end.is_ok(), "it is cut");
    assert_eq!(example.newest().exit_status(), i32::from(rekindle::EXIT_CUT));
}

#[test]
fn what_is_not_served_is_refused() {
    let example = Example::http(GRPC, &[]);
    let runtime = runtime();
    let mut client = Client::new(example.address());
    let pause_ms = u32::try_from(Duration::from_secs(61).as_millis()).unwrap();
    let refused = runtime.block_on(client.count(CountRequest { to: 1, pause_ms })).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
