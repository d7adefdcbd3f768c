//! The metadata of a field, and what a `fixed_shape_tensor` says in it.

#![forbid(unsafe_code)]

use crate::error::TensorError;

const NAME_KEY: &[u8] = b"ARROW:extension:name";
const METADATA_KEY: &[u8] = b"ARROW:extension:metadata";
const FIXED_SHAPE_TENSOR: &[u8] = b"arrow.fixed_shape_tensor";

/// A key and a value.
pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

/// What the rows of a `fixed_shape_tensor` look like.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RowShape {
    /// Lengths in the order of memory.
    pub(super) shape: Vec<usize>,
    /// Which of them stands where, if not in this order.
    pub(super) permutation: Option<Vec<usize>>,
}

/// The metadata that makes lists tensors of this shape. Only the keys that are needed: readers
/// differ in what they take for the others.
pub(super) fn encode(shape: &[usize]) -> Vec<u8> {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    let described = format!("{{\"shape\":[{}]}}", lengths.join(","));
    let mut bytes = 2i32.to_ne_bytes().to_vec();
    for part in [
        NAME_KEY,
        FIXED_SHAPE_TENSOR,
        METADATA_KEY,
        described.as_bytes(),
    ] {
        // Some hundred bytes: a shape has few axes.
        bytes.extend_from_slice(&(part.len() as i32).to_ne_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The shape of the rows, if pairs of keys and values say that lists are tensors.
///
/// # Errors
///
/// `UnsupportedOperation` if they say so and give no shape that can be read.
pub(super) fn decode(pairs: &[Pair<'_>]) -> Result<Option<RowShape>, TensorError> {
    let value = |wanted: &[u8]| {
        pairs
            .iter()
            .find(|(key, _)| *key == wanted)
            .map(|pair| pair.1)
    };
    if value(NAME_KEY) != Some(FIXED_SHAPE_TENSOR) {
        return Ok(None);
    }
    let described = value(METADATA_KEY).and_then(|text| Reader(text).row_shape());
    match described {
        Some(shape) => Ok(Some(shape)),
        None => Err(TensorError::UnsupportedOperation(
            "metadata of a fixed_shape_tensor gives no shape; take its storage array".into(),
        )),
    }
}

/// Reads one JSON object, of which it wants few keys; `None` wherever it is none.
struct Reader<'a>(&'a [u8]);

/// Objects in objects: none is needed, and a stack is finite.
const DEPTH: usize = 8;

impl<'a> Reader<'a> {
    fn row_shape(mut self) -> Option<RowShape> {
        let mut found = RowShape::default();
        let mut has_shape = false;
        self.expect(b'{')?;
        if !self.take(b'}') {
            loop {
                let key = self.string()?;
                self.expect(b':')?;
                match key {
                    b"shape" => {
                        found.shape = self.numbers()?;
                        has_shape = true;
                    }
                    // The second is arrow-rs' spelling.
                    b"permutation" | b"permutations" if self.peek()? == b'[' => {
                        found.permutation = Some(self.numbers()?);
                    }
                    _ => self.skip(DEPTH)?,
                }
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        (has_shape && self.peek().is_none()).then_some(found)
    }

    fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// The bytes between quotation marks, escapes as they stand.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let mut end = 0;
        while *self.0.get(end)? != b'"' {
            end += 1 + usize::from(self.0[end] == b'\\');
        }
        let (text, rest) = (&self.0[..end], &self.0[end + 1..]);
        self.0 = rest;
        Some(text)
    }

    /// `[1, 2, 3]`, whole numbers that are not negative.
    fn numbers(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        self.expect(b'[')?;
        if self.take(b']') {
            return Some(numbers);
        }
        loop {
            numbers.push(self.word()?.parse().ok()?);
            if !self.take(b',') {
                break;
            }
        }
        self.expect(b']')?;
        Some(numbers)
    }

    /// A number, or one of the three words.
    fn word(&mut self) -> Option<&'a str> {
        self.peek()?;
        let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let end = self.0.iter().take_while(|byte| belongs(byte)).count();
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(word)
            .ok()
            .filter(|word| !word.is_empty())
    }

    /// Any value.
    fn skip(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let closing = match self.peek()? {
            b'"' => return self.string().map(|_| ()),
            b'[' => b']',
            b'{' => b'}',
            _ => return self.word().map(|_| ()),
        };
        self.0 = &self.0[1..];
        if self.take(closing) {
            return Some(());
        }
        loop {
            if closing == b'}' {
                self.string()?;
                self.expect(b':')?;
            }
            self.skip(depth)?;
            if !self.take(b',') {
                return self.expect(closing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<RowShape> {
        Reader(text.as_bytes()).row_shape()
    }

    fn shape(shape: &[usize], permutation: Option<&[usize]>) -> Option<RowShape> {
        Some(RowShape {
            shape: shape.to_vec(),
            permutation: permutation.map(<[usize]>::to_vec),
        })
    }

    #[test]
    fn shapes_are_read_with_and_without_the_other_keys() {
        assert_eq!(
            read(r#"{"shape":[480,640,3]}"#),
            shape(&[480, 640, 3], None)
        );
        assert_eq!(read(" { \"shape\" : [ 2 , 3 ] } "), shape(&[2, 3], None));
        assert_eq!(read(r#"{"shape":[]}"#), shape(&[], None));
        let named = r#"{"dim_names":["H","]}\"W",null],"shape":[1,2],"permutation":[1,0]}"#;
        assert_eq!(read(named), shape(&[1, 2], Some(&[1, 0])));
        let of_arrow_rs = r#"{"shape":[1,2],"dim_names":null,"permutations":[1,0]}"#;
        assert_eq!(read(of_arrow_rs), shape(&[1, 2], Some(&[1, 0])));
        let nothing = r#"{"shape":[1],"permutation":null,"x":{"y":[{},[1.5e-3,true]]}}"#;
        assert_eq!(read(nothing), shape(&[1], None));
    }

    #[test]
    fn what_is_no_shape_is_none() {
        for text in [
            "",
            "{}",
            "[]",
            "{",
            r#"{"shape"}"#,
            r#"{"shape":}"#,
            r#"{"shape":[1,]}"#,
            r#"{"shape":[-1]}"#,
            r#"{"shape":[1.5]}"#,
            r#"{"shape":[1]"#,
            r#"{"shape":[1]}x"#,
            r#"{"shape":[99999999999999999999]}"#,
            r#"{"shape":null}"#,
            r#"{"shape":"1"}"#,
            r#"{"a":[[[[[[[[[[1]]]]]]]]]],"shape":[1]}"#,
            r#"{"a":"\"#,
            r#"{"shape":[1],}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // Nor does any cut of a good one make it panic.
        let whole = r#"{"dim_names":["H\"",null],"shape":[1,2],"permutation":[1,0]}"#;
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None, "{}", &whole[..end]);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = encode(&[4, 6, 3]);
        assert_eq!(bytes[..4], 2i32.to_ne_bytes());
        let text = br#"{"shape":[4,6,3]}"#;
        assert!(bytes.ends_with(text));
        let pairs: [Pair<'_>; 2] = [(NAME_KEY, FIXED_SHAPE_TENSOR), (METADATA_KEY, text)];
        assert_eq!(decode(&pairs).unwrap(), shape(&[4, 6, 3], None));
        assert_eq!(decode(&[]).unwrap(), None);
        assert!(decode(&pairs[..1]).is_err());
    }
}
