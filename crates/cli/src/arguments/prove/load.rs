//! The clients: how many, how they use connections, and what they say.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use super::field::FieldArgument;
use super::mode::ModeArgument;
use super::size;

/// How many clients there are and how they use connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct LoadArguments {
    /// How many connections are open at the same time
    #[arg(
        long, value_name = "NUMBER", default_value_t = 64,
        value_parser = value_parser!(u16).range(1..=20_000)
    )]
    pub(crate) connections: u16,

    /// A way to use connections, its share of them, and where it asks, as in keep=3 or post@/echo;
    /// may be given again [default: new, keep and idle; udp for udp]
    #[arg(long = "mode", value_name = "NAME[=SHARE][@PATH|@URL]")]
    pub(crate) modes: Vec<ModeArgument>,

    /// Requests a second in all, on a schedule (an open loop); without it the next one follows the
    /// answer
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    /// How long the clients of `idle` think between two requests, in the mean [default: 200ms]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) think: Option<Duration>,

    /// How long a body of `upload` takes to be sent [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) upload_time: Option<Duration>,

    /// How many bytes of an answer `slow` reads in a second, such as 64KiB
    #[arg(long, value_name = "SIZE", value_parser = rate_of_bytes)]
    pub(crate) read_rate: Option<u64>,

    /// How many requests `h2` has under way on each connection [default: 8]
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..=1_000))]
    pub(crate) streams: Option<u16>,

    /// The time limit of a request, connecting included
    #[arg(
        long, value_name = "TIME", default_value = "10s",
        value_parser = humantime::parse_duration
    )]
    pub(crate) request_timeout: Duration,

    /// What bodies and think times are drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What the clients say, and to whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct RequestArguments {
    /// Ask at this Unix stream socket, whatever the host of the URL
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    /// A field of every request, as in 'authorization: Bearer x'; may be given again
    #[arg(long = "header", value_name = "FIELD")]
    pub(crate) fields: Vec<FieldArgument>,

    /// What the Host field says, and the name in the TLS certificate [default: as in the URL]
    #[arg(long, value_name = "NAME[:PORT]", value_parser = host)]
    pub(crate) host: Option<String>,

    /// Trust the certificates in this PEM file, and no others [default: the system's]
    #[arg(long, value_name = "PATH", conflicts_with = "insecure")]
    pub(crate) cacert: Option<PathBuf>,

    /// Do not verify the server's certificate
    #[arg(long)]
    pub(crate) insecure: bool,

    /// The body of a `post` or `upload` [default: 16KiB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) body_size: Option<usize>,

    /// A message of `ws`, `tcp` or `udp`, 16 bytes at least [default: 128]
    #[arg(long, value_name = "SIZE", value_parser = message_size)]
    pub(crate) message_size: Option<usize>,
}

/// A name or an address, with a port or without.
fn host(text: &str) -> Result<String, String> {
    let malformed = || "write NAME or NAME:PORT, as in example.org:8443 or [::1]:8443".to_owned();
    let (name, port) = match text.split_once(']') {
        Some((address, port)) => {
            let address = address.strip_prefix('[').ok_or_else(malformed)?;
            (address.parse::<Ipv6Addr>().is_ok(), port)
        }
        None if text.parse::<Ipv6Addr>().is_ok() => (true, ""),
        None => {
            let (name, _) = text.split_once(':').unwrap_or((text, ""));
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
            (!name.is_empty() && name.bytes().all(is_part), &text[name.len()..])
        }
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_sound = name && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    is_sound.then(|| text.to_owned()).ok_or_else(malformed)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("write a number from 0.001 to 1000000, such as 500".to_owned()),
    }
}

fn rate_of_bytes(text: &str) -> Result<u64, String> {
    match size::parse(text)? {
        0 => Err("nothing would ever be read".to_owned()),
        bytes => Ok(bytes as u64),
    }
}

fn message_size(text: &str) -> Result<usize, String> {
    match size::parse(text)? {
        0..16 => Err("the number of a message takes 16 bytes".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_a_port_is_a_number() {
        for text in ["x", "x:80", "example.org:8443", "::1", "[::1]", "[::1]:443", "127.0.0.1:7"] {
            assert_eq!(host(text).as_deref(), Ok(text));
        }
        for text in ["", "foo:bar", "x:", "x:0", "x:65536", ":80", "a b", "[x]:80", "::1]", "x/y"] {
            assert!(host(text).unwrap_err().contains("[::1]:8443"), "{text}");
        }
    }

    #[test]
    fn rates_have_bounds() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert_eq!(rate("1e3"), Ok(1_000.0));
        for text in ["0", "-1", "2e6", "NaN", "inf", "many"] {
            assert!(rate(text).unwrap_err().contains("from 0.001"), "{text}");
        }
        assert_eq!(rate_of_bytes("64KiB"), Ok(65_536));
        assert!(rate_of_bytes("0").is_err());
    }

    #[test]
    fn a_message_has_room_for_its_number() {
        assert_eq!(message_size("16"), Ok(16));
        assert!(message_size("15").unwrap_err().contains("16 bytes"));
    }
}
