//! Texts from outside, as they may stand in a message.
//!
//! A name in an archive may be a megabyte long, hold the commands that clear a terminal, or letters
//! that turn the direction of what follows. A message shows enough of it to be recognised.

use std::fmt::{self, Debug, Display, Write};

/// What a name or a header may take of a message, in characters.
const MOST_CHARACTERS: usize = 120;

/// What a list of lengths or strides may take of a message, in numbers.
const MOST_NUMBERS: usize = 16;

/// A text from outside: cut at a length, without control characters.
///
/// For names, headers and what other libraries say of them.
pub(crate) struct Shown<D>(pub(crate) D);

impl<D: Display> Display for Shown<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer {
            out: f,
            room: MOST_CHARACTERS,
            left_out: 0,
        };
        write!(printer, "{}", self.0)?;
        match printer.left_out {
            0 => Ok(()),
            more => write!(f, ".. and {more} more characters"),
        }
    }
}

/// A text in full, without control characters.
///
/// For paths, whose end matters most, and for messages whose end is the way out.
pub(crate) struct Printable<D>(pub(crate) D);

impl<D: Display> Display for Printable<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer {
            out: f,
            room: usize::MAX,
            left_out: 0,
        };
        write!(printer, "{}", self.0)
    }
}

/// Prints what it is given until its room is used up, and counts the rest.
struct Printer<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    /// In characters of the text, however long they are when escaped.
    room: usize,
    left_out: usize,
}

impl Write for Printer<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.room == 0 {
                self.left_out += 1;
                continue;
            }
            self.room -= 1;
            if acts(character) {
                write!(self.out, "{}", character.escape_debug())?;
            } else {
                self.out.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Whether a character does something to a terminal or to its neighbours, and shows nothing.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Soft hyphen and letter mark, joiners and directions, separators of lines, more
            // directions, byte order mark, annotations, tags.
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A shape, or another list whose length comes from outside: as `{:?}` shows it, up to a length.
pub(crate) struct ShownList<'a, N>(pub(crate) &'a [N]);

impl<N: Debug> Display for ShownList<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(numbers) = self;
        let Some(shown) = numbers.get(..MOST_NUMBERS) else {
            return write!(f, "{numbers:?}");
        };
        if shown.len() == numbers.len() {
            return write!(f, "{numbers:?}");
        }
        f.write_char('[')?;
        for number in shown {
            write!(f, "{number:?}, ")?;
        }
        write!(f, ".. and {} more]", numbers.len() - shown.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Printable, Shown, ShownList};

    #[test]
    fn a_text_that_needs_nothing_is_shown_as_it_is() {
        for text in ["", "layer.0.weight", "résumé, 深度, 🦀 'a' \"b\" c:\\d"] {
            assert_eq!(Shown(text).to_string(), text);
            assert_eq!(Printable(text).to_string(), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        for (text, shown) in [
            ("\x1b[2Ja\n\r\t\0", r"\u{1b}[2Ja\n\r\t\0"),
            ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
            ("a\u{202e}gnp.exe", r"a\u{202e}gnp.exe"),
            (
                "\u{200b}\u{2028}\u{feff}\u{e0041}",
                r"\u{200b}\u{2028}\u{feff}\u{e0041}",
            ),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
            assert_eq!(Printable(text).to_string(), shown);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "a minute of safe code")]
    fn a_long_text_is_cut_and_says_by_how_much() {
        let exact = "é".repeat(120);
        assert_eq!(Shown(&exact).to_string(), exact);
        let long = "é".repeat(1 << 20);
        assert_eq!(
            Shown(&long).to_string(),
            format!("{exact}.. and 1048456 more characters")
        );
        assert_eq!(Printable(&long).to_string(), long);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a minute of safe code")]
    fn a_long_list_is_cut_and_says_by_how_much() {
        let numbers: Vec<usize> = (0..1_000_000).collect();
        for len in [0, 1, 16] {
            let numbers = &numbers[..len];
            assert_eq!(ShownList(numbers).to_string(), format!("{numbers:?}"));
        }
        assert_eq!(
            ShownList(&numbers).to_string(),
            "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, .. and 999984 more]"
        );
    }
}
