//! Named tensors in a file: `.safetensors` (feature `safetensors`).
//!
//! ```
//! use kornia_tensor::Tensor;
//! use kornia_tensor::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};
//!
//! let path = std::env::temp_dir().join(format!("kornia-doc-{}.safetensors", std::process::id()));
//! let kernel = Tensor::<f32, 4>::full([8, 3, 3, 3], 0.5);
//! let mean = Tensor::from_shape_vec([3], vec![123.7f64, 116.3, 103.5])?;
//!
//! let mut writer = SafeTensorsWriter::new();
//! writer.add("kernel", &kernel)?.add("mean", &mean)?.describe("model", "first layer");
//! writer.save(&path)?;
//!
//! let mut file = SafeTensorsReader::open(&path)?;
//! assert_eq!(file.contents().names(), ["mean", "kernel"]); // as they lie in the file
//! assert_eq!(file.contents().description("model"), Some("first layer"));
//! assert_eq!(file.read::<f32, 4>("kernel")?, kernel);
//!
//! let error = file.read::<f32, 1>("mean").unwrap_err();
//! assert!(error.to_string().contains("tensor `mean`: elements of type F64 where f32 was asked for"));
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you have | and want | use | cost |
//! |---|---|---|---|
//! | a file | some of its tensors, to keep and to write | [`SafeTensorsReader`] | reads just those |
//! | bytes that something owns, a mapped file for example | tensors that share them, read-only | [`SafeTensors::tensor`] | O(1) |
//! | the same | copies of their own | [`SafeTensors::to_tensor`] | O(n) |
//! | tensors | a file, or bytes | [`SafeTensorsWriter`] | O(n) |
//!
//! The module [`file`](crate::formats::file) says which element types there are, and how files are written.
//!
//! # Bytes from strangers
//!
//! The index of a file is checked as a whole, by the crate `safetensors`, before anything is believed:
//! tensors lie one after the other without gaps, each as long as its type and shape say, and the file
//! ends with the last one. Memory is taken for bytes that are there; an index takes up to about twenty
//! times its length, so the longest that is read, of 100 MB, 2 GB. The format does not ask for
//! alignment. What the Python package refuses is refused, by the same code: a key that is there twice
//! counts as its last, and tensors that overlap or leave a gap then are an error. A `bool` that is
//! neither 0 nor 1 is refused unless it is asked for ([`SafeTensorsReader::loose_bool`]); the package
//! takes it for true. This writer aligns every tensor, as the original does (the widest elements first); in
//! a file where one is not, [`SafeTensors::tensor`] refuses it and
//! [`to_tensor`](SafeTensors::to_tensor) and [`SafeTensorsReader`] copy it.

#![forbid(unsafe_code)]

mod read;
mod write;

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};

use crate::engine::element::Plain;
use crate::formats::file::{Bools, FileElement, FileErrorKind};
use crate::layout::Layout;

pub use read::{SafeTensors, SafeTensorsReader};
pub use write::SafeTensorsWriter;

/// The length of the index stands in so many bytes.
const LENGTH: usize = 8;

/// Longer indices are refused; the original does the same.
const MOST: u64 = 100_000_000;

/// The index of a file: which tensors there are.
#[derive(Clone, Debug)]
pub struct Contents(Metadata);

impl Contents {
    /// The names, in the order in which the tensors lie in the file.
    pub fn names(&self) -> Vec<String> {
        self.0.offset_keys()
    }

