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
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
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
    Alone {
        duration: Duration,
    },
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
            Self::Control(path) => write!(formatter, "upgrade over {}", path.display()),
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
        timeout: arguments.restart_timeout.unwrap_or(DEFAULT_TIMEOUT),
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        prove: ProveArguments,
    }

    fn parsed(words: &[&str]) -> Result<ProveArguments, String> {
        let words = std::iter::once(&"x").chain(words);
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(arguments.prove)
    }

    fn trial(words: &[&str]) -> TrialPlan {
        match Plan::new(parsed(words).unwrap(), Format::Text).unwrap() {
            Plan::Trial(plan) => *plan,
            examples @ Plan::Examples(_) => panic!("{examples:?}"),
        }
    }

    const HOME: &str = "http://x/";

    #[test]
    fn each_way_to_restart_is_taken_as_it_is_given() {
        let name: SignalName = "HUP".parse().unwrap();
        let table = [
            (&["--restart", "a b"][..], Way::Command("a b".to_owned())),
            (&["--signal", "HUP", "--pid", "7"], Way::SignalToPid { name, pid: 7 }),
            (
                &["--signal", "hup", "--pid-file", "p"],
                Way::SignalToPidFile { name, path: "p".into() },
            ),
            (&["--control", "c"], Way::Control("c".into())),
        ];
        for (words, way) in table {
            let plan = trial(&[&[HOME], words].concat());
            let expected = Restarts {
                way,
                times: 10,
                every: Duration::from_secs(1),
                lead: None,
                settle: None,
                timeout: Duration::from_secs(60),
            };
            assert_eq!(plan.schedule, Schedule::Restarts(expected), "{words:?}");
        }
    }

    #[test]
    fn without_a_way_the_load_runs_for_a_while() {
        let seconds = |seconds| Schedule::Alone { duration: Duration::from_secs(seconds) };
        assert_eq!(trial(&[HOME]).schedule, seconds(10));
        assert_eq!(trial(&[HOME, "--duration", "1min"]).schedule, seconds(60));
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for words in [
            &[][..],
            &[HOME, "--restart", "a", "--control", "b"],
            &[HOME, "--signal", "HUP"],
            &[HOME, "--pid", "7"],
            &[HOME, "--signal", "HUP", "--pid", "7", "--pid-file", "p"],
            &[HOME, "--signal", "NONE", "--pid", "7"],
            &[HOME, "--signal", "HUP", "--pid", "0"],
            &[HOME, "--restarts", "3"],
            &[HOME, "--restart", "a", "--duration", "3s"],
            &[HOME, "--pid-file", "p", "--duration", "3s"],
            &[HOME, "--pid", "7", "--duration", "3s"],
            &[HOME, "--restart", "a", "--pid-file", "p"],
            &[HOME, "--control", "a", "--pid", "7"],
            &[HOME, "--restarts", "3", "--duration", "3s"],
            &[HOME, "--every", "3s", "--duration", "3s"],
            &[HOME, "--lead", "3s", "--duration", "3s"],
            &[HOME, "--settle", "3s", "--duration", "3s"],
            &[HOME, "--restart-timeout", "3s", "--duration", "3s"],
            &[HOME, "--restart-timeout", "3s"],
            &[HOME, "--restart-timeout", "3s", "--signal", "HUP", "--pid", "7"],
            &[HOME, "--insecure", "--cacert", "c"],
            &[HOME, "--example", "nginx"],
            &["--example", "iis"],
            &[HOME, "--allow", "lost"],
            &[HOME, "--allow", "bad=1"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
        let refused =
            |words: &[&str], format| Plan::new(parsed(words).unwrap(), format).unwrap_err();
        let words = [HOME, "--restart", "a", "--every", "0s"];
        assert_eq!(refused(&words, Format::Text), PlanError::NoPace);
        let words = ["udp://x:7", "--unix", "p"];
        assert_eq!(refused(&words, Format::Text), PlanError::DatagramsOverUnix);
        let words = [HOME, "--markdown", "-"];
        assert_eq!(refused(&words, Format::Json), PlanError::TwoAnswers);
        assert_eq!(trial(&words).markdown, Some(MarkdownPlan::Stdout));
    }

    #[test]
    fn a_unix_socket_is_asked_without_a_url_too() {
        let plan = trial(&["--unix", "/run/x"]);
        assert_eq!(plan.url.to_string(), "http://localhost/");
        assert_eq!(plan.place(), "http://localhost/ at unix:/run/x");
        let elsewhere = trial(&["--unix", "/run/x", "--mode", "udp@udp://x:7", "--mode", "new"]);
        let elsewhere: Vec<_> = elsewhere.groups.iter().map(|group| group.is_elsewhere).collect();
        assert_eq!(elsewhere, [true, false]);
    }

    #[test]
    fn who_is_trusted_is_said_in_one_of_three_ways() {
        let trust = |words: &[&str]| trial(&[&["https://x/"], words].concat()).address.trust;
        assert_eq!(trust(&[]), Trust::System);
        assert_eq!(trust(&["--cacert", "c"]), Trust::File("c".into()));
        assert_eq!(trust(&["--insecure"]), Trust::Anyone);
    }

    #[test]
    fn examples_are_asked_for_by_name_or_all() {
        let plan = |words| Plan::new(parsed(words).unwrap(), Format::Text).unwrap();
        assert_eq!(plan(&["--example"]), Plan::Examples(None));
        assert_eq!(plan(&["--example", "nginx"]), Plan::Examples(Some(Example::Nginx)));
    }

    #[test]
    fn all_that_is_said_arrives() {
        let plan = trial(&[
            HOME,
            "--host",
            "y:8",
            "--header",
            "A: b",
            "--header",
            "c:d",
            "--seed",
            "7",
            "--request-timeout",
            "3s",
            "--recognise",
            "header:x-pid",
            "--allow",
            "lost=0.1%",
            "--report",
            "r.html",
            "--markdown",
            "m.md",
            "--restart",
            "a",
            "--restarts",
            "3",
            "--every",
            "2s",
            "--lead",
            "5s",
            "--settle",
            "6s",
            "--restart-timeout",
            "7s",
        ]);
        assert_eq!(plan.address.host.as_deref(), Some("y:8"));
        assert_eq!(plan.address.fields, ["A: b", "c:d"].map(|field| field.parse().unwrap()));
        assert_eq!((plan.seed, plan.request_timeout), (7, Duration::from_secs(3)));
        assert_eq!(plan.recognise, RecogniseArgument::Header("x-pid".to_owned()));
        assert_eq!(plan.allowances, ["lost=0.1%".parse().unwrap()]);
        assert_eq!(plan.html, Some("r.html".into()));
        assert_eq!(plan.markdown, Some(MarkdownPlan::File("m.md".into())));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let Schedule::Restarts(restarts) = plan.schedule else { panic!("{:?}", plan.schedule) };
        assert_eq!((restarts.times, Some(restarts.every)), (3, seconds(2)));
        assert_eq!((restarts.lead, restarts.settle), (seconds(5), seconds(6)));
        assert_eq!(Some(restarts.timeout), seconds(7));
    }
}
