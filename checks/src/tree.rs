//! The modules of the crate, what each declares and imports, and where a path leads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::lex::{Kind, Token};
use crate::source::{Source, skip_group, skip_item};

/// A module: a file, or a part of one.
pub(crate) struct Module {
    /// The file, as an index into [`Tree::sources`].
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) children: HashMap<String, Child>,
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) uses: Vec<Use>,
    /// Paths in code, with their lines: `crate::a::b`, `super::c`, `child::d`.
    pub(crate) paths: Vec<(Vec<String>, usize)>,
    /// Words outside of `use`.
    pub(crate) words: BTreeSet<String>,
}

#[derive(Clone, Copy)]
pub(crate) struct Child {
    pub(crate) module: usize,
    pub(crate) public: bool,
    pub(crate) hidden: bool,
}

/// What a module declares under a name.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub(crate) public: bool,
    pub(crate) hidden: bool,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) path: Vec<String>,
    /// `None` for `*`.
    pub(crate) name: Option<String>,
    /// `pub`, to everybody.
    pub(crate) public: bool,
    /// `pub` or `pub(..)`: others may come for the name.
    pub(crate) passed_on: bool,
    pub(crate) hidden: bool,
    pub(crate) line: usize,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Module(usize),
    /// A name that this module declares.
    Item(usize, String),
}

pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
    pub(crate) modules: Vec<Module>,
    /// `mod` declarations that lead to no file.
    pub(crate) lost: Vec<String>,
}

