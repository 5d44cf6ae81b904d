//! Upgrades to bad programs, and what several generations do together.

use std::time::Duration;

use rekindle_core::{Confirmation, Phase, Reason, Refusal, Verdict, VersionRange};

use crate::program::{Claim, Conduct, Program, Start};
use crate::world::World;

/// What a bad program brings about: the word of the verdict, its phase if it was aborted, and the
/// code of the reason.
type Expected = (&'static str, Option<Phase>, &'static str);

fn bad_programs() -> Vec<(Program, Expected)> {
    let aborted = |phase, code| ("aborted", Some(phase), code);
    let speaks =
        |version| Program { versions: VersionRange::new(version, version), ..Program::good() };
    let slow = Program { initialises: Duration::from_secs(60), ..Program::good() };
    let crashes = Conduct::Crashes(Duration::from_secs(1));
    vec![
        (Program::started(Start::Missing), aborted(Phase::Spawning, "not-started")),
        (Program::started(Start::HookRefuses), aborted(Phase::Spawning, "hook-refused")),
        (Program::started(Start::Busy(1_000)), aborted(Phase::Spawning, "not-started")),
        (Program::that(Conduct::ExitsAtOnce), aborted(Phase::Starting, "exited")),
        (Program::that(Conduct::HangsAtOnce), aborted(Phase::Greeting, "start-timeout")),
        (speaks(9), aborted(Phase::Greeting, "no-common-version")),
        (Program::that(Conduct::ExitsWithItsOffer), aborted(Phase::Starting, "exited")),
        (Program::that(Conduct::HangsWithItsOffer), aborted(Phase::Starting, "start-timeout")),
        (Program::that(Conduct::GivesUp), aborted(Phase::Starting, "failed")),
        (slow, aborted(Phase::Starting, "start-timeout")),
        (Program::claiming(Claim::Unoffered), aborted(Phase::Starting, "garbage")),
        (Program::claiming(Claim::Twice), aborted(Phase::Starting, "garbage")),
        (Program::that(Conduct::NeverSaysThatItServes), ("rolled-back", None, "take-over-timeout")),
        (Program::that(crashes), ("rolled-back", None, "exited")),
    ]
}

fn assert_verdict(world: &World, attempt: usize, (word, phase, code): Expected) {
    let verdict = world.attempts[attempt].verdict.as_ref().expect("a verdict");
    assert_eq!(verdict.as_str(), word, "{verdict:?}");
    assert_eq!(verdict.reason().map(Reason::code), Some(code), "{verdict:?}");
    if let (Verdict::Aborted { phase: found, .. }, Some(expected)) = (verdict, phase) {
        assert_eq!(*found, expected, "{verdict:?}");
    }
}

#[test]
fn a_bad_program_harms_nobody_and_the_next_good_one_takes_over() {
    for (program, expected) in bad_programs() {
        let mut world = World::new(&["http", "https"]);
        for round in 0..10 {
            world.programs.push_back(program.clone());
            let attempt = world.upgrade(0).expect("the old one serves");
            world.settle();
            assert_verdict(&world, attempt, expected);
            assert_eq!(world.look_when_quiet(), Some(0), "in round {round}: {program:?}");
            world.programs.clear();
        }
        world.upgrade(0).expect("the old one serves");
        world.settle();
        let newest = world.processes.len() - 1;
        assert_eq!(world.look_when_quiet(), Some(newest), "after {program:?}");
        let used_up = if expected.0 == "rolled-back" { 10 } else { 0 };
        assert_eq!(world.processes[newest].generation.number(), 2 + used_up);
    }
}

#[test]
fn a_bad_stranger_harms_nobody_either() {
    for (program, (word, _, code)) in bad_programs() {
        if program.start != Start::Runs || program.conduct == Conduct::HangsAtOnce {
            continue;
        }
        let code = if code == "exited" { "channel-closed" } else { code };
        let mut world = World::new(&["http"]);
        let hangs = program.conduct == Conduct::HangsWithItsOffer;
        let attempt = world.meet(0, program).expect("the old one serves");
        world.settle();
        assert_verdict(&world, attempt, (word, None, code));
        if hangs {
            // Nobody here may kill it.
            world.strike(1);
            world.settle();
        }
        assert_eq!(world.look_when_quiet(), Some(0));
    }
}

