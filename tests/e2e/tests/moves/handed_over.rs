//! What is handed over, by whom, and what stays.

use std::time::Duration;

use rekindle_e2e::{Ended, Face, Server, Settings, eventually};

use crate::client::Client;
use crate::{both_faces, server, settings};

both_faces!(
    connections_go_with_their_state_from_generation_to_generation,
    connections_stay_if_the_next_process_does_not_ask,
    more_connections_than_are_sent_at_once_move_all,
    what_moved_out_is_what_moved_in,
    upgrades_that_follow_each_other_closely_lose_nothing,
);

/// Asks until a process of this generation answers: that it serves is known a little before all
/// connections have moved.
fn answered_by(client: &mut Client, generation: u64) {
    eventually("the connection has moved", || {
        (client.ask("who?").generation == generation).then_some(())
    });
}

fn connections_go_with_their_state_from_generation_to_generation(face: Face) {
    let server = server(&settings(face));
    let mut quiet = Client::connect(&server);
    let mut busy = Client::connect(&server);
    assert_eq!(quiet.ask("hello").generation, 1);
    for generation in 2..=4 {
        quiet.say("half a li");
        busy.ask("before");
        server.upgrade().committed();
        answered_by(&mut busy, generation);
        quiet.say("ne");
        let answered = quiet.end("half a line");
        assert!(answered.generation >= generation - 1, "{answered:?}");
        answered_by(&mut quiet, generation);
    }
    // Nothing keeps the older ones.
    let last = server.status();
    eventually("they have nothing left", || (server.processes() == [last.pid]).then_some(()));
    assert_eq!(server.first_end(), Ended::Exited(0));
    quiet.ask("still here");
}

fn connections_stay_if_the_next_process_does_not_ask(face: Face) {
    let settings = settings(face);
    let server = server(&settings);
    let mut client = Client::connect(&server);
    client.ask("hello");
    server.upgrade_with(&Settings { takes_connections: false, ..settings }).committed();
    server.wait_for_log("a connection stays: the newer process did not ask");
    for _ in 0..10 {
        assert_eq!(client.ask("who?").pid, server.first_pid());
    }
    drop(client);
    assert_eq!(server.first_end(), Ended::Exited(0), "nothing was cut");
}

fn more_connections_than_are_sent_at_once_move_all(face: Face) {
    const CLIENTS: usize = 600;
    rekindle_unix::raise_descriptor_limit().unwrap();
    let server = server(&settings(face));
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.ask("hello");
    }
    server.upgrade().committed();
    let moved_in = eventually("all have moved", || {
        let status = server.status();
        (status.in_flight >= CLIENTS as u64).then_some(status.moved_in)
    });
    assert_eq!(moved_in, CLIENTS as u64);
    for client in &mut clients {
        assert_eq!(client.ask("who?").generation, 2);
    }
    assert_eq!(server.first_end(), Ended::Exited(0));
}

fn what_moved_out_is_what_moved_in(face: Face) {
    let server = server(&Settings { probation: Duration::ZERO, ..settings(face) });
    let mut clients: Vec<_> = (0..70).map(|_| Client::connect(&server)).collect();
    for generation in 2..=3 {
        for client in &mut clients {
            client.ask("hello");
        }
        server.upgrade().committed();
        for client in &mut clients {
            answered_by(client, generation);
        }
        let status = server.status();
        assert_eq!((status.moved_in, status.moved_out), (70, 0));
    }
    let left = || server.log().matches("rested=0 moved=70").count();
    eventually("both have said what they did", || (left() >= 2).then_some(()));
}

fn upgrades_that_follow_each_other_closely_lose_nothing(face: Face) {
    let server = server(&settings(face));
    let mut clients: Vec<_> = (0..40).map(|_| Client::connect(&server)).collect();
    for generation in 2..=12 {
        server.upgrade().committed();
        for client in &mut clients {
            client.ask("hello");
        }
        assert_eq!(server.status().generation, generation);
    }
    for client in &mut clients {
        answered_by(client, 12);
    }
    only_the_newest_stays(&server);
}

fn only_the_newest_stays(server: &Server) {
    let last = server.status().pid;
    eventually("nobody else is left", || (server.processes() == [last]).then_some(()));
}
