//! The reading of an address's text, and the diagnosis of what people type instead. It refuses to
//! accept anything that has two readings.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::error::TEXT_LIMIT_BYTES;
use super::{Address, AddressError, InternetAddress, NameFault, UnixName};

/// How much of an overlong text its error shows.
const BEGINNING_CHARACTERS: usize = 32;

/// The port in the advice on a text that has none.
const EXAMPLE_PORT: u16 = 8080;

pub(super) fn parse(text: &str) -> Result<Address, AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.len() > TEXT_LIMIT_BYTES {
        let beginning = text.chars().take(BEGINNING_CHARACTERS).collect();
        return Err(AddressError::TooLong { beginning, length_bytes: text.len() });
    }
    if text.trim() != text {
        return Err(AddressError::Blank { text: text.into(), trimmed: text.trim().into() });
    }
    if text.contains('\0') {
        return Err(AddressError::Nul { text: text.into() });
    }
    match text.split_once(':') {
        Some(("tcp", rest)) => internet(text, rest).map(Address::Tcp),
        Some(("udp", rest)) => internet(text, rest).map(Address::Udp),
        Some(("tcp6", rest)) => only_v6(text, "tcp", rest).map(Address::Tcp),
        Some(("udp6", rest)) => only_v6(text, "udp", rest).map(Address::Udp),
        Some(("unix", rest)) => unix(text, rest).map(Address::UnixStream),
        Some(("unix-datagram", rest)) => unix(text, rest).map(Address::UnixDatagram),
        Some(("unix-seqpacket", rest)) => unix(text, rest).map(Address::UnixSeqpacket),
        _ => internet(text, text).map(Address::Tcp),
    }
}

fn internet(text: &str, rest: &str) -> Result<InternetAddress, AddressError> {
    rest.parse::<SocketAddr>().map(InternetAddress::from).map_err(|_| diagnose(text, rest))
}

fn only_v6(text: &str, scheme: &'static str, rest: &str) -> Result<InternetAddress, AddressError> {
    match internet(text, rest)?.socket() {
        // A mapped address is IPv4 in the clothes of IPv6.
        SocketAddr::V6(socket) if socket.ip().to_ipv4_mapped().is_none() => {
            Ok(InternetAddress::only_v6_at(socket))
        }
        socket => {
            let v4 = SocketAddr::new(socket.ip().to_canonical(), socket.port());
            Err(AddressError::NotV6 { text: text.into(), scheme, v4 })
        }
    }
}

fn unix(text: &str, rest: &str) -> Result<UnixName, AddressError> {
    if rest.trim_start() != rest {
        let scheme_bytes = text.len() - rest.len();
        let trimmed = format!("{}{}", &text[..scheme_bytes], rest.trim_start());
        return Err(AddressError::Blank { text: text.into(), trimmed });
    }
    let name = UnixName::from_text(rest).ok_or(AddressError::Escape { text: text.into() })?;
    name.check().map(|()| name).map_err(|fault| match fault {
        NameFault::Empty => AddressError::MissingName { text: text.into() },
        NameFault::Nul => AddressError::Nul { text: text.into() },
        NameFault::TooLong { length_bytes } => {
            AddressError::NameTooLong { text: text.into(), length_bytes }
        }
    })
}

/// Says what is wrong with `rest`, the part of `text` that should be an IP address and port.
fn diagnose(text: &str, rest: &str) -> AddressError {
    if rest.starts_with(['/', '.', '@']) {
        return AddressError::MissingScheme { text: text.into() };
    }
    if is_v6_without_brackets(rest) {
        return AddressError::UnbracketedV6 { text: text.into() };
    }
    let unbracketed = rest.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    if unbracketed.unwrap_or(rest).parse::<IpAddr>().is_ok() {
        return AddressError::MissingPort { text: text.into() };
    }
    if let Some(scheme) = scheme_of(rest) {
        return AddressError::UnknownScheme { text: text.into(), scheme: scheme.into() };
    }
    match rest.rsplit_once(':') {
        None if is_number(rest) => without_host(text, rest),
        None => with_host(text, rest, EXAMPLE_PORT),
        Some(("" | "*", port)) if is_number(port) => without_host(text, port),
        Some((_, "")) => AddressError::MissingPort { text: text.into() },
        Some((host, port)) => match port.parse() {
            Ok(number) if is_number(port) => with_host(text, host, number),
            _ => AddressError::Port { text: text.into(), port: port.into() },
        },
    }
}

/// A text such as `::1`, `::1:80` or `fe80::1`.
fn is_v6_without_brackets(rest: &str) -> bool {
    let hexadecimal = |character: char| character.is_ascii_hexdigit() || ":.".contains(character);
    rest.parse::<Ipv6Addr>().is_ok()
        || rest.matches(':').count() > 1 && rest.contains("::") && rest.chars().all(hexadecimal)
}

/// What looks like a scheme in `rest`: a word before a colon behind which no port stands.
fn scheme_of(rest: &str) -> Option<&str> {
    let (scheme, after) = rest.split_once(':')?;
    let word = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    (word && after.contains(['/', ':', '@', '.'])).then_some(scheme)
}

fn without_host(text: &str, port: &str) -> AddressError {
    match port.parse() {
        Ok(port) => AddressError::MissingHost { text: text.into(), port },
        Err(_) => AddressError::Port { text: text.into(), port: port.into() },
    }
}

