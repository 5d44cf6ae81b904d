//! The arguments of `prove`.

mod example;
mod field;
mod load;
mod mode;
mod recognise;
mod report;
mod restart;
mod size;
mod url;

use clap::Args;

pub(crate) use example::Example;
#[cfg(test)]
pub(in crate::arguments) use example::words;
pub(crate) use field::FieldArgument;
pub(crate) use load::{LoadArguments, RequestArguments};
pub(crate) use mode::{ModeArgument, ModeName, Place};
pub(crate) use recognise::RecogniseArgument;
pub(crate) use report::ReportArguments;
pub(crate) use restart::RestartArguments;
pub(crate) use url::{Scheme, Url};

const EXAMPLES: &str = "\
Examples:
  rekindle prove http://127.0.0.1/ --restart 'nginx -s reload'
  rekindle prove http://127.0.0.1:8000/ --signal HUP --pid-file gunicorn.pid --restarts 50
  rekindle prove http://127.0.0.1:8080/ --control app.sock --mode new --mode post@/echo
  rekindle prove https://127.0.0.1/ --host example.org --restart ./deploy --report report.html
  rekindle prove http://127.0.0.1/ --duration 30s
  rekindle prove --example                 which servers have a ready command line
  rekindle prove --example nginx           that of nginx";

/// Restart any server under load, and say what its clients notice
///
/// Loads the server with clients that never retry, restarts it again and again, and counts what
/// every client saw on the wire: refused, reset, lost, timed out, wrong, closed between requests,
/// announced close. A restart that leaves the old process answering is a failure too.
///
/// The exit status is 0 if clients noticed nothing (or no more than --allow), 1 if they noticed
/// anything, and 2 if it could not be measured. Ctrl-C ends it early and shows what was found so
/// far (130). docs/prove.md explains each number.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = long_help())]
pub(crate) struct ProveArguments {
    /// Where the server is asked, as in http://127.0.0.1:8080/path; or https, ws, wss, tcp, tls,
    /// udp
    #[arg(required_unless_present_any = ["unix", "example"])]
    pub(crate) url: Option<Url>,

    /// Print a ready command line for a known server; without a name, which there are
    #[arg(long, value_name = "NAME", num_args = 0..=1, conflicts_with_all = ["url", "unix"])]
    pub(crate) example: Option<Option<Example>>,

    #[command(flatten)]
    pub(crate) restarts: RestartArguments,

    #[command(flatten)]
    pub(crate) load: LoadArguments,

    #[command(flatten)]
    pub(crate) requests: RequestArguments,

    #[command(flatten)]
    pub(crate) answer: ReportArguments,
}

/// The modes with their meaning, below the examples.
fn long_help() -> String {
    let modes = ModeName::ALL.map(|mode| format!("\n  {:<8}{}", mode.name(), mode.meaning()));
    format!("{EXAMPLES}\n\nModes:{}", modes.concat())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::arguments::Cli;

    #[test]
    fn every_example_in_the_help_is_a_command_line() {
        let examples = super::EXAMPLES.lines().skip(1);
        for example in examples {
            let line = example.split("    ").next().expect("a line").trim();
            let words = super::example::words(line);
            let words = words.iter().map(|word| word.trim_end());
            assert!(Cli::command().try_get_matches_from(words).is_ok(), "{example}");
        }
    }
    #[test]
    fn every_kind_that_can_be_allowed_is_in_the_help() {
        let mut command = Cli::command();
        let prove = command.find_subcommand_mut("prove").expect("it is a verb");
        let helps = [prove.render_help(), prove.render_long_help()].map(|help| help.to_string());
        for kind in rekindle_prove::Notice::ALL {
            for help in &helps {
                let words = |word: &str| word.trim_matches(',') == kind.name();
                assert!(help.split_whitespace().any(words), "{kind}: {help}");
            }
        }
    }

    #[test]
    fn every_option_is_documented() {
        let documentation = include_str!("../../../../docs/prove.md");
        let command = Cli::command();
        let prove = command.find_subcommand("prove").expect("it is a verb");
        for option in prove.get_arguments().filter_map(|argument| argument.get_long()) {
            let is_there = documentation.contains(&format!("--{option}"));
            assert!(is_there || option == "help", "{option}");
        }
    }
}
