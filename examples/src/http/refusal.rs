//! Why a request is not served. After a refusal the connection is closed: where the next request
//! would begin is not known, or not worth finding out.

use super::body::BODY_LIMIT_BYTES;
use super::head::HEAD_LIMIT_BYTES;
use super::status::Status;

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("read the request: its head is not HTTP")]
    MalformedHead,
    #[error("read the request: its head is larger than {HEAD_LIMIT_BYTES} bytes or 64 fields")]
    HeadTooLarge,
    #[error("read the request: this is HTTP/1.1")]
    Version,
    #[error("read the request: it needs exactly one `Host`")]
    Host,
    #[error("read the request: where its body ends is ambiguous")]
    AmbiguousLength,
    #[error("read the request: of the transfer codings only `chunked` is known")]
    TransferCoding,
    #[error("read the request: it needs a `Content-Length` or `Transfer-Encoding: chunked`")]
    LengthMissing,
    #[error("read the request: its body is larger than {BODY_LIMIT_BYTES} bytes")]
    BodyTooLarge,
    #[error("read the request: its chunks are malformed")]
    MalformedChunk,
    #[error("do what is expected: only `100-continue` is known")]
    Expectation,
    #[error("read the request: the rest of it did not come in time")]
    TooSlow,
}

impl Refusal {
    pub(super) const fn status(self) -> Status {
        match self {
            Self::MalformedHead | Self::Host | Self::AmbiguousLength | Self::MalformedChunk => {
                Status::BadRequest
            }
            Self::HeadTooLarge => Status::RequestHeaderFieldsTooLarge,
            Self::Version => Status::HttpVersionNotSupported,
            Self::TransferCoding => Status::NotImplemented,
            Self::LengthMissing => Status::LengthRequired,
            Self::BodyTooLarge => Status::ContentTooLarge,
            Self::Expectation => Status::ExpectationFailed,
            Self::TooSlow => Status::RequestTimeout,
        }
    }
}
