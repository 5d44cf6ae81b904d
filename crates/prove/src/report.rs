//! A proof for people: as a page, and as a summary. Refuses to judge: what it says is what the
//! proof holds.

mod about;
mod counters;
#[cfg(test)]
pub(crate) mod fixture;
mod grid;
mod html;
mod judgement;
mod markdown;
mod names;
mod scale;
mod ticks;
mod words;

pub use about::About;
pub use html::html;
pub use markdown::markdown;
