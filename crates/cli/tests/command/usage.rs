//! What is said about the command line itself.

use crate::support::{Answer, command, rekindle};

#[test]
fn without_a_verb_there_is_help_and_status_2() {
    let answer = rekindle(&[]).expect(2);
    assert!(answer.stderr.contains("Usage: rekindle"), "{answer:?}");
    assert!(answer.stdout.is_empty(), "{answer:?}");
}

#[test]
fn help_that_is_asked_for_is_an_answer() {
    for words in
        [&["--help"][..], &["help"], &["help", "upgrade"], &["stop", "--help"], &["prove", "-h"]]
    {
        let answer = rekindle(words).expect(0);
        assert!(answer.stdout.contains("Usage: rekindle"), "{answer:?}");
        assert!(answer.stdout.contains("Examples:"), "{answer:?}");
        assert!(answer.stderr.is_empty(), "{answer:?}");
    }
    assert!(rekindle(&["--version"]).expect(0).stdout.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_told_with_what_would_be_right() {
    let table = [
        (&["restart"][..], "unrecognized subcommand"),
        (&["status"], "--control <PATH>|--pid-file <PATH>"),
        (&["prove"], "<URL>"),
        (&["prove", "127.0.0.1:80"], "write it as http://127.0.0.1:80"),
        (&["prove", "http://x/", "--mode", "new,keep"], "--mode again for the next one"),
        (&["prove", "http://x/", "--signal", "HUP"], "--pid-file <PATH>|--pid <NUMBER>"),
        (&["prove", "http://x/", "--allow", "lost"], "`lost=0.1%`"),
        (&["demo", "--listen", "0.0.0.0:80"], "loopback addresses only"),
        (&["upgrade", "--pid-file", "x", "--signal", "NONE"], "a name such as `HUP`"),
        (&["stop", "--control", "x", "--timeout", "soon"], "--timeout"),
    ];
    for (words, expected) in table {
        let answer = rekindle(words).expect(2);
        assert!(answer.stderr.contains(expected), "no `{expected}` in {answer:?}");
        assert!(answer.stdout.is_empty(), "{answer:?}");
    }
}

#[test]
fn an_answer_that_nobody_takes_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let server = crate::server::Server::start();
    let words = ["status", "--control", &server.control];
    let answer: Answer = command(&words).stdout(full).output().unwrap().into();
    let answer = answer.expect(2);
    assert!(answer.stderr.contains("failed to write the answer to standard output"), "{answer:?}");
}
