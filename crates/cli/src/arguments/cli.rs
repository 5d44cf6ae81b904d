//! The command line as a whole.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _, Parser, Subcommand};

use super::demo::DemoArguments;
use super::demo_server::DemoServerArguments;
use super::prove::ProveArguments;
use super::service::{HammerArguments, StatusArguments, StopArguments, UpgradeArguments};
use crate::exit_status::ExitStatus;

const EXAMPLES: &str = "\
Examples:
  rekindle demo                            five upgrades under load: what did clients notice?
  rekindle prove http://127.0.0.1/ --restart 'nginx -s reload'      the same for any server
  rekindle status  --control app.sock      what is that service, and what does it do?
  rekindle upgrade --control app.sock      replace it by its next version, and see how it goes
  rekindle upgrade --pid-file app.pid      the same for a program without a control socket
  rekindle stop    --control app.sock      let it finish what it has, and end";

/// Replace a running network server by its next version, and no client notices.
#[derive(Debug, Parser)]
#[command(name = "rekindle", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// Answer with JSON, one object a line, and nothing else on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(DemoArguments),
    Prove(Box<ProveArguments>),
    Status(StatusArguments),
    Upgrade(UpgradeArguments),
    Stop(StopArguments),
    Hammer(HammerArguments),
    DemoServer(DemoServerArguments),
}

/// The whole command line as clap knows it: for completions and manual pages.
#[must_use]
pub fn command() -> Command {
    Cli::command().after_long_help(format!("{EXAMPLES}\n\n{}", exit_statuses()))
}

fn exit_statuses() -> String {
    let mut text = String::from("Exit statuses:");
    for status in ExitStatus::ALL {
        let (code, meaning) = (status.code(), status.meaning());
        write!(text, "\n  {code:>3}  {meaning}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_mistake_in_it() {
        command().debug_assert();
    }

    #[test]
    fn the_long_help_has_every_exit_status() {
        let help = command().render_long_help().to_string();
        for status in ExitStatus::ALL {
            let row = format!("{:>3}  {}", status.code(), status.meaning());
            assert!(help.contains(&row), "{row}\n{help}");
        }
    }

    #[test]
    fn every_example_in_the_help_is_a_command_line() {
        let examples = EXAMPLES.lines().skip(1);
        for example in examples {
            let (line, _) = example.trim().rsplit_once("   ").expect("a comment after the example");
            let line = crate::arguments::prove::words(line);
            assert!(command().try_get_matches_from(line).is_ok(), "{example}");
        }
    }

    #[test]
    fn the_server_of_the_demo_is_not_offered() {
        let help = command().render_long_help().to_string();
        assert!(!help.contains("demo-server"), "{help}");
        assert!(help.contains("hammer"), "{help}");
    }
}
