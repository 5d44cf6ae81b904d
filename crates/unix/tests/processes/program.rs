//! A program finds itself again, however it was started and whatever has changed since.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{HELPER, Helper, output_of, value, write_script};
use tempfile::TempDir;

/// A directory with `v1/server`, which is the helper, `v2/server`, which prints `two`, and
/// `current`, which leads to `v1`.
struct Releases {
    home: TempDir,
}

impl Releases {
    fn new() -> Releases {
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join("v1")).unwrap();
        symlink(HELPER, home.path().join("v1/server")).unwrap();
        write_script(&home.path().join("v2/server"), "echo two $0 $1");
        symlink("v1", home.path().join("current")).unwrap();
        Releases { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// As a deployment does it: at each moment there is a `current`.
    fn switch_to(&self, version: &str) {
        symlink(version, self.path("next")).unwrap();
        fs::rename(self.path("next"), self.path("current")).unwrap();
    }
}

fn told_path(output: &str) -> &Path {
    Path::new(value(output, "path"))
}

#[test]
fn a_symbolic_link_that_is_switched_is_followed_at_the_next_start() {
    let releases = Releases::new();
    let server = releases.path("current/server");
    let mut old = Helper::start(Command::new(&server).args(["restart", "program"]));
    assert_eq!(old.line(), "started");
    releases.switch_to("v2");
    let output = old.finish();
    assert_eq!(
        output,
        format!(
            "two {} program\nchild exited with status 0\n",
            server.display()
        )
    );
}

#[test]
fn without_a_switch_the_same_program_starts_and_captures_the_same_name() {
    let releases = Releases::new();
    let mut old = Helper::start(
        Command::new("current/server")
            .args(["restart", "program"])
            .current_dir(releases.home.path())
            .env("PWD", releases.home.path()),
    );
    assert_eq!(old.line(), "started");
    let output = old.finish();
    assert_eq!(told_path(&output), releases.path("current/server"));
    assert_eq!(value(&output, "child"), "exited with status 0");
}

#[test]
fn a_relative_path_is_found_after_the_process_went_elsewhere() {
    let releases = Releases::new();
    let output = output_of(
        Command::new("./current/server")
            .arg("program-from-elsewhere")
            .current_dir(releases.home.path())
            .env("PWD", releases.home.path()),
    );
    assert_eq!(value(&output, "name"), "./current/server");
    assert_eq!(told_path(&output), releases.path("./current/server"));
}

#[test]
fn a_name_on_the_search_path_is_found_after_that_has_changed() {
    let releases = Releases::new();
    let output = output_of(
        Command::new("/bin/sh")
            .args(["-c", "server program-from-elsewhere"])
            .env(
                "PATH",
                format!("/nowhere:{}", releases.path("current").display()),
            ),
    );
    assert_eq!(value(&output, "name"), "server");
    assert_eq!(told_path(&output), releases.path("current/server"));
}

#[test]
fn the_start_directory_is_known_by_the_name_that_led_there() {
    let releases = Releases::new();
    let output = output_of(
        Command::new("/bin/sh")
            .args(["-c", r#"cd "$1" && ./server program-from-elsewhere"#, "sh"])
            .arg(releases.path("current")),
    );
    assert_eq!(
        Path::new(value(&output, "directory")),
        releases.path("current")
    );
    assert_eq!(told_path(&output), releases.path("current/./server"));
}

#[test]
fn a_start_directory_that_is_switched_is_followed() {
    let releases = Releases::new();
    let server = releases.path("current/./server");
    let script = r#"cd "$1" && exec ./server restart program"#;
    let mut old = Helper::start(
        Command::new("/bin/sh")
            .args(["-c", script, "sh"])
            .arg(releases.path("current")),
    );
    assert_eq!(old.line(), "started");
    releases.switch_to("v2");
    let output = old.finish();
    assert_eq!(
        output,
        format!(
            "two {} program\nchild exited with status 0\n",
            server.display()
        )
    );
}

#[test]
fn a_directory_that_was_replaced_under_its_name_is_followed() {
    let releases = Releases::new();
    let server = releases.path("v1/./server");
    let mut old = Helper::start(
        Command::new("./server")
            .args(["restart", "program"])
            .current_dir(releases.path("v1"))
            .env("PWD", releases.path("v1")),
    );
    assert_eq!(old.line(), "started");
    fs::rename(releases.path("v1"), releases.path("v0")).unwrap();
    fs::rename(releases.path("v2"), releases.path("v1")).unwrap();
    let output = old.finish();
    assert_eq!(
        output,
        format!(
            "two {} program\nchild exited with status 0\n",
            server.display()
        )
    );
}

#[test]
fn a_directory_name_that_leads_elsewhere_is_not_believed() {
    let releases = Releases::new();
    for lie in [
        releases.path("v2"),
        PathBuf::from("v1"),
        PathBuf::from("/nowhere"),
    ] {
        let output = output_of(
            Command::new("./server")
                .arg("program")
                .current_dir(releases.path("v1"))
                .env("PWD", &lie),
        );
        let told = Path::new(value(&output, "directory"));
        assert_eq!(
            told,
            releases.path("v1").canonicalize().unwrap(),
            "{}",
            lie.display()
        );
    }
}

#[test]
fn a_name_that_was_made_up_gives_way_to_the_one_that_was_executed() {
    let releases = Releases::new();
    // The second is the name of a program, and the third that of another file that is there.
    for made_up in ["server: master process", "sh", "/bin/cat", ""] {
        let output = output_of(
            Command::new(releases.path("current/server"))
                .arg0(made_up)
                .arg("program"),
        );
        assert_eq!(
            told_path(&output),
            releases.path("current/server"),
            "{made_up:?}"
        );
    }
}

#[test]
fn a_switch_is_followed_even_under_a_name_that_was_made_up() {
    let releases = Releases::new();
    let server = releases.path("current/server");
    let mut old = Helper::start(
        Command::new(&server)
            .arg0("master")
            .args(["restart", "program"]),
    );
    assert_eq!(old.line(), "started");
    releases.switch_to("v2");
    let output = old.finish();
    assert!(output.starts_with("two "), "{output}");
}

#[test]
fn a_program_without_any_lasting_name_is_found_by_its_file() {
    let output = output_of(Command::new("/bin/sh").args([
        "-c",
        r#"exec 9< "$1"; exec /proc/self/fd/9 program"#,
        "sh",
        HELPER,
    ]));
    assert_eq!(told_path(&output), fs::canonicalize(HELPER).unwrap());
}

#[test]
fn a_program_that_was_deleted_is_looked_for_where_it_was() {
    let home = TempDir::new().unwrap();
    let server = home.path().join("server");
    // A copy, made by another process: see `write_script`.
    assert!(
        Command::new("/bin/cp")
            .arg(HELPER)
            .arg(&server)
            .status()
            .unwrap()
            .success()
    );
    let script = r#"exec 9< "$1"; rm "$1"; exec /proc/self/fd/9 program"#;
    let output = output_of(
        Command::new("/bin/sh")
            .args(["-c", script, "sh"])
            .arg(&server),
    );
    assert_eq!(Path::new(value(&output, "name")), server);
    assert!(value(&output, "error").contains(&format!("`{}`", server.display())));
}
