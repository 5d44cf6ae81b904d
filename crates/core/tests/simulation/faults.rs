//! Every fault at every step of a good upgrade, of a child and of a stranger.
//!
//! The upgrade is run once to count its steps. Then, for every step and every fault, it is run
//! again up to that step and struck; [`expected`] says how it has to end.

use std::time::Duration;

use rekindle_core::{Generation, LifePhase, Message, Phase, Refusal, Verdict, decode};

use crate::channel::Side;
use crate::process::Condition;
use crate::program::Program;
use crate::world::World;

const OLD: usize = 0;
const NEW: usize = 1;

/// A hang or a delay that every timeout has room for, and one that none has.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(8);

/// What befalls an upgrade.
#[derive(Debug, Clone, Copy)]
enum Fault {
    OldDies,
    NewDies,
    OldHangs(Option<Duration>),
    NewHangs(Option<Duration>),
    FramesAreSlow(Duration),
    Garbage(Side),
    Double(Side),
    StopOld,
    StopNew,
    HammerOld,
    HammerNew,
    SecondUpgrade,
    SecondMeeting,
}

const FAULTS: [Fault; 20] = [
    Fault::OldDies,
    Fault::NewDies,
    Fault::OldHangs(None),
    Fault::OldHangs(Some(SHORT)),
    Fault::OldHangs(Some(LONG)),
    Fault::NewHangs(None),
    Fault::NewHangs(Some(SHORT)),
    Fault::NewHangs(Some(LONG)),
    Fault::FramesAreSlow(SHORT),
    Fault::FramesAreSlow(LONG),
    Fault::Garbage(Side::Old),
    Fault::Garbage(Side::New),
    Fault::Double(Side::Old),
    Fault::Double(Side::New),
    Fault::StopOld,
    Fault::StopNew,
    Fault::HammerOld,
    Fault::HammerNew,
    Fault::SecondUpgrade,
    Fault::SecondMeeting,
];

/// How far the upgrade was when it was struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The new process does not have the whole offer.
    Offering,
    /// It has, or will read it before anything else.
    Waiting,
    /// The old process has stopped accepting, and waits for the word that the new one serves.
    TakingOver,
    /// The new process serves; the old one can resume.
    Probation,
    /// The verdict is given.
    Over,
}

/// Who serves in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Survivor {
    Old,
    New,
    Nobody,
    /// The new one if the upgrade was committed, else the old one; nobody if the service was
    /// stopped. The step alone does not say, since something was on its way.
    AsTheVerdictSays,
}

/// How an upgrade has to end that was struck at that moment: the verdict's word, if there is
/// only one that is right, and the survivor.
const fn expected(fault: Fault, moment: Moment) -> (Option<&'static str>, Survivor) {
    use Moment::{Offering, Over, Probation, TakingOver, Waiting};
    use Survivor::{AsTheVerdictSays, New, Nobody, Old};
    const COMMITTED: Option<&str> = Some("committed");
    const ABORTED: Option<&str> = Some("aborted");
    const ROLLED_BACK: Option<&str> = Some("rolled-back");
    match (fault, moment) {
        (Fault::OldDies | Fault::OldHangs(None), Offering) => (None, Nobody),
        (Fault::OldDies | Fault::OldHangs(None), Waiting | TakingOver | Probation | Over) => {
            (None, New)
        }
        (Fault::NewDies | Fault::NewHangs(None), Offering) => (ABORTED, Old),
        // That it is ready may be on its way: then it is rolled back, else aborted.
        (Fault::NewDies | Fault::NewHangs(None | Some(LONG)), Waiting) => (None, Old),
        (Fault::StopNew, Waiting) => (None, Old),
        (Fault::NewDies, TakingOver | Probation) => (ROLLED_BACK, Old),
        (Fault::NewDies | Fault::NewHangs(None), Over) => (COMMITTED, Nobody),
        (Fault::NewHangs(Some(LONG)), Offering) => (ABORTED, Old),
        // Its word that it serves may be on its way.
        (Fault::NewHangs(None | Some(LONG)), TakingOver) => (None, AsTheVerdictSays),
        (Fault::NewHangs(None), Probation) => (COMMITTED, Nobody),
        (Fault::NewHangs(Some(_)), _) => (COMMITTED, New),
        (Fault::OldHangs(Some(LONG)), Offering) => (ABORTED, Old),
        (Fault::OldHangs(Some(_)), _) => (COMMITTED, New),
        (Fault::FramesAreSlow(LONG), Offering) => (ABORTED, Old),
        // What was on its way when it became slow arrives in time.
        (Fault::FramesAreSlow(LONG), Waiting | TakingOver) => (None, AsTheVerdictSays),
        (Fault::FramesAreSlow(_), _) => (COMMITTED, New),
        (Fault::Garbage(_), Offering) => (ABORTED, Old),
        // That it is ready may be on its way, or that it may take over.
        (Fault::Garbage(_), Waiting) => (None, AsTheVerdictSays),
        (Fault::Garbage(_), _) => (COMMITTED, New),
        (Fault::Double(_), Offering) => (None, AsTheVerdictSays),
        (Fault::Double(_), _) => (COMMITTED, New),
        (Fault::StopOld, Offering | Waiting) => (ABORTED, Nobody),
        (Fault::StopOld, TakingOver | Probation | Over) => (COMMITTED, New),
        (Fault::StopNew, Offering) => (ABORTED, Old),
        (Fault::StopNew, TakingOver) => (None, AsTheVerdictSays),
        (Fault::StopNew, Probation | Over) => (COMMITTED, Nobody),
        (Fault::HammerOld | Fault::HammerNew | Fault::SecondUpgrade | Fault::SecondMeeting, _) => {
            (COMMITTED, New)
        }
    }
}

