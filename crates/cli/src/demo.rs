//! `demo`: a real server, real load, some upgrades. A table of contents.

mod announcement;
mod measure;
mod plan;
mod progress;
mod report;
mod run;
mod server;
mod summary;

pub(crate) use announcement::Announcement;
pub(crate) use plan::Plan;
pub(crate) use run::run;
