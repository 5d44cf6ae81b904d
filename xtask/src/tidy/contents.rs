//! `lib.rs` and `mod.rs` are tables of contents; nowhere is a glob imported or exported.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseGlob, UseTree, Visibility};

use super::finding::Finding;
use super::source::Source;

const RULE: &str = "contents";

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if matches!(source.file_name(), "lib.rs" | "mod.rs") && !is_program(source) {
        for item in source.syntax.items.iter().filter(|item| !belongs(item)) {
            let line = item.span().start().line;
            if !source.is_test_line(line) || source.is_test() {
                let message = "only a header, `mod` lines and named `pub use` belong here";
                findings.push(Finding::failure(&source.path, line, RULE, message));
            }
        }
    }
    let mut globs = Globs { lines: Vec::new() };
    globs.visit_file(&source.syntax);
    for line in globs.lines {
        if !source.is_test_line(line) {
            findings.push(Finding::failure(&source.path, line, RULE, "a glob: name what is used"));
        }
    }
    findings
}

/// A `mod.rs` right in a folder of tests or examples is a module, not a program.
fn is_program(source: &Source) -> bool {
    source.syntax.items.iter().any(|item| matches!(item, Item::Fn(it) if it.sig.ident == "main"))
}

/// Whether an item belongs into a table of contents.
fn belongs(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.content.is_none() || is_for_tests(&module.attrs),
        Item::Use(item) => !matches!(item.vis, Visibility::Inherited) && !is_glob(&item.tree),
        Item::ExternCrate(_) => true,
        _ => false,
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("cfg"))
}

fn is_glob(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => is_glob(&path.tree),
        UseTree::Group(group) => group.items.iter().any(is_glob),
        UseTree::Glob(_) => true,
        _ => false,
    }
}

struct Globs {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Globs {
    fn visit_use_glob(&mut self, glob: &'ast UseGlob) {
        self.lines.push(glob.span().start().line);
        visit::visit_use_glob(self, glob);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Source::parse(path, text.to_owned()).unwrap())
    }

    #[test]
    fn a_table_of_contents_is_fine() {
        let text = "\
//! What it is.
#![no_std]
extern crate alloc;
mod a;
#[cfg(test)]
mod world;
#[cfg(test)]
mod tests { fn f() {} }
pub mod b;
pub use a::{A, B};
pub(crate) use b::C;
";
        assert!(findings("src/lib.rs", text).is_empty());
        assert!(findings("src/b/mod.rs", text).is_empty());
    }

    #[test]
    fn logic_does_not_belong_into_it() {
        for text in [
            "fn f() {}",
            "const A: u8 = 1;",
            "struct A;",
            "use a::A;",
            "mod a { pub fn f() {} }",
            "pub use a::*;",
            "pub use a::{A, b::*};",
            "macro_rules! a { () => {}; }",
        ] {
            for path in ["src/lib.rs", "src/a/mod.rs"] {
                assert!(!findings(path, text).is_empty(), "{path}: {text}");
            }
        }
        assert!(findings("src/a.rs", "fn f() {}\nuse a::A;\n").is_empty());
    }

    #[test]
    fn the_line_is_that_of_the_item() {
        assert_eq!(findings("src/lib.rs", "mod a;\nfn f() {}\n")[0].line, 2);
    }

    #[test]
    fn globs_are_for_tests() {
        assert_eq!(findings("src/a.rs", "use b::*;\n").len(), 1);
        assert_eq!(findings("src/a.rs", "fn f() { use b::{C, d::*}; }\n").len(), 1);
        assert!(findings("src/a.rs", "#[cfg(test)]\nmod tests { use super::*; }\n").is_empty());
        assert!(findings("tests/a.rs", "use b::prelude::*;\n").is_empty());
    }
}
