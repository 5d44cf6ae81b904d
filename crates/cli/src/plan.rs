//! `Plan`: what a command line asks for, checked.
//!
//! Owns the way from what clap accepted to what is carried out. Refuses to do any of it.

use std::path::PathBuf;
use std::time::Duration;

use rekindle::Signal;
use rekindle::control::Wait;

use crate::arguments::{
    Cli, DemoArguments, DemoServerArguments, HammerArguments, ProveArguments, StatusArguments,
    StopArguments, UntilArgument, UpgradeArguments, Verb, WhomArguments,
};
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::{control, demo, demo_server, pid_file, prove};

/// How long `upgrade --pid-file` waits: as long as a service gives its next version to get ready.
const PID_FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    Demo(demo::Plan),
    Prove(prove::Plan),
    DemoServer(demo_server::Plan),
    Control(control::Plan),
    PidFile(pid_file::Plan),
}

impl Plan {
    /// # Errors
    /// If what clap accepted makes no sense together.
    pub(crate) fn new(cli: Cli) -> Result<(Self, Output), Failure> {
        let output = Output::new(if cli.json { Format::Json } else { Format::Text });
        let plan = match cli.verb {
            Verb::Demo(arguments) => demo(arguments),
            Verb::Prove(arguments) => prove(*arguments, output.format())?,
            Verb::Status(arguments) => status(arguments),
            Verb::Upgrade(arguments) => upgrade(arguments),
            Verb::Stop(arguments) => stop(arguments),
            Verb::Hammer(arguments) => hammer(arguments),
            Verb::DemoServer(arguments) => demo_server(arguments),
        };
        Ok((plan, output))
    }
}

fn demo(arguments: DemoArguments) -> Plan {
    let DemoArguments { upgrades, connections, listen } = arguments;
    Plan::Demo(demo::Plan { upgrades, connections: connections.into(), listen })
}

fn demo_server(arguments: DemoServerArguments) -> Plan {
    let DemoServerArguments { listen, pid_file, control, probation } = arguments;
    Plan::DemoServer(demo_server::Plan { listen, pid_file, control, probation })
}

fn prove(arguments: ProveArguments, format: Format) -> Result<Plan, Failure> {
    prove::Plan::new(arguments, format).map(Plan::Prove).map_err(Failure::could_not_run)
}

fn status(StatusArguments { whom, timeout }: StatusArguments) -> Plan {
    match Whom::from(whom) {
        Whom::Control(path) => control(path, control::Order::Status, Some(timeout)),
        Whom::PidFile(path) => pid_file(path, pid_file::Order::Status, timeout),
    }
}

fn upgrade(arguments: UpgradeArguments) -> Plan {
    let UpgradeArguments { whom, wait, signal, timeout, arguments } = arguments;
    match Whom::from(whom) {
        Whom::Control(path) => {
            let wait = match wait {
                Some(UntilArgument::Committed) => Wait::Committed,
                Some(UntilArgument::Confirmed) | None => Wait::Confirmed,
            };
            let arguments = (!arguments.is_empty()).then_some(arguments);
            control(path, control::Order::Upgrade { wait, arguments }, timeout)
        }
        Whom::PidFile(path) => {
            let order = pid_file::Order::Upgrade { signal: signal.unwrap_or(Signal::Hup) };
            pid_file(path, order, timeout.unwrap_or(PID_FILE_TIMEOUT))
        }
    }
}

fn stop(StopArguments { whom, timeout }: StopArguments) -> Plan {
    match Whom::from(whom) {
        Whom::Control(path) => control(path, control::Order::Stop, Some(timeout)),
        Whom::PidFile(path) => pid_file(path, pid_file::Order::Stop, timeout),
    }
}

fn hammer(arguments: HammerArguments) -> Plan {
    control(arguments.control, control::Order::Hammer, Some(arguments.timeout))
}

fn control(path: PathBuf, order: control::Order, timeout: Option<Duration>) -> Plan {
    Plan::Control(control::Plan { path, order, timeout })
}

fn pid_file(path: PathBuf, order: pid_file::Order, timeout: Duration) -> Plan {
    Plan::PidFile(pid_file::Plan { path, order, timeout })
}

/// Which service is meant.
enum Whom {
    Control(PathBuf),
    PidFile(PathBuf),
}

impl From<WhomArguments> for Whom {
    fn from(arguments: WhomArguments) -> Self {
        let WhomArguments { control, pid_file } = arguments;
        let control = control.map(Self::Control);
        control.or(pid_file.map(Self::PidFile)).expect("clap requires one of the two")
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;
    use crate::arguments::command;

    fn plan(line: &str) -> Result<(Plan, Format), String> {
        let matches = command().try_get_matches_from(line.split(' '));
        let matches = matches.map_err(|error| error.to_string())?;
        let planned = Plan::new(Cli::from_arg_matches(&matches).unwrap());
        let (plan, output) = planned.map_err(|failure| failure.error.to_string())?;
        Ok((plan, output.format()))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn demo_has_the_documented_defaults() {
        let expected =
            demo::Plan { upgrades: 5, connections: 20, listen: ([127, 0, 0, 1], 8888).into() };
        assert_eq!(plan("rekindle demo").unwrap(), (Plan::Demo(expected), Format::Text));
    }

    #[test]
    fn json_may_stand_before_and_behind_the_verb() {
        for line in ["rekindle --json status --control x", "rekindle status --control x --json"] {
            let expected = control("x".into(), control::Order::Status, Some(seconds(10)));
            assert_eq!(plan(line).unwrap(), (expected, Format::Json), "{line}");
        }
    }

    #[test]
    fn an_upgrade_by_control_waits_as_long_as_the_service_does() {
        let order = |wait, arguments| control::Order::Upgrade { wait, arguments };
        let table = [
            ("", order(Wait::Confirmed, None), None),
            (" --wait confirmed --timeout 3s", order(Wait::Confirmed, None), Some(seconds(3))),
            (" --wait committed", order(Wait::Committed, None), None),
            (" -- --port 1", order(Wait::Confirmed, Some(vec!["--port".into(), "1".into()])), None),
        ];
        for (rest, order, timeout) in table {
            let line = format!("rekindle upgrade --control x{rest}");
            assert_eq!(plan(&line).unwrap().0, control("x".into(), order, timeout), "{line}");
        }
    }

    #[test]
    fn an_upgrade_by_pid_file_sends_hup_and_waits_a_minute() {
        let table = [("", Signal::Hup, 60), (" --signal usr2 --timeout 2min", Signal::Usr2, 120)];
        for (rest, signal, timeout) in table {
            let line = format!("rekindle upgrade --pid-file x{rest}");
            let order = pid_file::Order::Upgrade { signal };
            assert_eq!(plan(&line).unwrap().0, pid_file("x".into(), order, seconds(timeout)));
        }
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for line in [
            "rekindle status",
            "rekindle status --control x --pid-file y",
            "rekindle upgrade --pid-file x --wait committed",
            "rekindle upgrade --pid-file x -- --port",
            "rekindle upgrade --control x --signal HUP",
            "rekindle upgrade --pid-file x --signal NONE",
            "rekindle stop --control x --timeout soon",
            "rekindle hammer --pid-file x",
            "rekindle demo --upgrades 0",
            "rekindle demo --connections 1",
            "rekindle demo --listen 0.0.0.0:80",
        ] {
            assert!(plan(line).is_err(), "{line}");
        }
    }
}
