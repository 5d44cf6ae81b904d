//! How long files, functions and lines may be.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::finding::Finding;
use super::source::Source;

const RULE: &str = "size";

/// The most lines of a file, its tests apart.
const FILE_LINES_LIMIT: usize = 500;
/// Above this, a file is worth a thought.
const FILE_LINES_AIM: usize = 250;
/// The most lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_LIMIT: usize = 70;
/// The most columns of a line.
const COLUMNS_LIMIT: usize = 100;

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = file(source).into_iter().collect();
    findings.extend(columns(source));
    let mut functions = Functions { path: &source.path, findings };
    functions.visit_file(&source.syntax);
    functions.findings
}

fn file(source: &Source) -> Option<Finding> {
    let lines = source.code_lines();
    if lines > FILE_LINES_LIMIT {
        let message = format!("{lines} lines before tests; at most {FILE_LINES_LIMIT}");
        Some(Finding::failure(&source.path, 1, RULE, message))
    } else if lines > FILE_LINES_AIM {
        let message = format!("{lines} lines before tests; the aim is {FILE_LINES_AIM}");
        Some(Finding::warning(&source.path, 1, RULE, message))
    } else {
        None
    }
}

fn columns(source: &Source) -> impl Iterator<Item = Finding> {
    let columns = source.text.lines().map(|line| line.chars().count()).enumerate();
    columns.filter(|(_, columns)| *columns > COLUMNS_LIMIT).map(|(index, columns)| {
        let message = format!("{columns} columns; at most {COLUMNS_LIMIT}");
        Finding::failure(&source.path, index + 1, RULE, message)
    })
}

/// Measures functions, those inside functions included.
struct Functions<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = line(signature.span());
        let lines = block.span().end().line - first + 1;
        if lines > FUNCTION_LINES_LIMIT {
            let name = &signature.ident;
            let message = format!("`{name}` has {lines} lines; at most {FUNCTION_LINES_LIMIT}");
            self.findings.push(Finding::failure(self.path, first, RULE, message));
        }
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check(&Source::parse("src/a.rs", text.to_owned()).unwrap())
    }

    /// A function of so many lines.
    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    f();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_may_have_so_many_lines_and_is_warned_of_before() {
        assert!(findings(&"struct A;\n".repeat(250)).is_empty());
        assert_eq!(findings(&"struct A;\n".repeat(251))[0].level, Level::Warning);
        assert_eq!(findings(&"struct A;\n".repeat(500))[0].level, Level::Warning);
        assert_eq!(findings(&"struct A;\n".repeat(501))[0].level, Level::Failure);
    }

    #[test]
    fn tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "struct A;\n".repeat(600));
        assert!(findings(&tests).is_empty());
    }

    #[test]
    fn a_function_may_have_so_many_lines_wherever_it_stands() {
        for (before, after) in
            [("", ""), ("impl A {\n", "}\n"), ("trait A {\n", "}\n"), ("fn f() {\n", "}\n")]
        {
            assert!(findings(&format!("{before}{}{after}", function(68))).is_empty(), "{before}");
            let found = findings(&format!("{before}{}{after}", function(71)));
            assert!(found.iter().any(|it| it.message.contains("`long` has 71")), "{found:?}");
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_documentation_does_not_count() {
        let documented = format!("{}#[must_use]\n{}", "/// Words.\n".repeat(20), function(70));
        assert!(findings(&documented).is_empty());
        let found = findings(&format!("/// Words.\n{}", function(71)));
        assert_eq!((found.len(), found[0].line), (1, 2));
    }

    #[test]
    fn columns_are_characters_and_not_bytes() {
        assert!(findings(&format!("// {}\n", "ü".repeat(97))).is_empty());
        let found = findings(&format!("\n// {}\n", "ü".repeat(98)));
        assert_eq!((found.len(), found[0].line), (1, 2));
    }
}
