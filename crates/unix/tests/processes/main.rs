//! Real programs, children and pid files, in one test program: it is linked once, and what the
//! tests share is used.
//!
//! Signals have a program of their own, `tests/signals.rs`: they go to a whole process, and would
//! mix with those of the children here.

// `cfg(test)` always holds here. It tells clippy that all of these are tests.
#[cfg(test)]
mod child;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod marker;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod pid_file;
#[cfg(test)]
mod program;
#[cfg(test)]
mod spawn;
#[cfg(test)]
mod support;
