//! `Signal`: the name and number of a standard signal.
//!
//! Owns the names, and which signals a program may handle. Refuses real-time signals (an exit
//! status can carry their numbers, nothing here sends or receives them) and delivery, which is
//! `signals`.

use std::fmt;
use std::str::FromStr;

use rustix::process::Signal as RawSignal;
use thiserror::Error;

/// A standard signal, as in signal(7).
///
/// Parses from `SIGHUP`, `HUP` or `hup`, and prints as `SIGHUP`.
///
/// ```
/// use rekindle_unix::Signal;
///
/// let signal: Signal = "hup".parse()?;
/// assert_eq!(signal, Signal::Hup);
/// assert_eq!(signal.to_string(), "SIGHUP");
/// # Ok::<(), rekindle_unix::SignalParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(i32)]
pub enum Signal {
    /// `SIGHUP`: the terminal went away; for a daemon by custom: reload.
    Hup = libc::SIGHUP,
    /// `SIGINT`: Ctrl-C.
    Int = libc::SIGINT,
    /// `SIGQUIT`: Ctrl-\\.
    Quit = libc::SIGQUIT,
    /// `SIGILL`: an illegal instruction.
    Ill = libc::SIGILL,
    /// `SIGTRAP`: a trap of a debugger.
    Trap = libc::SIGTRAP,
    /// `SIGABRT`: the program gave up by abort(3).
    Abrt = libc::SIGABRT,
    /// `SIGBUS`: an access to memory that is not there.
    Bus = libc::SIGBUS,
    /// `SIGFPE`: an arithmetic fault.
    Fpe = libc::SIGFPE,
    /// `SIGKILL`: the end, which no program can refuse.
    Kill = libc::SIGKILL,
    /// `SIGUSR1`: free for the program's use.
    Usr1 = libc::SIGUSR1,
    /// `SIGSEGV`: an access to memory that is not allowed.
    Segv = libc::SIGSEGV,
    /// `SIGUSR2`: free for the program's use.
    Usr2 = libc::SIGUSR2,
    /// `SIGPIPE`: a write that nobody will read.
    Pipe = libc::SIGPIPE,
    /// `SIGALRM`: a timer of alarm(2).
    Alrm = libc::SIGALRM,
    /// `SIGTERM`: please end.
    Term = libc::SIGTERM,
    /// `SIGCHLD`: a child has ended or stopped.
    Chld = libc::SIGCHLD,
    /// `SIGCONT`: go on after a stop.
    Cont = libc::SIGCONT,
    /// `SIGSTOP`: the stop that no program can refuse.
    Stop = libc::SIGSTOP,
    /// `SIGTSTP`: Ctrl-Z.
    Tstp = libc::SIGTSTP,
    /// `SIGTTIN`: a read from the terminal in the background.
    Ttin = libc::SIGTTIN,
    /// `SIGTTOU`: a write to the terminal in the background.
    Ttou = libc::SIGTTOU,
    /// `SIGURG`: out-of-band data on a socket.
    Urg = libc::SIGURG,
    /// `SIGXCPU`: the limit of processor time.
    Xcpu = libc::SIGXCPU,
    /// `SIGXFSZ`: the limit of file size.
    Xfsz = libc::SIGXFSZ,
    /// `SIGVTALRM`: a timer of virtual time.
    Vtalrm = libc::SIGVTALRM,
    /// `SIGPROF`: a timer of profiling.
    Prof = libc::SIGPROF,
    /// `SIGWINCH`: the terminal's size changed.
    Winch = libc::SIGWINCH,
    /// `SIGIO`: a descriptor is ready.
    Io = libc::SIGIO,
    /// `SIGPWR`: the power fails.
    Pwr = libc::SIGPWR,
    /// `SIGSYS`: a system call that is not allowed.
    Sys = libc::SIGSYS,
}

impl Signal {
    /// Every signal that there is a name for.
    pub const ALL: [Signal; 30] = [
        Signal::Hup,
        Signal::Int,
        Signal::Quit,
        Signal::Ill,
        Signal::Trap,
        Signal::Abrt,
        Signal::Bus,
        Signal::Fpe,
        Signal::Kill,
        Signal::Usr1,
        Signal::Segv,
        Signal::Usr2,
        Signal::Pipe,
        Signal::Alrm,
        Signal::Term,
        Signal::Chld,
        Signal::Cont,
        Signal::Stop,
        Signal::Tstp,
        Signal::Ttin,
        Signal::Ttou,
        Signal::Urg,
        Signal::Xcpu,
        Signal::Xfsz,
        Signal::Vtalrm,
        Signal::Prof,
        Signal::Winch,
        Signal::Io,
        Signal::Pwr,
        Signal::Sys,
    ];

