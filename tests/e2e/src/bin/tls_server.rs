//! A server under test that serves HTTP over TLS by the library: `GET /` says who answers,
//! `GET /slow?ms=N` does so after a while. Its certificate is in the directory that it was started
//! in, and read at each start.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::Uri;
use axum::response::IntoResponse;
use rekindle::http::{HttpOptions, Tls};
use rekindle::{Generation, Report, Service};
use rekindle_e2e::{Certificate, Settings};
use tracing_subscriber::filter::LevelFilter;

fn main() -> anyhow::Result<ExitCode> {
    let settings =
        Settings::from_arguments(std::env::args().skip(1)).context("read the settings")?;
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    // Before there is a runtime: markers are taken out of the environment.
    let service = builder(&settings).start()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(run(service, &settings));
    runtime.shutdown_background();
    Ok(report?.exit_code())
}

async fn run(mut service: Service, settings: &Settings) -> anyhow::Result<Report> {
    let generation = service.generation();
    let app = Router::new().fallback(async move |uri: Uri| answer(uri, generation).await);
    let tls = match Tls::from_files(Certificate::CHAIN_FILE, Certificate::KEY_FILE) {
        Ok(tls) => tls,
        Err(error) => {
            service.fail(&error);
            return Err(error.into());
        }
    };
    for (name, address) in &settings.listeners {
        let listener = service.tcp(name, address)?;
        service.serve_with(listener, app.clone(), HttpOptions::new().tls(tls.clone()));
    }
    let running = service.ready().await?;
    Ok(running.drained().await)
}

async fn answer(uri: Uri, generation: Generation) -> impl IntoResponse {
    if let Some(delay_ms) = delay_ms(&uri) {
        eprintln!("asked to wait {delay_ms} ms");
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    let pid = std::process::id();
    let head = [("x-pid", pid.to_string()), ("x-generation", generation.to_string())];
    (head, format!("pid {pid} generation {generation}\n"))
}

fn delay_ms(uri: &Uri) -> Option<u64> {
    uri.query()?.strip_prefix("ms=")?.parse().ok()
}

/// The service as the settings say, before it is started.
fn builder(settings: &Settings) -> rekindle::Builder {
    let builder = Service::builder()
        .drain_timeout(settings.drain_timeout)
        .probation(settings.probation)
        .draining_limit(settings.draining_limit);
    match &settings.control {
        Some(path) => builder.control(path),
        None => builder,
    }
}