fn moment(world: &World) -> Moment {
    if world.attempts[0].verdict.is_some() {
        return Moment::Over;
    }
    match world.processes[OLD].life.phase() {
        LifePhase::Upgrading(Some(Phase::Spawning | Phase::Greeting)) => Moment::Offering,
        LifePhase::Upgrading(Some(Phase::Starting)) => match world.processes[NEW].new_side() {
            Some(newcomer) if newcomer.started || offer_is_on_its_way(world) => Moment::Waiting,
            _ => Moment::Offering,
        },
        LifePhase::Draining => {
            match world.processes[OLD].upgrade.as_ref().map(|upgrade| upgrade.phase) {
                Some(Phase::Probation) => Moment::Probation,
                _ => Moment::TakingOver,
            }
        }
        other => panic!("an upgrade is open while {other:?}"),
    }
}

fn offer_is_on_its_way(world: &World) -> bool {
    let mut frames = world.channels[0].to(Side::New).iter();
    frames.any(|frame| {
        let message = decode(&frame.bytes, frame.descriptors);
        matches!(message, Ok(Message::OfferEnd { .. }))
    })
}

/// Whose child the new process is.
#[derive(Debug, Clone, Copy)]
enum Kin {
    Child,
    Stranger,
}

fn begin(kin: Kin) -> World {
    let mut world = World::new(&["http", "https"]);
    let asked = match kin {
        Kin::Child => world.upgrade(OLD),
        Kin::Stranger => world.meet(OLD, Program::good()),
    };
    assert_eq!(asked, Ok(0));
    world
}

/// Strikes the world. Says whether there was anything to strike.
fn strike(world: &mut World, fault: Fault, moment: Moment) -> bool {
    let alive = |pid: usize| world.processes.get(pid).is_some_and(|process| process.is_alive());
    let target = match fault {
        Fault::NewDies | Fault::NewHangs(_) | Fault::StopNew | Fault::HammerNew => NEW,
        // Only with a new process to tell from the one that is refused.
        Fault::SecondMeeting if !alive(NEW) => return false,
        _ => OLD,
    };
    if !alive(target) || matches!(fault, Fault::Garbage(_)) && world.channels.is_empty() {
        return false;
    }
    match fault {
        Fault::OldDies | Fault::NewDies => world.strike(target),
        Fault::OldHangs(wait) | Fault::NewHangs(wait) => world.hang(target, wait),
        Fault::FramesAreSlow(latency) => world.delay(latency),
        Fault::Garbage(side) => world.garbage(0, side),
        Fault::Double(side) => world.double(side),
        Fault::StopOld | Fault::StopNew => world.stop(target),
        Fault::HammerOld => hammer_old(world, moment),
        Fault::HammerNew => return hammer_new(world),
        Fault::SecondUpgrade => {
            let refusal = world.upgrade(OLD).expect_err("one at a time");
            assert_refusal(world, refusal, moment);
        }
        Fault::SecondMeeting => {
            let refusal = world.meet(OLD, Program::good()).expect_err("one at a time");
            assert_refusal(world, refusal, moment);
        }
    }
    true
}

