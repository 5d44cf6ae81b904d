//! A gRPC service, as its messages and paths say it. Refuses to serve: `server` does.
//!
//! It is what a generator would make of `counter.proto`, next to this package's manifest.

mod server;

pub use server::CounterServer;

/// The full name of the service.
pub const COUNTER: &str = "rekindle.example.Counter";

/// Where [`WhoRequest`] goes.
pub const WHO: &str = "/rekindle.example.Counter/Who";

/// Where [`CountRequest`] goes.
pub const COUNT: &str = "/rekindle.example.Counter/Count";

/// Asks which process answers.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WhoRequest {}

/// The process that answers.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WhoReply {
    /// Its id.
    #[prost(uint32, tag = "1")]
    pub pid: u32,
    /// Its generation.
    #[prost(uint64, tag = "2")]
    pub generation: u64,
}

/// Asks for a stream of numbers.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CountRequest {
    /// How far to count, from 1.
    #[prost(uint64, tag = "1")]
    pub to: u64,
    /// The time between two numbers, in milliseconds.
    #[prost(uint32, tag = "2")]
    pub pause_ms: u32,
}

/// One number of it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CountReply {
    /// The number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// The generation that counts.
    #[prost(uint64, tag = "2")]
    pub generation: u64,
}
