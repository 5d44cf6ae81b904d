//! `Url`: where a server is asked, and in which protocol.
//!
//! Owns what may stand in one, and what is said about one that may not. Refuses to resolve names.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Where a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Scheme,
    /// A name or an address; IPv6 without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With its query; begins with `/`.
    pub(crate) path: String,
}

/// The protocol that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
    /// Numbered messages that come back on the same TCP connection.
    Tcp,
    Tls,
    /// Numbered datagrams that come back.
    Udp,
}

impl Scheme {
    const ALL: [Self; 7] =
        [Self::Http, Self::Https, Self::Ws, Self::Wss, Self::Tcp, Self::Tls, Self::Udp];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Udp => "udp",
        }
    }

    /// The port where none is named; echoes have none.
    pub(crate) const fn default_port(self) -> Option<u16> {
        match self {
            Self::Http | Self::Ws => Some(80),
            Self::Https | Self::Wss => Some(443),
            Self::Tcp | Self::Tls | Self::Udp => None,
        }
    }

    pub(crate) const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Wss | Self::Tls)
    }

    const fn has_path(self) -> bool {
        self.default_port().is_some()
    }
}

impl Url {
    /// The same server, at another path.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// The same server and path, in another protocol.
    pub(crate) fn spoken(&self, scheme: Scheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// What the `Host` field says: the port only if it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let host = self.bracketed_host();
        match self.scheme.default_port() {
            Some(port) if port == self.port => host,
            _ => format!("{host}:{}", self.port),
        }
    }

    fn bracketed_host(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.scheme.has_path() { self.path.as_str() } else { "" };
        write!(formatter, "{}://{}{path}", self.scheme.name(), self.authority())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(UrlError::NoScheme { text: text.to_owned() });
        };
        let known = Scheme::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(scheme));
        let scheme = known.ok_or_else(|| UrlError::Scheme { scheme: scheme.to_owned() })?;
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|source| UrlError::Malformed { source })?;
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(UrlError::User);
        }
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let port = port(&uri)?.or(scheme.default_port());
        let port = port.ok_or(UrlError::NoPort { scheme: scheme.name() })?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A query alone is a query of the root.
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        if !scheme.has_path() && path != "/" {
            return Err(UrlError::Path { scheme: scheme.name(), path });
        }
        Ok(Self { scheme, host: host.to_owned(), port, path })
    }
}

/// `http` does not say why it has no port: there is none, or it is none.
fn port(uri: &Uri) -> Result<Option<u16>, UrlError> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    match after_host.rsplit_once(':') {
        None => Ok(None),
        Some((_, digits)) => match digits.parse() {
            Ok(port @ 1..) => Ok(Some(port)),
            _ => Err(UrlError::Port { port: digits.to_owned() }),
        },
    }
}

/// Why a text is no URL that can be asked. The texts follow "invalid value '…': ".
#[derive(Debug, Error)]
pub(crate) enum UrlError {
    #[error("it has no scheme: write it as http://{text}")]
    NoScheme { text: String },
    #[error(
        "the scheme `{scheme}` is not known: it may be http, https, ws, wss, tcp, tls or udp \
         (for a Unix socket, use --unix PATH)"
    )]
    Scheme { scheme: String },
    #[error("a fragment is never sent: leave out `#` and what follows")]
    Fragment,
    #[error("names and passwords have no place in it: use --header 'Authorization: …'")]
    User,
    #[error("it has no host: write it as http://127.0.0.1:8080/")]
    NoHost,
    #[error("`{scheme}` has no port of its own: write it as {scheme}://127.0.0.1:7")]
    NoPort { scheme: &'static str },
    #[error("`{port}` is no port: write a number from 1 to 65535")]
    Port { port: String },
    #[error("`{scheme}` knows no paths: leave out `{path}`")]
    Path { scheme: &'static str, path: String },
    #[error("it is malformed: {source}")]
    Malformed { source: http::uri::InvalidUri },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_part_has_its_place() {
        let table = [
            ("http://127.0.0.1:8080/a?b=c", (Scheme::Http, "127.0.0.1", 8080, "/a?b=c")),
            ("http://example.org", (Scheme::Http, "example.org", 80, "/")),
            ("HTTPS://example.org/", (Scheme::Https, "example.org", 443, "/")),
            ("http://example.org?x", (Scheme::Http, "example.org", 80, "/?x")),
            ("ws://[::1]:9/chat", (Scheme::Ws, "::1", 9, "/chat")),
            ("wss://x", (Scheme::Wss, "x", 443, "/")),
            ("tcp://127.0.0.1:7", (Scheme::Tcp, "127.0.0.1", 7, "/")),
            ("tls://[::1]:7/", (Scheme::Tls, "::1", 7, "/")),
            ("udp://localhost:7", (Scheme::Udp, "localhost", 7, "/")),
        ];
        for (text, (scheme, host, port, path)) in table {
            let expected = Url { scheme, host: host.to_owned(), port, path: path.to_owned() };
            assert_eq!(url(text), expected, "{text}");
            assert_eq!(url(&url(text).to_string()), expected, "shown and read again: {text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let table = [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("ftp://x", "http, https, ws"),
            ("unix:///run/x", "--unix PATH"),
            ("http://x/#y", "leave out `#`"),
            ("http://me:secret@x/", "--header 'Authorization"),
            ("http:///x", "malformed"),
            ("http://:80/", "no host"),
            ("tcp://127.0.0.1", "tcp://127.0.0.1:7"),
            ("http://x:0/", "from 1 to 65535"),
            ("http://x:99999/", "from 1 to 65535"),
            ("http://[::1]:/", "from 1 to 65535"),
            ("udp://x:7/path", "leave out `/path`"),
            ("http://x/a b", "malformed"),
            ("http://x/\r\nhost: y", "malformed"),
        ];
        for (text, expected) in table {
            let error = Url::from_str(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_host_field_has_a_port_if_it_is_not_the_usual_one() {
        let table = [
            ("http://x:80/", "x"),
            ("https://x:80/", "x:80"),
            ("https://[::1]/", "[::1]"),
            ("http://[::1]:8080/", "[::1]:8080"),
            ("tcp://x:7", "x:7"),
        ];
        for (text, authority) in table {
            assert_eq!(url(text).authority(), authority);
        }
    }

    #[test]
    fn a_neighbour_differs_in_one_thing() {
        let home = url("https://x:8443/a");
        assert_eq!(home.at("/echo?x"), url("https://x:8443/echo?x"));
        assert_eq!(home.spoken(Scheme::Wss), url("wss://x:8443/a"));
    }
}
