//! A bad next version harms nobody: the old one serves on, and says what was wrong.

use std::time::Duration;

use rekindle::control::{Reply, Wait};
use rekindle_e2e::{
    Face, Manner, Next, ProcessView, Settings, assert_nothing_noticed, eventually, new_connections,
    serves_on,
};
use rekindle_unix::Signal;

use crate::{each_face, server};

each_face!(
    s08_a_bad_next_version_is_told_why,
    s08_a_next_version_that_hangs_is_given_up,
    s08_a_next_version_that_is_stopped_while_it_starts,
    s09_ten_failures_and_then_a_good_one,
    s10_two_upgrade_requests_at_once,
);

/// What each is, in which phase it fails, for which reason, and what the message says.
const BAD: [(Next, &str, &str, &str); 12] = [
    (Next::Missing, "spawning", "not-started", "no such file"),
    (Next::NotExecutable, "spawning", "not-started", "may not execute"),
    (Next::NotAProgram, "spawning", "not-started", "not a program for this machine"),
    (Next::Bad(Manner::ExitsAtOnce), "greeting", "exited", "status 3"),
    (Next::Bad(Manner::WritesGarbage), "greeting", "garbage", "no message"),
    (Next::Bad(Manner::SpeaksOtherVersion), "greeting", "no-common-version", "70 to 90"),
    (Next::Bad(Manner::IsRushed), "greeting", "out-of-turn", "Ready"),
    (Next::Bad(Manner::ExitsAfterOffer), "starting", "exited", "status 4"),
    (Next::Bad(Manner::Crashes), "starting", "exited", "SIGSEGV"),
    (Next::Bad(Manner::ClaimsTooMuch), "starting", "garbage", "not offered"),
    (Next::Bad(Manner::GivesUp), "starting", "failed", "the database is older than I am"),
    (Next::Bad(Manner::ClosesChannel), "greeting", "channel-closed", "closed the channel"),
];

async fn s08_a_bad_next_version_is_told_why(face: Face) {
    let server = server(&Settings::new(face));
    let load = new_connections(server.target());
    for (next, phase, reason, words) in BAD {
        server.installation().install(next);
        let verdict = server.upgrade().failed("aborted", phase, reason);
        assert!(verdict.message.contains(words), "{next:?}: {}", verdict.message);
        assert_eq!((verdict.generation, verdict.old_pid), (2, server.first_pid()));
        assert_eq!(verdict.pid == 0, phase == "spawning", "{next:?}");
        let status = server.status();
        assert_eq!((status.pid, status.phase.as_str()), (server.first_pid(), "serving"));
        assert_eq!(status.last_failure.unwrap().reason, reason);
        assert_eq!(server.processes(), [server.first_pid()], "{next:?} is ended and reaped");
    }
    server.installation().install(Next::Good);
    assert_eq!(server.upgrade().committed().generation, 2);
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn s08_a_next_version_that_hangs_is_given_up(face: Face) {
    let start_timeout = Duration::from_secs(1);
    let server = server(&Settings { start_timeout, ..Settings::new(face) });
    let load = new_connections(server.target());
    for (manner, phase) in
        [(Manner::HangsSilently, "greeting"), (Manner::HangsAfterOffer, "starting")]
    {
        server.installation().install(Next::Bad(manner));
        let verdict = server.upgrade().failed("aborted", phase, "start-timeout");
        assert!(verdict.message.contains("within 1s"), "{}", verdict.message);
        assert!(verdict.took >= start_timeout && verdict.took < start_timeout * 2, "{verdict:?}");
        assert_eq!(server.processes(), [server.first_pid()], "{manner:?} is ended and reaped");
    }
    server.installation().install(Next::Good);
    server.upgrade().committed();
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn s08_a_next_version_that_is_stopped_while_it_starts(face: Face) {
    let settings = Settings::new(face);
    let server = server(&settings);
    let load = new_connections(server.target());
    let slow = Settings { start_delay: Duration::from_secs(20), ..settings };
    let mut upgrade = server.begin_upgrade_with(Wait::Committed, &slow);
    let pid = upgrade.until("starting").unwrap();
    // It handles signals from before it greets.
    server.signal(pid, Signal::Term);
    let verdict = upgrade.verdict().failed("aborted", "starting", "exited");
    assert!(verdict.message.contains("SIGTERM"), "{}", verdict.message);
    server.upgrade().committed();
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn s09_ten_failures_and_then_a_good_one(face: Face) {
    let server = server(&Settings::new(face));
    let descriptors = || ProcessView::of(server.first_pid()).descriptors().len();
    // The first request may open what later ones use again.
    let _ = server.status();
    let before = settled(descriptors);
    for failure in 0..10 {
        let (next, phase, reason, _) = BAD[failure % BAD.len()];
        server.installation().install(next);
        server.upgrade().failed("aborted", phase, reason);
    }
    eventually("no descriptor more than at the start", || (descriptors() == before).then_some(()));
    let group = ProcessView::of(server.first_pid()).group();
    assert_eq!(group.len(), 1, "no process is left, not even as a zombie: {group:?}");
    server.installation().install(Next::Good);
    assert_eq!(server.upgrade().committed().generation, 2, "a number is used up by a commit alone");
}

async fn s10_two_upgrade_requests_at_once(face: Face) {
    let settings = Settings::new(face);
    let server = server(&settings);
    let slow = Settings { start_delay: Duration::from_millis(500), ..settings };
    let mut first = server.begin_upgrade_with(Wait::Committed, &slow);
    first.until("starting");
    match server.begin_upgrade(Wait::Committed).reply() {
        Reply::Refused { reason, message } => {
            assert_eq!(reason, "upgrade-in-progress");
            assert!(message.contains("starting"), "{message}");
        }
        other => panic!("the second is refused: {other:?}"),
    }
    // By signal, nobody can be told but the log.
    server.signal(server.first_pid(), Signal::Hup);
    server.wait_for_log("no upgrade");
    let verdict = first.verdict().committed();
    assert_eq!((verdict.generation, server.status().generation), (2, 2));
    let mut processes = server.processes();
    processes.sort_unstable();
    let mut expected = [server.first_pid(), verdict.pid];
    expected.sort_unstable();
    assert_eq!(processes, expected, "there was one start");
}

/// How many there are once the operator that asked last is gone.
fn settled(count: impl Fn() -> usize) -> usize {
    let mut last = count();
    eventually("the number of descriptors settles", || {
        // Two looks have to lie apart to say that it has settled.
        std::thread::sleep(Duration::from_millis(20));
        let now = count();
        (std::mem::replace(&mut last, now) == now).then_some(now)
    })
}
