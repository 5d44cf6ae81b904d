//! A server of lines whose connections are handed over, with either face.
//!
//! To each line it answers which generation and process it is, how many lines came on the
//! connection so far, whichever process they came to, and the line. That number and half a line
//! are what goes along when a connection is handed over.

mod conversation;
mod tasks;
mod threads;

use std::process::ExitCode;

use anyhow::Context;
use rekindle_e2e::{Face, Settings};
use tracing_subscriber::filter::LevelFilter;

/// The name by which connections are handed over.
const NAME: &str = "lines";

fn main() -> anyhow::Result<ExitCode> {
    let settings =
        Settings::from_arguments(std::env::args().skip(1)).context("read the settings")?;
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let report = match settings.face {
        Face::Tokio | Face::Serve => tasks::serve(&settings),
        Face::Blocking => threads::serve(&settings),
    }?;
    Ok(report.exit_code())
}

/// The service as the settings say, before it is started.
fn builder(settings: &Settings) -> rekindle::Builder {
    let control = settings.control.as_ref().map_or("control.sock".into(), Clone::clone);
    rekindle::Service::builder()
        .control(control)
        .drain_timeout(settings.drain_timeout)
        .probation(settings.probation)
}
