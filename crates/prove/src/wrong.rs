//! The ways in which an answer can be wrong. Refuses to find them: `head`, `body` and `answer` do.

mod reason;

pub use self::reason::Reason;

/// What is wrong with an answer that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongAnswer {
    /// The status is not a success (2xx); in the handshake of a WebSocket, it is not 101.
    #[error("the status is {status}")]
    Status {
        /// The status code of the answer.
        status: u16,
    },
    /// The head is not an HTTP/1 response head, or has more than 128 fields.
    #[error("the head is malformed")]
    Head,
    /// The head has more than 64 KiB.
    #[error("the head is longer than 64 KiB")]
    HeadTooLong,
    /// The head does not say, or says twice, how long the body is (RFC 9112 §6.3).
    #[error("the head contradicts itself on the length of the body")]
    Framing,
    /// The chunked coding of the body is broken (RFC 9112 §7.1).
    #[error("the chunked coding of the body is malformed")]
    Chunk,
    /// The body has more than 64 MiB.
    #[error("the body is longer than 64 MiB")]
    BodyTooLong,
    /// The echo differs from what was sent, or goes on after its end.
    #[error("the echo differs at byte {offset}")]
    Echo {
        /// The first byte that differs, from 0.
        offset: u64,
    },
    /// The echo ended before all that was sent had come back.
    #[error("the echo ends after {length_bytes} bytes")]
    EchoTooShort {
        /// How many bytes came back.
        length_bytes: u64,
    },
    /// Bytes came after the end of the answer, with no request to answer.
    #[error("{count_bytes} bytes or more follow the answer")]
    ExtraBytes {
        /// How many of them had come when they were noticed.
        count_bytes: usize,
    },
    /// The answer was whole before the request was sent whole.
    #[error("it was whole before the request was sent whole")]
    Early,
    /// What came breaks the rules of HTTP/2.
    #[error("it breaks the rules of HTTP/2: {}", h2::Reason::from(*code))]
    Http2 {
        /// The error code that the client ended it with (RFC 9113 §7).
        code: u32,
    },
    /// The server's certificate is not one that the client trusts.
    #[error("the certificate {flaw}")]
    Certificate {
        /// What is wrong with it.
        flaw: CertificateFlaw,
    },
    /// The handshake of a WebSocket was answered with 101 and yet not as RFC 6455 §4.2.2 has it.
    #[error("it opens no WebSocket")]
    Handshake,
    /// What came is no frame of a WebSocket, or breaks the rules of RFC 6455 §5.
    #[error("it breaks the rules of WebSocket frames")]
    Frame,
    /// A message came back as text, and was binary when it was sent.
    #[error("the message is a text")]
    Text,
    /// The server speaks TLS and did not choose HTTP/2 in its handshake (ALPN, RFC 7301).
    #[error("the server does not offer HTTP/2 by ALPN (`h2`)")]
    NotChosen,
    /// What came is not TLS, or breaks its rules.
    #[error("it breaks the rules of TLS")]
    Tls,
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFlaw {
    /// No trusted authority has issued it.
    #[error("is of no authority that is trusted")]
    Issuer,
    /// It is for other names than the server's.
    #[error("is for another name")]
    Name,
    /// Its time is over.
    #[error("has expired")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet")]
    NotYet,
    /// Something else.
    #[error("is not sound: {reason}")]
    Other {
        /// What the TLS library says of it.
        reason: Reason,
    },
}

impl From<&rustls::CertificateError> for CertificateFlaw {
    fn from(error: &rustls::CertificateError) -> Self {
        use rustls::CertificateError as Error;
        match error {
            // A signature is bad if an authority of that name is trusted and has another key.
            Error::UnknownIssuer | Error::BadSignature => Self::Issuer,
            Error::NotValidForName | Error::NotValidForNameContext { .. } => Self::Name,
            Error::Expired | Error::ExpiredContext { .. } => Self::Expired,
            Error::NotValidYet | Error::NotValidYetContext { .. } => Self::NotYet,
            Error::Other(inner) => Self::Other { reason: Reason::new(&inner.to_string()) },
            other => Self::Other { reason: Reason::new(&other.to_string()) },
        }
    }
}
