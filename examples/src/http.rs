//! HTTP/1.1 as a server speaks it, without sockets and clocks: what came in, and what to do next.
//!
//! A table of contents; [`Conversation`] is the door. It follows RFC 9110 and RFC 9112 as far as a
//! server of small bodies needs them. Bodies are held whole, trailers are read and not used, and
//! there is no `Date` since there is no clock.

mod answer;
mod body;
mod conversation;
mod handler;
mod head;
mod refusal;
mod request;
mod response;
mod status;

pub use answer::Answer;
pub use body::BODY_LIMIT_BYTES;
pub use conversation::{Conversation, Step};
pub use handler::Handler;
pub use head::HEAD_LIMIT_BYTES;
pub use request::{Method, Request};
pub use status::Status;
