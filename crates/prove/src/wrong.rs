//! The ways in which an answer can be wrong. Refuses to find them: `head`, `body` and `answer` do.

/// What is wrong with an answer that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongAnswer {
    /// The status is not a success (2xx).
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
}
