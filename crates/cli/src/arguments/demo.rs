//! The arguments of `demo`.

use std::net::SocketAddr;

use clap::{Args, value_parser};

const EXAMPLES: &str = "\
Examples:
  rekindle demo
  rekindle demo --upgrades 40 --connections 64
  rekindle demo --listen [::1]:0 --json

The exit status is 0 if clients noticed nothing, 1 if they noticed anything, and 2 if it could not
be run or measured.";

/// Upgrade a real server under load, and count what clients notice
///
/// Starts an HTTP server as a process of its own, loads it with clients that never retry, replaces
/// it again and again by `kill -HUP` to the pid in its pid file, and tells what clients noticed
/// and how long each upgrade took. The clients use connections in five ways, a fifth each: a new
/// one for each `GET /`, or for each `POST` of 16 KiB whose echo is compared; kept ones that are
/// always busy with either; kept ones that are mostly idle. The kept ones move from process to
/// process, and are never closed.
///
/// Nothing is left behind, also after Ctrl-C: the server is stopped and its files are removed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArguments {
    /// How often the server is replaced
    #[arg(
        long, value_name = "NUMBER", default_value_t = 5,
        value_parser = value_parser!(u32).range(1..=1_000)
    )]
    pub(crate) upgrades: u32,

    /// How many connections are open at the same time
    #[arg(
        long, value_name = "NUMBER", default_value_t = 20,
        value_parser = value_parser!(u16).range(5..=256)
    )]
    pub(crate) connections: u16,

    /// Where the server listens: a loopback address; if the port is taken, any other is used
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8888", value_parser = loopback)]
    pub(crate) listen: SocketAddr,
}

/// The demo's server echoes whatever it is sent: it is not for others to reach.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write it as 127.0.0.1:8888 or [::1]:8888".to_owned())?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("the demo listens on loopback addresses only, such as 127.0.0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_listened_on() {
        assert_eq!(loopback("127.0.0.2:0"), Ok(([127, 0, 0, 2], 0).into()));
        assert!(loopback("[::1]:8888").is_ok());
        for text in ["0.0.0.0:8888", "[::]:1", "192.0.2.1:80"] {
            assert!(loopback(text).unwrap_err().contains("loopback"), "{text}");
        }
        for text in ["8888", "localhost:80", "127.0.0.1"] {
            assert!(loopback(text).unwrap_err().contains("write it as"), "{text}");
        }
    }
}