fn assert_refusal(world: &World, refusal: Refusal, moment: Moment) {
    match (moment, world.processes[OLD].life.phase()) {
        (Moment::Offering | Moment::Waiting, LifePhase::Upgrading(Some(phase))) => {
            assert_eq!(refusal, Refusal::UpgradeInProgress(phase));
        }
        _ => assert_eq!(refusal, Refusal::Replaced(world.processes[NEW].generation.max(NEXT))),
    }
}

/// The generation of the new process, also while it has not begun.
const NEXT: Generation = Generation::new(2);

fn hammer_old(world: &mut World, moment: Moment) {
    let left = world.processes[OLD].tally().in_flight;
    let told = world.hammer(OLD);
    match moment {
        Moment::Offering | Moment::Waiting => assert_eq!(told, Err(Refusal::NothingDrains)),
        Moment::TakingOver | Moment::Probation | Moment::Over if left > 0 => {
            assert_eq!(told, Ok(1));
            assert_eq!(world.processes[OLD].in_flight, 0, "what was left is cut");
        }
        Moment::TakingOver | Moment::Probation | Moment::Over => {
            assert_eq!(told, Err(Refusal::NothingDrains));
        }
    }
}

/// The new process asks the old one to cut what it has, which it hears in the end.
fn hammer_new(world: &mut World) -> bool {
    if world.processes[NEW].new_side().is_some() || world.processes[NEW].elders.is_empty() {
        return false;
    }
    assert_eq!(world.hammer(NEW), Ok(1));
    world.run_for(Duration::from_millis(2));
    assert_eq!(world.processes[OLD].in_flight, 0, "what was left is cut");
    true
}

fn survivor(world: &World, fault: Fault, survivor: Survivor) -> Option<usize> {
    let committed = world.attempts[0].verdict.as_ref().is_some_and(Verdict::is_committed);
    match survivor {
        Survivor::Old => Some(OLD),
        Survivor::New => Some(NEW),
        Survivor::Nobody => None,
        Survivor::AsTheVerdictSays if !committed => Some(OLD),
        Survivor::AsTheVerdictSays => match fault {
            Fault::StopNew | Fault::NewHangs(None) => None,
            _ => Some(NEW),
        },
    }
}

/// Runs the upgrade to that step, strikes it, and looks how it ends.
fn strike_at(kin: Kin, step: usize, fault: Fault) {
    let mut world = begin(kin);
    world.run_to_step(step);
    let moment = moment(&world);
    if !strike(&mut world, fault, moment) {
        return;
    }
    world.settle();
    // What hangs for good is ended by its operator in the end.
    for pid in 0..world.processes.len() {
        if world.processes[pid].condition == Condition::Hangs {
            world.strike(pid);
            world.settle();
        }
    }
    let (verdict, expected) = expected(fault, moment);
    if let Some(word) = verdict {
        let verdict = world.attempts[0].verdict.as_ref();
        assert_eq!(verdict.map(Verdict::as_str), Some(word), "{moment:?}");
    }
    let expected = survivor(&world, fault, expected);
    assert_eq!(world.look_when_quiet(), expected, "{moment:?}");
    match expected {
        Some(pid) => upgrade_again(&mut world, pid),
        None => assert_eq!(world.alive().count(), 0, "nobody stays behind: {moment:?}"),
    }
}

/// After whatever happened, the next good upgrade commits.
fn upgrade_again(world: &mut World, pid: usize) {
    world.latency = Duration::from_millis(1);
    world.double = None;
    let attempt = world.upgrade(pid).expect("it serves");
    world.settle();
    let verdict = world.attempts[attempt].verdict.as_ref();
    assert_eq!(verdict.map(Verdict::as_str), Some("committed"), "the next good one");
    assert_eq!(world.look_when_quiet(), Some(world.processes.len() - 1));
}

fn strike_everywhere(kin: Kin) {
    let mut good = begin(kin);
    good.settle();
    assert_eq!(good.look_when_quiet(), Some(NEW));
    for step in 0..good.steps {
        for fault in FAULTS {
            let struck = std::panic::catch_unwind(|| strike_at(kin, step, fault));
            assert!(struck.is_ok(), "{fault:?} at step {step} of {}, {kin:?}", good.steps);
        }
    }
}

#[test]
fn a_child_is_struck_by_every_fault_at_every_step() {
    strike_everywhere(Kin::Child);
}

#[test]
fn a_stranger_is_struck_by_every_fault_at_every_step() {
    strike_everywhere(Kin::Stranger);
}
