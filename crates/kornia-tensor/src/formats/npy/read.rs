//! Reading arrays: from streams, memory, files, and in place.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::header::Header;
use super::types::order_of;
use crate::engine::element::bytes::{Order, as_elements};
use crate::formats::file::{
    Bools, FileElement, FileError, FileErrorKind, at_end, check_bools, copied_elements,
    read_elements,
};
use crate::{Layout, Tensor, TensorParts, TensorStorage};

/// Reads an array from a stream, and nothing after it: several can follow each other. O(n).
///
/// The stream is asked for large pieces at once and needs no buffer of its own. [`ReadOptions`] reads
/// into row-major order whatever the file has, and `bool`s that are neither 0 nor 1.
///
/// # Errors
///
/// If this is no array of `N` axes with elements of type `T`, or ends early; the errors of the
/// stream; `OutOfMemory`.
///
/// ```
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::from_shape_vec([2], vec![1.5f32, 2.5])?)?;
/// npy::write(&mut bytes, &Tensor::from_shape_vec([], vec![true])?)?;
///
/// let mut stream = &bytes[..];
/// assert_eq!(npy::read::<f32, 1>(&mut stream)?.as_slice(), [1.5, 2.5]);
/// assert_eq!(npy::read::<bool, 0>(&mut stream)?.as_slice(), [true]);
/// assert!(npy::read::<u8, 1>(&mut stream).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read<T: FileElement, const N: usize>(reader: impl Read) -> Result<Tensor<T, N>, FileError> {
    ReadOptions::new().read(reader)
}

/// Reads the array that these bytes are. O(n), one `memcpy`.
///
/// Faster than [`read`](fn@read), which does not know how many bytes will come and believes no
/// header.
///
/// # Errors
///
/// As [`read`](fn@read); also if anything follows the array.
///
/// ```
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::from_shape_vec([2], vec![1.5f32, 2.5])?)?;
/// assert_eq!(npy::from_bytes::<f32, 1>(&bytes)?.as_slice(), [1.5, 2.5]);
///
/// bytes.push(0);
/// let error = npy::from_bytes::<f32, 1>(&bytes).unwrap_err();
/// assert!(error.to_string().contains("1 bytes follow the array"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_bytes<T: FileElement, const N: usize>(bytes: &[u8]) -> Result<Tensor<T, N>, FileError> {
    ReadOptions::new().decode(bytes)
}

/// Reads the array that a file is. O(n).
///
/// An array in Fortran order keeps it, so `as_slice` panics: [`contiguous`](Tensor::contiguous) copies
/// it to row-major order, and [`ReadOptions::standard_layout`] does so at once.
///
/// # Errors
///
/// As [`read`](fn@read); also if anything follows the array.
pub fn open<T: FileElement, const N: usize>(
    path: impl AsRef<Path>,
) -> Result<Tensor<T, N>, FileError> {
    ReadOptions::new().open(path)
}

/// Shares the elements of an array whose bytes `owner` has, for reading. O(1): no element is looked
/// at, but for `bool`.
///
/// For mapped files, `Bytes` and the like; the owner lives until the last tensor is gone. An array
/// in Fortran order comes as a tensor whose strides are reversed.
///
/// # Errors
///
/// As [`from_bytes`], which copies; `Misaligned` if the elements lie at an address that does not suit
/// them, `Invalid` if they have the byte order of other machines.
///
/// # Panics
///
/// If `as_ref` panics.
///
/// ```
/// use std::sync::Arc;
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let image = Tensor::<u8, 3>::full([4, 6, 3], 7);
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &image)?;
///
/// let bytes: Arc<[u8]> = bytes.into();
/// let shared = npy::from_owner::<u8, 3, _>(bytes.clone())?;
/// assert!(bytes.as_ptr_range().contains(&shared.as_ptr()));
/// assert_eq!(shared, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_owner<T: FileElement, const N: usize, O>(owner: O) -> Result<Tensor<T, N>, FileError>
where
    O: AsRef<[u8]> + Send + 'static,
{
    Ok(share(TensorStorage::from_owner(owner))?)
}

/// Reads the header of an array: element type, shape and order. The elements are still to come.
///
/// From the path of a large file: `read_header(File::open(path)?)`.
///
/// # Errors
///
/// `Invalid` if this is no header, or one of structures; the errors of the stream.
///
/// ```
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::<f32, 3>::zeros([480, 640, 3]))?;
///
/// let header = npy::read_header(&bytes[..])?;
/// assert_eq!(header.shape(), [480, 640, 3]);
/// assert_eq!(header.element_type(), "<f4");
/// assert!(header.is::<f32>() && !header.is::<f64>());
/// assert!(!header.is_fortran_order());
/// assert_eq!(bytes.len(), header.size_in_bytes() + 480 * 640 * 3 * 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_header(mut reader: impl Read) -> Result<Header, FileError> {
    Ok(Header::read(&mut reader)?)
}

