//! Where an example logs to. Refuses to choose what is worth it: that is `RUST_LOG`'s.

use std::io;

use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Logs to standard error what `RUST_LOG` asks for: by default `info`, each step of an upgrade.
///
/// A server outlives the terminal that it was started from, so a log line that cannot be written
/// is no reason to complain about it in the same place.
pub fn log_to_stderr() {
    let filter = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .init();
}