    /// Lengths of the axes of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.0.info(name)?.shape)
    }

    /// The element type of a tensor, by the format's own name: `F32`, `U8`, ..
    pub fn element_type(&self, name: &str) -> Option<String> {
        Some(self.0.info(name)?.dtype.to_string())
    }

    /// A line of the free text that a file can carry.
    pub fn description(&self, key: &str) -> Option<&str> {
        let lines = self.0.metadata().as_ref()?;
        lines.get(key).map(String::as_str)
    }

    /// All of the free text, in no particular order.
    pub fn descriptions(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.metadata().iter().flatten();
        lines.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Reads the index of a file that has so many bytes after it.
    fn parse(index: &[u8], rest: u64) -> Result<Self, FileErrorKind> {
        let metadata: Metadata = serde_json::from_slice(index).map_err(|error| {
            FileErrorKind::Invalid(format!("the index makes no sense: {error}"))
        })?;
        let needed = metadata.data_len() as u64;
        if rest < needed {
            return Err(FileErrorKind::truncated("the elements", rest, needed));
        }
        if rest > needed {
            let more = rest - needed;
            return Err(FileErrorKind::Invalid(format!(
                "{more} bytes follow the last tensor; nothing may follow it"
            )));
        }
        Ok(Self(metadata))
    }

    /// Where a tensor is after the index, and its layout, if it is what is asked for.
    fn find<T: FileElement, const N: usize>(
        &self,
        name: &str,
        bools: Bools,
    ) -> Result<(std::ops::Range<usize>, Layout<N>), FileErrorKind> {
        let Some(TensorInfo {
            dtype,
            shape,
            data_offsets,
        }) = self.0.info(name)
        else {
            let names = self.names();
            return Err(FileErrorKind::Missing { names });
        };
        check_type::<T>(*dtype, bools)?;
        let shape = FileErrorKind::check_rank::<N>(shape)?;
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        Ok((data_offsets.0..data_offsets.1, layout))
    }
}

/// An error for a file of no bytes at all.
fn not_empty(file: u64) -> Result<(), FileErrorKind> {
    if file == 0 {
        let what = "the file is empty; a .safetensors was expected";
        return Err(FileErrorKind::Invalid(what.to_string()));
    }
    Ok(())
}

/// The length of the index in a file of so many bytes.
fn index_len(first: [u8; LENGTH], file: u64) -> Result<usize, FileErrorKind> {
    let len = u64::from_le_bytes(first);
    if len > MOST {
        return Err(FileErrorKind::Invalid(format!(
            "an index of {len} bytes, and the longest has {MOST}; this is no .safetensors"
        )));
    }
    let there = file.saturating_sub(LENGTH as u64);
    if len > there {
        return Err(FileErrorKind::truncated("the index", there, len));
    }
    // At most `MOST`.
    Ok(len as usize)
}

/// An error unless elements of the file are those that are asked for.
fn check_type<T>(found: Dtype, bools: Bools) -> Result<(), FileErrorKind> {
    let asked = dtype_of::<T>();
    if asked == Some(found)
        || (asked == Some(Dtype::U8) && found == Dtype::BOOL && bools == Bools::Loose)
    {
        return Ok(());
    }
    let (what, instead) = match found {
        Dtype::BOOL
        | Dtype::U8
        | Dtype::I8
        | Dtype::U16
        | Dtype::I16
        | Dtype::U32
        | Dtype::I32
        | Dtype::U64
        | Dtype::I64
        | Dtype::F32
        | Dtype::F64 => return Err(FileErrorKind::element_type::<T>(found.to_string())),
        #[cfg(feature = "half")]
        Dtype::F16 | Dtype::BF16 => {
            return Err(FileErrorKind::element_type::<T>(found.to_string()));
        }
        #[cfg(not(feature = "half"))]
        Dtype::F16 | Dtype::BF16 => ("half floats", "the feature `half` of this crate reads them"),
        Dtype::C64 => ("complex numbers", "save `t.real` and `t.imag`"),
        _ => (
            "floats of 8 bits or fewer",
            "save `t.to(torch.float16)`, or their bytes as U8",
        ),
    };
    Err(FileErrorKind::Invalid(format!(
        "elements are {found} ({what}), which no tensor has; {instead}"
    )))
}

/// The name of an element type in the format.
fn dtype_of<T>() -> Option<Dtype> {
    Some(match Plain::of::<T>()? {
        Plain::Bool => Dtype::BOOL,
        Plain::U8 => Dtype::U8,
        Plain::I8 => Dtype::I8,
        Plain::U16 => Dtype::U16,
        Plain::I16 => Dtype::I16,
        Plain::U32 => Dtype::U32,
        Plain::I32 => Dtype::I32,
        Plain::U64 => Dtype::U64,
        Plain::I64 => Dtype::I64,
        Plain::F32 => Dtype::F32,
        Plain::F64 => Dtype::F64,
        #[cfg(feature = "half")]
        Plain::F16 => Dtype::F16,
        #[cfg(feature = "half")]
        Plain::Bf16 => Dtype::BF16,
        Plain::U128 | Plain::I128 | Plain::Usize | Plain::Isize => return None,
    })
}
