//! What can go wrong with a file: which file, which tensor, what was expected, what was there.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::element::read::ReadError;
use crate::error::{Printable, Shown, ShownList, TensorError};

/// Why a tensor could not be read from a file, or written to one.
///
/// ```
/// # #[cfg(feature = "npy")] {
/// use kornia_tensor::formats::file::FileErrorKind;
/// use kornia_tensor::formats::npy;
///
/// let error = npy::open::<u8, 3>("no/such/file.npy").unwrap_err();
/// assert!(error.to_string().starts_with("no/such/file.npy: "));
/// assert!(matches!(error.kind(), FileErrorKind::Io(_)));
/// assert!(size_of_val(&error) == size_of::<usize>());
/// # }
/// ```
pub struct FileError(Box<Inner>);

struct Inner {
    file: Option<PathBuf>,
    tensor: Option<String>,
    kind: FileErrorKind,
}

/// What went wrong.
#[non_exhaustive]
pub enum FileErrorKind {
    /// The system refused to read or to write.
    Io(io::Error),
    /// What the file says makes no tensor, or there is no memory for it.
    Tensor(TensorError),
    /// The file is not what its format asks for, in words.
    Invalid(String),
    /// The file has elements of another type.
    ElementType {
        /// The type that was asked for.
        expected: &'static str,
        /// What the file has, in its own words.
        found: String,
        /// How elements of the type that was asked for are made of them.
        instead: &'static str,
    },
    /// The file has a tensor with another number of axes.
    Rank {
        /// How many axes were asked for.
        expected: usize,
        /// The shape in the file.
        shape: Box<[usize]>,
    },
    /// Elements lie at an address where they cannot be shared.
    Misaligned {
        /// The address.
        address: usize,
        /// The alignment that is needed, in bytes.
        align: usize,
        /// What copies them instead.
        instead: &'static str,
    },
    /// There is no tensor of this name.
    Missing {
        /// Those that there are.
        names: Vec<String>,
    },
}

impl FileError {
    /// The file, where its path is known.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The name of the tensor, in formats that have names.
    pub fn tensor(&self) -> Option<&str> {
        self.0.tensor.as_deref()
    }

    /// What went wrong.
    pub fn kind(&self) -> &FileErrorKind {
        &self.0.kind
    }

    /// The same, in this file unless one is named already.
    pub(crate) fn in_file(mut self, file: Option<&Path>) -> Self {
        if self.0.file.is_none() {
            // The empty path has no name to print.
            let file = file.filter(|path| !path.as_os_str().is_empty());
            self.0.file = file.map(Path::to_path_buf);
        }
        self
    }

    /// The same, about this tensor unless one is named already.
    pub(crate) fn about(mut self, tensor: &str) -> Self {
        self.0.tensor.get_or_insert_with(|| tensor.to_string());
        self
    }
}

impl FileErrorKind {
    /// Elements of another type than `T`, which are read as they are.
    #[cfg(any(feature = "npy", feature = "safetensors"))]
    pub(crate) fn element_type<T>(found: String) -> Self {
        Self::element_type_or::<T>(
            found,
            "read them as they are and convert them with `cast` or `map`",
        )
    }

    /// Elements of another type than `T`, and what to do instead.
    pub(crate) fn element_type_or<T>(found: String, instead: &'static str) -> Self {
        Self::ElementType {
            expected: std::any::type_name::<T>(),
            found,
            instead,
        }
    }

    /// The lengths of `N` axes, if there are as many.
    pub(crate) fn check_rank<const N: usize>(shape: &[usize]) -> Result<[usize; N], Self> {
        shape.try_into().map_err(|_| Self::Rank {
            expected: N,
            shape: shape.into(),
        })
    }

    /// An error if elements of type `T` cannot be shared where these bytes are.
    #[cfg(any(feature = "npy", feature = "safetensors"))]
    pub(crate) fn check_aligned<T>(bytes: &[u8], instead: &'static str) -> Result<(), Self> {
        let (address, align) = (bytes.as_ptr().addr(), align_of::<T>());
        // No elements need no alignment.
        if bytes.is_empty() || address.is_multiple_of(align) {
            return Ok(());
        }
        Err(Self::Misaligned {
            address,
            align,
            instead,
        })
    }

    /// The end of the input where `needed` bytes were expected.
    pub(crate) fn truncated(what: &str, found: u64, needed: u64) -> Self {
        Self::Invalid(format!(
            "{found} of the {needed} bytes of {what} are there; the file was cut short"
        ))
    }