impl Tree {
    /// The product: modules of tests are none of it.
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let mut tree = Self {
            sources,
            modules: Vec::new(),
            lost: Vec::new(),
        };
        if let Some(root) = tree.file("lib.rs") {
            tree.add_file(root, None, "");
        }
        tree
    }

    pub(crate) fn file(&self, path: &str) -> Option<usize> {
        self.sources.iter().position(|source| source.path == path)
    }

    /// The files that belong to the product.
    pub(crate) fn product(&self) -> BTreeSet<usize> {
        self.modules.iter().map(|module| module.file).collect()
    }

    fn add_file(&mut self, file: usize, parent: Option<usize>, folder: &str) -> usize {
        let tokens = self.sources[file].product.clone();
        self.add_module(file, parent, folder, &tokens)
    }

    /// `folder` is where its child modules' files are, with a slash at the end.
    fn add_module(
        &mut self,
        file: usize,
        parent: Option<usize>,
        folder: &str,
        tokens: &[Token],
    ) -> usize {
        let id = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            children: HashMap::new(),
            items: BTreeMap::new(),
            uses: Vec::new(),
            paths: Vec::new(),
            words: BTreeSet::new(),
        });
        let mut at = 0;
        while at < tokens.len() {
            let start = at;
            let mut public = false;
            let mut passed_on = false;
            let mut hidden = false;
            let mut elsewhere = None;
            while at + 1 < tokens.len() && tokens[at].is("#") {
                let open = at + 1 + usize::from(tokens[at + 1].is("!"));
                let end = skip_group(tokens, open);
                hidden |= tokens[open..end].iter().any(|token| token.is("hidden"));
                if let [_, path, _, text, _] = &tokens[open..end]
                    && path.is("path")
                {
                    elsewhere = Some(text.text.clone());
                }
                at = end;
            }
            if tokens.get(at).is_some_and(|token| token.is("pub")) {
                (public, passed_on) = (true, true);
                at += 1;
                if tokens.get(at).is_some_and(|token| token.is("(")) {
                    public = false;
                    at = skip_group(tokens, at);
                }
            }
            if tokens.get(at).is_some_and(|token| token.is("mod")) && at + 2 < tokens.len() {
                let name = tokens[at + 1].text.clone();
                let module = if tokens[at + 2].is("{") {
                    let end = skip_group(tokens, at + 2);
                    let inside = &tokens[at + 3..end - 1];
                    at = end;
                    Some(self.add_module(file, Some(id), &format!("{folder}{name}/"), inside))
                } else {
                    at += 3;
                    let candidates = match elsewhere {
                        // Beside this file.
                        Some(path) => {
                            let here = self.sources[file].path.rsplit_once('/');
                            vec![here.map_or(path.clone(), |(here, _)| format!("{here}/{path}"))]
                        }
                        None => vec![
                            format!("{folder}{name}.rs"),
                            format!("{folder}{name}/mod.rs"),
                        ],
                    };
                    let found = candidates.iter().find_map(|path| self.file(path));
                    if found.is_none() {
                        self.lost.push(candidates[0].clone());
                    }
                    let folder = format!("{folder}{name}/");
                    found.map(|found| self.add_file(found, Some(id), &folder))
                };
                if let Some(module) = module {
                    let child = Child {
                        module,
                        public,
                        hidden,
                    };
                    self.modules[id].children.entry(name).or_insert(child);
                }
                continue;
            }
            if tokens.get(at).is_some_and(|token| token.is("use")) {
                at = self.add_use(id, tokens, at, (public, passed_on, hidden));
                continue;
            }
            let end = skip_item(tokens, start).max(start + 1);
            if let Some(name) = declared_name(&tokens[at.min(end)..end]) {
                let item = Item { public, hidden };
                self.modules[id].items.insert(name, item);
            }
            self.add_body(id, &tokens[start..end]);
            at = end;
        }
        id
    }

    /// The imports and paths of an item, whatever is in it.
    fn add_body(&mut self, id: usize, tokens: &[Token]) {
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].is("use") && !tokens.get(at + 1).is_some_and(|token| token.is("<")) {
                at = self.add_use(id, tokens, at, (false, false, false));
                continue;
            }
            if tokens[at].kind != Kind::Word {
                at += 1;
                continue;
            }
            self.modules[id].words.insert(tokens[at].text.clone());
            let continued = at > 0 && (tokens[at - 1].is("::") || tokens[at - 1].is("."));
            let mut path = vec![tokens[at].text.clone()];
            let line = tokens[at].line;
            at += 1;
            while !continued
                && at + 1 < tokens.len()
                && tokens[at].is("::")
                && tokens[at + 1].kind == Kind::Word
            {
                self.modules[id].words.insert(tokens[at + 1].text.clone());
                path.push(tokens[at + 1].text.clone());
                at += 2;
            }
            if path.len() > 1 {
                self.modules[id].paths.push((path, line));
            }
        }
    }

    /// Takes the `use` at `at` apart, and returns the index behind it.
    fn add_use(
        &mut self,
        id: usize,
        tokens: &[Token],
        at: usize,
        (public, passed_on, hidden): (bool, bool, bool),
    ) -> usize {
        let mut end = at;
        while end < tokens.len() && !tokens[end].is(";") {
            end += 1;
        }
        let line = tokens[at].line;
        let mut flat = Vec::new();
        flatten(&tokens[at + 1..end], &[], &mut flat);
        for (path, name) in flat {
            self.modules[id].uses.push(Use {
                path,
                name,
                public,
                passed_on,
                hidden,
                line,
            });
        }
        (end + 1).min(tokens.len())
    }

    /// Follows a path from a module to what declares its last name, through re-exports. `None` for
    /// names of other crates.
    pub(crate) fn resolve(&self, from: usize, path: &[String]) -> Option<Target> {
        self.follow(from, path, 0)
    }

    fn follow(&self, from: usize, path: &[String], depth: usize) -> Option<Target> {
        if depth > 20 {
            return None; // `use a::b` and `use b::a`: no program
        }
        let (first, rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.modules[from].parent?),
            name => self.look_up(from, name, depth)?,
        };
        for name in rest {
            target = match target {
                Target::Module(module) if name == "super" => {
                    Target::Module(self.modules[module].parent?)
                }
                Target::Module(module) if name == "self" => Target::Module(module),
                // A name that a macro declares is not seen, and belongs where it is looked for.
                Target::Module(module) => self
                    .look_up(module, name, depth)
                    .unwrap_or_else(|| Target::Item(module, name.clone())),
                item => item, // a variant, an associated function
            };
        }
        Some(target)
    }

    fn look_up(&self, module: usize, name: &str, depth: usize) -> Option<Target> {
        let place = &self.modules[module];
        if let Some(child) = place.children.get(name) {
            return Some(Target::Module(child.module));
        }
        if place.items.contains_key(name) {
            return Some(Target::Item(module, name.to_string()));
        }
        for import in &place.uses {
            // `use bytes::Bytes` in a module `bytes` means the crate.
            if import.name.as_deref() == Some(name)
                && import.path.first().map(String::as_str) != Some(name)
            {
                return self.follow(module, &import.path, depth + 1);
            }
        }
        let globs = place.uses.iter().filter(|import| import.name.is_none());
        globs
            .filter_map(
                |import| match self.follow(module, &import.path, depth + 1)? {
                    Target::Module(other) if other != module => {
                        self.declares(other, name, depth + 1)
                    }
                    _ => None,
                },
            )
            .next()
    }

    /// As `look_up`, for names that come through a glob: those that are passed on, and declared ones.
    fn declares(&self, module: usize, name: &str, depth: usize) -> Option<Target> {
        let known = self.modules[module].items.contains_key(name)
            || self.modules[module].children.contains_key(name)
            || self.modules[module]
                .uses
                .iter()
                .any(|import| import.name.as_deref() == Some(name));
        if known {
            self.look_up(module, name, depth)
        } else {
            None
        }
    }
}

