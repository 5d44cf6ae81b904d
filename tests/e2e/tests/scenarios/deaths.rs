//! The new process dies, or the old one: somebody serves all the while.

use std::thread;
use std::time::Duration;

use rekindle::control::Wait;
use rekindle_core::{Generation, Message, PROTOCOL, decode, encode};
use rekindle_e2e::{
    CLIENTS, Ended, Face, Manner, Next, Server, Settings, assert_nothing_noticed, eventually,
    new_connections, serves_on,
};
use rekindle_prove::Outcome;
use rekindle_unix::{Channel, ChannelListener, FrameBuffer, PidFile, Received, Signal};

use crate::{PROGRAMS, each_face, server};

each_face!(
    s11_the_new_process_is_killed_in_probation,
    s11_the_new_process_dies_at_the_commit,
    s11_the_new_process_hangs_at_the_commit,
    s12_the_old_process_is_killed_while_the_new_one_initialises,
);

async fn s11_the_new_process_is_killed_in_probation(face: Face) {
    let pid_file = Some("app.pid".into());
    let server = server(&Settings { pid_file, ..Settings::new(face) });
    let load = new_connections(server.target());
    let mut upgrade = server.begin_upgrade(Wait::Confirmed);
    let pid = upgrade.until("probation").unwrap();
    // The scenario: it is killed one second after the commit.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(server.status().pid, pid);
    server.signal(pid, Signal::Kill);
    let verdict = upgrade.verdict().failed("rolled-back", "probation", "exited");
    assert!(verdict.message.contains("SIGKILL"), "{}", verdict.message);
    let status = server.status();
    assert_eq!((status.pid, status.phase.as_str()), (server.first_pid(), "serving"));
    assert_eq!(PidFile::read(server.path("app.pid")).unwrap(), server.first_pid());
    serves_on(&load);
    // The number of the one that served is used up.
    let again = server.upgrade().committed();
    assert_eq!(again.generation, 3);
    serves_on(&load);
    let outcome = load.stop().await;
    assert_only_what_was_in_flight_is_lost(&outcome);
    let generations: Vec<_> =
        outcome.generations.iter().map(|one| one.responder.generation).collect();
    assert_eq!(generations, [1, 2, 3]);
}

async fn s11_the_new_process_dies_at_the_commit(face: Face) {
    let server = server(&Settings::new(face));
    let load = new_connections(server.target());
    server.installation().install(Next::Bad(Manner::DiesAtCommit));
    let verdict = server.upgrade().failed("rolled-back", "probation", "exited");
    assert!(verdict.message.contains("status 6"), "{}", verdict.message);
    assert_eq!(server.status().pid, server.first_pid());
    serves_on(&load);
    server.installation().install(Next::Good);
    assert_eq!(server.upgrade().committed().generation, 3);
    serves_on(&load);
    // It never accepted, so there is nothing that it could have lost.
    assert_nothing_noticed(&load.stop().await);
}

async fn s11_the_new_process_hangs_at_the_commit(face: Face) {
    let server = server(&Settings::new(face));
    let load = new_connections(server.target());
    server.installation().install(Next::Bad(Manner::HangsAtCommit));
    // Until it is given up nobody accepts, and clients wait in the queue.
    server.upgrade().failed("rolled-back", "probation", "take-over-timeout");
    assert_eq!(server.processes(), [server.first_pid()]);
    serves_on(&load);
    server.installation().install(Next::Good);
    server.upgrade().committed();
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn s12_the_old_process_is_killed_while_the_new_one_initialises(face: Face) {
    let settings = Settings { pid_file: Some("app.pid".into()), ..Settings::new(face) };
    let server = server(&settings);
    let load = new_connections(server.target());
    let slow = Settings { start_delay: Duration::from_millis(500), ..settings.clone() };
    let mut upgrade = server.begin_upgrade_with(Wait::Committed, &slow);
    let pid = upgrade.until("starting").unwrap();
    server.wait_for_log("the old process offers");
    server.signal(server.first_pid(), Signal::Kill);
    assert_eq!(server.first_end(), Ended::Killed(9));
    // Clients wait in the queue until the new one is ready.
    let status = server.status();
    assert_eq!((status.pid, status.generation, status.draining.len()), (pid, 2, 0));
    assert_eq!(PidFile::read(server.path("app.pid")).unwrap(), pid);
    serves_on(&load);
    assert_eq!(server.upgrade_with(&settings).committed().generation, 3);
    serves_on(&load);
    assert_only_what_was_in_flight_is_lost(&load.stop().await);
}

#[tokio::test]
async fn s12_the_old_process_dies_before_its_offer_is_whole() {
    let error = abandoned_by(dead_process());
    assert!(error.contains("which died before its offer was whole"), "{error}");
}

#[tokio::test]
async fn s12_the_old_process_hangs_up_before_its_offer_is_whole() {
    let error = abandoned_by(std::process::id());
    assert!(error.contains("which closed the channel and goes on by itself"), "{error}");
}

/// What a new process says whose old one, of this process id, goes away after its greeting.
fn abandoned_by(old_pid: u32) -> String {
    let server = Server::new(PROGRAMS, &Settings::new(Face::Tokio));
    let path = server.path("meet.sock");
    let rendezvous = ChannelListener::bind(&path).unwrap();
    let old = thread::spawn(move || {
        let channel = eventually("the new process comes", || rendezvous.accept().unwrap());
        assert!(matches!(next(&channel), Message::Hello { .. }));
        let welcome = Message::Welcome {
            version: PROTOCOL.highest_common(PROTOCOL).unwrap(),
            generation: Generation::new(2),
            old_pid,
            start_timeout_ms: 60_000,
            old_generation: Generation::FIRST,
        };
        channel.send(&encode(&welcome).unwrap(), &[]).unwrap();
    });
    let settings = Settings::new(Face::Tokio).listeners(&[]);
    let settings = Settings { rendezvous: Some("meet.sock".into()), control: None, ..settings };
    let output = server.run_beside(&settings);
    old.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn next(channel: &Channel) -> Message {
    let mut buffer = FrameBuffer::new();
    eventually("a message comes", || match channel.receive(&mut buffer).unwrap() {
        Received::Frame { bytes, .. } => Some(decode(bytes, 0).unwrap()),
        Received::WouldBlock => None,
        Received::EndOfFile => panic!("the new process hung up"),
    })
}

/// The id of a process that has ended.
fn dead_process() -> u32 {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

/// Each client has one request in flight, so a process that is killed loses no more than that; and
/// nobody is refused or kept waiting.
fn assert_only_what_was_in_flight_is_lost(outcome: &Outcome) {
    let tally = outcome.tally;
    let lost = tally.lost + tally.reset;
    assert!(lost <= CLIENTS as u64, "{tally:#?}\n{:#?}", outcome.failures);
    assert_eq!(tally.noticed(), lost, "{tally:#?}\n{:#?}", outcome.failures);
    assert_eq!(tally.could_not_measure, 0);
}
