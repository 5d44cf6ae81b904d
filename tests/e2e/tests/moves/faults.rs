//! What happens to connections when a process dies or stops while they move.

use std::time::Duration;

use rekindle_e2e::{Ended, Face, Settings, eventually};
use rekindle_unix::Signal;

use crate::client::Client;
use crate::{both_faces, server, settings};

both_faces!(
    connections_come_back_from_a_next_process_that_did_not_take_them,
    connections_are_the_next_ones_whatever_becomes_of_the_old_one,
    the_newest_takes_what_an_elder_has_kept_for_a_process_that_died,
    a_program_that_is_stopped_is_told_that_no_more_will_come,
);

/// A probation that does not end in the time of a test.
const LONG: Duration = Duration::from_secs(600);

/// How often a next process is stopped in the middle of taking connections, until it is early
/// enough that some are left.
const TRIES: usize = 10;

/// The next process is stopped before it says that it takes all that came, and dies so.
fn connections_come_back_from_a_next_process_that_did_not_take_them(face: Face) {
    let server = server(&Settings { probation: LONG, ..settings(face) });
    let (mut taken, mut came_back) = (0, 0);
    for _ in 0..TRIES {
        let mut clients: Vec<_> = (0..300).map(|_| Client::connect(&server)).collect();
        for client in &mut clients {
            client.ask("hello");
        }
        let mut upgrade = server.begin_upgrade(rekindle::control::Wait::Confirmed);
        let next = upgrade.until("greeting").unwrap();
        upgrade.until("probation");
        server.signal(next, Signal::Stop);
        server.signal(next, Signal::Kill);
        let verdict = upgrade.verdict();
        assert_eq!(verdict.verdict, "rolled-back", "{verdict:?}");
        for client in &mut clients {
            // What it had taken died with it. All others are served on, and know all there was.
            match client.try_ask("who?") {
                Some(answered) => {
                    assert_eq!(answered.pid, server.first_pid());
                    came_back += 1;
                }
                None => taken += 1,
            }
        }
        let status = server.status();
        assert_eq!(status.moved_out, taken, "none is lost but those that were taken");
        if came_back > 0 {
            break;
        }
    }
    assert!(came_back > 0, "whoever takes all before it is stopped shows nothing");
    server.upgrade().committed();
}

fn connections_are_the_next_ones_whatever_becomes_of_the_old_one(face: Face) {
    let server = server(&Settings { probation: LONG, ..settings(face) });
    let mut clients: Vec<_> = (0..50).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.ask("hello");
    }
    server.upgrade().committed();
    eventually("all have moved", || (server.status().moved_in == 50).then_some(()));
    server.signal(server.first_pid(), Signal::Kill);
    assert!(matches!(server.first_end(), Ended::Killed(_)));
    for client in &mut clients {
        assert_eq!(client.ask("who?").generation, 2);
    }
}

/// Next processes take over and die in their probation, or before it, with connections of the
/// first that they have not taken; the first resumes, and its connections move to the last.
fn the_newest_takes_what_an_elder_has_kept_for_a_process_that_died(face: Face) {
    let server = server(&Settings { probation: LONG, ..settings(face) });
    let mut clients = Vec::new();
    let mut lost = 0;
    for (round, phase) in ["probation", "committing"].into_iter().cycle().take(6).enumerate() {
        clients.resize_with(100, || Client::connect(&server));
        for client in &mut clients {
            client.ask("hello");
        }
        let mut upgrade = server.begin_upgrade(rekindle::control::Wait::Confirmed);
        let next = upgrade.until(phase).unwrap();
        server.signal(next, Signal::Kill);
        assert_eq!(upgrade.verdict().verdict, "rolled-back", "in round {round}");
        clients.retain_mut(|client| client.try_ask("who?").is_some());
        lost += 100 - clients.len() as u64;
        assert_eq!(server.status().moved_out, lost, "only what was taken is lost: round {round}");
    }
    let kept = clients.len();
    assert!(kept > 0, "there is something to take");
    server.upgrade().committed();
    for client in &mut clients {
        eventually("it has moved", || (client.ask("who?").pid != server.first_pid()).then_some(()));
    }
    assert_eq!(server.status().moved_in, kept as u64);
}

fn a_program_that_is_stopped_is_told_that_no_more_will_come(face: Face) {
    let server = server(&settings(face));
    let client = Client::connect(&server);
    drop(client);
    server.signal(server.first_pid(), Signal::Term);
    assert_eq!(server.first_end(), Ended::Exited(0));
    server.wait_for_log("no more connections are handed over");
}