/// How an array is read, where that is to be in another way than [`open`], [`read`](fn@read) and
/// [`from_bytes`] do it.
///
/// ```
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::from_shape_vec([3], vec![true, false, true])?)?;
/// *bytes.last_mut().unwrap() = 255; // as a mask of OpenCV has it, `mask.view(bool)`
///
/// assert!(npy::from_bytes::<bool, 1>(&bytes).is_err());
/// let loose = npy::ReadOptions::new().loose_bool();
/// assert_eq!(loose.decode::<bool, 1>(&bytes)?.as_slice(), [true, false, true]);
/// assert_eq!(loose.decode::<u8, 1>(&bytes)?.as_slice(), [1, 0, 255]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is read before `open`, `read` or `decode`"]
pub struct ReadOptions {
    standard_layout: bool,
    bools: Bools,
}

impl ReadOptions {
    /// As the functions of the module read.
    pub const fn new() -> Self {
        Self {
            standard_layout: false,
            bools: Bools::Strict,
        }
    }

    /// Copies an array in Fortran order to row-major order, so that `as_slice` works on whatever
    /// was read. Costs nothing for others.
    pub const fn standard_layout(mut self) -> Self {
        self.standard_layout = true;
        self
    }

    /// Reads a `bool` array as NumPy does: a byte that is neither 0 nor 1 is true. And as `u8` it
    /// gives the bytes that there are.
    pub const fn loose_bool(mut self) -> Self {
        self.bools = Bools::Loose;
        self
    }

    /// As [`read`](fn@read).
    ///
    /// # Errors
    ///
    /// Those of [`read`](fn@read).
    pub fn read<T: FileElement, const N: usize>(
        &self,
        mut reader: impl Read,
    ) -> Result<Tensor<T, N>, FileError> {
        Ok(self.read_from(&mut reader, Length::Unknown)?)
    }

    /// As [`from_bytes`].
    ///
    /// # Errors
    ///
    /// Those of [`from_bytes`].
    pub fn decode<T: FileElement, const N: usize>(
        &self,
        bytes: &[u8],
    ) -> Result<Tensor<T, N>, FileError> {
        let (mut rest, length) = (bytes, Length::Exactly(bytes.len() as u64));
        let array = Array::<N>::read::<T>(&mut rest, length, self.bools)?;
        // What is left are exactly the elements.
        let elements = copied_elements(rest, array.order, self.bools)?;
        Ok(self.tensor(array, elements)?)
    }

