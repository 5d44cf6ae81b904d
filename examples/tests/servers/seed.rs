//! What the demonstration does beyond what all HTTP examples do.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::Client;
use crate::example::Example;

const SEED: &str = env!("CARGO_BIN_EXE_seed");

#[test]
fn sigtstp_makes_it_finish_what_it_has_and_go() {
    let example = Example::http(SEED, &[]);
    let [mut upload, mut kept] = [(); 2].map(|()| Client::connect(example.address()));
    assert_eq!(upload.get("/").status, 200);
    upload.begin_upload();
    example.newest().signal(Signal::TSTP);
    kept.await_goodbye();
    let finished = upload.finish_upload();
    assert_eq!((finished.body.as_str(), finished.says_close()), ("hello", true));
    upload.assert_closed();
    assert_eq!(example.newest().exit_status(), 0);
    assert_eq!(example.pid_file(), None);
    assert!(Client::try_connect(example.address()).is_err());
}

#[test]
fn a_silent_client_is_left_after_the_read_timeout() {
    let example = Example::http(SEED, &["--read-timeout", "300ms"]);
    let mut idle = Client::connect(example.address());
    let began = Instant::now();
    assert!(!idle.get("/").says_close());
    idle.assert_closed();
    assert!(began.elapsed() >= Duration::from_millis(300));

    let mut owing = Client::connect(example.address());
    owing.begin_upload();
    let answer = owing.answer();
    assert_eq!((answer.status, answer.says_close()), (408, true));
    owing.assert_closed();
}
