//! Connections that move: what becomes of them when either side dies or hangs, in worlds made for
//! that.

use std::time::Duration;

use rekindle_core::Verdict;

use crate::channel::Side;
use crate::moving::{Connection, Fate};
use crate::program::{Conduct, Program};
use crate::world::{Pid, World};

const OLD: Pid = 0;
const NEW: Pid = 1;

/// A world in which the connections of a process fall idle all the time while it drains.
fn busy() -> World {
    let mut world = World::new(&["http"]).without_kept();
    world.kept = (0..7).map(|number| Duration::from_millis(number * 13)).collect();
    world.accept_kept(OLD);
    world
}

/// The connections that a process serves.
fn served(world: &World, pid: Pid) -> usize {
    world.processes[pid].connections.len()
}

#[test]
fn all_that_can_move_moves_and_no_client_is_told_anything() {
    let mut world = busy();
    world.upgrade(OLD).expect("it serves");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(NEW));
    assert_eq!((world.moved, world.given_back), (7, 0));
    assert_eq!(served(&world, NEW), 14, "its own as well");
    assert!(world.fates.iter().all(|fate| *fate == Fate::Kept));
}

#[test]
fn they_move_on_from_generation_to_generation() {
    let mut world = busy();
    for newest in 0..5 {
        world.upgrade(newest).expect("it serves");
        world.run_for(Duration::from_millis(700));
    }
    world.settle();
    let refused = world.fates.iter().filter(|fate| **fate == Fate::Over).count();
    let newest = world.look_when_quiet().expect("it serves");
    assert_eq!(served(&world, newest), 7 * 6 - refused, "but for those that nobody takes");
    assert_eq!(refused, (0..7 * 5).filter(|connection| connection % 9 == 8).count());
}

/// What there was when a process was killed.
struct Moment {
    served: usize,
    /// What was under way to the new process.
    sent: Vec<Connection>,
}

/// Plays an upgrade again and again, and kills a process at each step of it.
fn kill_at_every_step(whom: Pid, mut judge: impl FnMut(&World, Moment)) {
    let mut good = busy();
    good.upgrade(OLD).expect("it serves");
    good.settle();
    for step in 0..good.steps {
        let mut world = busy();
        world.upgrade(OLD).expect("it serves");
        world.run_to_step(step);
        if !world.processes.get(whom).is_some_and(|process| process.is_alive()) {
            continue;
        }
        let frames = world.channels.first().into_iter().flat_map(|it| it.to(Side::New));
        let sent = frames.flat_map(|frame| frame.connections.clone()).collect();
        let moment = Moment { served: served(&world, whom), sent };
        world.strike(whom);
        world.settle();
        judge(&world, moment);
    }
}

#[test]
fn a_new_process_that_dies_takes_nothing_with_it_but_what_it_had_taken() {
    kill_at_every_step(NEW, |world, moment| {
        let loose = world.fates.iter().filter(|fate| **fate == Fate::Loose).count();
        assert_eq!(loose, moment.served);
    });
}

#[test]
fn what_an_old_process_had_sent_when_it_died_is_the_new_ones() {
    let mut sent = 0;
    kill_at_every_step(OLD, |world, moment| {
        assert_eq!(world.look_when_quiet().is_none(), world.watch.over);
        for connection in moment.sent {
            assert!(world.processes[NEW].connections.contains(&connection), "{connection}");
            sent += 1;
        }
    });
    assert!(sent > 0, "nothing was under way at any step");
}

/// The second process resumes when the third dies. Whatever the first one had sent to the third is
/// the second one's then.
#[test]
fn what_a_dead_reader_had_not_taken_is_sent_again() {
    let (mut again, mut rolled_back) = (0, 0);
    for wait_ms in 300..420 {
        let mut world = busy();
        world.kept = (0..60).map(|number| Duration::from_millis(number * 17)).collect();
        world.accept_kept(OLD);
        world.upgrade(OLD).expect("it serves");
        world.run_for(Duration::from_millis(330));
        let third = world.upgrade(NEW).expect("it serves");
        world.run_for(Duration::from_millis(wait_ms));
        let (had, moved) = (served(&world, 2), world.moved);
        world.strike(2);
        world.settle();
        assert_eq!(world.look_when_quiet(), Some(NEW), "after {wait_ms} ms");
        let loose = world.fates.iter().filter(|fate| **fate == Fate::Loose).count();
        assert_eq!(loose, had);
        again += world.moved - moved;
        let verdict = world.attempts[third].verdict.as_ref().map(Verdict::as_str);
        rolled_back += usize::from(verdict == Some("rolled-back"));
    }
    assert!(again > 0, "nothing moved to the one that resumed");
    assert!(rolled_back > 50, "it was rolled back only {rolled_back} times");
}

/// The third process serves and never says so. When it is rolled back, the second one reads again
/// what the first one sends: the third must not, even before it hears of that.
#[test]
fn one_that_nobody_has_heard_of_reads_nothing_of_what_older_ones_send() {
    let mut world = World::new(&["http"]).without_kept();
    world.upgrade(OLD).expect("it serves");
    world.run_for(Duration::from_millis(330));
    world.meet(NEW, Program::that(Conduct::NeverSaysThatItServes)).expect("it serves");
    // It is rolled back after its start and the five seconds that a take-over may need.
    world.kept = (5_290..5_330).map(Duration::from_millis).collect();
    world.accept_kept(OLD);
    world.await_idleness(OLD);
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.moved, 0, "the second one does not read now, and the third not yet");
    world.settle();
    assert_eq!(world.look_when_quiet(), Some(NEW));
    assert!(world.moved > 30, "only {} moved", world.moved);
    assert_eq!(world.watch.late_rollbacks, 1);
}

#[test]
fn nothing_is_taken_twice_if_a_frame_comes_twice() {
    for side in [Side::Old, Side::New] {
        let mut good = busy();
        good.upgrade(OLD).expect("it serves");
        good.settle();
        for step in 0..good.steps {
            let mut world = busy();
            world.upgrade(OLD).expect("it serves");
            world.run_to_step(step);
            world.double(side);
            world.settle();
            world.look_when_quiet();
        }
    }
}
