//! The steps of CI: what each is called, what it is for, and what it runs.

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{ArgMatches, Command, FromArgMatches, Subcommand};

use super::{audit, fuzz};
use crate::outcome::Outcome;
use crate::repository::Repository;
use crate::{tidy, tool, tree};

/// A step of CI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Format,
    Clippy,
    Minimal,
    Test,
    Docs,
    Audit,
    Tidy,
    Tree,
    Fuzz,
}

impl Step {
    /// All of them, in the order in which CI runs them: what is quick and often wrong comes first.
    pub(crate) const ALL: [Self; 9] = [
        Self::Format,
        Self::Tidy,
        Self::Clippy,
        Self::Minimal,
        Self::Test,
        Self::Docs,
        Self::Tree,
        Self::Audit,
        Self::Fuzz,
    ];

    /// The name by which it is run alone.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Minimal => "minimal",
            Self::Test => "test",
            Self::Docs => "docs",
            Self::Audit => "audit",
            Self::Tidy => "tidy",
            Self::Tree => "tree",
            Self::Fuzz => "fuzz",
        }
    }

    /// What it is for, in a line.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Format => "Check that all code is formatted",
            Self::Clippy => "Lint all targets with all features; a warning fails",
            Self::Minimal => "Lint the library with few features and with none",
            Self::Test => "Run all tests of the workspace",
            Self::Docs => "Build the documentation; a warning fails",
            Self::Audit => "Check licenses, bans, sources and advisories of dependencies",
            Self::Tidy => "Check the house rules that are code",
            Self::Tree => "Count the library's dependencies against their limits",
            Self::Fuzz => "Check that the fuzz targets compile",
        }
    }

    /// Runs it.
    pub(crate) fn run(self, repository: &Repository) -> Result<Outcome> {
        let cargo =
            |arguments: &[&str]| tool::run(&mut repository.cargo(arguments)).map(Outcome::of);
        match self {
            Self::Format => cargo(&["fmt", "--all", "--check"]),
            Self::Clippy => {
                let scope = ["--workspace", "--all-targets", "--all-features"];
                cargo(&[&["clippy"], &scope[..], &["--", "-D", "warnings"]].concat())
            }
            Self::Minimal => lint_parts(repository),
            Self::Test => cargo(&["test", "--workspace"]),
            Self::Docs => {
                let scope = ["doc", "--workspace", "--no-deps", "--all-features"];
                let mut command = repository.cargo(&scope);
                command.env("RUSTDOCFLAGS", "-D warnings");
                tool::run(&mut command).map(Outcome::of)
            }
            Self::Audit => audit::run(repository),
            Self::Tidy => tidy::run(repository),
            Self::Tree => tree::run(repository),
            Self::Fuzz => fuzz::run(repository),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// Lints the library as those have it who leave features out.
fn lint_parts(repository: &Repository) -> Result<Outcome> {
    for features in ["", "tokio", "http"] {
        let scope = ["--package", "rekindle", "--lib", "--no-default-features", "--features"];
        let line = [&["clippy"], &scope[..], &[features, "--", "-D", "warnings"]].concat();
        let outcome = Outcome::of(tool::run(&mut repository.cargo(&line))?);
        if !outcome.passed() {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Passed)
}

// Written out and not derived, so that names and lines are said once.
impl Subcommand for Step {
    fn augment_subcommands(command: Command) -> Command {
        Self::ALL.into_iter().fold(command, |command, step| {
            command.subcommand(Command::new(step.name()).about(step.about()))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Self::named(name).is_some()
    }
}

impl FromArgMatches for Step {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        matches
            .subcommand_name()
            .and_then(Self::named)
            .ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own_and_is_found_by_it() {
        let names: BTreeSet<_> = Step::ALL.iter().map(|step| step.name()).collect();
        assert_eq!(names.len(), Step::ALL.len());
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
            assert!(Step::has_subcommand(step.name()));
            assert!(!step.about().ends_with('.'), "{step:?}");
        }
        assert_eq!(Step::named("deploy"), None);
    }
}
