//! Who may use whom: rooms stand on those before them, and no files stand on each other in a circle.
//!
//! Paths are followed to the file that declares their last name, so that a re-export hides nothing.
//! Documentation and tests may name whatever they like. Methods are not seen: only paths are.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::{Arrow, means};
use crate::offence::Offence;
use crate::tree::{Target, Tree};

/// From the bottom up. A file or a folder below `src/`.
const ROOMS: [&str; 7] = [
    "error", "storage", "layout", "engine", "tensor", "formats", "exchange",
];
/// What only gives names to the outside.
const FRONTS: [&str; 2] = ["lib", "prelude"];

/// A use of one file in another.
struct Edge {
    from: usize,
    to: usize,
    line: usize,
    path: String,
}

pub(crate) fn check(tree: &Tree, known: &[Arrow]) -> Vec<Offence> {
    let edges = edges(tree);
    let name = |file: usize| tree.sources[file].path.as_str();
    let excused = |edge: &Edge| {
        known
            .iter()
            .any(|arrow| means(arrow.from, name(edge.from)) && means(arrow.to, name(edge.to)))
    };
    let mut offences = Vec::new();
    for file in tree.product() {
        if room(name(file)).is_none() && !FRONTS.contains(&stem(name(file))) {
            offences.push(Offence::new(
                "stands in no room",
                name(file),
                1,
                ROOMS.join(", "),
            ));
        }
    }
    for edge in edges.iter().filter(|edge| !excused(edge)) {
        if let (Some(from), Some(to)) = (room(name(edge.from)), room(name(edge.to)))
            && to > from
        {
            let what = format!("{} stands below {}: {}", ROOMS[from], ROOMS[to], edge.path);
            offences.push(Offence::new(
                "an arrow that runs back",
                name(edge.from),
                edge.line,
                what,
            ));
        }
    }
    let mut arrows = BTreeMap::<usize, BTreeSet<usize>>::new();
    for edge in edges.iter().filter(|edge| !excused(edge)) {
        arrows.entry(edge.from).or_default().insert(edge.to);
    }
    for circle in circles(&arrows) {
        let names: Vec<_> = circle.iter().map(|&file| name(file)).collect();
        let what = format!("{} -> {}", names.join(" -> "), names[0]);
        offences.push(Offence::new(
            "files that stand on each other",
            names[0],
            1,
            what,
        ));
    }
    for arrow in known {
        let there = edges
            .iter()
            .any(|e| means(arrow.from, name(e.from)) && means(arrow.to, name(e.to)));
        if !there {
            println!(
                "note: no longer so, take it from known.rs: {} -> {}",
                arrow.from, arrow.to
            );
        }
    }
    offences
}

fn stem(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn room(path: &str) -> Option<usize> {
    ROOMS.iter().position(|room| *room == stem(path))
}

fn edges(tree: &Tree) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (id, module) in tree.modules.iter().enumerate() {
        let mut add = |path: &[String], line: usize| {
            let to = match tree.resolve(id, path) {
                Some(Target::Module(module) | Target::Item(module, _)) => tree.modules[module].file,
                None => return,
            };
            if to != module.file {
                let path = path.join("::");
                edges.push(Edge {
                    from: module.file,
                    to,
                    line,
                    path,
                });
            }
        };
        for import in &module.uses {
            // Who hands a name on and has no use for it does not stand on it.
            let used = import
                .name
                .as_ref()
                .is_none_or(|name| module.words.contains(name));
            if !import.passed_on || used || !is_below(tree, id, &import.path) {
                add(&import.path, import.line);
            }
        }
        for (path, line) in &module.paths {
            add(path, *line);
        }
    }
    edges
}

/// Whether a path leads into a child of the module.
fn is_below(tree: &Tree, id: usize, path: &[String]) -> bool {
    let mut at = match tree.resolve(id, path) {
        Some(Target::Module(module) | Target::Item(module, _)) => Some(module),
        None => None,
    };
    while let Some(module) = at {
        if module == id {
            return true;
        }
        at = tree.modules[module].parent;
    }
    false
}

