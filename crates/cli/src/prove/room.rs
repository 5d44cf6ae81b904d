//! `make`: descriptors enough for all connections.

use anyhow::{Context as _, anyhow};
use rekindle_unix::{DescriptorLimit, descriptor_limit, raise_descriptor_limit};

use crate::failure::Failure;

/// What the command needs beside its connections.
const OTHERS: u64 = 128;

/// Raises the limit of this process if it is below what so many connections take. Only then: a
/// server that is started as a restart inherits it.
pub(super) fn make(connections: usize) -> Result<(), Failure> {
    let needed = connections as u64 + OTHERS;
    let suffices = |limit: DescriptorLimit| limit.soft.is_none_or(|soft| soft >= needed);
    if suffices(descriptor_limit()) {
        return Ok(());
    }
    let raised = raise_descriptor_limit().context("raise the limit of open files")?;
    if suffices(raised) {
        return Ok(());
    }
    let limit = raised.soft.unwrap_or(u64::MAX);
    Err(Failure::could_not_run(anyhow!(
        "open {connections} connections: this process may have {limit} files open; raise `ulimit \
         -Hn`, or give fewer --connections"
    )))
}
