//! The arguments of the verbs for a running service.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rekindle::Signal;

/// Which service
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhomArguments {
    /// Its control socket: knows everything, and gives the verdict of an upgrade with its reason
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// Its pid file, for programs without a control socket: knows which process it names, no more
    #[arg(long, value_name = "PATH")]
    pub(crate) pid_file: Option<PathBuf>,
}

const STATUS_HELP: &str = "\
Examples:
  rekindle status --control app.sock
  rekindle status --control app.sock --json | jq .in_flight
  rekindle status --pid-file app.pid

By --control: pid, generation, phase, build, uptime, what is in flight, listeners, older generations
that still drain, and the last upgrade that came to nothing.
By --pid-file: whether the process that the file names runs, and since when. Not whether it serves,
nor whether it is the program that wrote the file: after a restart of the machine, a left-over file
may name a stranger.";

/// Tell what a service is and what it does
#[derive(Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) whom: WhomArguments,

    /// How long to wait for the answer
    #[arg(
        long, value_name = "TIME", default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
}

const UPGRADE_HELP: &str = "\
Examples:
  rekindle upgrade --control app.sock
  rekindle upgrade --control app.sock --wait committed
  rekindle upgrade --control app.sock -- --config new.toml
  rekindle upgrade --pid-file app.pid --signal USR2 --timeout 2min

By --control: the phases as they happen, then the verdict with its reason: committed (exit status
0), aborted (5: the old process never stopped serving) or rolled back (6: the new one died in its
probation, the old one serves again).
By --pid-file: sends the signal and waits until the file names another process that runs (exit
status 0). It cannot know why a file does not change, whether the new process is ready beyond what
its program means by writing the file, nor whether it is rolled back later.";

/// Replace a service by its next version
#[derive(Debug, Args)]
#[command(after_help = UPGRADE_HELP)]
pub(crate) struct UpgradeArguments {
    #[command(flatten)]
    pub(crate) whom: WhomArguments,

    /// Which news ends the waiting (with --control) [default: confirmed]
    #[arg(long, value_name = "NEWS", conflicts_with = "pid_file")]
    pub(crate) wait: Option<UntilArgument>,

    /// The signal that upgrades (with --pid-file) [default: HUP]
    #[arg(long, conflicts_with = "control")]
    pub(crate) signal: Option<Signal>,

    /// How long to wait [default: 60s with --pid-file; with --control until the verdict, since the
    /// service has time limits of its own]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,

    /// Arguments for the new process, instead of those of the old one (with --control)
    #[arg(last = true, value_name = "ARGUMENT", conflicts_with = "pid_file")]
    pub(crate) arguments: Vec<String>,
}

/// Which news ends the waiting for an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UntilArgument {
    /// The new process serves; it may still be rolled back
    Committed,
    /// The new process lived through its probation
    Confirmed,
}

const STOP_HELP: &str = "\
Examples:
  rekindle stop --control app.sock
  rekindle stop --pid-file app.pid --timeout 5s || kill -9 $(cat app.pid)

Waits until the process has ended, so that its address and its files are free.
By --control: tells what is finished first, and what was cut at the drain deadline (exit status 1).
Asked a second time, or by a second SIGTERM, the service stops at once and cuts what it has.
By --pid-file: sends SIGTERM and waits. It cannot know what the process still does, or cut.";

/// Let a service finish what it has, and end
#[derive(Debug, Args)]
#[command(after_help = STOP_HELP)]
pub(crate) struct StopArguments {
    #[command(flatten)]
    pub(crate) whom: WhomArguments,

    /// How long to wait; the service goes on stopping after that
    #[arg(
        long, value_name = "TIME", default_value = "90s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
}

const HAMMER_HELP: &str = "\
Example:
  rekindle hammer --control app.sock

What is cut are connections of older generations that still drain. Clients notice. A service of
which nothing drains refuses (exit status 4).";

/// Cut what still drains
#[derive(Debug, Args)]
#[command(after_help = HAMMER_HELP)]
pub(crate) struct HammerArguments {
    /// The control socket of the service
    #[arg(long, value_name = "PATH")]
    pub(crate) control: PathBuf,

    /// How long to wait for the answer
    #[arg(
        long, value_name = "TIME", default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) timeout: Duration,
}
