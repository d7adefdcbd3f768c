//! Rust source as tokens and comments, each with its line.
//!
//! It knows what a search for words does not: strings (raw ones too), comments (nested ones too),
//! and that `'a` is a lifetime and `'a'` a character.

/// What a token is. White space is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    /// The text is what stands between the quotes.
    Text,
    Lifetime,
    /// One character, or `::`.
    Sign,
}

/// A token and the line it begins in, from 1 on.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    /// Whether it is this word or sign; a string of the same letters is not.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text == text
    }
}

/// One line of a comment, without its slashes.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// `///` or `//!`.
    pub(crate) doc: bool,
}

/// The tokens and the comments of a source.
pub(crate) fn lex(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut lexer = Lexer {
        rest: source.chars().collect(),
        at: 0,
        line: 1,
        tokens: Vec::new(),
        comments: Vec::new(),
    };
    lexer.run();
    (lexer.tokens, lexer.comments)
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.rest.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn next(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        self.line += usize::from(c == '\n');
        c
    }

    fn done(&self) -> bool {
        self.at >= self.rest.len()
    }

    fn push(&mut self, kind: Kind, text: String, line: usize) {
        self.tokens.push(Token { kind, text, line });
    }

    fn run(&mut self) {
        while !self.done() {
            let line = self.line;
            match (self.peek(0), self.peek(1)) {
                (c, _) if c.is_whitespace() => {
                    self.next();
                }
                ('/', '/') => self.line_comment(),
                ('/', '*') => self.block_comment(),
                ('"', _) => self.text(line),
                ('b' | 'c', '"') => {
                    self.next();
                    self.text(line);
                }
                ('b', '\'') => {
                    self.next();
                    self.character(line);
                }
                ('r', '"' | '#') | ('b' | 'c', 'r') if self.raw_text(line) => {}
                ('\'', _) => self.quote(line),
                (c, _) if c.is_ascii_digit() => self.number(line),
                (c, _) if is_word(c) => {
                    let text = self.word();
                    self.push(Kind::Word, text, line);
                }
                (':', ':') => {
                    self.at += 2;
                    self.push(Kind::Sign, "::".to_string(), line);
                }
                (c, _) => {
                    self.next();
                    self.push(Kind::Sign, c.to_string(), line);
                }
            }
        }
    }

    fn line_comment(&mut self) {
        let line = self.line;
        let mut text = String::new();
        while !self.done() && self.peek(0) != '\n' {
            text.push(self.next());
        }
        let doc = text.starts_with("//!") || (text.starts_with("///") && !text.starts_with("////"));
        let text = text.trim_start_matches('/').trim_start_matches('!');
        self.comments.push(Comment {
            line,
            text: text.trim().to_string(),
            doc,
        });
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while !self.done() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.next();
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self, line: usize) {
        self.next();
        let mut text = String::new();
        while !self.done() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                text.push(self.next());
            }
            text.push(self.next());
        }
        self.next();
        self.push(Kind::Text, text, line);
    }

    /// `r"..."`, `r#"..."#`, `br"..."`; false for `r#word` and words that begin so.
    fn raw_text(&mut self, line: usize) -> bool {
        let mut ahead = 1 + usize::from(self.peek(0) != 'r');
        let mut hashes = 0;
        while self.peek(ahead) == '#' {
            ahead += 1;
            hashes += 1;
        }
        if self.peek(ahead) != '"' {
            if hashes == 1 {
                self.at += 2; // a raw identifier is the word behind the hash
            }
            let text = self.word();
            self.push(Kind::Word, text, line);
            return true;
        }
        self.at += ahead + 1;
        let mut text = String::new();
        while !self.done() {
            let c = self.next();
            if c == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                self.at += hashes;
                break;
            }
            text.push(c);
        }
        self.push(Kind::Text, text, line);
        true
    }

    /// A character or a lifetime.
    fn quote(&mut self, line: usize) {
        if self.peek(1) == '\\' || self.peek(2) == '\'' {
            return self.character(line);
        }
        self.next();
        let text = self.word();
        self.push(Kind::Lifetime, text, line);
    }

    fn character(&mut self, line: usize) {
        self.next();
        let mut text = String::new();
        while !self.done() && self.peek(0) != '\'' {
            if self.peek(0) == '\\' {
                text.push(self.next());
            }
            text.push(self.next());
        }
        self.next();
        self.push(Kind::Text, text, line);
    }

    fn number(&mut self, line: usize) {
        let mut text = self.word();
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            text.push(self.next());
            text.push_str(&self.word());
        }
        self.push(Kind::Number, text, line);
    }

    fn word(&mut self) -> String {
        let mut text = String::new();
        while is_word(self.peek(0)) {
            text.push(self.next());
        }
        text
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        let words = lex(source).0.into_iter().filter(|t| t.kind == Kind::Word);
        words.map(|token| token.text).collect()
    }

    #[test]
    fn strings_and_comments_hold_no_words() {
        assert_eq!(
            words(r##"a "unsafe \" x" b r#"c " d"# e b"f" br"g" 'h' '\'' b'i' j"##),
            ["a", "b", "e", "j"]
        );
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
    }

    #[test]
    fn a_lifetime_is_no_character() {
        let tokens = lex("&'a str + 'a' + '\\n'").0;
        let kinds: Vec<_> = tokens.iter().map(|token| token.kind).collect();
        assert_eq!(kinds[1], Kind::Lifetime);
        assert_eq!(kinds[4], Kind::Text);
        assert_eq!(kinds[6], Kind::Text);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let (tokens, comments) = lex("\"one\ntwo\" /* three\n*/ last // here");
        assert_eq!((tokens[1].text.as_str(), tokens[1].line), ("last", 3));
        assert_eq!((comments[0].text.as_str(), comments[0].line), ("here", 3));
    }

    #[test]
    fn raw_identifiers_and_words_that_begin_like_raw_strings_are_words() {
        assert_eq!(
            words("r#type rows bread crate br"),
            ["type", "rows", "bread", "crate", "br"]
        );
        assert_eq!(words("0..10 1.5f32 0xff_u8 x"), ["x"]);
    }

    #[test]
    fn documentation_is_told_from_remarks() {
        let doc: Vec<_> = lex("//! a\n/// b\n// c\n//// d")
            .1
            .iter()
            .map(|c| c.doc)
            .collect();
        assert_eq!(doc, [true, true, false, false]);
    }
}
