//! A producer that describes real memory in any words, and counts how often it is told to free it.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kornia_tensor::dlpack::abi::{
    DLDataType, DLDevice, DLDeviceType, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion,
    DLTensor, VERSION,
};
use kornia_tensor::dlpack::{DlpackElem, Managed};

/// How often a deleter was called.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// A descriptor of elements on the host in row-major order, without strides.
pub(crate) fn tensor_of<T: DlpackElem>(data: *mut T, shape: &mut [i64]) -> DLTensor {
    let dtype = T::dl_dtype();
    DLTensor {
        data: data.cast(),
        device: DLDevice {
            device_type: DLDeviceType::CPU,
            device_id: 0,
        },
        ndim: shape.len() as i32,
        dtype: DLDataType {
            code: dtype.code,
            bits: dtype.bits,
            lanes: dtype.lanes,
        },
        shape: shape.as_mut_ptr(),
        strides: null_mut(),
        byte_offset: 0,
    }
}

/// Memory and a description of it, in which every word can be changed. Rank 1 at first.
pub(crate) struct Described {
    pub(crate) version: DLPackVersion,
    pub(crate) flags: u64,
    /// `shape`, `strides` and `ndim` are filled in at the end, from the fields below.
    pub(crate) tensor: DLTensor,
    /// `None` leaves the pointer NULL.
    pub(crate) strides: Option<Vec<i64>>,
    pub(crate) shape: Vec<i64>,
    /// What `ndim` says, if it is not the length of `shape`.
    pub(crate) ndim: Option<i32>,
    pub(crate) hide_shape: bool,
    pub(crate) _memory: Box<dyn std::any::Any + Send>,
}

struct Produced<M> {
    managed: M,
    _described: Described,
    drops: Drops,
}

impl Described {
    pub(crate) fn of<T: DlpackElem>(mut elements: Vec<T>) -> Self {
        let shape = vec![elements.len() as i64];
        Self {
            version: VERSION,
            flags: 0,
            tensor: tensor_of(elements.as_mut_ptr(), &mut []),
            strides: Some(vec![1]),
            shape,
            ndim: None,
            hide_shape: false,
            _memory: Box::new(elements),
        }
    }

    fn fill(&mut self) -> DLTensor {
        let mut tensor = self.tensor;
        tensor.ndim = self.ndim.unwrap_or(self.shape.len() as i32);
        tensor.shape = match self.hide_shape {
            true => null_mut(),
            false => self.shape.as_mut_ptr(),
        };
        tensor.strides = self.strides.as_mut().map_or(null_mut(), |s| s.as_mut_ptr());
        tensor
    }

    pub(crate) fn versioned(mut self, drops: &Drops) -> Managed {
        let managed = DLManagedTensorVersioned {
            version: self.version,
            manager_ctx: null_mut(),
            deleter: Some(delete_versioned),
            flags: self.flags,
            dl_tensor: self.fill(),
        };
        let (_described, drops) = (self, drops.clone());
        let produced = Box::into_raw(Box::new(Produced {
            managed,
            _described,
            drops,
        }));
        // SAFETY: just boxed.
        unsafe { (*produced).managed.manager_ctx = produced.cast() };
        // SAFETY: as above.
        let managed = unsafe { &raw mut (*produced).managed };
        // SAFETY: memory and description live in the box until the deleter is called.
        unsafe { Managed::from_raw(managed) }.unwrap()
    }

    pub(crate) fn legacy(mut self, drops: &Drops) -> Managed<DLManagedTensor> {
        let managed = DLManagedTensor {
            dl_tensor: self.fill(),
            manager_ctx: null_mut(),
            deleter: Some(delete_legacy),
        };
        let (_described, drops) = (self, drops.clone());
        let produced = Box::into_raw(Box::new(Produced {
            managed,
            _described,
            drops,
        }));
        // SAFETY: just boxed.
        unsafe { (*produced).managed.manager_ctx = produced.cast() };
        // SAFETY: as above.
        let managed = unsafe { &raw mut (*produced).managed };
        // SAFETY: memory and description live in the box until the deleter is called.
        unsafe { Managed::from_raw(managed) }.unwrap()
    }
}

/// # Safety
///
/// `context` is a box of `Produced<M>`, which nobody uses any more.
unsafe fn delete<M>(context: *mut c_void) {
    // SAFETY: the caller's promise.
    let produced = unsafe { Box::from_raw(context.cast::<Produced<M>>()) };
    produced.drops.0.fetch_add(1, SeqCst);
}

unsafe extern "C" fn delete_versioned(managed: *mut DLManagedTensorVersioned) {
    // SAFETY: a struct of `versioned`, which nobody uses any more.
    let context = unsafe { (*managed).manager_ctx };
    // SAFETY: as above.
    unsafe { delete::<DLManagedTensorVersioned>(context) };
}

unsafe extern "C" fn delete_legacy(managed: *mut DLManagedTensor) {
    // SAFETY: a struct of `legacy`, which nobody uses any more.
    let context = unsafe { (*managed).manager_ctx };
    // SAFETY: as above.
    unsafe { delete::<DLManagedTensor>(context) };
}
