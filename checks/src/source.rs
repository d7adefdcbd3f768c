//! A source file, and which of its tokens are product code.

use crate::lex::{Comment, Token, lex};

/// A source file below `src/`.
pub(crate) struct Source {
    /// Relative to `src/`, with `/`.
    pub(crate) path: String,
    pub(crate) tokens: Vec<Token>,
    /// The tokens without the items that exist in tests only.
    pub(crate) product: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (tokens, comments) = lex(text);
        Self {
            path: path.to_string(),
            product: without_tests(&tokens),
            tokens,
            comments,
        }
    }

    /// Whether `#![forbid(unsafe_code)]` stands in it.
    pub(crate) fn forbids_unsafe(&self) -> bool {
        find(
            &self.tokens,
            &["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"],
        )
        .is_some()
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token.is(word))
    }
}

/// Where this run of words and signs begins.
pub(crate) fn find(tokens: &[Token], run: &[&str]) -> Option<usize> {
    let mut windows = tokens.windows(run.len());
    windows.position(|window| window.iter().zip(run).all(|(token, text)| token.is(text)))
}

/// The index behind the bracket that closes the one at `open`.
pub(crate) fn skip_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match closes_or_opens(token) {
            1 => depth += 1,
            -1 => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

fn closes_or_opens(token: &Token) -> i32 {
    match () {
        () if ["(", "[", "{"].iter().any(|sign| token.is(sign)) => 1,
        () if [")", "]", "}"].iter().any(|sign| token.is(sign)) => -1,
        () => 0,
    }
}

/// Leaves out items, statements and fields whose `cfg` is false outside of tests.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is("#") && tokens.get(at + 1).is_some_and(|token| token.is("[")) {
            let end = skip_group(tokens, at + 1);
            if is_test(&tokens[at + 2..end - 1]) {
                at = skip_item(tokens, end);
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

/// Whether an attribute, without its brackets, takes its item out of the product.
fn is_test(attribute: &[Token]) -> bool {
    match attribute {
        [only] => only.is("test"),
        [cfg, open, predicate @ .., _] if cfg.is("cfg") && open.is("(") => {
            holds(predicate) == Some(false)
        }
        _ => false,
    }
}

/// A predicate of `cfg` in the product: `test` and `doctest` are false, of others nobody knows.
fn holds(predicate: &[Token]) -> Option<bool> {
    let (first, rest) = predicate.split_first()?;
    if let [open, inside @ .., _] = rest
        && open.is("(")
    {
        let parts = split_at_commas(inside);
        let mut answers = parts.iter().map(|part| holds(part));
        return match first.text.as_str() {
            "not" => answers.next()?.map(|answer| !answer),
            "all" if answers.any(|answer| answer == Some(false)) => Some(false),
            "any" if answers.all(|answer| answer == Some(false)) => Some(false),
            _ => None,
        };
    }
    (rest.is_empty() && (first.is("test") || first.is("doctest"))).then_some(false)
}

fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        if closes_or_opens(&tokens[at]) == 1 {
            at = skip_group(tokens, at);
            continue;
        }
        if tokens[at].is(",") {
            parts.push(&tokens[start..at]);
            start = at + 1;
        }
        at += 1;
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}

const ITEMS: [&str; 14] = [
    "pub",
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "const",
    "static",
    "type",
    "unsafe",
    "macro_rules",
    "extern",
];

/// The index behind the item, statement or field that begins at `at`, with its attributes.
pub(crate) fn skip_item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() && tokens[at].is("#") {
        let inner = tokens.get(at + 1).is_some_and(|token| token.is("!"));
        at = skip_group(tokens, at + 1 + usize::from(inner));
    }
    let mut keyword = at;
    if tokens.get(keyword).is_some_and(|token| token.is("pub")) {
        keyword += 1;
        if tokens.get(keyword).is_some_and(|token| token.is("(")) {
            keyword = skip_group(tokens, keyword);
        }
    }
    let Some(first) = tokens.get(keyword) else {
        return tokens.len();
    };
    let import = first.is("use");
    let item = ITEMS.iter().any(|word| first.is(word));
    while at < tokens.len() {
        match closes_or_opens(&tokens[at]) {
            -1 => return at,
            1 => {
                let brace = tokens[at].is("{");
                at = skip_group(tokens, at);
                if brace && !import {
                    return at;
                }
                continue;
            }
            _ => {}
        }
        at += 1;
        if tokens[at - 1].is(";") || (!item && !import && tokens[at - 1].is(",")) {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(text: &str) -> String {
        let tokens = Source::new("x.rs", text).product;
        tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_only_tests_have_is_left_out() {
        assert_eq!(
            product("#[cfg(test)] mod tests { fn a() {} } fn b() {}"),
            "fn b ( ) { }"
        );
        assert_eq!(product("#[cfg(test)] use a::{b, c}; x"), "x");
        assert_eq!(product("#[test] fn a<A, B>(x: A, y: B) { z } x"), "x");
        assert_eq!(
            product("#[cfg(all(test, unix))] #[allow(x)] pub(crate) mod a; x"),
            "x"
        );
        assert_eq!(
            product("#[cfg(any(test, doctest))] const A: [u8; 2] = [1, 2]; x"),
            "x"
        );
        assert_eq!(product("S { #[cfg(test)] a: u8, b: u8 }"), "S { b : u8 }");
        assert_eq!(product("{ x; #[cfg(test)] { a; } y }"), "{ x ; y }");
    }

    #[test]
    fn what_the_product_may_have_stays() {
        for text in [
            "# [ cfg ( not ( test ) ) ] fn a ( ) { }",
            "# [ cfg ( any ( test , unix ) ) ] x",
        ] {
            assert_eq!(product(text), text);
        }
        assert_eq!(
            product("#[cfg(feature = \"test\")] x"),
            "# [ cfg ( feature = test ) ] x"
        );
    }

    #[test]
    fn forbidding_is_seen_where_it_stands_and_not_where_it_is_spoken_of() {
        assert!(Source::new("x.rs", "//! A.\n#![forbid(unsafe_code)]").forbids_unsafe());
        assert!(!Source::new("x.rs", "// #![forbid(unsafe_code)]").forbids_unsafe());
    }
}
