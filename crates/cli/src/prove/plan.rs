//! `Plan`: what `prove` shall do, checked.
//!
//! Owns the way from the arguments to it. Refuses to resolve, read or ask anything.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rekindle_prove::Allowance;
use rekindle_prove::restart::SignalName;

use super::error::PlanError;
use super::groups::{self, GroupPlan};
use crate::arguments::{
    Example, FieldArgument, ProveArguments, RecogniseArgument, ReportArguments, RequestArguments,
    RestartArguments, Scheme, Url,
};
use crate::output::Format;

const DEFAULT_RESTARTS: u32 = 10;
const DEFAULT_EVERY: Duration = Duration::from_secs(1);
const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    /// Print the command line for a known server, or which are known.
    Examples(Option<Example>),
    Trial(Box<TrialPlan>),
}

/// What to ask of whom, and how to restart it meanwhile.
#[derive(Debug, PartialEq)]
pub(crate) struct TrialPlan {
    pub(crate) url: Url,
    pub(crate) groups: Vec<GroupPlan>,
    pub(crate) address: AddressPlan,
    pub(crate) schedule: Schedule,
    pub(crate) recognise: RecogniseArgument,
    pub(crate) request_timeout: Duration,
    pub(crate) seed: u64,
    pub(crate) allowances: Vec<Allowance>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) markdown: Option<MarkdownPlan>,
}

impl TrialPlan {
    /// Where the server is asked, in words.
    pub(crate) fn place(&self) -> String {
        match &self.address.unix {
            Some(path) => format!("{} at unix:{}", self.url, path.display()),
            None => self.url.to_string(),
        }
    }
}

/// How the server is addressed, beyond its URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AddressPlan {
    pub(crate) unix: Option<PathBuf>,
    pub(crate) fields: Vec<FieldArgument>,
    pub(crate) host: Option<String>,
    pub(crate) trust: Trust,
}

/// Which certificates are good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    System,
    File(PathBuf),
    Anyone,
}

/// When the load begins and ends, and what happens in between.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Nobody is restarted by this command.
    Alone { duration: Duration },
    Restarts(Restarts),
}

/// How, how often and when.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Restarts {
    pub(crate) way: Way,
    pub(crate) times: u32,
    pub(crate) every: Duration,
    pub(crate) lead: Option<Duration>,
    pub(crate) settle: Option<Duration>,
    pub(crate) timeout: Duration,
}

/// How the server is restarted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Command(String),
    SignalToPid { name: SignalName, pid: u32 },
    SignalToPidFile { name: SignalName, path: PathBuf },
    Control(PathBuf),
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(line) => formatter.write_str(line),
            Self::SignalToPid { name, pid } => write!(formatter, "{name} to pid {pid}"),
            Self::SignalToPidFile { name, path } => {
                write!(formatter, "{name} to the pid in {}", path.display())
            }
            Self::Control(path) => write!(formatter, "upgrade by {}", path.display()),
        }
    }
}

/// Where the summary in Markdown goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MarkdownPlan {
    /// In place of the tables.
    Stdout,
    File(PathBuf),
}

impl Plan {
    pub(crate) fn new(arguments: ProveArguments, format: Format) -> Result<Self, PlanError> {
        let ProveArguments { url, restarts, load, requests, answer, example } = arguments;
        if let Some(example) = example {
            return Ok(Self::Examples(example));
        }
        let url = url.unwrap_or_else(local);
        let groups = groups::plan(&url, &load, &requests)?;
        let over_unix = requests.unix.is_some();
        let is_lost = |group: &GroupPlan| group.url.scheme == Scheme::Udp && !group.is_elsewhere;
        if over_unix && groups.iter().any(is_lost) {
            return Err(PlanError::DatagramsOverUnix);
        }
        let ReportArguments { allowances, report, markdown } = answer;
        let markdown = markdown.map(|path| match path.as_os_str() == "-" {
            true => MarkdownPlan::Stdout,
            false => MarkdownPlan::File(path),
        });
        if markdown == Some(MarkdownPlan::Stdout) && format == Format::Json {
            return Err(PlanError::TwoAnswers);
        }
        Ok(Self::Trial(Box::new(TrialPlan {
            url,
            groups,
            address: address(requests),
            recognise: restarts.recognise.clone(),
            schedule: schedule(restarts)?,
            request_timeout: load.request_timeout,
            seed: load.seed,
            allowances,
            html: report,
            markdown,
        })))
    }
}

/// Who is asked over a Unix socket, if there is no URL.
fn local() -> Url {
    let (host, path) = ("localhost".to_owned(), "/".to_owned());
    Url { scheme: Scheme::Http, host, port: 80, path }
}

fn address(requests: RequestArguments) -> AddressPlan {
    let RequestArguments { unix, fields, host, cacert, insecure, .. } = requests;
    let trust = match (insecure, cacert) {
        (true, _) => Trust::Anyone,
        (false, Some(path)) => Trust::File(path),
        (false, None) => Trust::System,
    };
    AddressPlan { unix, fields, host, trust }
}

fn schedule(arguments: RestartArguments) -> Result<Schedule, PlanError> {
    let every = arguments.every.unwrap_or(DEFAULT_EVERY);
    if every < Duration::from_millis(1) {
        return Err(PlanError::NoPace);
    }
    let Some(way) = way(&arguments) else {
        return Ok(Schedule::Alone { duration: arguments.duration.unwrap_or(DEFAULT_DURATION) });
    };
    Ok(Schedule::Restarts(Restarts {
        way,
        times: arguments.restarts.unwrap_or(DEFAULT_RESTARTS),
        every,
        lead: arguments.lead,
        settle: arguments.settle,
        timeout: arguments.restart_timeout,
    }))
}

/// The way that was named; clap sees to it that there is one at most.
fn way(arguments: &RestartArguments) -> Option<Way> {
    let RestartArguments { restart, signal, pid_file, pid, control, .. } = arguments;
    match (restart, control, *signal, *pid, pid_file) {
        (Some(line), ..) => Some(Way::Command(line.clone())),
        (_, Some(path), ..) => Some(Way::Control(path.clone())),
        (_, _, Some(name), Some(pid), _) => Some(Way::SignalToPid { name, pid }),
        (_, _, Some(name), None, Some(path)) => {
            Some(Way::SignalToPidFile { name, path: path.clone() })
        }
        _ => None,
    }
}
