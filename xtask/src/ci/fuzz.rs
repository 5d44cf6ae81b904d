//! The fuzz targets compile. They are no part of the workspace, so no other step sees them.

use anyhow::Result;

use crate::outcome::Outcome;
use crate::repository::Repository;
use crate::tool;

pub(super) fn run(repository: &Repository) -> Result<Outcome> {
    if !repository.root().join("fuzz/Cargo.toml").is_file() {
        return Ok(Outcome::skipped("there is no `fuzz/Cargo.toml`"));
    }
    if !tool::succeeds(&mut repository.cargo(&["fuzz", "--version"])) {
        return Ok(Outcome::skipped("cargo-fuzz is missing"));
    }
    // Sanitizers need a nightly compiler; whether the targets compile does not depend on them.
    let arguments = ["fuzz", "check", "--dev", "--sanitizer", "none"];
    tool::run(&mut repository.cargo(&arguments)).map(Outcome::of)
}
