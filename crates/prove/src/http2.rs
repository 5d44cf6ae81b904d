//! HTTP/2 from the client's side (RFC 9113): several lanes on one connection, each with one request
//! under way.
//!
//! The frames are the crate `h2`'s. What ends a connection, and how, is read off the wire beside
//! it: who was told goodbye, and who was cut, must not hang on what a library makes of it.

mod draft;
mod goodbye;
pub(crate) mod hub;
mod incoming;
pub(crate) mod lane;
mod link;
mod standing;
mod tap;
mod watched;

pub(crate) use self::draft::is_askable;
