//! The options that all examples have. Refuses those that only one has.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rekindle::Builder;

/// How a service is set up, from the command line.
#[derive(Debug, Clone, Args)]
pub struct ServiceOptions {
    /// Keep the id of the process that serves in this file, and let no second instance start
    #[arg(long, value_name = "PATH")]
    pub pid_file: Option<PathBuf>,

    /// Take requests for status, upgrade and stop on this Unix socket
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// How long a replaced process stays able to resume, in case its successor dies
    #[arg(long, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = humantime::parse_duration)]
    pub probation: Duration,

    /// How long a process that leaves may take to finish what it has, before that is cut
    #[arg(long, value_name = "TIME", default_value = "60s")]
    #[arg(value_parser = humantime::parse_duration)]
    pub drain_timeout: Duration,
}

impl ServiceOptions {
    /// A builder with these settings.
    pub fn builder(&self) -> Builder {
        let mut builder = rekindle::blocking::Service::builder()
            .build(env!("CARGO_PKG_VERSION"))
            .probation(self.probation)
            .drain_timeout(self.drain_timeout);
        if let Some(path) = &self.pid_file {
            builder = builder.pid_file(path);
        }
        if let Some(path) = &self.control {
            builder = builder.control(path);
        }
        builder
    }
}

/// Reads a time such as `6s` or `500ms` that is not zero: sockets take no timeout of zero.
///
/// # Errors
///
/// If it is none, or zero.
pub fn positive_duration(text: &str) -> Result<Duration, DurationError> {
    match humantime::parse_duration(text)? {
        Duration::ZERO => Err(DurationError::Zero),
        duration => Ok(duration),
    }
}

/// Why a text is no positive duration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It is no duration at all.
    #[error(transparent)]
    NotADuration(#[from] humantime::DurationError),
    /// It is zero.
    #[error("zero would time out before anything happens; give at least `1ms`")]
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_and_is_not_zero() {
        assert_eq!(positive_duration("1s 500ms").unwrap(), Duration::from_millis(1_500));
        assert!(matches!(positive_duration("0s"), Err(DurationError::Zero)));
        assert!(matches!(positive_duration("6"), Err(DurationError::NotADuration(_))));
    }
}
