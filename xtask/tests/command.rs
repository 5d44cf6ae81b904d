//! The command as a whole: what it prints, and with which status it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Where the programs of the benches are, which `cargo test` builds beside the tests.
fn programs() -> PathBuf {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let programs = xtask.with_file_name("examples");
    assert!(programs.join("bench_server").is_file(), "`cargo test` builds {}", programs.display());
    programs
}

/// A repository with these files, of which nothing is committed.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut git = Command::new("git");
    let initialised = git.args(["init", "--quiet"]).current_dir(root.path()).status().unwrap();
    assert!(initialised.success());
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn tidy(root: &TempDir) -> Output {
    xtask(&["tidy"]).env("CARGO_MANIFEST_DIR", root.path().join("xtask")).output().unwrap()
}

#[test]
fn the_steps_are_listed_in_their_order() {
    let output = xtask(&["ci", "--list"]).output().unwrap();
    assert!(output.status.success());
    let listed = stdout(&output);
    let names: Vec<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected = ["format", "tidy", "clippy", "minimal", "test", "docs", "tree", "audit", "fuzz"];
    assert_eq!(names, expected);
}

#[test]
fn a_tidy_repository_passes() {
    let root = repository(&[
        ("README.md", "[code](src/lib.rs)\n"),
        ("src/lib.rs", "//! What it is.\n\nmod a;\n"),
        ("src/a.rs", "//! What it is.\n"),
    ]);
    let output = tidy(&root);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("tidy: passed\n"), "{}", stdout(&output));
}

#[test]
fn an_untidy_repository_fails_and_every_place_is_named() {
    let root = repository(&[
        ("README.md", "# Title\n[code](src/gone.rs)\n"),
        ("a/src/lib.rs", "//! What it is. \nmod a;\nmod b;\n"),
        ("a/src/a.rs", "use crate::b::B;\n"),
        ("a/src/b.rs", "//! What it is.\nuse crate::a::A;\n#[allow(dead_code)]\nfn f() {}\n"),
        ("a/tests/c.rs", "//! What it is.\nfn f() {\n    sleep(1);\n}\n"),
    ]);
    let output = tidy(&root);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    for place in [
        "README.md:2: the link `src/gone.rs` leads nowhere",
        "a/src/lib.rs:1: blanks at the end of the line",
        "a/src/a.rs:1: the file does not open with `//!`",
        "a/src/a.rs:1: imports go in a circle: a → b → a",
        "a/src/b.rs:3: `allow`",
        "a/tests/c.rs:3: a test sleeps",
        "4 Rust files: 6 to mend, 0 to think about",
        "tidy: FAILED: 6 to mend",
    ] {
        assert!(stdout(&output).contains(place), "{place} is not in\n{}", stdout(&output));
    }
}

#[test]
fn what_cannot_be_checked_is_neither_passed_nor_failed() {
    let output = tidy(&repository(&[("src/lib.rs", "//! What it is.\nfn (\n")]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("failed to parse `src/lib.rs`"), "{}", stderr(&output));
}

#[test]
fn a_wrong_word_is_status_2() {
    let output = xtask(&["deploy"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_bench_is_read_by_programs() {
    let mut command = xtask(&["bench", "chain", "--upgrades", "3", "--json", "--programs"]);
    let output = command.arg(programs()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bench"], "chain");
    assert_eq!(report["columns"][1], "generation 4");
    assert_eq!(report["rows"][0]["name"], "descriptors");
    assert!(report["rows"][0]["values"][1].as_u64().unwrap() > 3, "{report}");
}

#[test]
fn a_bench_is_read_by_people() {
    let mut command = xtask(&["bench", "upgrade", "--rounds", "1", "--programs"]);
    let output = command.arg(programs()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for words in ["upgrade", "floor", "the whole", "ready, commit", "goal "] {
        assert!(stdout(&output).contains(words), "{words} is not in\n{}", stdout(&output));
    }
}

#[test]
fn a_bench_that_cannot_be_done_is_status_2() {
    let programs = tempfile::tempdir().unwrap();
    let script = programs.path().join("bench_server");
    // Written by a child, so that no other test's child holds it open for writing when it is run.
    let write = format!("printf '#!/bin/sh\n' >{0} && chmod +x {0}", script.display());
    assert!(Command::new("sh").args(["-c", &write]).status().unwrap().success());
    let mut command = xtask(&["bench", "upgrade", "--programs"]);
    let output = command.arg(programs.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the server: it is gone"), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}