/// `a::{b, c as d, self, e::*}` as paths and the names they get.
fn flatten(tokens: &[Token], prefix: &[String], into: &mut Vec<(Vec<String>, Option<String>)>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is("{") {
            let end = skip_group(tokens, at);
            let inside = &tokens[at + 1..end - 1];
            let mut start = 0;
            for i in 0..=inside.len() {
                let inner = inside.get(i);
                let top = depth_at(inside, i) == 0;
                if inner.is_none() || (top && inner.is_some_and(|token| token.is(","))) {
                    if start < i {
                        flatten(&inside[start..i], &path, into);
                    }
                    start = i + 1;
                }
            }
            return;
        }
        if token.is("*") {
            into.push((path, None));
            return;
        }
        if token.is("as") {
            let name = tokens.get(at + 1).map(|token| token.text.clone());
            into.push((path, name));
            return;
        }
        if token.is("self") && !path.is_empty() {
            // `a::{self}` is `a`.
        } else if token.kind == Kind::Word {
            path.push(token.text.clone());
        } else if token.is("::") && path.is_empty() {
            path.push("::".to_string()); // of another crate
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        into.push((path, Some(name)));
    }
}

fn depth_at(tokens: &[Token], at: usize) -> usize {
    let opened = tokens[..at].iter().filter(|token| token.is("{")).count();
    opened - tokens[..at].iter().filter(|token| token.is("}")).count()
}

/// The name that an item declares, if it declares one.
fn declared_name(item: &[Token]) -> Option<String> {
    const KINDS: [&str; 8] = [
        "struct", "enum", "union", "trait", "type", "static", "fn", "const",
    ];
    const BEFORE: [&str; 5] = ["unsafe", "async", "const", "extern", "mut"];
    for (i, token) in item.iter().enumerate() {
        if token.is("macro_rules") {
            return item.get(i + 2).map(|token| token.text.clone());
        }
        if KINDS.iter().any(|kind| token.is(kind)) {
            let next = i + 1 + usize::from(item.get(i + 1).is_some_and(|token| token.is("mut")));
            let name = item.get(next).filter(|token| token.kind == Kind::Word)?;
            if !KINDS.iter().chain(&BEFORE).any(|word| name.is(word)) {
                return Some(name.text.clone());
            }
        } else if token.kind != Kind::Text && !BEFORE.iter().any(|word| token.is(word)) {
            return None;
        }
    }
    None
}

