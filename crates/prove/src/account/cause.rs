//! Why something failed, as closely as the client can tell.

use std::io;

use serde::{Serialize, Serializer};

use crate::wrong::{CertificateFlaw, WrongAnswer};

/// Why something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The system reported an error.
    #[error("{}", io::Error::from_raw_os_error(*errno))]
    System {
        /// The number of the error, from `errno.h`.
        errno: i32,
    },
    /// The server closed the connection.
    #[error("end of file")]
    EndOfFile,
    /// The server closed a connection with TLS and had not said that it would (`close_notify`, RFC
    /// 8446 §6.1): a process that ends in order says it, one that is killed does not.
    #[error("end of file without TLS's close_notify")]
    CutTls,
    /// The server ended TLS with an alert (RFC 8446 §6).
    #[error("TLS alert {code}: {:?}", rustls::AlertDescription::from(*code))]
    Alert {
        /// The number of the alert.
        code: u8,
    },
    /// The server said goodbye with the close frame of a WebSocket, and not what was asked for.
    #[error("goodbye with code {code}")]
    Goodbye {
        /// The code of the close frame (RFC 6455 §7.4): 1001 if the server goes away, 1012 if it
        /// restarts, 1005 if it did not say.
        code: u16,
    },
    /// The server's goodbye (GOAWAY, RFC 9113 §6.8) had crossed the request, and says that it was
    /// not processed.
    #[error("not processed: the server's goodbye had crossed it")]
    NotProcessed,
    /// The server refused a stream of HTTP/2 unprocessed (`REFUSED_STREAM`).
    #[error("stream refused, not processed")]
    StreamRefused,
    /// The server reset a stream of HTTP/2.
    #[error("stream reset: {}", h2::Reason::from(*code))]
    StreamReset {
        /// The error code (RFC 9113 §7).
        code: u32,
    },
    /// The time limit of a request was over.
    #[error("no whole answer within the time limit")]
    TimeLimit,
    /// The TCP connection came from the very address that it went to: the client met itself, since
    /// nobody listened and the kernel chose that port for the client's own end.
    #[error("nobody listened: the connection met itself")]
    SelfConnected,
    /// An answer came, and this is wrong with it.
    #[error("{0}")]
    Answer(#[from] WrongAnswer),
}

impl Cause {
    /// Whether a close has crossed the request, if the server says so. It says that it has by
    /// saying that the request was not processed.
    pub(crate) fn says_crossed(self) -> Option<bool> {
        match self {
            Self::NotProcessed | Self::StreamRefused => Some(true),
            Self::StreamReset { .. } => Some(false),
            _ => None,
        }
    }
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (of_tls, error.kind()) {
            (Some(error), _) => Self::from(error),
            (None, io::ErrorKind::UnexpectedEof) => Self::CutTls,
            // Errors of a socket call always carry their number; what has none is nobody's errno.
            (None, _) => Self::System { errno: error.raw_os_error().unwrap_or_default() },
        }
    }
}

impl From<&rustls::Error> for Cause {
    fn from(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::AlertReceived(alert) => Self::Alert { code: u8::from(*alert) },
            rustls::Error::InvalidCertificate(reason) => {
                WrongAnswer::Certificate { flaw: CertificateFlaw::from(reason) }.into()
            }
            _ => WrongAnswer::Tls.into(),
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