/// The port is right or missing, so the host must be what is wrong.
fn with_host(text: &str, host: &str, port: u16) -> AddressError {
    let scope = host.strip_suffix(']').and_then(|host| host.split_once('%'));
    if let Some((_, scope)) = scope {
        return AddressError::Scope { text: text.into(), scope: scope.into() };
    }
    let name_character = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    if host.contains(char::is_alphabetic) && host.chars().all(name_character) {
        return AddressError::HostName { text: text.into(), host: host.into(), port };
    }
    AddressError::Host { text: text.into(), host: host.into() }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people type, and the advice that they get: the text of the error must hold it.
    const ADVICE: &[(&str, &str)] = &[
        ("", "it is empty"),
        (" 127.0.0.1:80", "write `127.0.0.1:80`"),
        ("127.0.0.1:80\n", "`127.0.0.1:80\\n`"),
        ("unix: /run/x", "write `unix:/run/x`"),
        ("127.0.0.1", "the port is missing"),
        ("127.0.0.1:", "the port is missing"),
        ("[::1]", "the port is missing"),
        ("tcp:127.0.0.1", "the port is missing"),
        ("127.0.0.1:65536", "`65536` is not a port"),
        ("127.0.0.1:http", "`http` is not a port"),
        ("127.0.0.1:-1", "`-1` is not a port"),
        ("127.0.0.1:+1", "`+1` is not a port"),
        ("127.0.0.1: 80", "` 80` is not a port"),
        (":8888", "write `[::]:8888` for everybody or `127.0.0.1:8888` for this machine alone"),
        ("udp::53", "write `[::]:53` for everybody"),
        ("8888", "write `[::]:8888`"),
        ("*:8888", "write `[::]:8888`"),
        (":99999", "`99999` is not a port"),
        ("99999", "`99999` is not a port"),
        ("localhost:80", "`localhost` is a host name"),
        ("localhost:80", "write the IP address, such as `127.0.0.1:80` or `[::1]:80`"),
        ("localhost", "`localhost` is a host name"),
        ("tcp:www.example.org:443", "`www.example.org` is a host name"),
        ("::1", "needs brackets"),
        ("::1:80", "needs brackets"),
        ("fe80::1:80", "needs brackets"),
        ("tcp6:::", "needs brackets"),
        ("[fe80::1%eth0]:80", "`eth0` is not an interface number"),
        ("256.0.0.1:80", "`256.0.0.1` is not an IP address"),
        ("127.1:80", "`127.1` is not an IP address"),
        ("[::g]:80", "`[::g]` is not an IP address"),
        ("tcp6:127.0.0.1:80", "write `tcp:127.0.0.1:80`"),
        ("udp6:127.0.0.1:80", "write `udp:127.0.0.1:80`"),
        ("tcp6:[::ffff:127.0.0.1]:80", "write `tcp:127.0.0.1:80`"),
        ("http://127.0.0.1:80", "`http` is none of `tcp`"),
        ("tcp4:127.0.0.1:80", "`tcp4` is none of `tcp`"),
        ("TCP:127.0.0.1:80", "`TCP` is none of `tcp`"),
        ("unix-stream:/run/x", "`unix-stream` is none of `tcp`"),
        ("/run/x.sock", "write `unix:/run/x.sock`"),
        ("./x.sock", "write `unix:./x.sock`"),
        ("@x", "write `unix:@x`"),
        ("unix:", "the name is missing"),
        ("unix:@", "the name is missing"),
        ("unix-seqpacket:", "the name is missing"),
        ("unix:/a\0b", "it holds a NUL byte"),
        ("unix:/a\\x00b", "it holds a NUL byte"),
        ("unix:@a\0b", "written `\\x00`"),
        ("unix:a\\qb", "a backslash begins"),
    ];

    #[test]
    fn what_people_type_is_answered_with_what_to_write() {
        for (text, advice) in ADVICE {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(advice), "{text:?} is answered with {error:?}");
            assert!(error.starts_with("read the address `"), "{error:?}");
        }
    }

    #[test]
    fn a_name_may_be_as_long_as_the_kernel_takes() {
        let name = "x".repeat(107);
        for prefix in ["unix:", "unix:@", "unix-datagram:", "unix-seqpacket:@"] {
            parse(&format!("{prefix}{name}")).unwrap();
            let error = parse(&format!("{prefix}{name}x")).unwrap_err();
            assert!(matches!(error, AddressError::NameTooLong { length_bytes: 108, .. }));
        }
        // The limit counts bytes of the name, not of its text.
        parse(&format!("unix:@{}", "\\xff".repeat(107))).unwrap();
    }

    #[test]
    fn an_overlong_text_is_refused_unread_and_not_repeated() {
        let text = "\u{e4}".repeat(100_000);
        let error = parse(&text).unwrap_err();
        assert!(matches!(error, AddressError::TooLong { length_bytes: 200_000, .. }));
        assert!(error.to_string().len() < 200);
    }

    #[test]
    fn an_error_never_carries_control_characters() {
        for text in ["a\x1b[31m:80", "\u{7}", "unix:\x1b\\q", "http\x1b:x:y", "x:\x1b"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }
}