    /// Why elements of `needed` bytes could not be read.
    pub(crate) fn of_read(error: ReadError, needed: u64) -> Self {
        match error {
            ReadError::Short(found) => Self::truncated("the elements", found, needed),
            ReadError::Io(error) => Self::Io(error),
            ReadError::Tensor(error) => Self::Tensor(error),
        }
    }
}

impl From<FileErrorKind> for FileError {
    fn from(kind: FileErrorKind) -> Self {
        Self(Box::new(Inner {
            file: None,
            tensor: None,
            kind,
        }))
    }
}

impl From<io::Error> for FileErrorKind {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TensorError> for FileErrorKind {
    fn from(error: TensorError) -> Self {
        Self::Tensor(error)
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        FileErrorKind::Io(error).into()
    }
}

impl From<TensorError> for FileError {
    fn from(error: TensorError) -> Self {
        FileErrorKind::Tensor(error).into()
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file().map(|file| Printable(file.display()));
        match (file, self.tensor().map(Shown)) {
            (Some(file), Some(tensor)) => write!(f, "{file}, tensor `{tensor}`: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            (None, Some(tensor)) => write!(f, "tensor `{tensor}`: ")?,
            (None, None) => {}
        }
        self.kind().fmt(f)
    }
}

impl fmt::Display for FileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What the readers of formats say may quote the file.
            Self::Io(error) => Printable(error).fmt(f),
            Self::Tensor(error) => error.fmt(f),
            Self::Invalid(what) => Printable(what).fmt(f),
            Self::ElementType {
                expected,
                found,
                instead,
            } => write!(
                f,
                "elements of type {} where {expected} was asked for; {instead}",
                Shown(found)
            ),
            Self::Rank { expected, shape } => write!(
                f,
                "shape {} has {} axes where {expected} were asked for; ask for as many, \
                 then reshape",
                ShownList(shape),
                shape.len()
            ),
            Self::Misaligned {
                address,
                align,
                instead,
            } => write!(
                f,
                "elements begin at address {address:#x}, which is not a multiple of {align}; \
                 {instead} them to one that is"
            ),
            Self::Missing { names } => {
                /// More names than help to find a misspelt one.
                const MANY: usize = 16;
                write!(f, "no such tensor among {}", names.len())?;
                for (place, name) in names.iter().take(MANY).enumerate() {
                    let before = if place == 0 { ":" } else { "," };
                    write!(f, "{before} `{}`", Shown(name))?;
                }
                f.write_str(if names.len() > MANY { ", .." } else { "" })
            }
        }
    }
}

impl fmt::Debug for FileError {
    /// The text of [`Display`](fmt::Display): `unwrap`, `expect` and a `main` that returns an error
    /// print this one, and the way out is in the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for FileErrorKind {
    /// As that of [`FileError`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            FileErrorKind::Io(error) => Some(error),
            FileErrorKind::Tensor(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FileError, FileErrorKind};
    use std::path::Path;

    /// A megabyte that clears the screen.
    fn hostile() -> String {
        "\x1b[2J\n".repeat(200_000)
    }

    #[test]
    #[cfg_attr(miri, ignore = "a minute of safe code")]
    fn what_a_file_says_is_cut_and_cannot_command_a_terminal() {
        let name = hostile();
        for kind in [
            FileErrorKind::element_type_or::<f32>(name.clone(), "do something else"),
            FileErrorKind::check_rank::<3>(&[1; 1_000_000]).unwrap_err(),
            FileErrorKind::Missing {
                names: vec![name.clone(); 1000],
            },
        ] {
            let error = FileError::from(kind).about(&name);
            let text = error.to_string();
            assert!(text.len() < 10_000, "{} bytes", text.len());
            assert!(!text.contains(char::is_control), "{text}");
            assert_eq!(error.tensor(), Some(&*name), "in full for programs");
        }
    }

    #[test]
    fn a_path_is_named_to_its_end() {
        let path = format!("{}/weights\n.npy", "deep/".repeat(100));
        let error = FileError::from(FileErrorKind::Invalid("bad\x07".to_string()));
        let text = error.in_file(Some(Path::new(&path))).to_string();
        assert!(text.starts_with("deep/deep/"), "{text}");
        assert!(text.ends_with("/weights\\n.npy: bad\\u{7}"), "{text}");
    }
}
