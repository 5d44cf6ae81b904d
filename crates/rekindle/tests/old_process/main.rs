//! New processes whose old process is this test, in the words of the channel.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod given_back;
mod moves;
mod old;
mod states;
