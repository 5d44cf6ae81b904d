//! `State`: what a service tells its manager.
//!
//! Owns the text of sd_notify(3). Refuses to send it, which is `notify`.

use std::fmt::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// One thing to tell the service manager, by the words of sd_notify(3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// `READY=1`: the service has started, or has finished reloading.
    Ready,
    /// `RELOADING=1`, with the `MONOTONIC_USEC` that `Type=notify-reload` asks for: the time at
    /// which it is sent. [`State::Ready`] must follow.
    Reloading,
    /// `STOPPING=1`: the service is about to end.
    Stopping,
    /// `STATUS=`: one line for people. Line breaks and other control characters become blanks: a
    /// text from outside must not be able to add an assignment of its own.
    Status(String),
    /// `MAINPID=`: from now on this process is the main one. With `NotifyAccess=main`, which is
    /// the default, it is heard from the old main process only.
    MainPid(u32),
    /// `EXTEND_TIMEOUT_USEC=`: the timeout of the start, reload or stop under way shall end no
    /// earlier than this from now.
    ExtendTimeout(Duration),
    /// `WATCHDOG=1`: still alive. See [`watchdog_interval`](crate::watchdog_interval).
    Watchdog,
    /// `ERRNO=`: the error number that stopped the service.
    Errno(i32),
}

impl State {
    /// The message for several states, sent as one.
    pub(crate) fn message(states: &[State]) -> String {
        let mut message = String::new();
        for state in states {
            state.append_to(&mut message);
        }
        message
    }

    fn append_to(&self, message: &mut String) {
        let result = match self {
            State::Ready => writeln!(message, "READY=1"),
            State::Reloading => {
                writeln!(
                    message,
                    "RELOADING=1\nMONOTONIC_USEC={}",
                    monotonic_now().as_micros()
                )
            }
            State::Stopping => writeln!(message, "STOPPING=1"),
            State::Status(text) => writeln!(message, "STATUS={}", text.replace(is_control, " ")),
            State::MainPid(pid) => writeln!(message, "MAINPID={pid}"),
            State::ExtendTimeout(time) => {
                writeln!(message, "EXTEND_TIMEOUT_USEC={}", time.as_micros())
            }
            State::Watchdog => writeln!(message, "WATCHDOG=1"),
            State::Errno(number) => writeln!(message, "ERRNO={number}"),
        };
        result.expect("writing to a string cannot fail");
    }
}

fn is_control(character: char) -> bool {
    character.is_control()
}

/// The clock that systemd compares with: CLOCK_MONOTONIC.
fn monotonic_now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::try_from(now).expect("the monotonic clock begins at zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_words() {
        let words = [
            (State::Ready, "READY=1\n"),
            (State::Stopping, "STOPPING=1\n"),
            (State::Status("serving 3".into()), "STATUS=serving 3\n"),
            (State::MainPid(77), "MAINPID=77\n"),
            (
                State::ExtendTimeout(Duration::from_millis(1_500)),
                "EXTEND_TIMEOUT_USEC=1500000\n",
            ),
            (State::Watchdog, "WATCHDOG=1\n"),
            (State::Errno(2), "ERRNO=2\n"),
        ];
        for (state, text) in words {
            assert_eq!(State::message(&[state]), text);
        }
    }

    #[test]
    fn several_states_are_one_message_in_their_order() {
        let message = State::message(&[State::MainPid(5), State::Ready, State::Status("x".into())]);
        assert_eq!(message, "MAINPID=5\nREADY=1\nSTATUS=x\n");
        assert_eq!(State::message(&[]), "");
    }

    #[test]
    fn reloading_tells_the_time_of_the_monotonic_clock() {
        let before = monotonic_now().as_micros();
        let message = State::message(&[State::Reloading]);
        let after = monotonic_now().as_micros();
        let time = message
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        let time: u128 = time.strip_suffix('\n').unwrap().parse().unwrap();
        assert!((before..=after).contains(&time));
        assert!(time > 0);
    }

    #[test]
    fn a_status_cannot_smuggle_in_an_assignment() {
        let text = "a\nMAINPID=1\r\0\u{85}b\u{7f}";
        let message = State::message(&[State::Status(text.into())]);
        assert_eq!(message, "STATUS=a MAINPID=1   b \n");
    }
}