#[test]
fn a_program_file_that_is_done_being_written_is_started() {
    let mut world = World::new(&["http"]);
    world.programs.push_back(Program::started(Start::Busy(39)));
    world.upgrade(0).expect("it serves");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(1));
}

#[test]
fn claims_in_another_order_are_each_taken_once() {
    let mut world = World::new(&["a", "b", "c"]);
    world.programs.push_back(Program::claiming(Claim::Backwards));
    world.upgrade(0).expect("it serves");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(1));
    assert_eq!(world.processes[1].listeners, ["c", "b", "a"]);
}

/// Upgrades each newest process in turn, with so much time in between.
fn chain(world: &mut World, length: usize, wait: Duration) {
    for _ in 0..length {
        let newest = world.processes.len() - 1;
        world.upgrade(newest).expect("the newest serves");
        world.run_for(wait);
    }
}

#[test]
fn generations_drain_together_and_the_newest_knows_them_all() {
    let mut world = World::new(&["http"]).without_kept();
    world.work = vec![Duration::from_secs(4)];
    chain(&mut world, 3, Duration::from_millis(700));
    let elders = world.processes[3].life.elders().expect("it is the newest");
    let known: Vec<u64> = elders.iter().map(|elder| elder.generation.number()).collect();
    assert_eq!(known, [1, 2, 3]);
    assert_eq!(world.alive().count(), 4);
    world.run_for(Duration::from_secs(1));
    let elders = world.processes[3].life.elders().expect("it is the newest");
    assert!(elders.iter().all(|elder| elder.in_flight == 1), "they told it: {elders:?}");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(3));
    for attempt in &world.attempts[..2] {
        let successor = Verdict::Committed(Confirmation::Successor);
        assert_eq!(attempt.verdict, Some(successor), "who makes an offer is confirmed");
    }
}

#[test]
fn the_oldest_leaves_when_too_many_drain() {
    let mut world = World::new(&["http"]);
    world.settings.draining_limit = 3;
    world.work = vec![Duration::from_secs(5)];
    chain(&mut world, 3, Duration::from_millis(700));
    assert!(world.processes[0].is_alive(), "three may drain");
    chain(&mut world, 1, Duration::from_millis(700));
    let alive: Vec<usize> = world.alive().map(|(pid, _)| pid).collect();
    assert_eq!(alive, [1, 2, 3, 4], "the first was hammered");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(4));
}

#[test]
fn the_newest_hammers_every_generation_that_drains() {
    let mut world = World::new(&["http"]);
    world.work = vec![Duration::from_secs(5)];
    chain(&mut world, 3, Duration::from_millis(700));
    assert_eq!(world.hammer(3), Ok(3));
    world.run_for(Duration::from_millis(20));
    let left: u64 = world.processes[..3].iter().map(|process| process.in_flight).sum();
    assert_eq!(left, 0, "all was cut");
    assert!(!world.processes[0].is_alive(), "and the first two were confirmed long ago");
    assert!(!world.processes[1].is_alive());
    assert_eq!(world.hammer(3), Err(Refusal::NothingDrains));
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(3));
}

#[test]
fn a_stuck_connection_is_cut_at_the_deadline() {
    let mut world = World::new(&["http"]);
    world.work = vec![Duration::from_secs(3_600)];
    world.upgrade(0).expect("it serves");
    world.run_for(Duration::from_millis(400));
    let left_at = world.processes[0].left_at.expect("it was replaced");
    let rest = left_at + world.settings.drain_timeout - world.now;
    world.run_for(rest.saturating_sub(Duration::from_millis(1)));
    assert_eq!(world.processes[0].in_flight, 1, "not before");
    world.run_for(Duration::from_millis(10));
    assert!(!world.processes[0].is_alive(), "not later");
}

/// The middle one of three dies when its successor has the offer: the first must not resume,
/// since the third goes on alone.
#[test]
fn one_that_dies_between_two_is_succeeded_once() {
    for wait_ms in 0..400 {
        let mut world = World::new(&["http"]);
        world.upgrade(0).expect("it serves");
        world.run_for(Duration::from_millis(400));
        world.upgrade(1).expect("it serves");
        world.run_for(Duration::from_millis(wait_ms));
        world.strike(1);
        world.settle();
        if let Some(pid) = world.look_when_quiet() {
            assert!(pid != 1, "{pid} serves after {wait_ms} ms");
        }
    }
}
