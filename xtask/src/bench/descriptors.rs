//! How many descriptors the programs that we start may have.

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets the programs that we start have so many descriptors, as far as we may allow it.
pub(crate) fn allow_descriptors(needed: usize) -> Result<()> {
    let needed = u64::try_from(needed).context("count descriptors")?;
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is the highest.
    let (current, maximum) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    ensure!(
        needed <= maximum,
        "open {needed} descriptors: the limit is {maximum}; raise it by `ulimit -Hn`"
    );
    if needed > current {
        let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).context("raise the limit of descriptors")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_descriptors_than_the_system_allows_is_an_error() {
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow_descriptors(usize::MAX).unwrap_err().to_string();
            assert!(error.contains("ulimit"), "{error}");
        }
        allow_descriptors(10).unwrap();
    }
}
