//! The channel's messages as bytes: round trips, bounds, whole offers, and the talk between
//! builds of different age.

mod codec;
mod evolution;
mod messages;
mod offer;