#[cfg(test)]
pub(crate) fn tree_of(files: &[(&str, &str)]) -> Tree {
    Tree::new(
        files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(tree: &Tree, from: &str, path: &str) -> Option<String> {
        let file = tree.file(from).unwrap();
        let module = tree
            .modules
            .iter()
            .position(|module| module.file == file)
            .unwrap();
        let path: Vec<_> = path.split("::").map(str::to_string).collect();
        let module = match tree.resolve(module, &path)? {
            Target::Module(module) | Target::Item(module, _) => module,
        };
        Some(tree.sources[tree.modules[module].file].path.clone())
    }

    #[test]
    fn a_path_is_followed_through_exports_to_the_file_that_declares_it() {
        let tree = tree_of(&[
            (
                "lib.rs",
                "mod a; pub mod b; pub use a::{Thing as Other, deep::Deep};",
            ),
            (
                "a/mod.rs",
                "mod inner; pub(crate) mod deep; pub use inner::Thing; use std::fmt;",
            ),
            ("a/inner.rs", "pub struct Thing;"),
            ("a/deep.rs", "pub enum Deep { One }"),
            (
                "b.rs",
                "use crate::a::*; use super::a::deep; use a2::b; fn f() {}",
            ),
        ]);
        assert!(tree.lost.is_empty());
        let leads = |path| leads_to(&tree, "b.rs", path);
        assert_eq!(leads("crate::Other").as_deref(), Some("a/inner.rs"));
        assert_eq!(leads("crate::Deep::One").as_deref(), Some("a/deep.rs"));
        assert_eq!(
            leads("super::a::inner::Thing").as_deref(),
            Some("a/inner.rs")
        );
        assert_eq!(leads("Thing").as_deref(), Some("a/inner.rs"));
        assert_eq!(leads("deep::Deep").as_deref(), Some("a/deep.rs"));
        assert_eq!(leads("crate::a::Unknown").as_deref(), Some("a/mod.rs"));
        assert_eq!(leads("std::fmt"), None);
        assert_eq!(leads("b"), None);
    }

    #[test]
    fn a_module_with_the_name_of_a_crate_is_told_from_it() {
        let tree = tree_of(&[
            ("lib.rs", "mod bytes;"),
            ("bytes.rs", "use bytes::Bytes; use ::bytes::Buf;"),
        ]);
        assert_eq!(leads_to(&tree, "bytes.rs", "bytes::Bytes"), None);
        assert_eq!(leads_to(&tree, "bytes.rs", "Bytes"), None);
        assert_eq!(leads_to(&tree, "bytes.rs", "Buf"), None);
    }

    #[test]
    fn parts_of_a_file_are_modules_too_and_tests_are_none() {
        let tree = tree_of(&[
            (
                "lib.rs",
                "pub mod old { pub use crate::new::Thing; } mod new; #[cfg(test)] mod tests;",
            ),
            ("new.rs", "pub struct Thing; #[cfg(test)] mod tests;"),
            ("tests.rs", "use crate::old::Thing;"),
        ]);
        assert!(tree.lost.is_empty());
        assert_eq!(
            leads_to(&tree, "lib.rs", "old::Thing").as_deref(),
            Some("new.rs")
        );
        assert_eq!(tree.product().len(), 2);
    }

    #[test]
    fn a_module_may_stand_in_a_file_of_another_name() {
        let tree = tree_of(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod on;"),
            (
                "a/on.rs",
                "#[cfg(unix)] #[path = \"pool.rs\"] mod helpers; use helpers::Pool;",
            ),
            ("a/pool.rs", "pub struct Pool;"),
        ]);
        assert!(tree.lost.is_empty(), "{:?}", tree.lost);
        assert_eq!(
            leads_to(&tree, "a/on.rs", "Pool").as_deref(),
            Some("a/pool.rs")
        );
    }

    #[test]
    fn a_module_without_a_file_is_named() {
        assert_eq!(tree_of(&[("lib.rs", "mod gone;")]).lost, ["gone.rs"]);
    }

    #[test]
    fn names_of_items_are_found_behind_their_qualifiers() {
        let tree = tree_of(&[(
            "lib.rs",
            "pub unsafe trait A {} pub const unsafe extern \"C\" fn b() {} pub(crate) const C: u8 = 1; \
             static mut D: u8 = 0; impl E {} macro_rules! f { () => {} } pub type G = u8;",
        )]);
        let names: Vec<_> = tree.modules[0].items.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "C", "D", "G", "b", "f"]);
        assert!(tree.modules[0].items["A"].public && !tree.modules[0].items["C"].public);
    }
}
