//! Whole processes on a virtual clock: the machines of every generation of a service, joined by
//! channels that carry real frames.
//!
//! [`world`] is the system, [`drive`] and [`newcomer`] are the driver, each as small as can be, and
//! [`moving`] what it does with connections; [`watch`] knows what must hold at every moment.
//! [`faults`] strikes a good upgrade at each of its steps with each fault there is, [`moves`] while
//! connections move, [`programs`] upgrades to bad programs, [`chains`] plays long lives under a
//! seed.

mod chains;
mod channel;
mod drive;
mod faults;
mod moves;
mod moving;
mod newcomer;
mod process;
mod program;
mod programs;
mod requests;
mod watch;
mod world;
