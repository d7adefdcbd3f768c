//! The header of an array: a line of Python in front of the elements.
//!
//! The line is a dictionary with three keys. It is read by the grammar of just that, front to back:
//! a parser of all of Python's literals can be kept busy for minutes by a few dozen brackets.

use std::io::Read;

use crate::engine::element::Plain;
use crate::engine::element::bytes::Order;
use crate::formats::file::{FileErrorKind, read_exactly};

const MAGIC: &[u8] = b"\x93NUMPY";

/// More than the header of any array of plain elements has; NumPy itself stops at 10 000.
const MOST: usize = 1 << 16;

/// As many axes as NumPy has.
const MOST_AXES: usize = 64;

/// The bytes in front of the elements are a multiple of this.
const ALIGN: usize = 64;

/// What a header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// The element type, as it stands there.
    pub(super) descr: String,
    /// Whether the first axis is the one whose elements lie side by side.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads the header and nothing after it.
    pub(super) fn read(from: &mut (impl Read + ?Sized)) -> Result<Self, FileErrorKind> {
        let start = read_exactly(from, 8, "the first line")?;
        if !start.starts_with(MAGIC) {
            return invalid(format!(
                "the first bytes are {:02x?} where an array begins with {MAGIC:02x?}; this is no \
                 .npy",
                &start[..MAGIC.len()]
            ));
        }
        let len = match start[6] {
            1 => {
                let len = read_exactly(from, 2, "the length of the header")?;
                usize::from(u16::from_le_bytes([len[0], len[1]]))
            }
            2 | 3 => {
                let len = read_exactly(from, 4, "the length of the header")?;
                let len = u32::from_le_bytes([len[0], len[1], len[2], len[3]]);
                usize::try_from(len).unwrap_or(usize::MAX)
            }
            major => {
                let minor = start[7];
                return invalid(format!(
                    "version {major}.{minor} of the format; 1.0, 2.0 and 3.0 are read"
                ));
            }
        };
        if len > MOST {
            return invalid(format!(
                "a header of {len} bytes; one of plain elements has at most {MOST}"
            ));
        }
        let line = read_exactly(from, len, "the header")?;
        Scanner { rest: &line }.header()
    }

    /// The bytes in front of elements of this type in row-major order.
    pub(super) fn write(descr: &str, shape: &[usize]) -> Vec<u8> {
        let mut axes = shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        if shape.len() == 1 {
            axes.push(','); // Python's tuple of one
        }
        let line = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}), }}");
        let in_front = |len_bytes: usize| MAGIC.len() + 2 + len_bytes;
        let padded = |len_bytes: usize| {
            let whole = in_front(len_bytes) + line.len() + 1;
            whole.next_multiple_of(ALIGN) - in_front(len_bytes)
        };
        let mut bytes = MAGIC.to_vec();
        let len = match u16::try_from(padded(2)) {
            Ok(len) => {
                bytes.extend([1, 0]);
                bytes.extend(len.to_le_bytes());
                usize::from(len)
            }
            Err(_) => {
                let len = padded(4);
                bytes.extend([2, 0]);
                // As many axes as this takes do not fit into a type.
                bytes.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
                len
            }
        };
        let end = bytes.len() + len;
        bytes.extend(line.as_bytes());
        bytes.resize(end - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

/// The type of these elements in a header, without the byte order; `None` if NumPy has none.
pub(super) fn descr<T>() -> Option<&'static str> {
    Some(match Plain::of::<T>()? {
        Plain::Bool => "b1",
        Plain::U8 => "u1",
        Plain::I8 => "i1",
        Plain::U16 => "u2",
        Plain::I16 => "i2",
        Plain::U32 => "u4",
        Plain::I32 => "i4",
        Plain::U64 => "u8",
        Plain::I64 => "i8",
        Plain::F32 => "f4",
        Plain::F64 => "f8",
        #[cfg(feature = "half")]
        Plain::F16 => "f2",
        _ => return None,
    })
}

