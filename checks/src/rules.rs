//! The rules that look at one file at a time.

use crate::lex::{Comment, Token};
use crate::offence::Offence;
use crate::source::{Source, find, skip_group};
use crate::tree::Tree;

/// Of a source file, documentation and tests included.
const MAX_LINES: usize = 600;
/// `macro_rules!` in the product.
const MAX_MACROS: usize = 3;
/// Where `unsafe` may stand: a folder, or a file.
const UNSAFE_HOMES: [&str; 6] = [
    "storage/",
    "engine/",
    "tensor/",
    "exchange/",
    "formats/rkyv.rs",
    "formats/rkyv/",
];
/// Words of a sentence about safety, without the names of invariants.
const MIN_WORDS: usize = 4;
/// Traits that give away what only the one door may give, or free memory a second time.
const FORBIDDEN_TRAITS: [&str; 3] = ["DerefMut", "Drop", "IndexMut"];
/// Types whose size a test has to pin.
const PINNED: [&str; 2] = ["Tensor", "TensorStorage"];

pub(crate) fn length(path: &str, lines: usize) -> Option<Offence> {
    let what = || format!("{lines}, at most {MAX_LINES}");
    (lines > MAX_LINES).then(|| Offence::new("too many lines", path, lines, what()))
}

/// Which files may be unsafe, and that the others say that they are not.
pub(crate) fn unsafe_code(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for source in &tree.sources {
        let path = source.path.as_str();
        if let Some(token) = source.tokens.iter().find(|token| token.is("unsafe"))
            && !UNSAFE_HOMES.iter().any(|home| path.starts_with(home))
        {
            let what = format!("may stand in {}", UNSAFE_HOMES.join(", "));
            offences.push(Offence::new(
                "`unsafe` where there is to be none",
                path,
                token.line,
                what,
            ));
        }
        let below = children(path);
        let safe = |other: &Source| !other.has("unsafe");
        let all_safe = tree
            .sources
            .iter()
            .filter(|other| is_below(&other.path, &below))
            .all(safe);
        if safe(source) && all_safe && path != "lib.rs" && !forbidden_here_or_above(tree, path) {
            let what = "#![forbid(unsafe_code)] below its documentation";
            offences.push(Offence::new(
                "has no `unsafe` and does not say so",
                path,
                1,
                what,
            ));
        }
    }
    offences
}

/// The folder of a module's children.
fn children(path: &str) -> String {
    let module = path.strip_suffix("mod.rs").unwrap_or(path);
    let module = module.strip_suffix(".rs").unwrap_or(module);
    format!("{}/", module.trim_end_matches('/'))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.starts_with(folder) && path != format!("{folder}mod.rs")
}

fn forbidden_here_or_above(tree: &Tree, path: &str) -> bool {
    let above = |other: &Source| other.path == path || is_below(path, &children(&other.path));
    tree.sources
        .iter()
        .any(|other| above(other) && other.forbids_unsafe())
}

pub(crate) fn root_denies_unsafe(tree: &Tree) -> Option<Offence> {
    let denies = |source: &Source| {
        ["deny", "forbid"].iter().any(|level| {
            find(
                &source.tokens,
                &["#", "!", "[", level, "(", "unsafe_code", ")", "]"],
            )
            .is_some()
        })
    };
    let root = tree.sources.iter().find(|source| source.path == "lib.rs");
    let what = "#![deny(unsafe_code)]";
    (!root.is_some_and(denies)).then(|| Offence::new("missing attribute", "lib.rs", 1, what))
}

pub(crate) fn macros(tree: &Tree) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in tree.product().into_iter().map(|file| &tree.sources[file]) {
        for token in source
            .product
            .iter()
            .filter(|token| token.is("macro_rules"))
        {
            let what = format!("at most {MAX_MACROS} in all of the product");
            found.push(Offence::new("macro_rules!", &source.path, token.line, what));
        }
    }
    if found.len() <= MAX_MACROS {
        Vec::new()
    } else {
        found
    }
}

