//! Images to files and back, in the formats that several of the peers know.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::input::{Input, Output, Pixel};
use crate::measure::{Candidate, fresh};
use crate::peers;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Npy,
    /// Stored, not compressed: an `.npy` with a checksum.
    Npz,
    SafeTensors,
    /// As a file that is mapped and not read: only that, in time that does not depend on the size.
    Mapped,
}

pub const FORMATS: [(&str, Format); 4] = [
    ("npy", Format::Npy),
    ("npz", Format::Npz),
    ("safetensors", Format::SafeTensors),
    ("safetensors, mapped", Format::Mapped),
];

/// What the array is called where it has a name.
pub const NAME: &str = "image";

/// Everything that the formats ask of an element.
pub trait Element:
    Pixel
    + kornia_tensor::formats::file::FileElement
    + ndarray_npy::WritableElement
    + ndarray_npy::ReadableElement
    + candle_core::WithDType
{
    const DTYPE: safetensors::Dtype;

    fn as_bytes(elements: &[Self]) -> &[u8];

    /// Compiles to one `memcpy`.
    fn of_bytes(bytes: &[u8]) -> Vec<Self>;
}

impl Element for u8 {
    const DTYPE: safetensors::Dtype = safetensors::Dtype::U8;

    fn as_bytes(elements: &[Self]) -> &[u8] {
        elements
    }

    fn of_bytes(bytes: &[u8]) -> Vec<Self> {
        bytes.to_vec()
    }
}

impl Element for f32 {
    const DTYPE: safetensors::Dtype = safetensors::Dtype::F32;

    fn as_bytes(elements: &[Self]) -> &[u8] {
        // SAFETY: floats have no padding, and bytes need no alignment.
        unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
    }

    fn of_bytes(bytes: &[u8]) -> Vec<Self> {
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// The candidates of both directions, with what they write lying in a folder or in memory.
pub struct Both {
    pub write: Vec<Candidate>,
    pub read: Vec<Candidate>,
    /// Where files are; `None` for memory.
    folder: Option<PathBuf>,
    expected: Output,
}

impl Both {
    fn new(folder: Option<&Path>, expected: Output) -> Self {
        Self {
            write: Vec::new(),
            read: Vec::new(),
            folder: folder.map(Path::to_path_buf),
            expected,
        }
    }

    /// A peer that writes files, if it is files that are asked for.
    pub fn in_file<V: 'static, R: 'static>(
        &mut self,
        peer: &'static str,
        value: V,
        write: impl Fn(&V, &Path) + 'static,
        read: impl Fn(&Path) -> R + 'static,
        look: impl Fn(&R) -> Output + Copy + 'static,
    ) {
        let Some(folder) = &self.folder else { return };
        let path = folder.join(peer.replace(' ', "-"));
        write(&value, &path);
        if self.differs(peer, &look(&read(&path))) {
            return;
        }
        let nothing = |(): &()| Output::Number(0.0);
        let to = path.clone();
        let run = fresh(move || write(&value, &to), nothing).expect("it runs");
        self.write.extend(Candidate::checked(peer, run, None));
        let run = fresh(move || read(&path), look).expect("it runs");
        self.read.extend(Candidate::checked(peer, run, None));
    }

    /// A peer that writes to memory, if it is memory that is asked for.
    pub fn in_memory<V: 'static, B: 'static, R: 'static>(
        &mut self,
        peer: &'static str,
        value: V,
        write: impl Fn(&V) -> B + 'static,
        read: impl Fn(&B) -> R + 'static,
        look: impl Fn(&R) -> Output + Copy + 'static,
    ) {
        if self.folder.is_some() {
            return;
        }
        let bytes = write(&value);
        if self.differs(peer, &look(&read(&bytes))) {
            return;
        }
        let nothing = |_: &B| Output::Number(0.0);
        let run = fresh(move || write(&value), nothing).expect("it runs");
        self.write.extend(Candidate::checked(peer, run, None));
        let run = fresh(move || read(&bytes), look).expect("it runs");
        self.read.extend(Candidate::checked(peer, run, None));
    }

    /// Whether what was read is not what was written, which is said.
    fn differs(&self, peer: &str, seen: &Output) -> bool {
        let difference = self.expected.differs(seen);
        if let Some(difference) = &difference {
            eprintln!("left out of files: {peer}: {difference}");
        }
        difference.is_some()
    }

    /// The system's own ways to write and to read the same bytes.
    fn limits<T: Element>(&mut self, format: Format, elements: &[T]) {
        let bytes = T::as_bytes(elements).to_vec();
        let look = |bytes: &Vec<u8>| T::output(T::of_bytes(bytes));
        if format == Format::Mapped {
            let mapped = |path: &Path| {
                let file = File::open(path).unwrap();
                // SAFETY: nobody changes the file while it is mapped.
                unsafe { memmap2::Mmap::map(&file) }.unwrap()
            };
            let write = |bytes: &Vec<u8>, path: &Path| fs::write(path, bytes).unwrap();
            let look = |bytes: &memmap2::Mmap| T::output(T::of_bytes(bytes));
            self.in_file("limit: open, map", bytes, write, mapped, look);
            return;
        }
        self.in_memory("limit: memcpy", bytes.clone(), Vec::clone, Vec::clone, look);
        let plain = |bytes: &Vec<u8>, path: &Path| {
            let mut file = File::create(path).unwrap();
            file.write_all(bytes).unwrap();
        };
        let read = |path: &Path| fs::read(path).unwrap();
        self.in_file("limit: create, write", bytes.clone(), plain, read, look);
        let whole = |bytes: &Vec<u8>, path: &Path| {
            let beside = path.with_extension("new");
            let mut file = File::create(&beside).unwrap();
            file.write_all(bytes).unwrap();
            fs::rename(beside, path).unwrap();
        };
        self.in_file("limit: write, rename", bytes, whole, read, look);
        // They read the same file.
        self.read.truncate(1);
        if let Some(read) = self.read.first_mut() {
            read.peer = if self.folder.is_some() {
                "limit: std::fs::read"
            } else {
                "limit: memcpy"
            };
        }
    }
}

/// Everyone who can write and read this format, in a folder or in memory.
pub fn candidates<T: Element>(
    format: Format,
    folder: Option<&Path>,
    input: &Input,
    wanted: impl Fn(&str) -> bool,
) -> Both {
    let elements = T::of(input);
    let mut both = Both::new(folder, T::output(elements.clone()));
    both.limits(format, &elements);
    peers::files::<T>(format, input, wanted, &mut both);
    both
}
