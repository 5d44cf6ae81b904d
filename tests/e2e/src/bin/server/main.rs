//! The server under test: a good program on the library, with any face.
//!
//! Over streams it speaks HTTP/1.1: `GET /` says who answers, `GET /slow?ms=N` does so after a
//! while, and a `POST` is echoed. To a datagram or packet it answers who it is and what came.
//! Where the library serves, it speaks HTTP/2 as well, `GET /whence` says where the request came
//! from, and `GET /events?count=N&ms=N` is answered by one event after the other.

mod app;
mod events;
mod exchange;
mod site;
mod tasks;
mod threads;

use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use rekindle::Report;
use rekindle_e2e::{Face, FinalReport, Settings};
use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::filter::LevelFilter;

fn main() -> anyhow::Result<ExitCode> {
    let settings =
        Settings::from_arguments(std::env::args().skip(1)).context("read the settings")?;
    limit_descriptors(&settings)?;
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let report = match settings.face {
        Face::Tokio | Face::Serve => tasks::serve(&settings),
        Face::Blocking => threads::serve(&settings),
    }?;
    let Report { moved, rested, cut, .. } = report;
    eprintln!("{}", FinalReport { pid: std::process::id(), moved, rested, cut }.to_line());
    if settings.hangs_at_end {
        loop {
            std::thread::park();
        }
    }
    Ok(report.exit_code())
}

fn limit_descriptors(settings: &Settings) -> anyhow::Result<()> {
    match settings.descriptor_limit {
        None => rekindle_unix::raise_descriptor_limit().map(drop)?,
        limit => setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit })?,
    }
    Ok(())
}

/// The service as the settings say, before it is started.
fn builder(settings: &Settings) -> rekindle::Builder {
    let mut builder = rekindle::Service::builder()
        .build(&settings.build)
        .start_timeout(settings.start_timeout)
        .drain_timeout(settings.drain_timeout)
        .probation(settings.probation)
        .draining_limit(settings.draining_limit);
    if let Some(path) = &settings.control {
        builder = builder.control(path);
    }
    if let Some(path) = &settings.pid_file {
        builder = builder.pid_file(path);
    }
    if let Some(path) = &settings.rendezvous {
        builder = builder.rendezvous(path);
    }
    builder
}

/// Names and addresses of all listeners.
fn listeners(settings: &Settings) -> impl Iterator<Item = (String, String)> {
    let crowd = (0..settings.crowd).map(|number| {
        let name = format!("crowd-{number}");
        (name, "tcp:127.0.0.1:0".to_owned())
    });
    settings.listeners.iter().cloned().chain(crowd)
}

/// Starts a child that knows nothing of us and outlives us.
fn start_child(settings: &Settings) -> anyhow::Result<()> {
    if settings.child {
        Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().context("start a child")?;
    }
    Ok(())
}

/// What all faces end with.
type Served = anyhow::Result<Report>;
