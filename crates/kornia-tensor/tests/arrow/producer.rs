//! A producer of arrays in any words, which counts how often it is told to release them.

use std::any::Any;
use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kornia_tensor::Tensor;
use kornia_tensor::exchange::arrow::abi::{ArrowArray, ArrowSchema};
use kornia_tensor::exchange::arrow::{ArrowElem, ArrowParts};

/// How often arrays and types were released.
#[derive(Clone, Default)]
pub(crate) struct Releases(Arc<[AtomicUsize; 2]>);

impl Releases {
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.0[0].load(SeqCst), self.0[1].load(SeqCst))
    }
}

/// An array and its type, in which every word can be changed.
pub(crate) struct Made {
    pub(crate) format: String,
    pub(crate) extension: Option<(String, String)>,
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) validity: Option<Vec<u8>>,
    pub(crate) hide_data: bool,
    pub(crate) skip_bytes: usize,
    pub(crate) dictionary: bool,
    data: *const c_void,
    child: Option<Box<Made>>,
    _memory: Option<Box<dyn Any + Send>>,
}

impl Made {
    pub(crate) fn numbers<T: ArrowElem>(elements: Vec<T>) -> Self {
        let one = Tensor::from_shape_vec([1], vec![elements[0]]).unwrap();
        let format = one
            .into_arrow()
            .unwrap()
            .schema_format()
            .to_str()
            .unwrap()
            .to_string();
        Self {
            format,
            extension: None,
            length: elements.len() as i64,
            null_count: 0,
            offset: 0,
            validity: None,
            hide_data: false,
            skip_bytes: 0,
            dictionary: false,
            data: elements.as_ptr().cast(),
            child: None,
            _memory: Some(Box::new(elements)),
        }
    }

    pub(crate) fn lists(size: usize, child: Made) -> Self {
        Self {
            format: format!("+w:{size}"),
            length: 0,
            data: null(),
            child: Some(Box::new(child)),
            _memory: None,
            ..Self::numbers(vec![0u8])
        }
    }

    pub(crate) fn parts(self, releases: &Releases) -> ArrowParts {
        let (mut array, mut schema) = self.structs(releases);
        // SAFETY: what the structs say of memory is true, and it stays until they are released.
        unsafe { ArrowParts::from_raw(&mut array, &mut schema) }.unwrap()
    }

    fn structs(mut self, releases: &Releases) -> (ArrowArray, ArrowSchema) {
        let mut metadata = Vec::new();
        if let Some((name, text)) = &self.extension {
            metadata.extend(2i32.to_ne_bytes());
            for part in [
                "ARROW:extension:name",
                name,
                "ARROW:extension:metadata",
                text,
            ] {
                metadata.extend((part.len() as i32).to_ne_bytes());
                metadata.extend(part.bytes());
            }
        }
        // Children release nothing of their own: what they keep, their parent keeps.
        let uncounted = Releases::default();
        let child = self.child.take().map(|child| child.structs(&uncounted));
        let (child_array, child_schema) = child.unzip();
        let with_child = i64::from(child_array.is_some());
        let data = match self.hide_data {
            true => null(),
            false => self.data.wrapping_byte_add(self.skip_bytes),
        };
        let validity = self
            .validity
            .as_ref()
            .map_or(null(), |bits| bits.as_ptr().cast());
        let format = CString::new(self.format.clone()).unwrap();

        let kept = Box::into_raw(Box::new(KeptArray {
            buffers: [validity, data],
            children: [null_mut()],
            child: child_array,
            releases: releases.clone(),
            _made: self,
        }));
        // SAFETY: just boxed, and nobody else has it.
        let k = unsafe { &mut *kept };
        if let Some(child) = &mut k.child {
            k.children[0] = child;
        }
        let made = &k._made;
        let array = ArrowArray {
            length: made.length,
            null_count: made.null_count,
            offset: made.offset,
            n_buffers: if with_child == 1 { 1 } else { 2 },
            n_children: with_child,
            buffers: k.buffers.as_mut_ptr(),
            children: k.children.as_mut_ptr(),
            dictionary: if made.dictionary {
                std::ptr::dangling_mut()
            } else {
                null_mut()
            },
            release: Some(release_array),
            private_data: kept.cast(),
        };
        let kept = Box::into_raw(Box::new(KeptSchema {
            format,
            metadata,
            children: [null_mut()],
            child: child_schema,
            releases: releases.clone(),
        }));
        // SAFETY: just boxed, and nobody else has it.
        let k = unsafe { &mut *kept };
        if let Some(child) = &mut k.child {
            k.children[0] = child;
        }
        let schema = ArrowSchema {
            format: k.format.as_ptr(),
            name: null(),
            metadata: if k.metadata.is_empty() {
                null()
            } else {
                k.metadata.as_ptr().cast()
            },
            flags: 0,
            n_children: with_child,
            children: k.children.as_mut_ptr(),
            dictionary: null_mut(),
            release: Some(release_schema),
            private_data: kept.cast(),
        };
        (array, schema)
    }
}

struct KeptArray {
    buffers: [*const c_void; 2],
    children: [*mut ArrowArray; 1],
    child: Option<ArrowArray>,
    releases: Releases,
    _made: Made,
}

struct KeptSchema {
    format: CString,
    metadata: Vec<u8>,
    children: [*mut ArrowSchema; 1],
    child: Option<ArrowSchema>,
    releases: Releases,
}

unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    // SAFETY: a struct that `structs` made, released once.
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: as above.
    let mut kept = unsafe { Box::from_raw(array.private_data.cast::<KeptArray>()) };
    if let Some(child) = &mut kept.child
        && let Some(release) = child.release
    {
        // SAFETY: as above.
        unsafe { release(child) };
    }
    kept.releases.0[0].fetch_add(1, SeqCst);
}

unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    // SAFETY: a struct that `structs` made, released once.
    let schema = unsafe { &mut *schema };
    schema.release = None;
    // SAFETY: as above.
    let mut kept = unsafe { Box::from_raw(schema.private_data.cast::<KeptSchema>()) };
    if let Some(child) = &mut kept.child
        && let Some(release) = child.release
    {
        // SAFETY: as above.
        unsafe { release(child) };
    }
    kept.releases.0[1].fetch_add(1, SeqCst);
}
