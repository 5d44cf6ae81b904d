//! Why a plan cannot be carried out. Refuses to find that out: `plan` and `fit` do.

use std::io;
use std::time::Duration;

use crate::endpoint::EndpointError;
use crate::protocol::Protocol;
use crate::target::Target;

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no group.
    #[error("start the load: the plan has no group of connections; add one")]
    NoGroup,
    /// A group has no connection.
    #[error("start the load: group `{group}` has no connection; give it at least one")]
    NoConnection {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// A path cannot stand in a request line.
    #[error("start the load: path `{path}` must begin with `/` and be visible ASCII without `#`")]
    Path {
        /// The path.
        path: String,
    },
    /// A group's rate is none.
    #[error(
        "start the load: group `{group}` cannot ask `{rate}` times a second; give it a rate from \
         0.001 to 1,000,000"
    )]
    Rate {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// The rate.
        rate: String,
    },
    /// A group would ask at a rate and when it has rested.
    #[error(
        "start the load: group `{group}` has a rate, which says when it asks, and think times or \
         a pause as well; leave out one of them"
    )]
    RateAndRest {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// An upload without a body.
    #[error("start the load: group `{group}` has an upload time and no body; let it post one")]
    NothingToUpload {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// An upload cannot end in time.
    #[error(
        "start the load: each upload of group `{group}` takes {time:?}, and each request may take \
         {limit:?}; let requests take longer"
    )]
    UploadTime {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// How long an upload takes.
        time: Duration,
        /// How long a request may take.
        limit: Duration,
    },
    /// The system has no timer left.
    #[error(
        "start the load: the system gives no timer for a rate: {}; allow more open files \
         (`ulimit -n`)",
        io::Error::from_raw_os_error(*errno)
    )]
    Timer {
        /// The number of the error, from `errno.h`.
        errno: i32,
    },
    /// Nothing would ever be read.
    #[error("start the load: group `{group}` reads 0 bytes a second; let it read at least one")]
    ReadRate {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// Messages are read as they come.
    #[error(
        "start the load: group `{group}` cannot read slowly over {protocol}; let it ask over HTTP"
    )]
    ReadRateOfMessages {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// What it speaks.
        protocol: Protocol,
    },
    /// A protocol cannot ask such a request.
    #[error(
        "start the load: group `{group}` cannot ask `{request}` over {protocol}; HTTP takes `GET` \
         and `POST`, all else takes messages"
    )]
    Request {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// What it speaks.
        protocol: Protocol,
        /// What it shall ask, in words.
        request: String,
    },
    /// A protocol cannot be spoken with such a target.
    #[error(
        "start the load: group `{group}` cannot speak {protocol} with `{target}`; datagrams go to \
         a UDP address without TLS, all else goes to a TCP address or a Unix path"
    )]
    Transport {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// What it speaks.
        protocol: Protocol,
        /// Whom it shall speak with.
        target: Target,
    },
    /// A message is too short to be numbered, or too long.
    #[error(
        "start the load: group `{group}` cannot send messages of {message_bytes} bytes over \
         {protocol}; they must have 16 to {most_bytes}"
    )]
    MessageLength {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// What it speaks.
        protocol: Protocol,
        /// The length that was asked for.
        message_bytes: usize,
        /// The longest that there may be.
        most_bytes: usize,
    },
    /// A connection without a stream.
    #[error(
        "start the load: group `{group}` has no stream on its connections; give it at least one"
    )]
    NoStream {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// A connection a request, with HTTP/2.
    #[error(
        "start the load: group `{group}` shall open a connection for each request and speak \
         HTTP/2, which is there to share connections; let it keep them"
    )]
    NewStream {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// The server cannot be addressed like this.
    #[error("start the load: {0}")]
    Endpoint(#[from] EndpointError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let text = PlanError::NoConnection { group: 1 }.to_string();
        assert_eq!(text, "start the load: group `1` has no connection; give it at least one");
    }
}
