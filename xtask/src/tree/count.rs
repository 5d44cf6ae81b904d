//! The packages in what `cargo tree --prefix depth --no-dedupe --format {p}` says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

/// The packages below and with one package, each name and version once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Those whose code ends up in the program.
    pub(crate) linked: BTreeSet<String>,
    /// Those that only run while it is built: procedural macros and what these alone need.
    pub(crate) build_only: BTreeSet<String>,
}

impl Count {
    /// Counts what is listed. Each line is a depth, a name, a version and marks in parentheses.
    pub(crate) fn of(listing: &str) -> Result<Self> {
        let (mut linked, mut build_only) = (BTreeSet::new(), BTreeSet::new());
        // The depth of the procedural macro that we are below.
        let mut macro_depth = None;
        for line in listing.lines().filter(|line| !line.is_empty()) {
            let (depth, package) =
                parse(line).with_context(|| format!("read the line `{line}` of `cargo tree`"))?;
            if macro_depth.is_some_and(|macro_depth| depth <= macro_depth) {
                macro_depth = None;
            }
            if macro_depth.is_none() && line.contains("(proc-macro)") {
                macro_depth = Some(depth);
            }
            let packages = if macro_depth.is_some() { &mut build_only } else { &mut linked };
            packages.insert(package);
        }
        build_only.retain(|package| !linked.contains(package));
        Ok(Self { linked, build_only })
    }

    pub(crate) fn total(&self) -> usize {
        self.linked.len() + self.build_only.len()
    }
}

fn parse(line: &str) -> Option<(usize, String)> {
    let digits = line.find(|character: char| !character.is_ascii_digit())?;
    let (depth, package) = line.split_at(digits);
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some((depth.parse().ok()?, format!("{name} {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
0service v0.1.0 (/somewhere/service)
1errors v2.0.1
2errors-derive v2.0.1 (proc-macro)
3quote v1.0.0
4memchr v2.8.0
3syntax v3.0.0
1json v1.0.0
2memchr v2.8.0
1macros v1.0.0 (proc-macro)
2syntax v2.0.0
1last v0.1.0

";

    #[test]
    fn what_only_macros_need_is_apart() {
        let count = Count::of(LISTING).unwrap();
        let linked: Vec<_> = count.linked.iter().map(String::as_str).collect();
        let expected =
            ["errors v2.0.1", "json v1.0.0", "last v0.1.0", "memchr v2.8.0", "service v0.1.0"];
        assert_eq!(linked, expected);
        let build_only: Vec<_> = count.build_only.iter().map(String::as_str).collect();
        let expected = [
            "errors-derive v2.0.1",
            "macros v1.0.0",
            "quote v1.0.0",
            "syntax v2.0.0",
            "syntax v3.0.0",
        ];
        assert_eq!(build_only, expected);
        assert_eq!(count.total(), 10);
    }

    #[test]
    fn a_package_is_counted_once_and_each_of_its_versions() {
        let count = Count::of("0a v1\n1b v1\n1b v2\n1c v1\n2b v1\n").unwrap();
        assert_eq!(count.total(), 4);
    }

    #[test]
    fn what_is_no_listing_is_an_error_with_the_line() {
        for line in ["error: no such package", "0", "0name", "name v1"] {
            let error = Count::of(line).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
    }
}
