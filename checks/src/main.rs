//! The structural rules of the repository: what the compiler and clippy do not see.
//!
//! ```text
//! cargo run -p kornia-tensor-checks               from the repository's root
//! cargo run -p kornia-tensor-checks -- --docs     also that each public item has a page
//! ```
//!
//! Each rule has a test that it fails where it has to.
//!
//! * `rules.rs`: lengths, `unsafe` and where it may stand, macros, traits, sizes, sentences about safety;
//! * `rooms.rs`: which room may use which, and no files in a circle;
//! * `paths.rs`: nothing leads out of the repository;
//! * `pages.rs`: documentation for every public item.
//!
//! Below them: `lex.rs` makes tokens, `source.rs` leaves out tests, `tree.rs` knows the modules.
//! What is excused stands in `known.rs`.

#![forbid(unsafe_code)]

mod known;
mod lex;
mod offence;
mod pages;
mod paths;
mod rooms;
mod rules;
#[cfg(test)]
mod rules_tests;
mod source;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use offence::Offence;
use source::Source;
use tree::Tree;

const CRATE: &str = "crates/kornia-tensor";
/// Folders of what is built, found or checked out.
const SKIPPED: [&str; 6] = [
    "target",
    ".git",
    "out",
    "corpus",
    "node_modules",
    "artifacts",
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg != "--docs") {
        eprintln!("usage: kornia-tensor-checks [--docs]");
        return ExitCode::from(2);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut offences = sources(&root);
    offences.extend(names(&root));
    if !args.is_empty() {
        let pages = root.join("target/doc/kornia_tensor");
        offences.extend(pages::check(&tree(&root), &pages));
    }
    offences.sort();
    for offence in &offences {
        eprintln!("error: {offence}");
    }
    match offences.len() {
        0 => ExitCode::SUCCESS,
        n => {
            eprintln!("{n} places where a structural rule does not hold");
            ExitCode::FAILURE
        }
    }
}

/// The rules about the sources of the crate.
fn sources(root: &Path) -> Vec<Offence> {
    let tree = tree(root);
    let tests: Vec<Source> = read_sources(&root.join(CRATE).join("tests"));
    println!(
        "{} files of the product, {} in all",
        tree.product().len(),
        tree.sources.len()
    );

    let mut offences = rooms::check(&tree, known::ARROWS);
    offences.extend(
        tree.lost
            .iter()
            .map(|path| Offence::new("a module without a file", path, 1, "")),
    );
    offences.extend(rules::unsafe_code(&tree));
    offences.extend(rules::root_denies_unsafe(&tree));
    offences.extend(rules::macros(&tree));
    offences.extend(rules::exceptions(&tree));
    offences.extend(rules::sizes(tests.iter().chain(&tree.sources)));
    for (file, source) in tree.sources.iter().enumerate() {
        offences.extend(rules::safety(source));
        offences.extend(rules::traits(source));
        if tree.product().contains(&file) {
            offences.extend(rules::test_in_product(source));
        }
    }
    let excused = |offence: &Offence| {
        known::EXCUSES
            .iter()
            .any(|excuse| offence.is(excuse.rule, excuse.path))
    };
    let (excuses, offences) = offences.into_iter().partition::<Vec<_>, _>(excused);
    println!("{} places are excused in known.rs", excuses.len());
    for excuse in known::EXCUSES {
        if !excuses
            .iter()
            .any(|offence| offence.is(excuse.rule, excuse.path))
        {
            println!(
                "note: no longer so, take it from known.rs: {}: {}",
                excuse.path, excuse.rule
            );
        }
    }
    offences
}

/// The rules about all files of the repository: their lengths, and the paths they name.
fn names(root: &Path) -> Vec<Offence> {
    let mut offences = Vec::new();
    for path in files(root, root) {
        let Ok(text) = fs::read_to_string(root.join(&path)) else {
            continue; // a picture
        };
        offences.extend(paths::check(&path, &text, &|file| root.join(file).exists()));
        if path.ends_with(".rs") && path.contains("/src/") {
            offences.extend(rules::length(&path, text.lines().count()));
        }
    }
    offences
}

fn tree(root: &Path) -> Tree {
    Tree::new(read_sources(&root.join(CRATE).join("src")))
}

fn read_sources(folder: &Path) -> Vec<Source> {
    let paths = files(folder, folder)
        .into_iter()
        .filter(|path| path.ends_with(".rs"));
    let read = |path: String| {
        let text = fs::read_to_string(folder.join(&path)).unwrap_or_default();
        Source::new(&path, &text)
    };
    paths.map(read).collect()
}

/// The files below a folder, relative to `root` and in order.
fn files(root: &Path, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if entry.is_symlink() {
            continue; // read where it leads, whose links stand there
        }
        if entry.is_dir() && !SKIPPED.contains(&name.as_ref()) {
            found.extend(files(root, &entry));
        } else if entry.is_file()
            && let Ok(path) = entry.strip_prefix(root)
        {
            found.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tree = tree(&root);
        assert!(tree.lost.is_empty(), "{:?}", tree.lost);
        assert!(tree.product().len() > 50, "{}", tree.product().len());
        assert!(files(&root, &root).iter().any(|path| path == "README.md"));
    }
}
