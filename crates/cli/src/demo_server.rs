//! The server of `demo`: a small HTTP service on the library, in a process of its own.
//!
//! Owns what it answers and what it announces. Refuses everything that a real service would leave
//! to the library too.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use rekindle::{ListenError, Service, TcpListener, Verdict};
use rekindle_unix::BindError;

use crate::demo::Announcement;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;

/// How the server is set up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) listen: SocketAddr,
    pub(crate) pid_file: PathBuf,
    pub(crate) control: Option<PathBuf>,
    pub(crate) probation: Duration,
}

/// Serves until it is replaced or stopped. The log goes to standard error.
pub(crate) fn run(plan: &Plan) -> Result<ExitStatus, Failure> {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let mut builder = Service::builder()
        .build(env!("CARGO_PKG_VERSION"))
        .pid_file(&plan.pid_file)
        .probation(plan.probation)
        .on_abort(failed)
        .on_rollback(failed);
    if let Some(path) = &plan.control {
        builder = builder.control(path);
    }
    // Before there is a runtime with its threads, since this changes the environment.
    let service = builder.start().context("start the service")?;
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(serve(service, plan.listen))
}

async fn serve(mut service: Service, listen: SocketAddr) -> Result<ExitStatus, Failure> {
    let listener = claim(&mut service, listen)?;
    let address = listener.local_addr().unwrap_or(listen);
    let (pid, generation) = (std::process::id(), service.generation().number());
    let greeting = format!("pid {pid} generation {generation}\n");
    let router = Router::new()
        .route("/", get(move || async move { greeting }))
        .route("/echo", post(|body: Bytes| async move { body }));
    service.serve(listener, router);
    let running = service.ready().await.context("take over")?;
    announce(&Announcement::Serving { pid, generation, address });
    let report = running.drained().await;
    Ok(if report.cut == 0 { ExitStatus::Done } else { ExitStatus::Noticed })
}

fn claim(service: &mut Service, listen: SocketAddr) -> Result<TcpListener, Failure> {
    service.tcp("http", &listen.to_string()).map_err(|error| {
        if let ListenError::Bind { source: BindError::InUse { .. }, .. } = &error {
            announce(&Announcement::AddressTaken);
        }
        Failure::could_not_run(anyhow!(error).context("open the listener"))
    })
}

fn failed(verdict: &Verdict) {
    announce(&Announcement::NotUpgraded { verdict: verdict.to_string() });
}

/// One line on standard output, which every generation has from the first one.
fn announce(announcement: &Announcement) {
    // The demo may be gone. That is no reason to stop serving.
    let _ = writeln!(io::stdout(), "{}", announcement.to_line());
}
