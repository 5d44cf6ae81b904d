//! A proof for people: as a page, and as a summary. Refuses to judge: what it says is what the
//! proof holds.
//!
//! ```no_run
//! use rekindle_prove::report::{self, About};
//!
//! # fn example(proof: rekindle_prove::Proof) -> std::io::Result<()> {
//! let about = About::new("nginx -s reload").fact("target", "http://127.0.0.1:8080/");
//! std::fs::write("report.html", report::html(&proof, &about))?;
//! std::fs::write("summary.md", report::markdown(&proof, &about))?;
//! # Ok(())
//! # }
//! ```

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
