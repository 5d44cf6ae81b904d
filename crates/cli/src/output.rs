//! `Output`: where answers go, and in which form.
//!
//! Owns standard output and the colours. Refuses to say anything by itself.

use std::fmt::Display;
use std::io::Write;

use anyhow::Context as _;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What stands above.
pub(crate) const TITLE: Style = Style::new().bold();

/// Who reads the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A person.
    Text,
    /// A program: one JSON object a line, and nothing else on standard output.
    Json,
}

/// Standard output. Colours are dropped unless it is a terminal; `NO_COLOR` drops them always.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    pub(crate) const fn format(self) -> Format {
        self.format
    }

    /// A line, or several, for a person; nothing if a program reads.
    pub(crate) fn text(self, text: impl Display) -> Result<(), Failure> {
        match self.format {
            Format::Text => write(text),
            Format::Json => Ok(()),
        }
    }

    /// An object for a program; nothing if a person reads.
    pub(crate) fn object(self, object: &impl Serialize) -> Result<(), Failure> {
        match self.format {
            Format::Text => Ok(()),
            Format::Json => write(serde_json::to_string(object).context("write the answer")?),
        }
    }

    /// A line that is an object already.
    pub(crate) fn line(self, line: &str) -> Result<(), Failure> {
        match self.format {
            Format::Text => Ok(()),
            Format::Json => write(line),
        }
    }
}

/// Flushed at once: whoever waits for a phase of an upgrade wants it as it happens.
fn write(text: impl Display) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    Ok(written.context("write the answer to standard output")?)
}

/// `text` in a style, for an [`Output`] that may drop it.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
