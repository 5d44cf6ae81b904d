//! What each example says about itself, and how it fails.

use std::process::{Command, Output};

const EXAMPLES: [&str; 7] = [
    env!("CARGO_BIN_EXE_seed"),
    env!("CARGO_BIN_EXE_echo_blocking"),
    env!("CARGO_BIN_EXE_echo_tokio"),
    env!("CARGO_BIN_EXE_axum"),
    env!("CARGO_BIN_EXE_chat"),
    env!("CARGO_BIN_EXE_grpc"),
    env!("CARGO_BIN_EXE_multi"),
];

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).env("COLUMNS", "100").output().unwrap()
}

fn help(program: &str) -> String {
    let output = run(program, &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_says_how_to_try_it() {
    for program in EXAMPLES {
        let help = help(program);
        for words in ["SIGHUP", "Try it:", "kill -HUP", "--pid-file <PATH>", "[default: 10s]"] {
            assert!(help.contains(words), "{program}: no `{words}` in\n{help}");
        }
    }
}

#[test]
fn the_demonstration_is_as_it_was_told() {
    let help = help(EXAMPLES[0]);
    for words in ["[default: 127.0.0.1:8888]", "[default: 6s]", "SIGTSTP"] {
        assert!(help.contains(words), "no `{words}` in\n{help}");
    }
}

#[test]
fn an_error_is_told_with_its_causes() {
    for program in &EXAMPLES[..6] {
        let output = run(program, &["--listen", "localhost"]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("Error: read a listener's address\n\nCaused by:"), "{error}");
        assert!(error.contains("`localhost`"), "{error}");
    }
}

#[test]
fn a_read_timeout_of_zero_is_refused() {
    let output = run(EXAMPLES[0], &["--read-timeout", "0s"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("zero would time out"));
}
