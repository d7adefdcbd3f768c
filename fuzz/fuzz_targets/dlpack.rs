//! Descriptors of DLPack with any words in them, over memory that is there: none makes a reader
//! panic, and what is taken for a tensor lies in the memory.

#![no_main]

use std::ptr::null_mut;

use kornia_tensor::dlpack::abi::{
    DLDataType, DLDevice, DLDeviceType, DLManagedTensorVersioned, DLPackVersion, DLTensor,
};
use kornia_tensor::dlpack::{DlpackElem, Managed, dlpack_view};
use kornia_tensor::{Layout, Tensor};
use kornia_tensor_fuzz::choose_file;
use libfuzzer_sys::fuzz_target;

/// Where the elements are; the descriptor may claim any part of it.
const BYTES: usize = 4096;

/// Words from bytes, 0 where they end.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
            None => 0,
        }
    }

    fn word(&mut self) -> i64 {
        i64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Mostly small, seldom at an edge, sometimes anything.
    fn number(&mut self) -> i64 {
        match self.byte() {
            kind @ 0..200 => i64::from(kind % 16) - 4,
            200..220 => i64::MIN + i64::from(self.byte()),
            220..240 => i64::MAX - i64::from(self.byte()),
            _ => self.word(),
        }
    }
}

unsafe extern "C" fn free(managed: *mut DLManagedTensorVersioned) {
    // SAFETY: `check` made it, and nobody uses it any more.
    let freed = unsafe { (*managed).manager_ctx }.cast::<u32>();
    // SAFETY: as above.
    unsafe { *freed += 1 };
}

fn check<T: DlpackElem, const N: usize>(input: &[u8]) {
    let mut words = Words(input);
    let mut memory = vec![0u64; BYTES / 8];
    let base = memory.as_mut_ptr().cast::<u8>();
    for at in 0..usize::from(words.byte()) {
        // SAFETY: at most 256 bytes of 4096.
        unsafe { base.add(at * 7 % 256).write(words.byte() % 3) };
    }
    let wanted = T::dl_dtype();
    let mut shape: [i64; N] = std::array::from_fn(|_| words.number());
    let mut strides: [i64; N] = std::array::from_fn(|_| words.number());
    let lie = |word: u8| word >= 240;
    let mut tensor = DLTensor {
        data: base.cast(),
        device: DLDevice {
            device_type: DLDeviceType(1),
            device_id: 0,
        },
        ndim: N as i32,
        dtype: DLDataType {
            code: wanted.code,
            bits: wanted.bits,
            lanes: 1,
        },
        shape: shape.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: words.number().wrapping_add(2048).cast_unsigned(),
    };
    let version = DLPackVersion {
        major: 1 + u32::from(lie(words.byte())),
        minor: u32::from(words.byte()),
    };
    if lie(words.byte()) {
        tensor.data = null_mut();
    }
    if lie(words.byte()) {
        tensor.shape = null_mut();
    }
    if words.byte() >= 200 {
        tensor.strides = null_mut();
    }
    if lie(words.byte()) {
        tensor.ndim = words.number() as i32;
    }
    if lie(words.byte()) {
        tensor.device.device_type = DLDeviceType(words.number() as i32);
    }
    if lie(words.byte()) {
        tensor.dtype.code = words.byte();
    }
    if lie(words.byte()) {
        tensor.dtype.bits = words.byte();
    }
    if lie(words.byte()) {
        tensor.dtype.lanes = words.word() as u16;
    }
    // The producer's promise, without which nothing can be asked of a reader: what it describes
    // is in its memory. Everything else may be wrong.
    if !keeps_to_memory::<T, N>(&tensor, &shape, &strides) {
        return;
    }

    let mut freed = 0u32;
    let mut managed = DLManagedTensorVersioned {
        version,
        manager_ctx: (&raw mut freed).cast(),
        deleter: Some(free),
        flags: u64::from(words.byte()),
        dl_tensor: tensor,
    };
    // SAFETY: the words are there, and memory where they say that elements are.
    if let Ok(view) = unsafe { dlpack_view::<T, N>(&managed.dl_tensor) } {
        assert!(view.iter().take(BYTES).count() <= view.numel());
    }
    // SAFETY: as above; it is freed below, while everything is there.
    let Some(owned) = (unsafe { Managed::from_raw(&raw mut managed) }) else {
        return;
    };
    // SAFETY: nobody writes the elements.
    match unsafe { Tensor::<T, N>::from_dlpack(owned) } {
        Ok(tensor) => {
            assert!(tensor.layout().is_injective());
            if tensor.storage().domain().is_host_accessible() {
                assert_eq!(
                    tensor.deep_clone().map(|copy| copy.numel()),
                    Ok(tensor.numel())
                );
            }
            drop(tensor);
        }
        Err(refused) => {
            assert_eq!(refused.owner.as_ptr(), &raw const managed);
            assert!(!refused.to_string().is_empty());
        }
    }
    assert_eq!(freed, 1);
}

/// Whether every element that is described, and what lies between them, is in the memory; also if
/// the description is one that cannot be read, because then nothing is.
fn keeps_to_memory<T, const N: usize>(
    tensor: &DLTensor,
    shape: &[i64; N],
    strides: &[i64; N],
) -> bool {
    if tensor.data.is_null() || (N > 0 && tensor.shape.is_null()) || tensor.ndim != N as i32 {
        return true;
    }
    let lens = shape.map(|len| usize::try_from(len).unwrap_or(usize::MAX));
    let Ok(row_major) = Layout::contiguous(lens, size_of::<T>()) else {
        return true;
    };
    let layout = match tensor.strides.is_null() {
        true => row_major,
        false => {
            let mut steps = strides.map(|stride| stride as isize);
            for axis in 0..N {
                if lens[axis] == 1 {
                    steps[axis] = 0;
                }
            }
            match Layout::new(lens, steps, size_of::<T>()) {
                Ok(layout) => layout,
                Err(_) => return true,
            }
        }
    };
    let below = (layout.first_offset() * size_of::<T>()) as u128;
    let above = (layout.span() * size_of::<T>()) as u128
        - below.min((layout.span() * size_of::<T>()) as u128);
    let first = u128::from(tensor.byte_offset);
    layout.is_empty() || (first >= below && first + above <= BYTES as u128)
}

fuzz_target!(|data: &[u8]| {
    choose_file!(data, check);
});
