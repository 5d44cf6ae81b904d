//! The arguments of the server that `demo` starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// The server of `demo`: answers GET / with its pid and generation, and echoes POST /echo
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct DemoServerArguments {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,

    /// Its pid file
    #[arg(long, value_name = "PATH")]
    pub(crate) pid_file: PathBuf,

    /// Its control socket
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// How long a process that was replaced stays able to resume
    #[arg(
        long, value_name = "TIME", default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) probation: Duration,
}
