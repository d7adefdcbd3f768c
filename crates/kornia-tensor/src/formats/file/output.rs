//! Files that replace others once they are whole.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::place::{Access, Beside, Place, is_refusal};
use super::system::system;
use super::{FileError, write_all};

/// Rows of a crop are collected up to this; what is larger goes to the system as it is.
const BUFFER: usize = if cfg!(test) { 1 << 10 } else { 256 << 10 };

/// Where to write: a path, or [`Durable`] and a path.
pub trait Destination {
    /// The path.
    fn path(&self) -> &Path;

    /// Whether the file is on the disk before its writer says that it is written.
    fn is_durable(&self) -> bool {
        false
    }
}

impl<P: AsRef<Path>> Destination for P {
    fn path(&self) -> &Path {
        self.as_ref()
    }
}

/// A path whose file is on the disk before its writer says that it is written.
///
/// Every writer takes it in the place of a path. It waits for the disk, which takes milliseconds; the
/// [module](super) says what that is for.
///
/// ```
/// use kornia_tensor::formats::file::{Durable, NewFile};
/// # #[cfg(feature = "npy")]
/// use kornia_tensor::{Tensor, formats::npy};
///
/// let path = std::env::temp_dir().join(format!("kornia-doc-durable-{}.npy", std::process::id()));
/// # #[cfg(feature = "npy")]
/// npy::save(Durable(&path), &Tensor::<f64, 2>::zeros([3, 3]))?;
/// NewFile::create(Durable(&path))?.commit()?;
/// assert_eq!(std::fs::metadata(&path)?.len(), 0);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable<P>(pub P);

impl<P: AsRef<Path>> Destination for Durable<P> {
    fn path(&self) -> &Path {
        self.0.as_ref()
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// A file in the making, which has its name once it is whole; the [module](super) has the rules.
///
/// For formats of your own. Nothing is left of it without [`commit`](Self::commit), or after a
/// write that failed.
///
/// ```
/// use std::io::Write;
/// use kornia_tensor::formats::file::NewFile;
///
/// let path = std::env::temp_dir().join(format!("kornia-doc-{}.txt", std::process::id()));
/// let mut file = NewFile::create(&path)?;
/// file.write_all(b"half a sen")?;
/// assert!(!path.exists());
/// file.write_all(b"tence, and the rest")?;
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"half a sentence, and the rest");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a file that is not committed is thrown away"]
pub struct NewFile {
    sink: Sink,
    /// What did not go to the system yet.
    buffer: Vec<u8>,
    /// The path as it was given, for errors.
    path: PathBuf,
    durable: bool,
    /// Why the file cannot become whole any more.
    failed: Option<ErrorKind>,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    /// To a file that gets the name.
    Beside(Box<Beside>),
    /// To the file of that name, which is emptied before the first of them.
    InPlace { file: File, begun: bool },
    /// To a pipe, a device or anything else that cannot be replaced.
    Stream(File),
}

impl NewFile {
    /// Begins a file that will be found under this path.
    ///
    /// # Errors
    ///
    /// `Io`, also if there is a file that may not be written.
    pub fn create(path: impl Destination) -> Result<Self, FileError> {
        Self::begin(path.path(), path.is_durable())
    }

    fn begin(path: &Path, durable: bool) -> Result<Self, FileError> {
        match Self::sink(path) {
            Ok(sink) => Ok(Self {
                sink,
                buffer: Vec::new(),
                path: path.to_path_buf(),
                durable,
                failed: None,
            }),
            Err(error) => Err(FileError::from(error).in_file(Some(path))),
        }
    }

    fn sink(path: &Path) -> io::Result<Sink> {
        let (target, old) = match Place::of(path)? {
            Place::Stream(file) => return Ok(Sink::Stream(file)),
            Place::Name { target, old } => (target, old),
        };
        let old = old.then(|| Access::check(&target)).transpose()?;
        match (Beside::create(target, old.as_ref()), old) {
            (Ok(beside), _) => Ok(Sink::Beside(Box::new(beside))),
            // A folder that may not be written, and a file in it that may.
            (Err(error), Some(old)) if is_refusal(&error) => Ok(Sink::InPlace {
                file: old.file,
                begun: false,
            }),
            (Err(error), _) => Err(error),
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// `Io`, also if an earlier write failed; what was under the name is still there then.
    pub fn commit(mut self) -> Result<(), FileError> {
        let result = self.try_commit();
        result.map_err(|error| FileError::from(error).in_file(Some(&self.path)))
    }

    fn try_commit(&mut self) -> io::Result<()> {
        self.flush()?;
        match &mut self.sink {
            Sink::Stream(_) => Ok(()),
            Sink::InPlace { file, begun } => {
                if !*begun {
                    system(|| file.set_len(0))?;
                }
                if self.durable {
                    system(|| file.sync_all())?;
                }
                Ok(())
            }
            Sink::Beside(beside) => beside.finish(self.durable),
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.failed {
            None => Ok(()),
            Some(kind) => Err(io::Error::new(
                kind,
                "an earlier write failed, so the file is not whole",
            )),
        }
    }

    /// Hands bytes to the system, and remembers if it does not take them.
    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.sink.write_all(bytes);
        self.failed = result.as_ref().err().map(io::Error::kind);
        result
    }
}

impl Sink {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match self {
            Self::Beside(beside) => &mut beside.file,
            Self::InPlace { file, begun } => {
                if !*begun {
                    system(|| file.set_len(0))?;
                    *begun = true;
                }
                file
            }
            Self::Stream(file) => file,
        };
        write_all(&mut Watched(file), bytes)
    }
}

/// A file whose calls a test can let fail.
struct Watched<'a>(&'a mut File);

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        system(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            self.pass(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.pass(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }
}

impl Seek for NewFile {
    /// # Errors
    ///
    /// `NotSeekable` where the bytes go to a pipe, a device or an open descriptor.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush()?;
        let file = match &mut self.sink {
            Sink::Beside(beside) => &mut beside.file,
            Sink::InPlace { file, .. } => file,
            Sink::Stream(_) => return Err(ErrorKind::NotSeekable.into()),
        };
        system(|| file.seek(to))
    }
}

/// Writes a file, whole or not at all.
pub(crate) fn save<E: Into<FileError>>(
    to: &impl Destination,
    write: impl FnOnce(&mut NewFile) -> Result<(), E>,
) -> Result<(), FileError> {
    let mut file = NewFile::begin(to.path(), to.is_durable())?;
    write(&mut file).map_err(|error| error.into().in_file(Some(to.path())))?;
    file.commit()
}
