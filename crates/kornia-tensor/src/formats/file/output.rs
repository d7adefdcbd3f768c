//! Files that replace others once they are whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::FileError;

/// Rows of a crop are collected up to this; what is larger goes to the system as it is.
const BUFFER: usize = 256 << 10;

/// A file in the making, which has its name once it is whole; the [module](super) has the rules.
///
/// For formats of your own. Without [`commit`](Self::commit) nothing is left of it.
///
/// ```
/// use std::io::Write;
/// use kornia_tensor::file::NewFile;
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
    file: BufWriter<File>,
    /// Where the bytes are until they get their name; `None` once they have it, and where they go
    /// to a pipe or a device directly.
    temporary: Option<PathBuf>,
    /// What is replaced: the end of all links.
    target: PathBuf,
}

impl NewFile {
    /// Begins a file that will be found under this path.
    ///
    /// # Errors
    ///
    /// `Io`, also if there is a file that may not be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        Self::try_create(path).map_err(|error| FileError::from(error).in_file(Some(path)))
    }

    fn try_create(path: &Path) -> io::Result<Self> {
        let (target, old) = match fs::canonicalize(path) {
            Ok(target) => {
                let old = fs::metadata(&target)?;
                (target, Some(old))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (path.to_path_buf(), None),
            Err(error) => return Err(error),
        };
        let buffered = |file| BufWriter::with_capacity(BUFFER, file);
        match old {
            Some(old) if !old.is_file() => {
                let file = buffered(OpenOptions::new().write(true).open(&target)?);
                let temporary = None;
                Ok(Self {
                    file,
                    temporary,
                    target,
                })
            }
            Some(old) if old.permissions().readonly() => Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "the file there is read-only; change its permissions, or write elsewhere",
            )),
            old => {
                let (file, temporary) = create_beside(&target)?;
                let new = Self {
                    file: buffered(file),
                    temporary: Some(temporary),
                    target,
                };
                if let Some(old) = old {
                    new.file.get_ref().set_permissions(old.permissions())?;
                }
                Ok(new)
            }
        }
    }

    /// Brings the bytes to the disk and gives the file its name.
    ///
    /// # Errors
    ///
    /// `Io`; what was under the name is still there then.
    pub fn commit(mut self) -> Result<(), FileError> {
        let result = self.try_commit();
        result.map_err(|error| FileError::from(error).in_file(Some(&self.target)))
    }

    fn try_commit(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(temporary) = &self.temporary else {
            return Ok(());
        };
        self.file.get_ref().sync_data()?;
        fs::rename(temporary, &self.target)?;
        self.temporary = None;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // Nobody could be told that it stays.
            drop(fs::remove_file(temporary));
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A new file in the folder of another.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".kornia-{:x}-{count:x}.tmp", std::process::id());
        let path = target.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            // Left by a process of the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return Ok((file, path)),
        }
    }
}

/// Writes a file, whole or not at all.
pub(crate) fn save<E: Into<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut NewFile) -> Result<(), E>,
) -> Result<(), FileError> {
    let mut file = NewFile::create(path)?;
    write(&mut file).map_err(|error| error.into().in_file(Some(path)))?;
    file.commit()
}
