//! The smallest HTTP server: one call is its whole life. `kill -HUP` replaces it.

use std::env;
use std::process::{self, ExitCode};

use axum::Router;
use axum::routing::get;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let app = Router::new().route("/", get(|| async { format!("pid {}\n", process::id()) }));
    Ok(rekindle::serve(&address, app).await?.exit_code())
}
