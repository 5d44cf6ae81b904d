//! `prove`: restarts any server under load and says what its clients notice. A table of contents.

mod answer;
mod error;
mod examples;
mod groups;
mod haste;
mod load;
mod plan;
mod progress;
mod reports;
mod restart;
mod room;
mod run;
mod shares;
mod summary;
mod told;
mod unfit;
mod verdict;
mod words;

pub(crate) use plan::Plan;
pub(crate) use run::run;
