//! A package of the workspace, as a graph: which of its modules uses which.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree};

use super::imports;
use super::source::Source;

/// A module at the root of a package uses another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) of: String,
    pub(crate) path: String,
    pub(crate) line: usize,
}

/// A package: the modules right below its root, each with all that is below it.
#[derive(Debug, Default)]
pub(crate) struct Package {
    /// What each module uses, each other module once.
    pub(crate) uses: BTreeMap<String, Vec<Use>>,
}

impl Package {
    /// All packages that these files are of, tests and further programs left out.
    pub(crate) fn all(sources: &[Source]) -> Vec<Self> {
        let mut packages: BTreeMap<&str, Vec<(&Source, &str)>> = BTreeMap::new();
        for source in sources.iter().filter(|source| !source.is_test()) {
            if let Some((package, file)) = source.path.split_once("/src/")
                && !file.starts_with("bin/")
            {
                packages.entry(package).or_default().push((source, file));
            }
        }
        packages.values().map(|files| Self::of(files)).collect()
    }

    fn of(files: &[(&Source, &str)]) -> Self {
        let exports: BTreeMap<String, String> = files
            .iter()
            .filter(|(_, file)| modules(file).is_empty())
            .flat_map(|(root, _)| exports(root))
            .collect();
        let known: BTreeSet<&str> =
            files.iter().filter_map(|(_, file)| modules(file).first().copied()).collect();
        let mut package = Self::default();
        for (source, file) in files {
            let modules = modules(file);
            let Some(module) = modules.first() else { continue };
            let uses = package.uses.entry((*module).to_owned()).or_default();
            for import in imports::of(source, modules.len()) {
                let of = exports.get(&import.name).unwrap_or(&import.name);
                let is_new = uses.iter().all(|known| known.of != *of);
                if of != module && is_new && known.contains(of.as_str()) {
                    let (path, line) = (source.path.clone(), import.line);
                    uses.push(Use { of: of.clone(), path, line });
                }
            }
        }
        package
    }
}

/// The modules that lead to a file below `src`; none for the root itself.
fn modules(file: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if parts.last().is_some_and(|last| matches!(*last, "lib" | "main" | "mod")) {
        parts.pop();
    }
    parts
}

/// The names that a root takes from its modules, with the module of each.
fn exports(root: &Source) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    for item in &root.syntax.items {
        if let Item::Use(item) = item
            && let Some((module, tree)) = first_module(&item.tree)
        {
            let mut names = Vec::new();
            leaves(tree, &mut names);
            exports.extend(names.into_iter().map(|name| (name, module.clone())));
        }
    }
    exports
}

/// The first module of a path, `crate` and `self` passed over, and what is below it.
fn first_module(tree: &UseTree) -> Option<(String, &UseTree)> {
    match tree {
        UseTree::Path(path) if path.ident == "crate" || path.ident == "self" => {
            first_module(&path.tree)
        }
        UseTree::Path(path) => Some((path.ident.to_string(), &path.tree)),
        _ => None,
    }
}

fn leaves(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(rename) => names.push(rename.rename.to_string()),
        UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each module uses, as `module: others`.
    fn graph(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::parse(path, (*text).to_owned()).unwrap())
            .collect();
        let packages = Package::all(&sources);
        let modules = packages.iter().flat_map(|package| &package.uses);
        modules
            .map(|(module, uses)| {
                let others: Vec<&str> = uses.iter().map(|it| it.of.as_str()).collect();
                format!("{module}: {}", others.join(" "))
            })
            .collect()
    }

    #[test]
    fn a_module_has_all_that_is_below_it() {
        let graph = graph(&[
            ("crates/x/src/lib.rs", "mod a; mod b; mod c;"),
            ("crates/x/src/a.rs", "mod inner; use crate::b::B; use crate::b::C; use std::fmt;"),
            ("crates/x/src/a/inner.rs", "use super::A; use super::super::c::C;"),
            ("crates/x/src/b/mod.rs", "use super::c::C;"),
            ("crates/x/src/c.rs", ""),
        ]);
        assert_eq!(graph, ["a: b c", "b: c", "c: "]);
    }

    #[test]
    fn what_the_root_exports_is_of_its_module() {
        let graph = graph(&[
            ("x/src/main.rs", "mod a; mod b; pub use crate::a::{A, deep::B as C}; use b::f;"),
            ("x/src/a.rs", "use crate::f;"),
            ("x/src/b.rs", "use crate::{A, C, unknown};"),
        ]);
        assert_eq!(graph, ["a: b", "b: a"]);
    }

    #[test]
    fn packages_are_apart_and_programs_are_no_modules() {
        let graph = graph(&[
            ("x/src/a.rs", "use crate::b;"),
            ("x/src/bin/tool.rs", "use crate::a;"),
            ("y/src/b.rs", "use crate::a;"),
            ("tests/x/src/c.rs", "use crate::d;"),
        ]);
        assert_eq!(graph, ["a: ", "b: "]);
    }
}
