//! No connection: whose fault it is, and that it is counted as often as it was tried.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use rekindle_prove::{Cause, FailureKind, Group, Mode, Phase, Plan, Request, Tally, Target};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::server::{Server, honest, until};

const REQUESTS: u64 = 7;

/// Every request is refused with this error, and nothing else happens.
async fn all_are_refused(target: Target, errno: Errno) {
    for mode in [Mode::New, Mode::Keep] {
        let group = Group::new(mode, Request::get("/")).requests(REQUESTS);
        let outcome = Plan::new(target.clone()).group(group).start().unwrap().wait().await;
        let refused = Tally { started: REQUESTS, refused: REQUESTS, ..Tally::default() };
        assert_eq!(outcome.tally, refused);
        assert_eq!(outcome.failures.len() as u64, REQUESTS);
        for failure in &outcome.failures {
            let cause = Cause::System { errno: errno.raw_os_error() };
            assert_eq!((failure.kind, failure.cause), (FailureKind::Refused, cause));
            assert_eq!((failure.phase, failure.local_port), (Phase::Connecting, None));
        }
        assert_eq!(outcome.longest_gap.from, Duration::ZERO, "there was no answer at all");
    }
}

/// A port that is taken and on which nobody listens: it cannot become another test's.
fn bound() -> (TcpSocket, Target) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let target = Target::Tcp(socket.local_addr().unwrap());
    (socket, target)
}

#[tokio::test]
async fn nobody_listens() {
    let (_socket, target) = bound();
    all_are_refused(target, Errno::CONNREFUSED).await;
}

#[tokio::test]
async fn the_path_is_absent() {
    let directory = TempDir::new().unwrap();
    all_are_refused(Target::Unix(directory.path().join("socket")), Errno::NOENT).await;
}

#[tokio::test]
async fn the_path_is_dead() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("socket");
    drop(UnixListener::bind(&path).unwrap());
    all_are_refused(Target::Unix(path), Errno::CONNREFUSED).await;
}

#[tokio::test]
async fn the_queue_of_a_unix_socket_is_full() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("socket");
    let listener: OwnedFd = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(listener.as_fd(), &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    // Never accepted, and there is room for one.
    let group = Group::new(Mode::Keep, Request::get("/")).connections(5).requests(1);
    let plan = Plan::new(Target::Unix(path)).group(group);
    let outcome = plan.request_limit(Duration::from_millis(100)).start().unwrap().wait().await;
    let expected = Tally { started: 5, refused: 4, timed_out: 1, ..Tally::default() };
    assert_eq!(outcome.tally, expected);
    let full = Cause::System { errno: Errno::AGAIN.raw_os_error() };
    assert_eq!(outcome.failures.iter().filter(|failure| failure.cause == full).count(), 4);
}

/// On one thread the server accepts nobody before all have begun that begin at once.
#[tokio::test(flavor = "current_thread")]
async fn the_load_itself_fills_no_queue_when_it_begins() {
    let server = Server::unix_with_queue(100, honest);
    let group = Group::new(Mode::Keep, Request::get("/")).connections(240).requests(1);
    let outcome = Plan::new(server.target.clone()).group(group).start().unwrap().wait().await;
    assert_eq!(outcome.tally, Tally { started: 240, answered: 240, ..Tally::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_closed_for_a_while() {
    let (socket, target) = bound();
    let group = Group::new(Mode::New, Request::get("/")).connections(3);
    let load = Plan::new(target).group(group).start().unwrap();
    until(&load, |tally| tally.refused >= 5).await;
    let server = Server::on(socket.listen(1024).unwrap(), honest);
    until(&load, |tally| tally.answered >= 20).await;
    let outcome = load.stop().await;
    let Tally { started, answered, refused, .. } = outcome.tally;
    assert!(refused >= 5);
    let expected = Tally { started: answered + refused, answered, refused, ..Tally::default() };
    assert_eq!(outcome.tally, expected, "{started}");
    assert_eq!(server.requests() as u64, answered);
    let last_refusal = outcome.failures.last().unwrap().at;
    assert!(last_refusal <= outcome.generations[0].last);
}

#[tokio::test]
async fn a_dead_server_does_not_burn_the_machine() {
    let (_socket, target) = bound();
    let group = Group::new(Mode::Keep, Request::get("/"));
    let plan = Plan::new(target).group(group).duration(Duration::from_millis(200));
    let outcome = plan.start().unwrap().wait().await;
    assert!((2..=21).contains(&outcome.tally.refused), "{}", outcome.tally.refused);
}
