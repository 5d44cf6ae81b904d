//! How the server is restarted, and how often.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, value_parser};
use rekindle_prove::restart::SignalName;

use super::recognise::RecogniseArgument;

/// How the server is restarted, and how often.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Restarts",
    group = ArgGroup::new("way").args(["restart", "signal", "control"]).multiple(false),
    group = ArgGroup::new("process").args(["pid_file", "pid"]).multiple(false)
)]
pub(crate) struct RestartArguments {
    /// A shell command that restarts the server, as in 'systemctl reload nginx'
    // A group that is required is not, for clap, where it would conflict: each conflict is named.
    #[arg(long, value_name = "COMMAND", conflicts_with = "process")]
    pub(crate) restart: Option<String>,

    /// A signal that restarts it, such as HUP; to --pid-file or --pid
    #[arg(long, value_name = "NAME", requires = "process")]
    pub(crate) signal: Option<SignalName>,

    /// Its pid file, read anew for each restart
    #[arg(long, value_name = "PATH", requires = "signal")]
    pub(crate) pid_file: Option<PathBuf>,

    /// Its pid, if that never changes
    #[arg(
        long, value_name = "NUMBER", requires = "signal",
        value_parser = value_parser!(u32).range(1..)
    )]
    pub(crate) pid: Option<u32>,

    /// The control socket of a service built with rekindle
    #[arg(long, value_name = "PATH", conflicts_with = "process")]
    pub(crate) control: Option<PathBuf>,

    /// How often it is restarted [default: 10]
    #[arg(
        long, value_name = "NUMBER", requires = "way",
        value_parser = value_parser!(u32).range(1..=10_000)
    )]
    pub(crate) restarts: Option<u32>,

    /// From one restart to the next [default: 1s]
    #[arg(
        long, value_name = "TIME", requires = "way",
        value_parser = humantime::parse_duration
    )]
    pub(crate) every: Option<Duration>,

    /// How long the load runs before the first restart and after the last [default: that of
    /// --every]
    #[arg(
        long, value_name = "TIME", requires = "way",
        value_parser = humantime::parse_duration
    )]
    pub(crate) lead: Option<Duration>,

    /// Within which time a new process must be seen [default: until the next restart, 5s at least]
    #[arg(
        long, value_name = "TIME", requires = "way",
        value_parser = humantime::parse_duration
    )]
    pub(crate) settle: Option<Duration>,

    /// How long one restart may take to be asked for, by --control or --restart, whose command is
    /// killed then [default: 60s]
    #[arg(
        long, value_name = "TIME", requires = "way", conflicts_with = "signal",
        value_parser = humantime::parse_duration
    )]
    pub(crate) restart_timeout: Option<Duration>,

    /// Without a way to restart it: how long the load runs [default: 10s]
    #[arg(
        long, value_name = "TIME",
        conflicts_with_all = [
            "way", "process", "restarts", "every", "lead", "settle", "restart_timeout",
        ],
        value_parser = humantime::parse_duration
    )]
    pub(crate) duration: Option<Duration>,

    /// How a new process is told from the old: auto, header:NAME, body:REGEX, proc, or off
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(crate) recognise: RecogniseArgument,
}
