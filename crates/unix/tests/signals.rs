//! Signals arrive as events, and a process can still die by one.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekindle_unix::{Process, Signal, Signals, SignalsError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The helper program, see `tests/helper`.
const HELPER: &str = env!("CARGO_BIN_EXE_rekindle-unix-helper");

/// Signals go to the whole process, so that the tests which send some, or whose
/// children do by ending, take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(signal: Signal) {
    let this = Process::open(std::process::id()).expect("this process runs");
    this.kill(signal).expect("a process may signal itself");
}

/// Waits until a signal arrives, and gives all that have.
fn next(signals: &mut Signals) -> Vec<Signal> {
    loop {
        let timeout = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        let interest = &mut [PollFd::new(&*signals, PollFlags::IN)];
        match poll(interest, Some(&timeout)) {
            Ok(0) => panic!("no signal came"),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
        let pending: Vec<_> = signals.pending().collect();
        if !pending.is_empty() {
            return pending;
        }
    }
}

fn is_ready(signals: &Signals) -> bool {
    let interest = &mut [PollFd::new(signals, PollFlags::IN)];
    poll(
        interest,
        Some(&Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        }),
    )
    .expect("poll")
        > 0
}

#[test]
fn each_signal_that_a_server_reacts_to_arrives_and_does_nothing_else() {
    use Signal::{Chld, Cont, Hup, Int, Quit, Term, Tstp, Ttin, Ttou, Usr1, Usr2, Winch};
    let _turn = turn();
    let all = [
        Hup, Int, Quit, Term, Usr1, Usr2, Tstp, Ttin, Ttou, Chld, Cont, Winch,
    ];
    let mut signals = Signals::new(&all).unwrap();
    for signal in all {
        assert!(!is_ready(&signals));
        send(signal);
        assert_eq!(next(&mut signals), [signal]);
    }
}

#[test]
fn several_are_told_each_once() {
    let _turn = turn();
    let mut signals = Signals::new(&[Signal::Usr1, Signal::Usr2, Signal::Usr1]).unwrap();
    for _ in 0..10 {
        send(Signal::Usr1);
        send(Signal::Usr2);
    }
    let mut seen = next(&mut signals);
    // The system may deliver the last ones a moment later.
    while seen.len() < 2 {
        seen.extend(next(&mut signals));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, [Signal::Usr1, Signal::Usr2]);
}

#[test]
fn two_sets_each_get_their_signals() {
    let _turn = turn();
    let mut first = Signals::new(&[Signal::Usr1, Signal::Usr2]).unwrap();
    let mut second = Signals::new(&[Signal::Usr2]).unwrap();
    send(Signal::Usr2);
    assert_eq!(next(&mut first), [Signal::Usr2]);
    assert_eq!(next(&mut second), [Signal::Usr2]);
    send(Signal::Usr1);
    assert_eq!(next(&mut first), [Signal::Usr1]);
    assert_eq!(second.pending().count(), 0);
}

#[test]
fn a_dropped_set_swallows_its_signals_and_closes_its_descriptors() {
    let _turn = turn();
    let mut kept = Signals::new(&[Signal::Usr1]).unwrap();
    for _ in 0..2_000 {
        // Two descriptors each: kept, they would pass any common limit.
        drop(Signals::new(&[Signal::Term]).unwrap());
    }
    send(Signal::Term);
    send(Signal::Usr1);
    assert_eq!(next(&mut kept), [Signal::Usr1], "and this process lives");
}

#[test]
fn what_no_program_can_handle_is_refused_before_anything_is_done() {
    for signal in Signal::ALL
        .into_iter()
        .filter(|signal| !signal.can_be_handled())
    {
        let error = Signals::new(&[Signal::Usr1, signal]).unwrap_err();
        assert!(
            matches!(error, SignalsError::Unhandleable { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(signal.name()), "{error}");
    }
}

#[test]
fn a_process_dies_by_the_signal_that_it_handles() {
    let _turn = turn();
    for signal in [Signal::Term, Signal::Int, Signal::Hup, Signal::Usr2] {
        let status = Command::new(HELPER)
            .args(["die", signal.name()])
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(signal.number()), "{status}");
    }
}

#[test]
fn a_signal_that_ends_no_process_ends_it_by_a_status() {
    let _turn = turn();
    for signal in [Signal::Tstp, Signal::Chld, Signal::Winch] {
        let status = Command::new(HELPER)
            .args(["die", signal.name()])
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(128 + signal.number()), "{status}");
    }
}