/// `cfg!(test)`: a product that behaves differently under test is not what was tested.
pub(crate) fn test_in_product(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for at in 0..source.product.len().saturating_sub(2) {
        let tokens = &source.product[at..];
        if tokens[0].is("cfg") && tokens[1].is("!") && tokens[2].is("(") {
            let end = skip_group(tokens, 2);
            if tokens[3..end].iter().any(|token| token.is("test")) {
                let what = "what is tested would not be what is shipped";
                offences.push(Offence::new(
                    "cfg!(test)",
                    &source.path,
                    tokens[0].line,
                    what,
                ));
            }
        }
    }
    offences
}

pub(crate) fn traits(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, token) in source.product.iter().enumerate() {
        if !token.is("impl") {
            continue;
        }
        let header: Vec<&Token> = source.product[at..]
            .iter()
            .take_while(|token| !token.is("{") && !token.is(";"))
            .collect();
        let Some(middle) = header.iter().position(|token| token.is("for")) else {
            continue;
        };
        let is_tensor = header[middle..]
            .windows(2)
            .any(|pair| pair[0].is("Tensor") && pair[1].is("<"));
        for name in FORBIDDEN_TRAITS {
            if is_tensor && header[..middle].iter().any(|token| token.is(name)) {
                let what = format!("{name} for Tensor");
                offences.push(Offence::new(
                    "a trait that Tensor must not have",
                    &source.path,
                    token.line,
                    what,
                ));
            }
        }
    }
    offences
}

/// Exceptions from the methods that `clippy.toml` disallows: one, the snapshot behind `is_unique`.
pub(crate) fn exceptions(tree: &Tree) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for (at, token) in source.tokens.iter().enumerate() {
            if token.is("disallowed_methods") && at > 0 && source.tokens[at - 1].is("::") {
                found.push(Offence::new(
                    "an exception from clippy.toml",
                    &source.path,
                    token.line,
                    "one at most",
                ));
            }
        }
    }
    if found.len() <= 1 { Vec::new() } else { found }
}

pub(crate) fn sizes<'a>(mut all: impl Iterator<Item = &'a Source>) -> Vec<Offence> {
    let mut missing = PINNED.to_vec();
    for source in &mut all {
        missing.retain(|name| find(&source.tokens, &["size_of", "::", "<", name, "<"]).is_none());
    }
    let offence =
        |name: &&str| Offence::new("a size that no test pins", name, 1, "size_of::<..>()");
    missing.iter().map(offence).collect()
}

/// What stands behind `SAFETY:` and below `# Safety` says what is promised, and by what.
pub(crate) fn safety(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, comment) in source.comments.iter().enumerate() {
        let text = if let Some((_, text)) = comment.text.split_once("SAFETY:") {
            format!("{text} {}", continued(&source.comments[at..], false))
        } else if comment.doc && comment.text == "# Safety" {
            continued(&source.comments[at..], true)
        } else {
            continue;
        };
        if words(&text) < MIN_WORDS {
            let what = text.trim().to_string();
            offences.push(Offence::new(
                "no sentence about safety",
                &source.path,
                comment.line,
                what,
            ));
        }
    }
    offences
}

/// The lines of the comment behind its first.
fn continued(comments: &[Comment], doc: bool) -> String {
    let mut lines = Vec::new();
    for pair in comments.windows(2) {
        let heading = doc && pair[1].text.starts_with('#');
        let another = pair[1].text.contains("SAFETY:");
        if pair[1].line != pair[0].line + 1 || pair[1].doc != doc || heading || another {
            break;
        }
        lines.push(pair[1].text.as_str());
    }
    lines.join(" ")
}

/// Words that say something: "O2", "N1 to N3" and "by the caller" do not.
fn words(text: &str) -> usize {
    let text = text
        .to_lowercase()
        .replace("by the caller", "")
        .replace("as above", "");
    let is_word = |word: &&str| word.len() > 1 || ["a", "i"].contains(word);
    let label = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_alphabetic)
            && word.len() > 1
            && letters.all(|c| c.is_ascii_digit())
    };
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'');
    words.filter(is_word).filter(|word| !label(word)).count()
}
