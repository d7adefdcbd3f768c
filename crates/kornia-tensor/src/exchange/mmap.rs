//! Files as tensors that touch only what is read (feature `mmap`).
//!
//! One `unsafe` promise, given where the file is opened: that nobody changes it. After that a
//! mapping is an owner of bytes like any other.

#[cfg(feature = "npy")]
mod npy;
mod write;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytemuck::AnyBitPattern;
use memmap2::Mmap;

use crate::Tensor;
use crate::error::TensorError;
use crate::exchange::bytemuck::as_elements;
use crate::formats::open::{check_regular, open_regular};
use crate::layout::Layout;
use crate::storage::TensorStorage;
use crate::tensor::view::check_numel;

pub use write::MappedFileMut;

/// A file that is mapped for reading, whole. Cloning is O(1) and shares the mapping.
///
/// Opening takes microseconds whatever the size: the system reads a page of the file when an
/// element in it is first looked at, and may forget it again, so a file can be larger than
/// memory. Tensors of it are read-only (`make_mut` copies; [`MappedFileMut`] writes to its file) and
/// keep the mapping alive, not the value they were made from. One file can give several, of different
/// types.
///
/// An error of the device while a page is read cannot be a `Result`: the system ends the
/// process (`SIGBUS`). Files on disks that come and go are better read than mapped.
///
/// ```no_run
/// use kornia_tensor::MappedFile;
///
/// // SAFETY: nobody writes to the recording any more.
/// let recording = unsafe { MappedFile::open("night.raw") }?;
/// let frames = recording.tensor::<u8, 4>([100_000, 1080, 1920, 3], 4096)?; // 622 GB, at once
/// let frame = frames.select(0, 77_777); // nothing is read so far
/// assert_eq!(frame[[0, 0, 0]], 0); // one page is, now
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MappedFile {
    map: Arc<Mmap>,
}

impl MappedFile {
    /// Opens a file and maps it for reading. O(1): nothing is read.
    ///
    /// # Safety
    ///
    /// Until the last clone and the last tensor of it are dropped, **nobody, in this process or
    /// any other, writes to the file, shortens it, or puts it on a device that goes away**. The
    /// elements would change under a shared reference, or be gone. Renaming and deleting it does
    /// no harm where files can be deleted while they are open. A file lock helps only among
    /// programs that ask for it.
    ///
    /// # Errors
    ///
    /// Those of the system, with the path in the text: `NotFound`, `PermissionDenied`, ..;
    /// `InvalidInput` for what is not a regular file (a folder, a pipe), without waiting for it. An
    /// empty file is no error: it holds tensors without elements.
    pub unsafe fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let named = |error: io::Error| {
            let text = format!("{error}; {} cannot be mapped", path.display());
            io::Error::new(error.kind(), text)
        };
        let file = open_regular(path).map_err(named)?;
        // SAFETY: the caller promises that nobody changes the file of this name, which was opened.
        unsafe { Self::map(&file) }.map_err(named)
    }

    /// As [`open`](Self::open), for a file that is open already, as when its header was read.
    /// The mapping does not need the handle afterwards.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), without a path.
    pub unsafe fn map(file: &File) -> io::Result<Self> {
        check_regular(&file.metadata()?)?;
        // SAFETY: the caller promises that nobody changes the file while it is mapped.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self { map: Arc::new(map) })
    }

    /// The file's bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Elements of the file from a byte on, in row-major order and the byte order of this
    /// machine. O(1): nothing is read. What follows them in the file does not matter.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`; `Truncated` if the file ends too early; `MisalignedOffset` if the offset
    /// is no multiple of the alignment of `T` (the file itself begins at a page).
    ///
    /// ```
    /// # #[cfg(not(miri))] {
    /// use kornia_tensor::{MappedFile, TensorError};
    ///
    /// let path = std::env::temp_dir().join(format!("kornia-map-{}.raw", std::process::id()));
    /// std::fs::write(&path, [1u8, 0, 0, 0, 10, 20, 30, 40, 50, 60])?;
    /// // SAFETY: the file has a name of its own, and is written once.
    /// let file = unsafe { MappedFile::open(&path) }?;
    /// std::fs::remove_file(&path)?;
    ///
    /// let image = file.tensor::<u8, 3>([1, 2, 3], 4)?;
    /// assert_eq!(image.as_slice(), [10, 20, 30, 40, 50, 60]);
    /// assert_eq!(file.tensor::<u32, 1>([1], 0)?[[0]].to_le(), 1);
    ///
    /// let refused = file.tensor::<u8, 3>([2, 2, 3], 4).unwrap_err();
    /// assert_eq!(refused, TensorError::Truncated { offset: 4, needed: 12, found: 10 });
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn tensor<T: AnyBitPattern, const N: usize>(
        &self,
        shape: [usize; N],
        offset: usize,
    ) -> Result<Tensor<T, N>, TensorError> {
        let storage = TensorStorage::over_owner(self.map.clone(), |map| {
            let layout = find::<T, N>(shape, offset, map.len())?;
            match layout.numel() * size_of::<T>() {
                0 => Ok(&[]),
                needed => as_elements(&map[offset..offset + needed]),
            }
        })?;
        Tensor::from_storage(storage, shape)
    }
}

/// The layout of elements that lie in a file of `found` bytes, from `offset` on.
fn find<T, const N: usize>(
    shape: [usize; N],
    offset: usize,
    found: usize,
) -> Result<Layout<N>, TensorError> {
    let layout = Layout::contiguous(shape, size_of::<T>())?;
    let (needed, align) = (layout.numel() * size_of::<T>(), align_of::<T>());
    if offset.checked_add(needed).is_none_or(|end| end > found) {
        return Err(TensorError::Truncated {
            offset,
            needed,
            found,
        });
    }
    if needed == 0 {
        check_numel(&layout, 0)?; // elements of size zero are in no file
    } else if !offset.is_multiple_of(align) {
        return Err(TensorError::MisalignedOffset { offset, align });
    }
    Ok(layout)
}

impl AsRef<[u8]> for MappedFile {
    /// As [`bytes`](Self::bytes), so that it can be the owner of a tensor of the whole file.
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}