    /// As [`open`].
    ///
    /// # Errors
    ///
    /// Those of [`open`].
    pub fn open<T: FileElement, const N: usize>(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<Tensor<T, N>, FileError> {
        let path = path.as_ref();
        let tensor = self.open_file(path);
        tensor.map_err(|kind| FileError::from(kind).in_file(Some(path)))
    }

    fn open_file<T: FileElement, const N: usize>(
        &self,
        path: &Path,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        let mut file = File::open(path)?;
        let there = file.metadata()?;
        let length = if there.is_file() {
            Length::Exactly(there.len())
        } else {
            Length::Unknown
        };
        let tensor = self.read_from(&mut file, length)?;
        if !at_end(&mut file)? {
            return Err(more_follows("bytes"));
        }
        Ok(tensor)
    }

    pub(super) fn read_from<T: FileElement, const N: usize>(
        &self,
        reader: &mut (impl Read + ?Sized),
        length: Length,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        let array = Array::<N>::read::<T>(reader, length, self.bools)?;
        let known = matches!(length, Length::Exactly(_));
        let elements = read_elements(reader, array.numel, known, array.order, self.bools)?;
        self.tensor(array, elements)
    }

    /// The tensor of these elements.
    fn tensor<T: FileElement, const N: usize>(
        &self,
        array: Array<N>,
        elements: Vec<T>,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        if !array.fortran_order {
            return Ok(Tensor::from_shape_vec(array.shape, elements)?);
        }
        let tensor = Tensor::from_shape_vec(array.in_memory(), elements)?.transpose();
        if self.standard_layout && !tensor.is_standard_layout() {
            return Ok(tensor.deep_clone()?);
        }
        Ok(tensor)
    }
}

/// A tensor over bytes that stay where they are.
fn share<T: FileElement, const N: usize>(
    bytes: TensorStorage<u8>,
) -> Result<Tensor<T, N>, FileErrorKind> {
    let place = find::<T, N>(bytes.as_slice())?;
    let elements = &bytes.as_slice()[place.offset..];
    check_bools::<T>(elements)?;
    FileErrorKind::check_aligned::<T>(elements, "`from_bytes` and `open` copy")?;
    let layout = Layout::contiguous(place.in_memory, size_of::<T>())?;
    let storage = bytes.share_as(|bytes| match &bytes[place.offset..] {
        // No elements need no alignment.
        [] => Ok(&[]),
        elements => as_elements(elements),
    });
    let tensor = Tensor::try_from_parts(TensorParts {
        storage: storage.map_err(|refused| refused.error)?,
        shape: *layout.shape(),
        strides: *layout.strides(),
    })?;
    Ok(if place.fortran_order {
        tensor.transpose()
    } else {
        tensor
    })
}

/// Where the elements of an array are in the bytes of its file.
pub(crate) struct Place<const N: usize> {
    /// Their first byte; they end with the file.
    pub(crate) offset: usize,
    /// The lengths of the axes from the outermost in memory.
    pub(crate) in_memory: [usize; N],
    /// Whether that is the last one.
    pub(crate) fortran_order: bool,
}

/// Finds the elements of an array that are used where they are.
pub(crate) fn find<T: FileElement, const N: usize>(
    bytes: &[u8],
) -> Result<Place<N>, FileErrorKind> {
    let (mut rest, length) = (bytes, Length::Exactly(bytes.len() as u64));
    let array = Array::<N>::read::<T>(&mut rest, length, Bools::Strict)?;
    if size_of::<T>() > 1 && array.order != Order::NATIVE {
        return Err(other_order());
    }
    Ok(Place {
        offset: bytes.len() - rest.len(),
        in_memory: array.in_memory(),
        fortran_order: array.fortran_order,
    })
}

/// An error unless this machine has the elements of an array as the header says.
#[cfg(feature = "mmap")]
pub(crate) fn check_native(header: &Header) -> Result<(), FileErrorKind> {
    let little = header.element_type().starts_with('<');
    if little && Order::NATIVE != Order::Little {
        return Err(other_order());
    }
    Ok(())
}

fn other_order() -> FileErrorKind {
    FileErrorKind::Invalid(
        "elements have their bytes in the order of other machines; `from_bytes` and `open` turn \
         them around in a copy"
            .to_string(),
    )
}

/// How long the input is, header included.
#[derive(Clone, Copy)]
pub(super) enum Length {
    Unknown,
    /// And all of it is the array.
    Exactly(u64),
}

/// What a header says, checked.
struct Array<const N: usize> {
    shape: [usize; N],
    /// As many bytes as these elements have fit into memory.
    numel: usize,
    fortran_order: bool,
    order: Order,
}

impl<const N: usize> Array<N> {
    /// Reads a header. Elements of type `T` follow, as far as the input has them: exactly those if
    /// its length is known.
    fn read<T: FileElement>(
        reader: &mut (impl Read + ?Sized),
        length: Length,
        bools: Bools,
    ) -> Result<Self, FileErrorKind> {
        let header = Header::read(reader)?;
        let order = order_of::<T>(header.element_type(), bools)?;
        let shape = FileErrorKind::check_rank::<N>(header.shape())?;
        let numel = Layout::contiguous(shape, size_of::<T>())?.numel();
        // The layout fits, so its bytes do.
        let needed = (numel * size_of::<T>()) as u64;
        if let Length::Exactly(length) = length {
            let there = length.saturating_sub(header.size_in_bytes() as u64);
            if there < needed {
                return Err(FileErrorKind::truncated("the elements", there, needed));
            }
            if there > needed {
                return Err(more_follows(&format!("{} bytes", there - needed)));
            }
        }
        Ok(Self {
            shape,
            numel,
            fortran_order: header.is_fortran_order(),
            order,
        })
    }

    /// The lengths of the axes from the outermost in memory.
    fn in_memory(&self) -> [usize; N] {
        let mut shape = self.shape;
        if self.fortran_order {
            shape.reverse();
        }
        shape
    }
}

pub(super) fn more_follows(what: &str) -> FileErrorKind {
    FileErrorKind::Invalid(format!(
        "{what} follow the array; use `read` for several in one file"
    ))
}
