//! Files that are written through memory.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};
use memmap2::MmapMut;

use super::find;
use crate::Tensor;
use crate::formats::open::check_regular;
use crate::storage::{Access, MemoryDomain, OwnerRefused};

/// A file that is mapped for reading and writing, whole: what is written to memory is in the file.
///
/// For results that are larger than memory, filled part by part. The system brings written pages to
/// the disk when it likes; a program that ends or is killed loses nothing, a power cut may, unless
/// [`flush`](Self::flush) (or `sync_all` of the file) was waited for.
///
/// As for [`MappedFile`](super::MappedFile), an error of the device cannot be a `Result`: the system
/// ends the process.
///
/// ```
/// # #[cfg(not(miri))] {
/// use kornia_tensor::{MappedFileMut, Tensor};
///
/// let path = std::env::temp_dir().join(format!("kornia-doc-{}.raw", std::process::id()));
/// // SAFETY: the file has a name of its own; nobody else opens it while the tensor lives.
/// let file = unsafe { MappedFileMut::create_new(&path, 4 * 6 * 3) }?;
/// let mut frames = file.into_tensor::<u8, 3>([4, 6, 3], 0)?;
/// frames.view_mut().select(0, 2).fill(7);
/// drop(frames); // unmaps
///
/// let bytes = std::fs::read(&path)?;
/// assert!(bytes[..36].iter().all(|&b| b == 0) && bytes[36..54].iter().all(|&b| b == 7));
/// # std::fs::remove_file(&path)?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MappedFileMut {
    map: MmapMut,
}

impl MappedFileMut {
    /// Makes a file of so many zero bytes, where there is none yet, and maps it.
    ///
    /// On Linux its space is taken at once where the file system can do that, so that a full disk is
    /// an error here; elsewhere the process ends when it writes to a page for which there is no space.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Those of the system, with the path in the text: `AlreadyExists`, `StorageFull`, .. Nothing is
    /// left of the file then, if it is new.
    pub unsafe fn create_new(path: impl AsRef<Path>, size_in_bytes: usize) -> io::Result<Self> {
        let path = path.as_ref();
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        unsafe { Self::try_create(path, size_in_bytes) }.map_err(|error| named(path, error))
    }

    /// As `create_new`, with errors that do not name the path.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    pub(super) unsafe fn try_create(path: &Path, size_in_bytes: usize) -> io::Result<Self> {
        let options = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .to_owned();
        let file = options.open(path)?;
        let mapped = reserve(&file, size_in_bytes as u64).and_then(|()| {
            // SAFETY: the caller promises that nobody else changes the file while it is mapped.
            unsafe { MmapMut::map_mut(&file) }
        });
        match mapped {
            Ok(map) => Ok(Self { map }),
            Err(error) => {
                // It was made here, and is of no use to anybody.
                drop(fs::remove_file(path));
                Err(error)
            }
        }
    }

    /// Opens a file and maps it for reading and writing. O(1): nothing is read.
    ///
    /// # Safety
    ///
    /// Until this, or the last tensor and view that it became, is dropped, **nobody else, in this
    /// process or any other, writes to the file, shortens it, maps it, or puts it on a device that
    /// goes away**: elements would change under a reference, or be gone. Reading it by `read` does no
    /// harm, and gives old or new bytes.
    ///
    /// # Errors
    ///
    /// Those of the system, with the path in the text; `InvalidInput` for what is no regular file.
    pub unsafe fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        unsafe { Self::try_open(path) }.map_err(|error| named(path, error))
    }

    /// As `open`, with errors that do not name the path.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    pub(super) unsafe fn try_open(path: &Path) -> io::Result<Self> {
        // For writing as well, a pipe opens at once, and is refused.
        let file = File::options().read(true).write(true).open(path)?;
        check_regular(&file.metadata()?)?;
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        let map = unsafe { MmapMut::map_mut(&file) }?;
        Ok(Self { map })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The file's bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Waits until the disk has what was written. For a tensor, `sync_all` of the file, opened anew,
    /// does the same on Linux.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn flush(&self) -> io::Result<()> {
        self.map.flush()
    }

    /// The elements of the file from a byte on, in row-major order and the byte order of this
    /// machine, as a tensor that writes to the file. O(1).
    ///
    /// The tensor is the only handle, and writable as long as it is.
    ///
    /// # Errors
    ///
    /// With the file: `ShapeOverflow`; `Truncated` if it ends too early; `MisalignedOffset` if the
    /// offset is no multiple of the alignment of `T`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn into_tensor<T: AnyBitPattern + NoUninit, const N: usize>(
        mut self,
        shape: [usize; N],
        offset: usize,
    ) -> Result<Tensor<T, N>, OwnerRefused<Self>> {
        let layout = match find::<T, N>(shape, offset, self.map.len()) {
            Ok(layout) => layout,
            Err(error) => return Err(OwnerRefused { error, owner: self }),
        };
        let first: *mut T = match layout.is_empty() {
            true => std::ptr::dangling_mut(), // nothing lies there, so it need not be aligned
            false => self.map.as_mut_ptr().wrapping_add(offset).cast(),
        };
        let (shape, strides) = (*layout.shape(), *layout.strides());
        let (domain, access) = (MemoryDomain::Host, Access::ReadWrite);
        // SAFETY: `find` has checked that the bytes of all elements lie in the mapping, which
        // `self` keeps where it is until it is dropped, and does not look at any more; the pointer
        // was not derived from a shared reference. All bytes of a mapping are initialised, every
        // pattern of them is a `T` (`AnyBitPattern`), and no `T` leaves a byte uninitialised
        // (`NoUninit`). That nothing else reads or writes them was promised when the file was
        // opened.
        unsafe { Tensor::from_foreign(shape, strides, first, domain, access, self) }
    }
}

/// The error with the path in its text.
fn named(path: &Path, error: io::Error) -> io::Error {
    let text = format!("{error}; {} cannot be mapped", path.display());
    io::Error::new(error.kind(), text)
}

/// Makes a new file so long, and has its space where that can be had in advance.
fn reserve(file: &File, size_in_bytes: u64) -> io::Result<()> {
    #[cfg(all(target_os = "linux", not(miri)))]
    if size_in_bytes > 0 {
        use std::os::fd::AsRawFd;
        let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        let length = libc::off64_t::try_from(size_in_bytes).map_err(too_large)?;
        loop {
            // SAFETY: `file` is borrowed, so its descriptor is open; the call touches no memory of
            // ours.
            if unsafe { libc::fallocate64(file.as_raw_fd(), 0, 0, length) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                // This file system cannot; the file has holes then.
                io::ErrorKind::Unsupported => break,
                _ => return Err(error),
            }
        }
    }
    file.set_len(size_in_bytes)
}
