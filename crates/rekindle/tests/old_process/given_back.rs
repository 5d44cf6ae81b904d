//! A successor that was told to take over and is told, too late, that it shall not.

use std::net::TcpStream;

use rekindle::{Ending, Reason};
use rekindle_core::Message;

use crate::old::{Rendezvous, builder, listener};

#[test]
fn the_listeners_of_an_old_process_that_resumed_are_left_alone() {
    let rendezvous = Rendezvous::new();
    let path = rendezvous.path();
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let offered = listener.try_clone().unwrap();
    let (_directory, old) = rendezvous.play(move |mut old| {
        old.offer(&offered, &[]);
        old.commit();
        let reason = Reason::TakeOverTimeout { timeout_ms: 5_000 };
        old.say(&Message::Refused { reason });
        old
    });

    let mut service = builder(&path).start_blocking().unwrap();
    let web = service.tcp("web", &address.to_string()).unwrap();
    let running = service.ready().unwrap();
    assert!(web.accept().is_none(), "two must not serve");
    assert_eq!(running.drained().ending, Ending::Stopped);

    let _client = TcpStream::connect(address).expect("the listener is not shut down");
    listener.accept().expect("the old process accepts whoever comes");
    drop(old.join().unwrap());
}
