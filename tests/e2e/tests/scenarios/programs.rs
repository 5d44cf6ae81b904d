//! Which program an upgrade starts: the one that the service's name leads to now.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rekindle::control::Wait;
use rekindle_e2e::{
    Face, Launch, ProcessView, Server, Settings, assert_nothing_noticed, eventually,
    new_connections,
};

use crate::{PROGRAMS, server};

fn settings(server_directory: &Launch) -> Settings {
    let control = Some(server_directory.installation().path("control.sock"));
    Settings { control, ..Settings::new(Face::Blocking) }
}

/// Another file with the good server in it, which is what a next version is.
fn copy_to(path: &Path) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(PROGRAMS.server, path).unwrap();
    path.to_owned()
}

/// The file that the process runs that serves now.
fn program(server: &Server) -> PathBuf {
    ProcessView::of(server.status().pid).program()
}

#[tokio::test]
async fn s20_started_by_a_name_on_the_path() {
    let launch = Launch::new(PROGRAMS, &Settings::new(Face::Tokio));
    let path = launch.installation().directory().to_owned();
    let server = launch.by(["current"]).variable("PATH", &path).start();
    let fresh = copy_to(&server.path("v2"));
    server.installation().switch(&fresh);
    server.upgrade().committed();
    assert_eq!(program(&server), fresh);
}

#[tokio::test]
async fn s20_started_by_a_relative_path() {
    let launch = Launch::new(PROGRAMS, &Settings::new(Face::Tokio));
    let server = launch.by(["/bin/sh", "-c", "exec ./current \"$0\""]).start();
    let fresh = copy_to(&server.path("v2"));
    server.installation().switch("v2");
    server.upgrade().committed();
    assert_eq!(program(&server), fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_a_link_is_switched() {
    let server = server(&Settings::new(Face::Tokio));
    let load = new_connections(server.target());
    for version in ["v2", "v3", "v4"] {
        let fresh = copy_to(&server.path(version).join("server"));
        server.installation().switch(&fresh);
        server.upgrade().committed();
        assert_eq!(program(&server), fresh);
    }
    assert_nothing_noticed(&load.stop().await);
}

#[tokio::test]
async fn s20_the_directory_is_replaced() {
    let launch = Launch::new(PROGRAMS, &Settings::new(Face::Tokio));
    let settings = settings(&launch);
    let release = launch.installation().path("release");
    copy_to(&release.join("app"));
    let launch = launch.with(settings).from("release");
    let server = launch.by(["/bin/sh", "-c", "exec ./app \"$0\""]).start();
    assert_eq!(program(&server), release.join("app"));
    fs::rename(&release, server.path("old")).unwrap();
    let fresh = copy_to(&release.join("app"));
    server.upgrade().committed();
    assert_eq!(program(&server), fresh);
    // With nothing in its place, it is said what is missing.
    fs::rename(&release, server.path("older")).unwrap();
    let verdict = server.upgrade().failed("aborted", "spawning", "not-started");
    assert!(verdict.message.contains(release.to_str().unwrap()), "{}", verdict.message);
    copy_to(&release.join("app"));
    server.upgrade().committed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_a_program_that_is_being_written() {
    let server = server(&Settings::new(Face::Tokio));
    let load = new_connections(server.target());
    let fresh = copy_to(&server.path("v2"));
    let writer = OpenOptions::new().append(true).open(&fresh).unwrap();
    server.installation().switch(&fresh);
    // For good: it is tried again for a while, and then given up.
    let verdict = server.upgrade().failed("aborted", "spawning", "not-started");
    assert!(verdict.message.contains("open for writing"), "{}", verdict.message);
    assert!(verdict.took > Duration::from_secs(1), "it was tried again: {verdict:?}");
    // Until it is complete.
    let mut upgrade = server.begin_upgrade(Wait::Committed);
    upgrade.until("spawning");
    // The scenario: the file is written for that long.
    thread::sleep(Duration::from_millis(200));
    drop(writer);
    upgrade.verdict().committed();
    assert_eq!(program(&server), fresh);
    rekindle_e2e::serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

#[tokio::test]
async fn an_upgrade_can_change_the_arguments() {
    let server = server(&Settings::new(Face::Tokio));
    let other = Settings { build: "other".into(), ..Settings::new(Face::Blocking) };
    server.upgrade_with(&other).committed();
    assert_eq!(server.status().build, "other");
    // The next one is started as this one was.
    server.upgrade().committed();
    let status = server.status();
    assert_eq!((status.build.as_str(), status.generation), ("other", 3));
    // And a failed one changes nothing.
    let verdict = server.begin_upgrade_with(
        Wait::Committed,
        &Settings {
            listeners: vec![("bad".into(), "nonsense".into())],
            ..Settings::new(Face::Tokio)
        },
    );
    verdict.verdict().failed("aborted", "starting", "failed");
    eventually("it serves again", || (server.status().phase == "serving").then_some(()));
    server.upgrade().committed();
    assert_eq!(server.status().build, "other");
}
