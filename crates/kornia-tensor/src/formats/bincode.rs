//! Tensors in bincode 2 (feature `bincode`): for messages of 0.2.0, and for those who need them.
//!
//! **For new data take another format.** bincode's line has ended: 2.0.1 is the last release, and
//! 3.0.0 is empty. This crate's [`rkyv`](https://docs.rs/kornia-tensor/latest/kornia_tensor/formats/rkyv)
//! is faster and can be read in place; `serde` with postcard is as small.
//!
//! A tensor or a view is written as 0.2.0 writes a tensor in standard layout, byte for byte:
//! shape, strides (`N` numbers each), the number of elements, and the elements it shows in
//! row-major order. 0.2.0 can read that. What 0.2.0 wrote is read, padded and permuted tensors
//! too; their strides are kept.
//!
//! ```
//! use bincode::{Decode, Encode, config::standard};
//! use kornia_tensor::Tensor;
//!
//! #[derive(Encode, Decode)]
//! struct Frame {
//!     time: f64,
//!     image: Tensor<u8, 3>,
//! }
//!
//! let image = Tensor::from_shape_fn([2, 4, 3], |[y, x, c]| (y + x + c) as u8);
//! let crop = image.slice((.., 1..3, ..));
//! let bytes = bincode::encode_to_vec(Frame { time: 0.5, image: crop.clone() }, standard())?;
//! let (frame, _): (Frame, usize) = bincode::decode_from_slice(&bytes, standard())?;
//! assert_eq!(frame.time, 0.5);
//! assert_eq!(frame.image, crop);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Any element that bincode can encode is possible. Where the configuration writes elements as
//! they lie in memory (`u8`, `i8`, `bool` and floats always, other integers with fixed width; in
//! either byte order) they are copied in bulk.
//!
//! Bytes from strangers: a length is believed as far as input follows, so memory stays within what
//! was read plus 64 KiB, and within the configured limit, which counts the elements before they
//! are read. Zero-sized elements, which need no input, are refused beyond 2^16.

#![forbid(unsafe_code)]

use bincode::config::{Config, Endianness, IntEncoding};
use bincode::de::read::Reader;
use bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
use bincode::enc::write::Writer;
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, append, for_each_block};
use crate::formats::wire::{ADVANCE_BYTES, Arriving, assemble};
use crate::{Tensor, TensorError, TensorView};

impl<T: Encode, const N: usize> Encode for TensorView<'_, T, N> {
    /// O(n); one `memcpy` for contiguous elements that are written as they lie in memory.
    ///
    /// # Errors
    ///
    /// Those of the writer and of the elements; `OutOfMemory` if they must be gathered first.
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let mut strides = [0; N];
        let mut step = 1;
        for (stride, len) in strides.iter_mut().zip(self.shape()).rev() {
            *stride = step;
            // 0.2.0's strides: an axis without elements makes those before it 0.
            step *= len;
        }
        self.shape().encode(encoder)?;
        strides.encode(encoder)?;
        (self.numel() as u64).encode(encoder)?;
        match as_in_memory::<T>(encoder.config()) {
            Some(order) => {
                for_each_block(self.source(), order, |bytes| encoder.writer().write(bytes))
                    .map_err(|error| EncodeError::OtherString(error.to_string()))?
            }
            None => self.iter().try_for_each(|element| element.encode(encoder)),
        }
    }
}

impl<T: Encode, const N: usize> Encode for Tensor<T, N> {
    /// As the view of all elements.
    ///
    /// # Errors
    ///
    /// Those of the view; `NotHostAccessible`.
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.try_view()
            .map_err(|error| EncodeError::OtherString(error.to_string()))?
            .encode(encoder)
    }
}

impl<C, T: Decode<C>, const N: usize> Decode<C> for Tensor<T, N> {
    /// O(n), into fresh memory. See the [module](crate::formats::bincode) for how it is checked.
    ///
    /// # Errors
    ///
    /// Those of the reader and of the elements; elements that do not fill the shape; strides that
    /// reach outside the elements or overlap.
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        tensor(decoder, T::decode)
    }
}

impl<'de, C, T: BorrowDecode<'de, C>, const N: usize> BorrowDecode<'de, C> for Tensor<T, N> {
    /// As `decode`, for elements that borrow from the input. The tensor itself owns its memory.
    ///
    /// # Errors
    ///
    /// As `decode`.
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        tensor(decoder, T::borrow_decode)
    }
}

/// Reads a tensor whose elements `element` reads.
fn tensor<D: Decoder, T, const N: usize>(
    decoder: &mut D,
    element: impl FnMut(&mut D) -> Result<T, DecodeError>,
) -> Result<Tensor<T, N>, DecodeError> {
    let shape: [usize; N] = Decode::decode(decoder)?;
    let strides: [usize; N] = Decode::decode(decoder)?;
    let claimed: u64 = Decode::decode(decoder)?;
    let claimed = usize::try_from(claimed).map_err(|_| DecodeError::OutsideUsizeRange(claimed))?;
    decoder.claim_container_read::<T>(claimed)?;
    let elements = match as_in_memory::<T>(decoder.config()) {
        Some(order) => read_bytes(decoder.reader(), claimed, order)?,
        None => read_elements(decoder, claimed, element)?,
    };
    assemble(shape, Some(strides), elements).map_err(refused)
}

/// Reads elements that are written as they lie in memory: at once from a slice, in pieces from a
/// stream, whose end is not known.
fn read_bytes<T>(
    reader: &mut impl Reader,
    claimed: usize,
    order: Order,
) -> Result<Vec<T>, DecodeError> {
    let mut elements = Vec::new();
    let Some(mut left) = claimed.checked_mul(size_of::<T>()) else {
        return Err(DecodeError::LimitExceeded);
    };
    if let Some(bytes) = reader.peek_read(left).and_then(|bytes| bytes.get(..left)) {
        append(&mut elements, bytes, order).map_err(refused)?;
        reader.consume(left);
        return Ok(elements);
    }
    // A whole number of elements, because that is a power of two.
    let mut piece = vec![0; left.min(ADVANCE_BYTES)];
    while left > 0 {
        let piece = &mut piece[..left.min(ADVANCE_BYTES)];
        reader.read(piece)?;
        append(&mut elements, piece, order).map_err(refused)?;
        left -= piece.len();
    }
    elements.shrink_to_fit();
    Ok(elements)
}

/// Reads elements one by one.
fn read_elements<D: Decoder, T>(
    decoder: &mut D,
    claimed: usize,
    mut element: impl FnMut(&mut D) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut elements = Arriving::new(claimed).map_err(refused)?;
    for _ in 0..claimed {
        // The element claims its own bytes.
        decoder.unclaim_bytes_read(size_of::<T>());
        elements.push(element(decoder)?).map_err(refused)?;
    }
    Ok(elements.finish())
}

/// The byte order of elements which this configuration writes as they lie in memory.
fn as_in_memory<T>(config: &impl Config) -> Option<Order> {
    match Plain::portable::<T>()? {
        Plain::Bool | Plain::U8 | Plain::I8 | Plain::F32 | Plain::F64 => {}
        _ if matches!(config.int_encoding(), IntEncoding::Fixed) => {}
        _ => return None,
    }
    match config.endianness() {
        Endianness::Little => Some(Order::Little),
        Endianness::Big => Some(Order::Big),
        _ => None,
    }
}

fn refused(error: TensorError) -> DecodeError {
    DecodeError::OtherString(error.to_string())
}
