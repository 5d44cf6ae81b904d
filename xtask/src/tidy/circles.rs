//! No module at the root of a package uses one that uses it, in however many steps.

use std::collections::{BTreeSet, VecDeque};

use super::finding::Finding;
use super::package::{Package, Use};

/// Finds the shortest circle through each module that is in no circle found before.
pub(crate) fn check(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    for module in package.uses.keys() {
        if known.contains(module.as_str()) {
            continue;
        }
        let Some(circle) = circle(package, module) else { continue };
        known.extend(circle.iter().map(|step| step.of.as_str()));
        let way: Vec<&str> = circle.iter().map(|step| step.of.as_str()).collect();
        let message = format!("imports go in a circle: {module} → {}", way.join(" → "));
        findings.push(Finding::failure(&circle[0].path, circle[0].line, "circle", message));
    }
    findings
}

/// The shortest way from a module back to itself.
fn circle<'a>(package: &'a Package, start: &str) -> Option<Vec<&'a Use>> {
    let mut ways: VecDeque<Vec<&Use>> = VecDeque::from([Vec::new()]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let module = way.last().map_or(start, |step| step.of.as_str());
        for step in package.uses.get(module).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(step);
            if step.of == start {
                return Some(longer);
            }
            if seen.insert(step.of.as_str()) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package in which modules use others: `a>b` says that `a` uses `b`.
    fn package(uses: &[&str]) -> Package {
        let mut package = Package::default();
        for (index, text) in uses.iter().enumerate() {
            let (module, of) = text.split_once('>').unwrap();
            let (path, line) = (format!("src/{module}.rs"), index + 1);
            let module = package.uses.entry(module.to_owned()).or_default();
            module.push(Use { of: of.to_owned(), path, line });
        }
        package
    }

    fn messages(uses: &[&str]) -> Vec<String> {
        check(&package(uses)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn layers_have_no_circle() {
        assert_eq!(messages(&["a>b", "a>c", "b>d", "c>d", "d>e"]), [""; 0]);
    }

    #[test]
    fn the_shortest_circle_is_named_with_the_place_of_its_first_step() {
        let found = messages(&["x>a", "a>b", "b>c", "c>a", "b>a"]);
        assert_eq!(found[0], "src/a.rs:2: imports go in a circle: a → b → a [circle]");
        assert_eq!(found.len(), 2, "c is in none of those before");
    }

    #[test]
    fn a_long_circle_is_one_finding() {
        let found = messages(&["a>b", "b>c", "c>a"]);
        assert_eq!(found, ["src/a.rs:1: imports go in a circle: a → b → c → a [circle]"]);
    }

    #[test]
    fn circles_apart_are_findings_apart() {
        assert_eq!(messages(&["a>b", "b>a", "c>d", "d>c", "a>c"]).len(), 2);
    }
}
