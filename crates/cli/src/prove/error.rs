//! `PlanError`: what makes no sense together on a command line of `prove`, and what would.

use thiserror::Error;

/// What makes no sense together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PlanError {
    #[error(
        "share {connections} connections among {modes} modes: each takes one at least; give more \
         --connections"
    )]
    TooFewConnections { connections: usize, modes: usize },
    #[error("use mode `{mode}` over `{scheme}`: say where it asks, as in --mode {example}")]
    Scheme { mode: &'static str, scheme: &'static str, example: String },
    #[error(
        "find what makes mode `slow` slow: give it a path that takes its time, as in \
         --mode 'slow@/slow?ms=2000', or let it read a large answer slowly, as in --read-rate 64KiB"
    )]
    NotSlow,
    #[error("heed {option}: it is about mode `{mode}`; add --mode {mode}")]
    Unheeded { option: &'static str, mode: &'static str },
    #[error(
        "heed --rate: `idle`, `slow` and `upload` have a pace of their own; add a mode such as keep"
    )]
    NobodyPaced,
    #[error("reach `udp` over --unix: only stream sockets have a path here")]
    DatagramsOverUnix,
    #[error("keep a pace of no time: give --every 1ms at least")]
    NoPace,
    #[error("write JSON and Markdown to the same standard output: give --markdown a file")]
    TwoAnswers,
}
