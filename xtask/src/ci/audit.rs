//! The audit of dependencies by cargo-deny, after the rules in deny.toml.
//!
//! Licenses, bans and sources are checked offline, so that the result depends on this tree alone.
//! Advisories need the advisory database: where it is neither there nor reachable, that is said.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Result;

use crate::outcome::Outcome;
use crate::repository::Repository;
use crate::tool;

/// How long the advisory database may take to come, in seconds.
const FETCH_TIMEOUT_S: &str = "60";

pub(super) fn run(repository: &Repository) -> Result<Outcome> {
    if !tool::succeeds(&mut repository.cargo(&["deny", "--version"])) {
        return Ok(Outcome::failed("cargo-deny is missing: `cargo install --locked cargo-deny`"));
    }
    // Packages for other systems are built by no step, but are part of what is checked.
    let fetched = tool::run(&mut repository.cargo(&["fetch", "--locked"]))?;
    if !fetched {
        return Ok(Outcome::failed("the packages in Cargo.lock cannot be had"));
    }
    if !check(repository, &["licenses", "bans", "sources"])? {
        return Ok(Outcome::failed("see above"));
    }
    check_advisories(repository)
}

fn check_advisories(repository: &Repository) -> Result<Outcome> {
    let fresh = fetch_advisories(repository);
    if !fresh && !has_advisories() {
        let what = "advisories: their database is neither here nor reachable";
        return Ok(Outcome::PassedWithout(what.into()));
    }
    match (check(repository, &["advisories"])?, fresh) {
        (false, _) => Ok(Outcome::failed("see above")),
        (true, true) => Ok(Outcome::Passed),
        (true, false) => {
            Ok(Outcome::PassedWithout("new advisories: their database is not reachable".into()))
        }
    }
}

fn check(repository: &Repository, what: &[&str]) -> Result<bool> {
    let arguments = [&["deny", "--offline", "check", "--hide-inclusion-graph"], what].concat();
    tool::run(&mut repository.cargo(&arguments))
}

/// Brings the advisory database up to date. Returns whether that was possible.
fn fetch_advisories(repository: &Repository) -> bool {
    let mut command = repository.command("timeout");
    command.args([FETCH_TIMEOUT_S, "cargo", "deny", "fetch", "db"]);
    tool::succeeds(&mut command)
}

/// Whether some state of the database is here.
fn has_advisories() -> bool {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let databases = home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok());
    databases
        .is_some_and(|entries| entries.flatten().any(|entry| entry.path().join(".git").exists()))
}
