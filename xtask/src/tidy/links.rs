//! Links in documents lead to files that exist. Links to the world outside are not followed.

use super::finding::Finding;

/// Checks a Markdown file; `exists` says whether there is a file or a folder at a path that is
/// relative to the root.
pub(crate) fn check(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line).into_iter().filter(|target| is_local(target)) {
            let found = resolve(path, target).is_some_and(|target| exists(&target));
            if !found {
                let message = format!("the link `{target}` leads nowhere");
                findings.push(Finding::failure(path, index + 1, "link", message));
            }
        }
    }
    findings
}

/// What the links of a line lead to, its inline code left out.
fn targets(line: &str) -> Vec<&str> {
    let prose = line.split('`').step_by(2);
    let mut targets: Vec<&str> = prose.flat_map(inline_targets).collect();
    targets.extend(reference_target(line));
    targets
}

/// `[text](target "title")`. The text may have been inline code, so only its end is looked for.
fn inline_targets(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// `[name]: target`
fn reference_target(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then(|| rest.split_whitespace().next()).flatten()
}

fn is_local(target: &str) -> bool {
    !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:")
}

/// The target relative to the root, if it stays below it.
fn resolve(document: &str, target: &str) -> Option<String> {
    let target = target.trim_matches(['<', '>']);
    let target = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        let there = ["README.md", "docs", "docs/a.md", "src/lib.rs", "docs/plot.svg", ""];
        check(path, text, |target| there.contains(&target))
    }

    #[test]
    fn links_to_what_is_there_are_fine() {
        let text = "\
[a](docs/a.md) and [b](./docs/a.md#part), [root](/README.md), [folder](docs/)
![plot](docs/plot.svg \"the plot\") [`code`](src/lib.rs) [angle](<docs/a.md>)
[a]: docs/a.md
[out](https://example.org/x) [post](mailto:x@example.org) [here](#part)
";
        assert_eq!(findings("README.md", text), []);
        assert_eq!(findings("docs/a.md", "[up](../README.md) [same](a.md)\n"), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found_at_their_line() {
        for text in [
            "[a](docs/b.md)",
            "see [one](docs/a.md) and [two](docs/b.md#x)",
            "[`code`](src/gone.rs)",
            "![plot](plot.svg)",
            "[a]: docs/b.md",
            "[out](../../elsewhere)",
        ] {
            let found = findings("README.md", &format!("# Title\n{text}\n"));
            assert_eq!((found.len(), found[0].line), (1, 2), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_link_is_relative_to_its_document() {
        assert_eq!(findings("docs/a.md", "[a](docs/a.md)\n").len(), 1);
    }

    #[test]
    fn code_is_not_prose() {
        let text = "`[a](b)`\n```rust\n#[a](b)\n```\n[after](gone.md)\n";
        let found = findings("README.md", text);
        assert_eq!((found.len(), found[0].line), (1, 5), "{found:?}");
    }
}
