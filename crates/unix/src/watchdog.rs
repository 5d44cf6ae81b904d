//! Whether systemd watches this process, and how often it wants to hear of it.
//!
//! Owns the protocol of sd_watchdog_enabled(3). Refuses to send anything, which is `notify`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use thiserror::Error;

/// The variable with the interval in microseconds.
const WATCHDOG_INTERVAL_VARIABLE: &str = "WATCHDOG_USEC";

/// The variable with the pid of the one process that is watched.
pub(crate) const WATCHDOG_PID_VARIABLE: &str = "WATCHDOG_PID";

/// The time after which systemd takes this process for hung if it has not sent
/// [`NotifyState::Watchdog`](crate::NotifyState::Watchdog), or `None` if it does not watch. To send
/// twice in that time is the advice of sd_watchdog_enabled(3).
///
/// The variables stay in the environment for the next generation.
///
/// # Errors
///
/// [`WatchdogError`] if the variables are there and make no sense.
pub fn watchdog_interval() -> Result<Option<Duration>, WatchdogError> {
    let interval = env::var_os(WATCHDOG_INTERVAL_VARIABLE);
    let pid = env::var_os(WATCHDOG_PID_VARIABLE);
    parse(interval.as_deref(), pid.as_deref(), std::process::id())
}

fn parse(
    interval: Option<&OsStr>,
    pid: Option<&OsStr>,
    own_pid: u32,
) -> Result<Option<Duration>, WatchdogError> {
    let Some(interval) = interval else {
        return Ok(None);
    };
    let watched = match pid {
        None => own_pid,
        Some(text) => number(text)
            .ok_or_else(|| WatchdogError { name: WATCHDOG_PID_VARIABLE, value: text.to_owned() })?,
    };
    match number::<u64>(interval) {
        None | Some(0) | Some(u64::MAX) => {
            Err(WatchdogError { name: WATCHDOG_INTERVAL_VARIABLE, value: interval.to_owned() })
        }
        Some(_) if watched != own_pid => Ok(None),
        Some(microseconds) => Ok(Some(Duration::from_micros(microseconds))),
    }
}

fn number<T: std::str::FromStr>(text: &OsStr) -> Option<T> {
    text.to_str()?.parse().ok()
}

/// A watchdog variable that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read the environment variable `{name}`: `{}` is not a sensible number", value.display())]
pub struct WatchdogError {
    name: &'static str,
    value: OsString,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(interval: &str, pid: Option<&str>) -> Result<Option<Duration>, WatchdogError> {
        parse(Some(OsStr::new(interval)), pid.map(OsStr::new), 77)
    }

    #[test]
    fn nobody_watches_without_an_interval() {
        assert_eq!(parse(None, None, 77), Ok(None));
        assert_eq!(parse(None, Some(OsStr::new("77")), 77), Ok(None));
    }

    #[test]
    fn the_interval_counts_for_the_watched_process_or_for_whoever_reads_it() {
        let half_a_second = Ok(Some(Duration::from_millis(500)));
        assert_eq!(parsed("500000", Some("77")), half_a_second);
        assert_eq!(parsed("500000", None), half_a_second);
        assert_eq!(parsed("500000", Some("78")), Ok(None));
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for interval in ["", "0", "-1", "1s", " 1", "18446744073709551615", "18446744073709551616"]
        {
            let error = parsed(interval, None).unwrap_err().to_string();
            assert!(error.contains(&format!("`{interval}`")), "{error}");
            assert!(error.contains("WATCHDOG_USEC"), "{error}");
        }
        for pid in ["", "me", "-77", "4294967296"] {
            let error = parsed("1", Some(pid)).unwrap_err().to_string();
            assert!(error.contains("WATCHDOG_PID"), "{error}");
        }
    }
}