/// The byte order of elements of type `T` that a header describes so.
pub(super) fn order_of<T>(found: &str) -> Result<Order, FileErrorKind> {
    let (order, rest) = match found.as_bytes() {
        [b'<', ..] => (Order::Little, &found[1..]),
        [b'>', ..] => (Order::Big, &found[1..]),
        [b'|' | b'=', ..] => (Order::NATIVE, &found[1..]),
        _ => (Order::NATIVE, found),
    };
    match descr::<T>() {
        Some(expected) if rest == expected => Ok(order),
        Some(_) => Err(FileErrorKind::element_type::<T>(named(found, rest))),
        None => invalid(format!(
            "NumPy has no type for {}; convert the elements with `map`",
            std::any::type_name::<T>()
        )),
    }
}

/// A type with the name that people know it by.
fn named(found: &str, rest: &str) -> String {
    let name = match rest.as_bytes() {
        _ if found.starts_with('[') => "structures",
        [b'O', ..] => "Python objects, which only Python can read",
        [b'U' | b'S' | b'a', ..] => "text",
        [b'V', ..] => "raw bytes",
        [b'M', ..] => "points in time",
        [b'm', ..] => "spans of time",
        b"c8" | b"c16" | b"c32" => "complex numbers",
        b"b1" => "bool",
        b"f2" => "half floats",
        b"f16" | b"f12" => "long doubles",
        _ => return format!("'{found}'"),
    };
    format!("'{found}' ({name})")
}

fn invalid<R>(what: String) -> Result<R, FileErrorKind> {
    Err(FileErrorKind::Invalid(what))
}

/// What is left of the line.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    fn header(&mut self) -> Result<Header, FileErrorKind> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.take(b'}') {
            let key = self.text()?;
            self.expect(b':')?;
            let new = match key.as_str() {
                "descr" => descr.replace(self.descr()?).is_none(),
                "fortran_order" => fortran_order.replace(self.truth()?).is_none(),
                "shape" => shape.replace(self.shape()?).is_none(),
                _ => return self.wrong("'descr', 'fortran_order' or 'shape'"),
            };
            if !new {
                return invalid(format!("the header has '{key}' twice"));
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        if self.peek().is_some() {
            return self.wrong("the end of the header");
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header {
                descr,
                fortran_order,
                shape,
            }),
            _ => invalid("the header lacks 'descr', 'fortran_order' or 'shape'".to_string()),
        }
    }

    /// A type in quotes, or the list that a structure is, as it stands there.
    fn descr(&mut self) -> Result<String, FileErrorKind> {
        match self.peek() {
            Some(b'[') => {
                let list = String::from_utf8_lossy(self.rest);
                let end = list.find(" 'fortran_order'").unwrap_or(list.len());
                let shown: String = list[..end]
                    .trim_end_matches([' ', ','])
                    .chars()
                    .take(200)
                    .collect();
                invalid(format!(
                    "elements are structures: {shown}; save each field as an array of its own"
                ))
            }
            _ => self.text(),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, FileErrorKind> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.take(b')') {
            shape.push(self.number()?);
            if shape.len() > MOST_AXES {
                return invalid(format!("more than {MOST_AXES} axes"));
            }
            if !self.take(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn number(&mut self) -> Result<usize, FileErrorKind> {
        let digits = self.while_(|byte| byte.is_ascii_digit());
        let Ok(number) = str::from_utf8(digits).unwrap_or("").parse() else {
            if digits.is_empty() {
                return self.wrong("the length of an axis");
            }
            let digits = String::from_utf8_lossy(digits);
            return invalid(format!("an axis of length {digits} is longer than memory"));
        };
        // Python 2 wrote long integers so.
        if self.rest.first() == Some(&b'L') {
            self.rest = &self.rest[1..];
        }
        Ok(number)
    }

    fn truth(&mut self) -> Result<bool, FileErrorKind> {
        match self.while_(|byte| byte.is_ascii_alphabetic()) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => self.wrong("True or False"),
        }
    }

    /// A text in quotes, without escapes.
    fn text(&mut self) -> Result<String, FileErrorKind> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return self.wrong("a text in quotes");
        };
        self.rest = &self.rest[1..];
        let text = self.while_as_it_is(|byte| byte != quote && byte.is_ascii_graphic());
        if self.rest.first() == Some(&quote) {
            self.rest = &self.rest[1..];
            Ok(String::from_utf8_lossy(text).into_owned())
        } else {
            self.wrong("the end of a text")
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.rest = &self.rest[1..];
        }
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), FileErrorKind> {
        if self.take(byte) {
            Ok(())
        } else {
            self.wrong(&format!("`{}`", char::from(byte)))
        }
    }

    fn wrong<R>(&self, expected: &str) -> Result<R, FileErrorKind> {
        let shown = &self.rest[..self.rest.len().min(20)];
        invalid(format!(
            "the header has \"{}\" where {expected} was expected",
            shown.escape_ascii()
        ))
    }
}

