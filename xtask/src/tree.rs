//! `cargo xtask tree`: how many packages a user of the library gets, against a limit.

mod count;

use anyhow::Result;

use self::count::Count;
use crate::outcome::Outcome;
use crate::repository::Repository;
use crate::tool;

/// One way to use the library, and the most packages that it may bring beside itself.
#[derive(Debug)]
struct Budget {
    name: &'static str,
    features: &'static [&'static str],
    limit: usize,
}

const BUDGETS: [Budget; 4] = [
    Budget { name: "default features", features: &[], limit: 60 },
    Budget { name: "default features and `tls`", features: &["--features", "tls"], limit: 75 },
    Budget {
        name: "`tokio` alone",
        features: &["--no-default-features", "--features", "tokio"],
        limit: 40,
    },
    Budget { name: "no default features", features: &["--no-default-features"], limit: 30 },
];

/// What is linked on the system that builds, and what is compiled to get there. Development
/// dependencies are left out: no user of the library gets them.
const QUERY: [&str; 10] = [
    "tree",
    "--package",
    "rekindle",
    "--edges",
    "normal",
    "--prefix",
    "depth",
    "--no-dedupe",
    "--format",
    "{p}",
];

/// Counts each way to use the library.
pub(crate) fn run(repository: &Repository) -> Result<Outcome> {
    let mut over = Vec::new();
    for budget in BUDGETS {
        let listing = tool::read(&mut repository.cargo(&[&QUERY, budget.features].concat()))?;
        let count = Count::of(&listing)?;
        // The library itself is in its tree.
        let brought = count.total().saturating_sub(1);
        println!(
            "{}: {} packages of at most {} beside itself; {} linked with it, {} for the build only",
            budget.name,
            brought,
            budget.limit,
            count.linked.len().saturating_sub(1),
            count.build_only.len(),
        );
        println!("  linked: {}", join(&count.linked));
        println!("  build only: {}", join(&count.build_only));
        if brought > budget.limit {
            let by = brought - budget.limit;
            over.push(format!("{by} too many with {}", budget.name));
        }
    }
    Ok(if over.is_empty() { Outcome::Passed } else { Outcome::failed(over.join(", ")) })
}

fn join<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
