//! Nothing leaks: not over many upgrades, and not into the service's own children.

use std::collections::BTreeSet;

use rekindle_e2e::{
    Face, ProcessView, Settings, assert_nothing_noticed, eventually, new_connections,
};

use crate::{each_face, server};

each_face!(
    s16_after_100_upgrades_all_is_as_after_one,
    s17_no_child_of_the_service_sees_anything_of_ours,
);

async fn s16_after_100_upgrades_all_is_as_after_one(face: Face) {
    const UPGRADES: u64 = 100;
    let server = server(&Settings { pid_file: Some("app.pid".into()), ..Settings::new(face) });
    let second = server.upgrade().committed();
    let early = Footprint::of(&server, second.pid);
    let mut last = second;
    for generation in 3..=1 + UPGRADES {
        last = server.upgrade().committed();
        assert_eq!(last.generation, generation);
    }
    let late = Footprint::of(&server, last.pid);
    assert_eq!(late.descriptors, early.descriptors);
    assert_eq!(late.environment, early.environment);
    assert_eq!(late.threads, early.threads);
    let difference = late.resident_kib.abs_diff(early.resident_kib);
    assert!(difference * 10 < early.resident_kib, "{early:?} {late:?}");
    assert_eq!(late.files, early.files);
    let group = ProcessView::of(server.first_pid()).group().into_iter();
    // Those whose parent has left are the system's to reap.
    let ours = server.processes();
    let zombies = group.filter(|member| member.state == 'Z' && ours.contains(&member.parent));
    assert_eq!(zombies.collect::<Vec<_>>(), [], "each was reaped");
    let load = new_connections(server.target());
    rekindle_e2e::serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

/// What a process takes up.
#[derive(Debug, PartialEq, Eq)]
struct Footprint {
    descriptors: Vec<String>,
    environment: BTreeSet<String>,
    threads: usize,
    resident_kib: u64,
    files: BTreeSet<String>,
}

impl Footprint {
    /// Of the process `pid`, once all before its predecessor have left.
    fn of(server: &rekindle_e2e::Server, pid: u32) -> Self {
        eventually("only the predecessor is left", || {
            (server.processes().len() == 2).then_some(())
        });
        let process = ProcessView::of(pid);
        // An operator who has just been answered may not be gone.
        let mut last = Vec::new();
        let descriptors = eventually("its descriptors settle", || {
            let mut now: Vec<_> = process.descriptors().into_values().map(kind).collect();
            now.sort();
            // Two looks have to lie apart to say that they have settled.
            std::thread::sleep(std::time::Duration::from_millis(20));
            (std::mem::replace(&mut last, now.clone()) == now).then_some(now)
        });
        let files = std::fs::read_dir(server.installation().directory()).unwrap();
        Self {
            descriptors,
            environment: process.environment().into_iter().map(without_number).collect(),
            threads: process.threads(),
            resident_kib: process.resident_kib(),
            files: files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect(),
        }
    }
}

/// `socket:[123]` is a socket like any other.
fn kind(descriptor: String) -> String {
    descriptor.split(":[").next().map_or_else(String::new, str::to_owned)
}

/// The marker that a process was started with names a descriptor and an inode, and each start has
/// other ones.
fn without_number(variable: String) -> String {
    match variable.strip_prefix("REKINDLE_CHANNEL=") {
        Some(_) => "REKINDLE_CHANNEL=…".into(),
        None => variable,
    }
}

async fn s17_no_child_of_the_service_sees_anything_of_ours(face: Face) {
    let settings = Settings::new(face);
    let settings = Settings { child: true, pid_file: Some("app.pid".into()), ..settings };
    let server = server(&settings);
    let inherited = inherited_by_any_child();
    for generation in 1..=3 {
        let pid = server.status().pid;
        // What the process itself was started with is there to be seen: else this finds nothing.
        let marked = ProcessView::of(pid).environment().iter().any(|it| it.contains("REKINDLE_"));
        assert_eq!(marked, generation > 1);
        let child = eventually("it has started a child", || child_of(&server, pid));
        eventually("it has no descriptor but those that any child has", || {
            // While it starts, it opens files of its own for a moment.
            ProcessView::of(child).descriptors().keys().eq(&inherited).then_some(())
        });
        let environment = ProcessView::of(child).environment();
        for mark in ["REKINDLE", "LISTEN_", "NOTIFY_SOCKET"] {
            assert!(!environment.iter().any(|it| it.starts_with(mark)), "{environment:?}");
        }
        server.upgrade().committed();
    }
}

/// What any child of this test has: its standard streams, and what the test itself was started
/// with that is not close-on-exec.
fn inherited_by_any_child() -> BTreeSet<u32> {
    let ours = ProcessView::of(std::process::id());
    let passed_on = |number: &u32| ours.passes_on(*number);
    ours.descriptors().into_keys().filter(passed_on).chain(0..=2).collect()
}

/// The `sleep` that the process `pid` has started, once it is one.
fn child_of(server: &rekindle_e2e::Server, pid: u32) -> Option<u32> {
    let group = ProcessView::of(server.first_pid()).group();
    let mut children = group.iter().filter(|member| member.parent == pid);
    let sleeps = |pid: u32| ProcessView::of(pid).name().is_some_and(|name| name == "sleep");
    children.find(|child| sleeps(child.pid)).map(|child| child.pid)
}
