//! Listeners of every kind, through upgrades.

use std::path::Path;

use rekindle::control::{Client, Reply, Request, Wait};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::example::{Example, eventually};
use crate::peer::Peer;

const MULTI: &str = env!("CARGO_BIN_EXE_multi");

/// The default listeners, but for what two tests at once could not have both.
fn start(arguments: &[&str]) -> Example {
    let directory = TempDir::new().unwrap();
    let arguments = with_own_addresses(directory.path(), arguments);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Example::start(MULTI, directory, &arguments, 6)
}

fn with_own_addresses(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let unique = directory.file_name().unwrap().to_str().unwrap();
    let abstract_name = format!("abstract=unix:@{unique}");
    let own = ["--add", "tcp=127.0.0.1:0", "--add", "udp=udp:127.0.0.1:0", "--add", &abstract_name];
    own.iter().chain(arguments).map(|&argument| argument.to_owned()).collect()
}

fn connect_all(example: &Example) -> Vec<Peer> {
    let connect = |address: &String| Peer::connect(address, &example.path(""));
    example.newest().addresses.iter().map(connect).collect()
}

fn who(example: &Example) -> String {
    let newest = example.newest();
    format!("pid {} generation {}", newest.pid, newest.generation)
}

#[test]
fn every_kind_goes_over_to_the_next_generation() {
    let mut example = start(&["--probation", "100ms"]);
    let mut old = connect_all(&example);
    assert_eq!(old.len(), 6);
    for peer in &mut old {
        assert_eq!(peer.ask("who"), who(&example), "{peer:?}");
        assert_eq!(peer.ask("hello"), "hello", "{peer:?}");
    }
    example.upgrade();
    assert_eq!(example.newest().addresses, example.generation(1).addresses);
    for mut peer in connect_all(&example) {
        assert_eq!(peer.ask("who"), who(&example), "{peer:?}");
    }
    let (connected, others): (Vec<_>, Vec<_>) = old.into_iter().partition(Peer::is_connected);
    assert_eq!((connected.len(), others.len()), (4, 2));
    for mut peer in others {
        assert_eq!(peer.ask("who"), who(&example), "{peer:?}");
    }
    let first = example.generation(1);
    let first_who = format!("pid {} generation 1", first.pid);
    for mut peer in connected {
        assert_eq!(peer.ask("who"), first_who, "{peer:?}");
        eventually("a farewell", || match peer.ask("more").as_str() {
            "bye" => true,
            "more" => false,
            other => panic!("{peer:?} heard {other}"),
        });
        assert_eq!(peer.hear(), "more", "what is sent behind the farewell is answered");
        assert_eq!(peer.ask("again"), "again", "and it is said once");
    }
    assert_eq!(first.exit_status(), 0);
}

#[test]
fn no_datagram_is_lost() {
    let mut example = start(&["--probation", "100ms"]);
    let mut peers: Vec<_> =
        connect_all(&example).into_iter().filter(|peer| !peer.is_connected()).collect();
    assert_eq!(peers.len(), 2);
    for generation in 2..=4 {
        example.newest().signal(Signal::HUP);
        let is_new = format!("generation {generation}");
        for peer in &mut peers {
            let mut number = 0;
            eventually("the next generation answers", || {
                number += 1;
                let message = format!("{generation} {number}");
                assert_eq!(peer.ask(&message), message);
                peer.ask("who").ends_with(&is_new)
            });
        }
        example.await_next();
    }
}

#[test]
fn listeners_are_added_changed_and_dropped_by_an_upgrade() {
    let mut example = start(&["--probation", "100ms"]);
    let changes = ["--drop", "packets", "--add", "stream=unix:other", "--add", "more=127.0.0.1:0"];
    let own = ["--probation", "100ms", "--pid-file", "pid", "--control", "control"];
    let arguments = with_own_addresses(&example.path(""), &[&changes[..], &own].concat());
    let request = Request::Upgrade { wait: Wait::Committed, arguments: Some(arguments) };
    let client = Client::connect(example.path("control")).unwrap();
    let verdict = client.send(&request).unwrap().last().unwrap();
    assert!(
        matches!(&verdict, Reply::Verdict { verdict, .. } if verdict == "committed"),
        "{verdict:?}"
    );
    example.await_next();
    for mut peer in connect_all(&example) {
        assert_eq!(peer.ask("who"), who(&example), "{peer:?}");
    }
    let [old, new] = [1, 2].map(|number| &example.generation(number).addresses);
    let kept: Vec<_> = old.iter().filter(|address| new.contains(address)).collect();
    assert_eq!(kept.len(), 4, "tcp, udp, abstract and datagrams: {old:?} {new:?}");
    assert_eq!(new.len(), 6);
    assert!(new.iter().any(|address| address.ends_with("other")), "{new:?}");
    assert_eq!(example.generation(1).exit_status(), 0);
    for (name, is_there) in [
        ("multi.packets", false),
        ("multi.stream", false),
        ("other", true),
        ("multi.datagrams", true),
    ] {
        assert_eq!(example.path(name).exists(), is_there, "{name}");
    }
}

#[test]
fn a_next_version_that_cannot_have_its_listeners_does_not_take_over() {
    let example = start(&[]);
    let arguments = ["--drop", "nothing"].map(str::to_owned).to_vec();
    let request = Request::Upgrade { wait: Wait::Committed, arguments: Some(arguments) };
    let client = Client::connect(example.path("control")).unwrap();
    let verdict = client.send(&request).unwrap().last().unwrap();
    assert!(
        matches!(&verdict, Reply::Verdict { verdict, .. } if verdict == "aborted"),
        "{verdict:?}"
    );
    for mut peer in connect_all(&example) {
        assert_eq!(peer.ask("who"), who(&example), "{peer:?}");
    }
}
