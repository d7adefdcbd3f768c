//! Writing: the index, then the elements of one tensor after the other.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Write;

use ::safetensors::tensor::TensorInfo;

use super::{LENGTH, MOST, dtype_of};
use crate::TensorView;
use crate::engine::element::bytes::{Order, for_each_block};
use crate::formats::file::{
    Destination, FileElement, FileError, FileErrorKind, save as save_file, write_all,
};

/// What the free text is called among the tensors.
const METADATA: &str = "__metadata__";

/// Writes the elements of a tensor.
type Elements<'a> = Box<dyn Fn(&mut dyn Write) -> Result<(), FileErrorKind> + 'a>;

/// Tensors that are to be written to one file. It borrows them until then.
///
/// See the [module](super) for an example.
#[derive(Default)]
pub struct SafeTensorsWriter<'a> {
    tensors: Vec<(String, TensorInfo, Elements<'a>)>,
    names: HashSet<String>,
    /// In an order, so that the same tensors make the same bytes.
    descriptions: BTreeMap<String, String>,
}

impl<'a> SafeTensorsWriter<'a> {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor. O(1).
    ///
    /// # Errors
    ///
    /// `Invalid` if there is one of this name already, or the name is `__metadata__`, which is the
    /// format's own.
    pub fn add<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
        tensor: impl Into<TensorView<'a, T, N>>,
    ) -> Result<&mut Self, FileError> {
        let view = tensor.into();
        let info = dtype_of::<T>().map(|dtype| TensorInfo {
            dtype,
            shape: view.shape().to_vec(),
            // Where is decided once all are there.
            data_offsets: (0, view.numel().saturating_mul(size_of::<T>())),
        });
        let (Some(info), false) = (info, name == METADATA || self.names.contains(name)) else {
            let why = if name == METADATA {
                "the format keeps this name for its free text; give the tensor another"
            } else {
                "the name is taken; give every tensor its own"
            };
            return Err(FileError::from(FileErrorKind::Invalid(why.to_string())).about(name));
        };
        let write: Elements<'a> = Box::new(move |writer| {
            for_each_block(view.source(), Order::Little, |block| {
                write_all(writer, block)
            })??;
            Ok(())
        });
        self.names.insert(name.to_string());
        self.tensors.push((name.to_string(), info, write));
        Ok(self)
    }

    /// Adds a line of free text, or replaces the one with this key. Lines are written in the order
    /// of their keys.
    pub fn describe(&mut self, key: &str, value: &str) -> &mut Self {
        self.descriptions.insert(key.to_string(), value.to_string());
        self
    }

    /// Writes the file to a stream. O(n): one write for the index, and one for each contiguous
    /// tensor.
    ///
    /// # Errors
    ///
    /// Those of the stream; `OutOfMemory` if elements must be gathered first.
    pub fn write(&self, mut writer: impl Write) -> Result<(), FileError> {
        Ok(self.write_to(&mut writer)?)
    }

    /// Writes the file, [whole or not at all](crate::formats::file). O(n).
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); what was under this path is still there then.
    pub fn save(&self, path: impl Destination) -> Result<(), FileError> {
        save_file(&path, |file| self.write_to(file))
    }

    fn write_to(&self, writer: &mut dyn Write) -> Result<(), FileErrorKind> {
        // As the original: the widest elements first, which aligns all of them, then by name.
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by(|(name, a, _), (other, b, _)| {
            b.dtype.cmp(&a.dtype).then_with(|| name.cmp(other))
        });
        let mut bytes = vec![0; LENGTH];
        bytes.push(b'{');
        if !self.descriptions.is_empty() {
            serde_json::to_writer(&mut bytes, METADATA).map_err(wrong)?;
            bytes.push(b':');
            serde_json::to_writer(&mut bytes, &self.descriptions).map_err(wrong)?;
            bytes.push(b',');
        }
        let mut end = 0usize;
        for (name, info, _) in &tensors {
            let (start, len) = (end, info.data_offsets.1);
            // Readers count in bits.
            let fits = start
                .checked_add(len)
                .filter(|end| end.checked_mul(8).is_some());
            end = fits.ok_or_else(|| {
                let why = "all tensors together are larger than memory".to_string();
                FileErrorKind::Invalid(why)
            })?;
            let mut info = (*info).clone();
            info.data_offsets = (start, end);
            serde_json::to_writer(&mut bytes, name).map_err(wrong)?;
            bytes.push(b':');
            serde_json::to_writer(&mut bytes, &info).map_err(wrong)?;
            bytes.push(b',');
        }
        // In the place of the last comma, if there is one.
        match bytes.last_mut() {
            Some(last) if *last == b',' => *last = b'}',
            _ => bytes.push(b'}'),
        }
        bytes.resize(bytes.len().next_multiple_of(LENGTH), b' ');
        let len = (bytes.len() - LENGTH) as u64;
        if len > MOST {
            let why = format!("an index of {len} bytes, and {MOST} are the most");
            return Err(FileErrorKind::Invalid(why));
        }
        bytes[..LENGTH].copy_from_slice(&len.to_le_bytes());
        write_all(writer, &bytes)?;
        tensors.iter().try_for_each(|(.., write)| write(writer))
    }
}

impl fmt::Debug for SafeTensorsWriter<'_> {
    /// The names; elements are not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tensors.iter().map(|(name, ..)| name);
        f.debug_list().entries(names).finish()
    }
}

/// What serde_json says about a text or a number that it cannot write.
fn wrong(error: serde_json::Error) -> FileErrorKind {
    FileErrorKind::Invalid(error.to_string())
}