/// One shortest circle through each file that is in one, each circle once.
fn circles(arrows: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<Vec<usize>> {
    let mut found = BTreeMap::<BTreeSet<usize>, Vec<usize>>::new();
    for &start in arrows.keys() {
        if let Some(circle) = shortest_circle(arrows, start) {
            found
                .entry(circle.iter().copied().collect())
                .or_insert(circle);
        }
    }
    found.into_values().collect()
}

fn shortest_circle(arrows: &BTreeMap<usize, BTreeSet<usize>>, start: usize) -> Option<Vec<usize>> {
    let mut came_from = BTreeMap::<usize, usize>::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &next in arrows.get(&at).into_iter().flatten() {
            if next == start {
                let mut circle = vec![at];
                let mut back = at;
                while back != start {
                    back = came_from[&back];
                    circle.push(back);
                }
                circle.reverse();
                return Some(circle);
            }
            came_from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                at
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tree_of;

    fn offences(files: &[(&str, &str)], known: &[Arrow]) -> Vec<String> {
        check(&tree_of(files), known)
            .iter()
            .map(Offence::to_string)
            .collect()
    }

    const ROOT: (&str, &str) = (
        "lib.rs",
        "mod storage; mod engine; mod tensor; pub use tensor::Tensor; pub use storage::Storage;",
    );
    const STORAGE: (&str, &str) = ("storage/mod.rs", "pub struct Storage;");
    const TENSOR: (&str, &str) = (
        "tensor/mod.rs",
        "use crate::storage::Storage; pub struct Tensor(Storage);",
    );

    #[test]
    fn a_room_may_stand_on_those_before_it() {
        let engine = (
            "engine/mod.rs",
            "use crate::storage; fn f(x: crate::Storage) {}",
        );
        assert_eq!(offences(&[ROOT, STORAGE, TENSOR, engine], &[]), [""; 0]);
    }

    #[test]
    fn an_arrow_back_is_found_in_every_form() {
        for text in [
            "use crate::tensor::Tensor;",
            "use crate::{storage, tensor::Tensor};",
            "fn f() { use super::tensor; }",
            "fn f(x: crate::tensor::Tensor) {}",
            "fn f() { crate::Tensor::new() }",
            "use crate::Tensor;",
            "pub(crate) use crate::tensor::Tensor;",
            "macro_rules! m { () => { $crate::tensor::Tensor } }",
            "mod part { use super::super::tensor::Tensor; }",
        ] {
            let found = offences(&[ROOT, STORAGE, TENSOR, ("engine/mod.rs", text)], &[]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].contains("engine stands below tensor"),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn tests_and_documentation_may_look_up() {
        let engine = (
            "engine/mod.rs",
            "//! [`Tensor`](crate::Tensor) \n #[cfg(test)] mod tests { use crate::Tensor; } \
             const A: &str = \"crate::Tensor\"; // crate::tensor::Tensor",
        );
        assert_eq!(offences(&[ROOT, STORAGE, TENSOR, engine], &[]), [""; 0]);
    }

    #[test]
    fn an_excuse_is_for_one_arrow() {
        let files = [
            ROOT,
            STORAGE,
            TENSOR,
            ("engine/mod.rs", "use crate::Tensor;"),
        ];
        let excuse = |from, to| [Arrow { from, to, why: "" }];
        assert_eq!(
            offences(&files, &excuse("engine/mod.rs", "tensor/mod.rs")),
            [""; 0]
        );
        assert_eq!(
            offences(&files, &excuse("engine/mod.rs", "tensor/view.rs")).len(),
            1
        );
    }

    #[test]
    fn a_file_outside_of_the_rooms_is_found() {
        let found = offences(&[("lib.rs", "mod attic;"), ("attic.rs", "")], &[]);
        assert!(
            found.len() == 1 && found[0].contains("attic.rs"),
            "{found:?}"
        );
    }

    #[test]
    fn a_circle_of_files_is_found_whatever_its_length() {
        let root = ("lib.rs", "mod engine;");
        let engine = ("engine/mod.rs", "mod a; mod b; mod c;");
        let a = ("engine/a.rs", "use super::b::B; pub struct A;");
        let b = ("engine/b.rs", "pub struct B; fn f() { super::c::C }");
        let c = ("engine/c.rs", "pub struct C; use crate::engine::a::A;");
        let found = offences(&[root, engine, a, b, c], &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("engine/a.rs -> engine/b.rs -> engine/c.rs -> engine/a.rs"));
        let c = ("engine/c.rs", "pub struct C;");
        assert_eq!(offences(&[root, engine, a, b, c], &[]), [""; 0]);
    }

    #[test]
    fn handing_on_the_name_of_a_child_is_no_arrow_and_using_it_is() {
        let root = ("lib.rs", "mod engine;");
        let child = ("engine/a.rs", "use super::Plan; pub struct A;");
        let hands_on = ("engine/mod.rs", "mod a; pub use a::A; pub struct Plan;");
        assert_eq!(offences(&[root, hands_on, child], &[]), [""; 0]);
        let uses = ("engine/mod.rs", "mod a; pub use a::A; pub struct Plan(A);");
        assert_eq!(offences(&[root, uses, child], &[]).len(), 1);
    }
}
