//! No path leads out of the repository, and those that it names are there.

use std::path::{Component, Path, PathBuf};

use crate::offence::Offence;

/// A file with paths in it, as text, and where it stands below the root.
pub(crate) fn check(path: &str, text: &str, exists: &impl Fn(&Path) -> bool) -> Vec<Offence> {
    let mut offences = Vec::new();
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    for (at, line) in text.lines().enumerate() {
        for named in paths(path, line) {
            let mut offence = |rule| offences.push(Offence::new(rule, path, at + 1, named));
            match inside(folder, named) {
                None => offence("a path that leads out of the repository"),
                Some(file) if !exists(&file) => offence("a path that leads nowhere"),
                Some(_) => {}
            }
        }
        for place in PLACES {
            if line.contains(&place.concat()) {
                offences.push(Offence::new(
                    "a path of somebody's machine",
                    path,
                    at + 1,
                    line.trim(),
                ));
            }
        }
    }
    offences
}

/// In two parts, so that this file is none of those that name them.
const PLACES: [[&str; 2]; 3] = [["/ho", "me/"], ["/ro", "ot/"], ["/Us", "ers/"]];

/// What a line names: in Rust what it includes, in a manifest `path = ..`, in Markdown links.
fn paths<'a>(path: &str, line: &'a str) -> Vec<&'a str> {
    let marks: &[(&str, char)] = match Path::new(path).extension().and_then(|end| end.to_str()) {
        Some("rs") => &[
            ("include_str!(\"", '"'),
            ("include_bytes!(\"", '"'),
            ("#[path = \"", '"'),
        ],
        Some("toml") => &[("path = \"", '"')],
        Some("md") => &[("](", ')'), ("src=\"", '"')],
        _ => return Vec::new(),
    };
    let mut found = Vec::new();
    for (mark, end) in marks {
        for rest in line.split(mark).skip(1) {
            let named = rest
                .split(*end)
                .next()
                .unwrap_or(rest)
                .split('#')
                .next()
                .unwrap_or(rest);
            let elsewhere = named.contains("://") || named.contains('`') || named.contains(' ');
            let item = !named.contains('.') && !named.contains('/'); // a link of rustdoc
            if !elsewhere
                && !item
                && !named.is_empty()
                && !named.contains("::")
                && !named.contains('{')
            {
                found.push(named);
            }
        }
    }
    found
}

/// Where a path leads from a folder, if that is inside the repository.
fn inside(folder: &Path, named: &str) -> Option<PathBuf> {
    let mut at = PathBuf::new();
    for part in folder.join(named).components() {
        match part {
            Component::Normal(part) => at.push(part),
            Component::ParentDir if at.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let offences = check(path, text, &|file| {
            file == Path::new("README.md") || file == Path::new("a/b.rs")
        });
        offences.iter().map(Offence::to_string).collect()
    }

    #[test]
    fn paths_inside_are_fine() {
        let fine =
            "include_str!(\"../README.md\")\n#[path = \"b.rs\"] mod b;\n\"../../../elsewhere\"";
        assert_eq!(found("a/lib.rs", fine), [""; 0]);
        assert_eq!(
            found(
                "x.md",
                "[a](README.md#top) [b](https://docs.rs) [`c`](crate::C) [d](#d)"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_path_that_leads_out_is_found() {
        for (path, text) in [
            ("a/lib.rs", "include_str!(\"../../README.md\")"),
            ("a/lib.rs", "include_bytes!(\"/etc/passwd\")"),
            ("Cargo.toml", "x = { path = \"../x\" }"),
            ("a/README.md", "![a](../../b.png)"),
        ] {
            let offences = found(path, text);
            assert!(
                offences.len() == 1 && offences[0].contains("leads out"),
                "{text}: {offences:?}"
            );
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_found() {
        assert_eq!(found("README.md", "[a](gone.md)").len(), 1);
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        assert_eq!(
            found("a/b.rs", &["// see /ho", "me/me/x"].concat()).len(),
            1
        );
    }
}
