//! What an old process remembers, and what is none of that.

use rekindle::StartError;
use rekindle_core::{Message, StateEntry};
use rekindle_unix::MemoryFile;

use crate::old::{Rendezvous, builder, listener};

fn entry(length_bytes: u64) -> StateEntry {
    StateEntry { name: "keys".parse().unwrap(), length_bytes }
}

#[test]
fn a_state_that_is_none_ends_the_upgrade_before_its_commit_and_both_know_why() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let longer = MemoryFile::new("keys", b"12345").unwrap();
    for state in [(entry(3), reader.into()), (entry(3), longer.into())] {
        let rendezvous = Rendezvous::new();
        let path = rendezvous.path();
        let (_directory, old) = rendezvous.play(move |mut old| {
            old.offer(&listener(), &[state]);
            old.hear()
        });
        let error = builder(&path).start_blocking().unwrap_err();
        assert!(matches!(error, StartError::State(_)), "{error}");
        let Message::Failed { words } = old.join().unwrap() else { panic!("it says why") };
        assert!(words.as_str().contains("read the state `keys`"), "{words}");
    }
}

#[test]
fn a_state_that_nobody_asks_for_does_no_harm() {
    let rendezvous = Rendezvous::new();
    let path = rendezvous.path();
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let (_directory, old) = rendezvous.play(move |mut old| {
        let file = MemoryFile::new("keys", b"123").unwrap();
        old.offer(&listener, &[(entry(3), file.into())]);
        old.commit();
    });
    let mut service = builder(&path).start_blocking().unwrap();
    let _web = service.tcp("web", &address.to_string()).unwrap();
    let running = service.ready().unwrap();
    old.join().unwrap();
    running.stop();
    running.drained();
}
