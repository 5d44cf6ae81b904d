//! `Reports`: the files that a proof is written to. They are opened before the load, so that no
//! measurement is lost to a path that cannot be written.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rekindle_prove::Proof;
use rekindle_prove::report::{self, About};

use super::plan::{MarkdownPlan, Schedule, TrialPlan};
use crate::failure::Failure;

/// The files, open.
#[derive(Debug)]
pub(super) struct Reports {
    html: Option<Target>,
    markdown: Option<Target>,
}

#[derive(Debug)]
struct Target {
    path: PathBuf,
    file: File,
}

impl Reports {
    pub(super) fn open(plan: &TrialPlan) -> Result<Self, Failure> {
        let markdown = match &plan.markdown {
            Some(MarkdownPlan::File(path)) => Some(Target::open(path)?),
            Some(MarkdownPlan::Stdout) | None => None,
        };
        let html = plan.html.as_deref().map(Target::open).transpose()?;
        Ok(Self { html, markdown })
    }

    pub(super) fn write(self, plan: &TrialPlan, proof: &Proof) -> Result<(), Failure> {
        if let Some(target) = self.html {
            target.write(&report::html(proof, &about(plan)))?;
        }
        if let Some(target) = self.markdown {
            target.write(&report::markdown(proof, &about(plan)))?;
        }
        Ok(())
    }
}

impl Target {
    /// What is there stays until there is something to write.
    fn open(path: &Path) -> Result<Self, Failure> {
        let opened = File::options().write(true).create(true).truncate(false).open(path);
        let file = opened.with_context(|| format!("write the report to `{}`", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn write(mut self, text: &str) -> Result<(), Failure> {
        // A pipe or a terminal has no length.
        let is_file = self.file.metadata().is_ok_and(|metadata| metadata.is_file());
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        let written = emptied.and_then(|()| self.file.write_all(text.as_bytes()));
        let path = self.path.display();
        Ok(written.with_context(|| format!("write the report to `{path}`"))?)
    }
}

/// What stands at the head of a report.
pub(super) fn about(plan: &TrialPlan) -> About {
    let place = plan.place();
    let about = About::new(format!("What clients notice of {place}")).fact("target", place);
    let about = match &plan.schedule {
        Schedule::Alone { .. } => about,
        Schedule::Restarts(restarts) => about
            .fact("restarted by", restarts.way.to_string())
            .fact("every", humantime::format_duration(restarts.every).to_string()),
    };
    about.fact("seed", plan.seed.to_string()).allow(plan.allowances.iter().copied())
}
