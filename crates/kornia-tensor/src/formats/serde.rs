//! Tensors in any format of serde (feature `serde`).
//!
//! A tensor or a view is written as `{shape, data}`: the lengths of its axes, and the elements it
//! shows in row-major order. What lies around a crop in memory is not written, nor are
//! strides: what is read is in standard layout.
//!
//! ```
//! use kornia_tensor::Tensor;
//!
//! let image = Tensor::from_shape_vec([2, 2], vec![1u8, 2, 3, 4])?;
//! let json = serde_json::to_string(&image.flip(1))?;
//! assert_eq!(json, r#"{"shape":[2,2],"data":[2,1,4,3]}"#);
//!
//! let back: Tensor<u8, 2> = serde_json::from_str(&json)?;
//! assert_eq!(back, image.flip(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Elements
//!
//! | elements | JSON, YAML, .. | CBOR, MessagePack, postcard, .. |
//! |---|---|---|
//! | `u8` to `u128`, `i8` to `i128`, `f32`, `f64`, `bool` | numbers (`true`, `false`) | one byte string: **little-endian**, without gaps |
//! | `usize`, `isize` | numbers | a sequence: their size differs between machines |
//! | any other `T: Serialize` | a sequence | a sequence |
//!
//! Formats that call themselves human-readable are those of the first column. Both columns read
//! a sequence too, and a byte string where the format can tell one from a sequence. A byte string
//! does not say what its elements are: `f32` read as `i32` is no error.
//!
//! Infinities and NaN of `f32` and `f64`, for which JSON has no numbers, are the texts `"Infinity"`,
//! `"-Infinity"` and `"NaN"` in all formats of the first column, as protocol buffers write them in
//! JSON; numbers in quotes are read, and so is what YAML and RON call them. It is not kept which of
//! the many NaNs it was. (`null`, which serde_json writes for floats outside of tensors, is not read as
//! a number. Elements of other types write themselves as they do without this crate.)
//!
//! # Bytes from strangers
//!
//! Whatever the input claims, memory is taken for what was read: 64 KiB at first and then as
//! elements arrive. A shape that does not fit the elements is an error. Zero-sized elements, which
//! need no input at all in some formats, are refused beyond 2^16. (A format may itself trust the
//! length of a byte string: set a limit where it has one, as bincode does.)
//!
//! # What 0.2.0 wrote
//!
//! Maps `{data, shape, strides}` are read with their fields in any order, padded tensors too, which
//! 0.2.0 writes and refuses to read. Strides that are not standard are kept.
//!
//! Formats without field names (postcard, bincode's serde mode, arrays of MessagePack) keep the
//! order of fields: here shape, data; in 0.2.0 data, shape, strides. Both begin with a sequence,
//! and its length tells them apart: this crate's is the rank. Where the format does not count
//! fields, that leaves one case, an old tensor with exactly as many elements as axes, such as a
//! single RGB pixel `[1, 1, 3]`. It is taken for new; [`deserialize_v0_2`] takes every tensor for
//! old.

#![forbid(unsafe_code)]

mod read;

use std::slice;

use serde_core::ser::{Error, Serialize, SerializeStruct, Serializer};

use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, as_bytes, to_bytes};
use crate::{Tensor, TensorView};

pub use read::deserialize_v0_2;

impl<T: Serialize, const N: usize> Serialize for TensorView<'_, T, N> {
    /// O(n); `memcpy` into binary formats for plain elements, which are copied twice if they are
    /// not contiguous.
    ///
    /// # Errors
    ///
    /// Those of the format; `OutOfMemory` for the copy.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tensor = serializer.serialize_struct("Tensor", 2)?;
        tensor.serialize_field("shape", &self.shape()[..])?;
        tensor.serialize_field("data", &Elements(*self))?;
        tensor.end()
    }
}

impl<T: Serialize, const N: usize> Serialize for Tensor<T, N> {
    /// As the view of all elements.
    ///
    /// # Errors
    ///
    /// Those of the view; `NotHostAccessible`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.try_view()
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

/// The elements of a view in row-major order.
struct Elements<'a, T, const N: usize>(TensorView<'a, T, N>);

impl<T: Serialize, const N: usize> Serialize for Elements<'_, T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Asked of the field's own serializer: that of a flattened struct does not know.
        if serializer.is_human_readable() && is_float::<T>() {
            return serializer.collect_seq(self.0.into_iter().map(Readable));
        }
        if serializer.is_human_readable() || Plain::portable::<T>().is_none() {
            return serializer.collect_seq(self.0);
        }
        to_bytes(self.0.source(), Order::Little, |bytes| {
            serializer.serialize_bytes(bytes)
        })
        .map_err(S::Error::custom)?
    }
}

/// Whether elements may be no numbers, and are written as texts then.
fn is_float<T>() -> bool {
    matches!(Plain::portable::<T>(), Some(Plain::F32 | Plain::F64))
}

/// An element in a format for people, which may have no number for it.
struct Readable<'a, T>(&'a T);

impl<T: Serialize> Serialize for Readable<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.unusual() {
            Some(name) => serializer.serialize_str(name),
            None => self.0.serialize(serializer),
        }
    }
}

impl<T> Readable<'_, T> {
    /// What it is called if it is no number. All names are read again by `str::parse`.
    fn unusual(&self) -> Option<&'static str> {
        let bytes = as_bytes(slice::from_ref(self.0))?;
        let value = match Plain::portable::<T>()? {
            Plain::F32 => f64::from(f32::from_ne_bytes(bytes.try_into().ok()?)),
            Plain::F64 => f64::from_ne_bytes(bytes.try_into().ok()?),
            _ => return None,
        };
        match value {
            _ if value.is_finite() => None,
            f64::INFINITY => Some("Infinity"),
            f64::NEG_INFINITY => Some("-Infinity"),
            _ => Some("NaN"),
        }
    }
}
