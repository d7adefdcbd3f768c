//! Every public item has a page in the documentation, and the front page leads to it.
//!
//! rustdoc says nothing when a re-export of a private module's item is marked `no_inline`: the item
//! is then documented nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::offence::Offence;
use crate::tree::{Target, Tree};

/// The public names of a module and those below it, as `(path, name)`.
fn public_names(tree: &Tree) -> BTreeSet<(String, String)> {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    visit(tree, 0, "", &mut names, &mut seen);
    names
}

fn visit(
    tree: &Tree,
    id: usize,
    path: &str,
    names: &mut BTreeSet<(String, String)>,
    seen: &mut BTreeSet<usize>,
) {
    if !seen.insert(id) {
        return;
    }
    let module = &tree.modules[id];
    for (name, item) in module
        .items
        .iter()
        .filter(|(_, item)| item.public && !item.hidden)
    {
        let _ = item;
        names.insert((path.to_string(), name.clone()));
    }
    for (name, child) in module
        .children
        .iter()
        .filter(|(_, child)| child.public && !child.hidden)
    {
        visit(tree, child.module, &format!("{path}{name}::"), names, seen);
    }
    for import in module
        .uses
        .iter()
        .filter(|import| import.public && !import.hidden)
    {
        let Some(name) = &import.name else { continue };
        match tree.resolve(id, &import.path) {
            Some(Target::Module(other)) => {
                visit(tree, other, &format!("{path}{name}::"), names, seen)
            }
            Some(Target::Item(..)) => {
                names.insert((path.to_string(), name.clone()));
            }
            None => {}
        }
    }
}

/// `folder` is `target/doc/kornia_tensor`.
pub(crate) fn check(tree: &Tree, folder: &Path) -> Vec<Offence> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (all, front) = (read("all.html"), read("index.html"));
    compare(&public_names(tree), &all, &front, |page| {
        folder.join(page).is_file()
    })
}

fn compare(
    names: &BTreeSet<(String, String)>,
    all: &str,
    front: &str,
    exists: impl Fn(&str) -> bool,
) -> Vec<Offence> {
    if names.is_empty() || all.is_empty() || front.is_empty() {
        let what = "`cargo doc --all-features` comes first";
        return vec![Offence::new("no documentation", "all.html", 1, what)];
    }
    let mut offences = Vec::new();
    let pages: Vec<&str> = links(all).collect();
    let leads_to = |pages: &[&str], name: &str| {
        pages.iter().any(|page| {
            let file = page.rsplit('/').next().unwrap_or(page);
            file.split_once('.')
                .is_some_and(|(_, rest)| rest == format!("{name}.html"))
                && exists(page)
        })
    };
    let fronts: Vec<&str> = links(front).collect();
    for (path, name) in names {
        let item = format!("{path}{name}");
        if !leads_to(&pages, name) {
            offences.push(Offence::new(
                "a public item without a page",
                "all.html",
                1,
                &item,
            ));
        } else if path.is_empty() && !leads_to(&fronts, name) {
            offences.push(Offence::new(
                "the front page does not lead to it",
                "index.html",
                1,
                &item,
            ));
        }
    }
    offences
}

fn links(html: &str) -> impl Iterator<Item = &str> {
    html.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree_of;

    fn found(all: &str, front: &str) -> Vec<String> {
        let tree = tree_of(&[
            (
                "lib.rs",
                "mod storage; pub mod npy; #[doc(hidden)] pub mod old; pub use storage::{Pool, Alloc}; \
                 #[doc(hidden)] pub use storage::Machinery; pub(crate) use storage::Inner;",
            ),
            (
                "storage.rs",
                "pub struct Pool; pub trait Alloc {} pub struct Machinery; pub struct Inner;",
            ),
            ("npy.rs", "pub fn open() {} fn close() {}"),
            ("old.rs", "pub fn gone() {}"),
        ]);
        let offences = compare(&public_names(&tree), all, front, |page| {
            page != "struct.Missing.html"
        });
        offences.iter().map(Offence::to_string).collect()
    }

    const ALL: &str =
        r#"<a href="struct.Pool.html"> <a href="trait.Alloc.html"> <a href="npy/fn.open.html">"#;
    const FRONT: &str = r#"<a href="struct.Pool.html"> <a href="trait.Alloc.html">"#;

    #[test]
    fn what_is_hidden_or_private_needs_no_page() {
        assert_eq!(found(ALL, FRONT), [""; 0]);
    }

    #[test]
    fn a_public_item_without_a_page_is_found() {
        let offences = found(&ALL.replace("struct.Pool", "struct.PoolBuilder"), FRONT);
        assert!(
            offences.len() == 1 && offences[0].ends_with("without a page: Pool"),
            "{offences:?}"
        );
        let offences = found(&ALL.replace("fn.open", "fn.opens"), FRONT);
        assert!(
            offences.len() == 1 && offences[0].ends_with("npy::open"),
            "{offences:?}"
        );
    }

    #[test]
    fn a_page_that_the_front_does_not_lead_to_is_found() {
        let offences = found(ALL, "<a href=\"trait.Alloc.html\">");
        assert!(
            offences.len() == 1 && offences[0].contains("front page"),
            "{offences:?}"
        );
    }

    #[test]
    fn documentation_that_was_not_built_is_an_offence() {
        assert!(!found("", "").is_empty());
    }
}
