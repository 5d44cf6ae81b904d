//! Servers that do not say who they are, told apart by `/proc`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rekindle_prove::{Plan, Recognition, RestartError, RestartState, Target, Trial, Verdict};

use crate::service::busy;

const WORKER: &str = "PROVE_TEST_WORKER";

/// Not a test by itself: this program, told by its environment to run nothing but this, is the
/// worker of the tests below. Its input is the socket that it shall accept from.
#[test]
fn worker() {
    if std::env::var_os(WORKER).is_none() {
        return;
    }
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    for socket in listener.incoming() {
        let socket = socket.unwrap();
        // A client that leaves is no fault.
        thread::spawn(move || drop(serve(socket)));
    }
}

fn serve(socket: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket.try_clone()?).lines();
    let mut wants_close = false;
    while let Some(line) = lines.next().transpose()? {
        wants_close |= line == "connection: close";
        if line.is_empty() {
            (&socket).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")?;
            if wants_close {
                break;
            }
        }
    }
    Ok(())
}

/// A server of one listener and some workers, as others have a master with children.
struct Server {
    listener: TcpListener,
    workers: Mutex<Vec<Child>>,
}

impl Server {
    fn new(workers: usize) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { listener, workers: Mutex::default() };
        (0..workers).for_each(|_| server.add());
        Arc::new(server)
    }

    /// Starts one more worker.
    fn add(&self) {
        let socket = OwnedFd::from(self.listener.try_clone().unwrap());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::worker"]).env(WORKER, "1");
        let worker = command.stdin(Stdio::from(socket)).stdout(Stdio::null()).spawn().unwrap();
        self.workers.lock().unwrap().push(worker);
    }

    /// Ends the worker that was started last.
    fn end_newest(&self) {
        let mut newest = self.workers.lock().unwrap().pop().unwrap();
        newest.kill().unwrap();
        newest.wait().unwrap();
    }

    fn newest(&self) -> u32 {
        self.workers.lock().unwrap().last().unwrap().id()
    }

    fn trial(self: &Arc<Self>, adds: fn(u32) -> bool) -> Trial {
        let target = Target::Tcp(self.listener.local_addr().unwrap());
        let plan = busy().into_iter().fold(Plan::new(target), Plan::group);
        let server = Arc::clone(self);
        Trial::new(plan).every(Duration::from_millis(100)).restart(move |number| {
            if adds(number) {
                server.add();
            }
            async { Ok::<(), RestartError>(()) }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for worker in self.workers.get_mut().unwrap() {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_worker_among_several_is_seen_by_who_holds_the_socket() {
    for recognition in [Recognition::Auto, Recognition::Processes] {
        let server = Server::new(3);
        let trial = server.trial(|_| true).recognise_by(recognition).times(2);
        trial.check().await.unwrap();
        let proof = trial.start().unwrap().finished().await;
        assert_eq!(proof.verdict(&[]), Verdict::NothingNoticed, "{:#?}", proof.outcome.failures);
        let [_, last] = proof.restarts.as_slice() else { panic!() };
        let change = last.change.as_ref().unwrap();
        assert_eq!((change.responder.generation, change.responder.pid), (3, Some(server.newest())));
        assert!(change.at > last.at && change.at < last.at + Duration::from_secs(5));
        assert!(proof.outcome.generations.is_empty(), "no answer said who gave it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_after_which_the_same_workers_hold_the_socket_is_unchanged() {
    let server = Server::new(2);
    let trial = server.trial(|number| number == 1).times(2).settle(Duration::from_millis(300));
    let proof = trial.start().unwrap().finished().await;
    let states: Vec<_> = proof.restarts.iter().map(|restart| restart.state).collect();
    assert_eq!(states, [RestartState::Changed, RestartState::Unchanged]);
    assert_eq!(proof.verdict(&[]), Verdict::Noticed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_version_that_held_the_socket_and_failed_is_no_new_process() {
    for times in [1, 2] {
        let server = Server::new(2);
        let failing = Arc::clone(&server);
        let trial = server.trial(|_| false).times(times).every(Duration::from_secs(1));
        let trial = trial.restart(move |_| {
            let failing = Arc::clone(&failing);
            async move {
                tokio::task::spawn_blocking(move || {
                    failing.add();
                    // So long it reads its configuration, and finds a mistake.
                    thread::park_timeout(Duration::from_millis(300));
                    failing.end_newest();
                });
                Ok(())
            }
        });
        let proof = trial.start().unwrap().finished().await;
        let states: Vec<_> = proof.restarts.iter().map(|restart| restart.state).collect();
        assert_eq!(states, vec![RestartState::Unchanged; times as usize]);
        assert!(proof.restarts.iter().all(|restart| restart.change.is_none()));
        assert_eq!(proof.verdict(&[]), Verdict::Noticed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_did_not_come_yet_is_waited_for() {
    let server = Server::new(1);
    let late = Arc::clone(&server);
    let trial = server.trial(|_| false).times(1).restart(move |_| {
        let late = Arc::clone(&late);
        async move {
            tokio::task::spawn_blocking(move || {
                // It takes its time to start; nobody waits for it but the trial.
                thread::spawn(move || {
                    thread::park_timeout(Duration::from_millis(300));
                    late.add();
                });
            });
            Ok(())
        }
    });
    let proof = trial.settle(Duration::from_secs(20)).start().unwrap().finished().await;
    let [restart] = proof.restarts.as_slice() else { panic!() };
    let change = restart.change.as_ref().unwrap();
    assert!(change.at - restart.at >= Duration::from_millis(250), "{restart:?}");
    assert!(restart.took < Duration::from_millis(250), "{restart:?}");
}
