//! Children are watched, signalled and reaped by pidfd, and nothing of them is left.

use std::fs;
use std::time::Duration;

use crate::support::DEADLINE;
use rekindle_unix::{Child, ExitStatus, Process, Program, Signal, SpawnOptions, spawn};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

fn shell(script: &str) -> Child {
    let mut program = Program::new("/bin/sh").unwrap();
    program.set_arguments(["-c", script]);
    spawn(&program, &SpawnOptions::default()).unwrap()
}

/// A child that runs until it is killed.
fn sleeper() -> Child {
    shell("exec sleep 1000")
}

/// Whether anything of the child `pid` is left to wait for. It is looked at and left there.
fn is_left(pid: u32) -> bool {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(pid), options) {
        Ok(_) => true,
        Err(Errno::CHILD) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_exit_status_is_told_and_the_child_reaped() {
    for code in [0, 3, 255] {
        let mut child = shell(&format!("exit {code}"));
        assert_eq!(
            child.wait_for(DEADLINE).unwrap(),
            Some(ExitStatus::Code(code))
        );
        assert!(!is_left(child.pid()));
    }
}

#[test]
fn a_deadly_signal_is_told_and_the_child_reaped() {
    for signal in [Signal::Kill, Signal::Term, Signal::Quit, Signal::Usr1] {
        let mut child = sleeper();
        child.kill(signal).unwrap();
        let status = child.wait_for(DEADLINE).unwrap().unwrap();
        assert_eq!(status, ExitStatus::Signal(signal.number()));
        assert_eq!(status.to_string(), format!("was killed by {signal}"));
        assert!(!is_left(child.pid()));
    }
}

#[test]
fn a_running_child_has_no_status_yet_and_an_ended_one_keeps_its_own() {
    let mut child = sleeper();
    assert_eq!(child.try_wait().unwrap(), None);
    assert_eq!(child.wait_for(Duration::from_millis(10)).unwrap(), None);
    child.kill(Signal::Kill).unwrap();
    let killed = ExitStatus::Signal(Signal::Kill.number());
    assert_eq!(child.wait().unwrap(), killed);
    assert_eq!(child.try_wait().unwrap(), Some(killed));
    assert_eq!(child.wait().unwrap(), killed);
    assert_eq!(child.wait_for(Duration::ZERO).unwrap(), Some(killed));
}

#[test]
fn the_descriptor_tells_of_the_end_before_the_status_is_taken() {
    let mut child = sleeper();
    let ready = |child: &Child, wait: bool| {
        let timeout = rustix::event::Timespec {
            tv_sec: if wait { 30 } else { 0 },
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(child, PollFlags::IN)], Some(&timeout)).unwrap()
    };
    assert_eq!(ready(&child, false), 0);
    child.kill(Signal::Kill).unwrap();
    assert_eq!(ready(&child, true), 1);
    assert!(is_left(child.pid()), "it waits for us");
    assert!(child.try_wait().unwrap().is_some());
    assert!(!is_left(child.pid()));
}

#[test]
fn a_stopped_child_has_not_ended() {
    let mut child = sleeper();
    child.kill(Signal::Stop).unwrap();
    child.kill(Signal::Cont).unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill(Signal::Kill).unwrap();
    child.wait().unwrap();
}

#[test]
fn a_status_that_somebody_else_took_is_not_known() {
    let mut child = shell("exit 5");
    let pid = Pid::from_raw(child.pid().cast_signed()).unwrap();
    assert!(
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED)
            .unwrap()
            .is_some()
    );
    assert_eq!(child.wait_for(DEADLINE).unwrap(), Some(ExitStatus::Unknown));
    assert_eq!(child.wait().unwrap(), ExitStatus::Unknown);
}

#[test]
fn signalling_a_child_that_has_ended_is_no_error_and_hits_nobody() {
    let mut child = shell("exit 0");
    assert!(child.wait_for(DEADLINE).unwrap().is_some());
    child.kill(Signal::Kill).unwrap();
    assert_eq!(child.try_wait().unwrap(), Some(ExitStatus::Code(0)));
}

#[test]
fn an_ended_child_that_is_dropped_leaves_no_zombie_and_a_running_one_lives_on() {
    let child = shell("exit 0");
    let pid = child.pid();
    assert!(Process::open(pid).unwrap().wait_for(DEADLINE).unwrap());
    assert!(is_left(pid));
    drop(child);
    assert!(!is_left(pid));

    let child = sleeper();
    let process = Process::open(child.pid()).unwrap();
    drop(child);
    assert!(process.is_running().unwrap());
    process.kill(Signal::Kill).unwrap();
    let pid = Pid::from_raw(process.pid().cast_signed()).unwrap();
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).unwrap();
}

#[test]
fn the_descriptor_of_a_child_is_not_inherited() {
    let child = sleeper();
    let number = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&child));
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
    let flags = info
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .unwrap();
    let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
    assert_ne!(flags & libc::O_CLOEXEC, 0);
    let mut child = child;
    child.kill(Signal::Kill).unwrap();
    child.wait().unwrap();
}