impl<'a> Scanner<'a> {
    fn while_(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        self.rest = self.rest.trim_ascii_start();
        self.while_as_it_is(belongs)
    }

    fn while_as_it_is(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !belongs(byte));
        let (found, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Header, String> {
        let mut scanner = Scanner {
            rest: line.as_bytes(),
        };
        scanner.header().map_err(|error| error.to_string())
    }

    #[test]
    fn headers_that_numpy_writes_and_wrote_are_read() {
        let plain =
            read("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n").unwrap();
        assert_eq!(plain.descr, "<f4");
        assert_eq!((plain.fortran_order, plain.shape), (false, vec![2, 3]));
        let shape = |line: &str| read(line).unwrap().shape;
        assert_eq!(
            shape("{'descr': '|u1', 'fortran_order': True, 'shape': (), }"),
            [0; 0]
        );
        assert_eq!(
            shape("{'descr':'|u1','fortran_order':True,'shape':(7,)}"),
            [7]
        );
        assert_eq!(
            shape("{\"shape\": (3L, 4L), 'descr': '>i8', 'fortran_order': False}"),
            [3, 4]
        );
    }

    #[test]
    fn a_header_that_is_not_one_is_refused_with_the_place() {
        let reason = |line: &str, expected: &str| {
            let error = read(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        };
        reason("", "where `{` was expected");
        reason("{}", "lacks");
        reason("{'descr': '<f4', 'descr': '<f4'}", "'descr' twice");
        reason(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
            "the end of the header",
        );
        reason(
            "{'descr': '<f4', 'fortran_order': 1, 'shape': (2, 3)}",
            "True or False",
        );
        reason(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "the length of an axis",
        );
        reason(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
            "`)` was expected",
        );
        reason(
            "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
            "`(` was expected",
        );
        reason("{'descr': '<f4, 'fortran_order'", "the end of a text");
        reason("{'x': 1}", "'descr', 'fortran_order' or 'shape'");
        reason("{'shape': (36893488147419103232,)}", "longer than memory");
        reason(
            &format!("{{'shape': ({}", "1, ".repeat(65)),
            "more than 64 axes",
        );
        reason(
            "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (3,), }",
            "structures: [('x', '<f4'), ('y', '<f4')]; save each field",
        );
        // What keeps a parser of all literals busy for longer than anyone waits.
        reason(
            &format!("{{'descr': {}", "{".repeat(5000)),
            "a text in quotes",
        );
    }

    #[test]
    fn headers_end_at_a_multiple_of_64_bytes_and_are_read_again() {
        for rank in [0, 1, 2, 3, 30, 64] {
            let shape = vec![1_234_567; rank];
            let bytes = Header::write("<f8", &shape);
            assert_eq!(bytes.len() % ALIGN, 0);
            assert_eq!(bytes.last(), Some(&b'\n'));
            let header = Header::read(&mut &bytes[..]).unwrap();
            let fortran_order = false;
            let descr = "<f8".to_string();
            assert_eq!(
                header,
                Header {
                    descr,
                    fortran_order,
                    shape
                }
            );
        }
        // Too slow for Miri.
        if !cfg!(miri) {
            let long = Header::write("<f8", &[1_000_000; 9000]);
            assert_eq!((long[6], long.len() % ALIGN), (2, 0));
        }
    }
}