    /// The system's number for it, which differs between processor architectures.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The signal with the system's number `number`, if it is a standard one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| signal.number() == number)
    }

    /// Its full name, such as `SIGHUP`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Hup => "SIGHUP",
            Signal::Int => "SIGINT",
            Signal::Quit => "SIGQUIT",
            Signal::Ill => "SIGILL",
            Signal::Trap => "SIGTRAP",
            Signal::Abrt => "SIGABRT",
            Signal::Bus => "SIGBUS",
            Signal::Fpe => "SIGFPE",
            Signal::Kill => "SIGKILL",
            Signal::Usr1 => "SIGUSR1",
            Signal::Segv => "SIGSEGV",
            Signal::Usr2 => "SIGUSR2",
            Signal::Pipe => "SIGPIPE",
            Signal::Alrm => "SIGALRM",
            Signal::Term => "SIGTERM",
            Signal::Chld => "SIGCHLD",
            Signal::Cont => "SIGCONT",
            Signal::Stop => "SIGSTOP",
            Signal::Tstp => "SIGTSTP",
            Signal::Ttin => "SIGTTIN",
            Signal::Ttou => "SIGTTOU",
            Signal::Urg => "SIGURG",
            Signal::Xcpu => "SIGXCPU",
            Signal::Xfsz => "SIGXFSZ",
            Signal::Vtalrm => "SIGVTALRM",
            Signal::Prof => "SIGPROF",
            Signal::Winch => "SIGWINCH",
            Signal::Io => "SIGIO",
            Signal::Pwr => "SIGPWR",
            Signal::Sys => "SIGSYS",
        }
    }

    /// Whether a program may handle it as an event.
    ///
    /// Not `SIGKILL` and `SIGSTOP`, which the kernel keeps to itself, and not the three that
    /// report a fault of the running instruction: to come back from their handler is to run the
    /// same instruction again, for ever.
    #[must_use]
    pub const fn can_be_handled(self) -> bool {
        !matches!(self, Signal::Kill | Signal::Stop | Signal::Ill | Signal::Fpe | Signal::Segv)
    }

    /// Whether its default action ends the process.
    pub(crate) const fn ends_by_default(self) -> bool {
        !matches!(
            self,
            Signal::Chld
                | Signal::Cont
                | Signal::Stop
                | Signal::Tstp
                | Signal::Ttin
                | Signal::Ttou
                | Signal::Urg
                | Signal::Winch
        )
    }

    /// The same signal as the system call layer names it.
    pub(crate) fn to_raw(self) -> RawSignal {
        RawSignal::from_named_raw(self.number()).expect("each variant is a standard signal")
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Signal {
    type Err = SignalParseError;

    fn from_str(text: &str) -> Result<Signal, SignalParseError> {
        let short = text.get(..3).filter(|start| start.eq_ignore_ascii_case("SIG"));
        let name = short.map_or(text, |start| &text[start.len()..]);
        Signal::ALL
            .into_iter()
            .find(|signal| signal.name()[3..].eq_ignore_ascii_case(name))
            .ok_or_else(|| SignalParseError { text: text.chars().take(SHOWN_LIMIT).collect() })
    }
}

/// How many characters of a text that is no signal an error shows.
const SHOWN_LIMIT: usize = 32;

/// Why a text is not the name of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read `{text}` as a signal: write a name such as `HUP` or `SIGHUP`")]
pub struct SignalParseError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_read_from_each_spelling_of_its_name() {
        for signal in Signal::ALL {
            let name = signal.to_string();
            assert_eq!(name.parse(), Ok(signal));
            assert_eq!(name[3..].parse(), Ok(signal));
            assert_eq!(name.to_lowercase().parse(), Ok(signal));
            assert_eq!(name[3..].to_lowercase().parse(), Ok(signal));
        }
    }

    #[test]
    fn every_signal_has_a_number_of_its_own_and_is_found_by_it() {
        for signal in Signal::ALL {
            assert_eq!(Signal::from_number(signal.number()), Some(signal));
            assert_eq!(signal.to_raw().as_raw(), signal.number());
        }
        assert_eq!(Signal::from_number(0), None);
        assert_eq!(Signal::from_number(-1), None);
        assert_eq!(Signal::from_number(libc::SIGRTMIN()), None);
    }

    #[test]
    fn names_agree_with_those_of_another_table() {
        for signal in Signal::ALL {
            if let Some(name) = signal_hook::low_level::signal_name(signal.number()) {
                assert_eq!(signal.name(), name);
            }
        }
    }

    #[test]
    fn a_signal_that_cannot_be_handled_says_so() {
        for signal in Signal::ALL {
            let forbidden = signal_hook::consts::FORBIDDEN.contains(&signal.number());
            assert_eq!(signal.can_be_handled(), !forbidden, "{signal}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused_by_name() {
        for text in ["", "SIG", "sig", "HUPP", "SIGSIGHUP", "1", " HUP", "héup", "SI"] {
            let error = text.parse::<Signal>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn an_error_shows_no_more_than_the_start_of_a_long_text() {
        let error = "x".repeat(10_000).parse::<Signal>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }

    #[test]
    fn display_honours_a_width() {
        assert_eq!(format!("{:>8}|{:<8}|", Signal::Hup, Signal::Int), "  SIGHUP|SIGINT  |");
    }
}
