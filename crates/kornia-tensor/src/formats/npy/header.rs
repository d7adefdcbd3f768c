//! The header of an array: a line of Python in front of the elements.
//!
//! The line is a dictionary with three keys. It is read by the grammar of just that, front to back:
//! a parser of all of Python's literals can be kept busy for minutes by a few dozen brackets.

use std::io::Read;

use super::types::{descr, no_such_type, order_of};
use crate::error::Shown;
use crate::formats::file::{
    Bools, FileElement, FileError, FileErrorKind, read_exactly, read_first,
};

const MAGIC: &[u8] = b"\x93NUMPY";

/// As NumPy; more than the header of any array of plain elements has.
const MOST: usize = 10_000;

/// As many axes as NumPy has.
const MOST_AXES: usize = 64;

/// The bytes in front of the elements are a multiple of this.
const ALIGN: usize = 64;

/// What stands in front of the elements of an array: their type, shape and order.
///
/// [`read_header`](super::read_header) and [`NpzReader::header`](super::NpzReader::header) give it, so
/// that a program can choose what to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
    size_in_bytes: usize,
}

impl Header {
    /// The header of an array of this type and shape in row-major order, as [`write`](super::write())
    /// writes it.
    ///
    /// # Errors
    ///
    /// `Invalid` for elements that NumPy does not have (`bf16`).
    ///
    /// ```
    /// use kornia_tensor::formats::npy::{Header, read_header};
    ///
    /// let header = Header::of::<f32>(&[480, 640])?;
    /// let bytes = header.to_bytes();
    /// assert_eq!((bytes.len(), header.size_in_bytes()), (128, 128));
    /// assert_eq!(read_header(&bytes[..])?, header);
    /// # Ok::<(), kornia_tensor::formats::file::FileError>(())
    /// ```
    pub fn of<T: FileElement>(shape: &[usize]) -> Result<Self, FileError> {
        Ok(Self::try_of::<T>(shape)?)
    }

    pub(super) fn try_of<T: FileElement>(shape: &[usize]) -> Result<Self, FileErrorKind> {
        let descr = descr::<T>().ok_or_else(no_such_type::<T>)?;
        let order = if size_of::<T>() == 1 { '|' } else { '<' };
        let mut header = Self {
            descr: format!("{order}{descr}"),
            fortran_order: false,
            shape: shape.to_vec(),
            size_in_bytes: 0,
        };
        header.size_in_bytes = header.to_bytes().len();
        Ok(header)
    }

    /// The element type in NumPy's words: `<f4`, `|u1`, `>c16`, ..
    pub fn element_type(&self) -> &str {
        &self.descr
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the first axis is the one whose elements lie side by side.
    pub fn is_fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Whether elements are read as `T`, in whichever byte order.
    pub fn is<T: FileElement>(&self) -> bool {
        order_of::<T>(&self.descr, Bools::Strict).is_ok()
    }

    /// Bytes of the header. The elements begin after them.
    pub fn size_in_bytes(&self) -> usize {
        self.size_in_bytes
    }

    /// Reads the header and nothing after it.
    pub(super) fn read(from: &mut (impl Read + ?Sized)) -> Result<Self, FileErrorKind> {
        let start = read_first(from, 8, "an array")?;
        if !start.starts_with(MAGIC) {
            return invalid(format!(
                "the first bytes are {:02x?} where an array begins with {MAGIC:02x?}; this is no \
                 .npy",
                &start[..MAGIC.len()]
            ));
        }
        let (in_front, len) = match (start[6], start[7]) {
            (1, 0) => {
                let len = read_exactly(from, 2, "the length of the header")?;
                (10, usize::from(u16::from_le_bytes([len[0], len[1]])))
            }
            (2 | 3, 0) => {
                let len = read_exactly(from, 4, "the length of the header")?;
                let len = u32::from_le_bytes([len[0], len[1], len[2], len[3]]);
                (12, usize::try_from(len).unwrap_or(usize::MAX))
            }
            (major, minor) => {
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
        let mut scanner = Scanner {
            rest: &line,
            long_integers: start[6] < 3,
        };
        let mut header = scanner.header()?;
        header.size_in_bytes = in_front + len;
        Ok(header)
    }

    /// The bytes that say this in front of elements.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut axes = self
            .shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        if self.shape.len() == 1 {
            axes.push(','); // Python's tuple of one
        }
        let (descr, order) = (
            &self.descr,
            if self.fortran_order { "True" } else { "False" },
        );
        let line = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
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

fn invalid<R>(what: String) -> Result<R, FileErrorKind> {
    Err(FileErrorKind::Invalid(what))
}

/// What is left of the line.
struct Scanner<'a> {
    rest: &'a [u8],
    /// Whether numbers may end in `L`, as Python 2 wrote them; NumPy reads that up to version 2.
    long_integers: bool,
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
                return invalid(format!("the header has '{key}' twice; say it once"));
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
                size_in_bytes: 0,
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

    /// A tuple of numbers. One number in brackets is none in Python, but just that number.
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
                if let [len] = shape[..] {
                    return invalid(format!(
                        "the shape is ({len}), which is a number in Python; one axis is ({len},)"
                    ));
                }
                break;
            }
        }
        Ok(shape)
    }

    fn number(&mut self) -> Result<usize, FileErrorKind> {
        let digits = self.while_(|byte| byte.is_ascii_digit());
        let text = str::from_utf8(digits).unwrap_or_default();
        if text.len() > 1 && text.starts_with('0') && text.bytes().any(|digit| digit != b'0') {
            return invalid(format!(
                "an axis of length {}, which is no number in Python for its zero in front",
                Shown(text)
            ));
        }
        let Ok(number) = text.parse() else {
            if digits.is_empty() {
                return self.wrong("the length of an axis");
            }
            return invalid(format!(
                "an axis of length {} is longer than memory",
                Shown(text)
            ));
        };
        if self.long_integers && self.rest.first() == Some(&b'L') {
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
            long_integers: true,
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
            let header = Header::of::<f64>(&vec![1_234_567; rank]).unwrap();
            let bytes = header.to_bytes();
            assert_eq!(bytes.len() % ALIGN, 0);
            assert_eq!(bytes.len(), header.size_in_bytes());
            assert_eq!(bytes.last(), Some(&b'\n'));
            assert_eq!(Header::read(&mut &bytes[..]).unwrap(), header);
        }
        // Too slow for Miri.
        if !cfg!(miri) {
            let long = Header::of::<f64>(&[1_000_000; 9000]).unwrap().to_bytes();
            assert_eq!((long[6], long.len() % ALIGN), (2, 0));
        }
    }
}
