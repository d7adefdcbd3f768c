//! Tensors in.

use super::abi::{DLDataType, DLDevice, DLDeviceType, DLTensor};
use super::managed::{Descriptor, Managed, ManagedStruct};
use super::{DlpackElem, dtype_of};
use crate::error::{TensorAllocatorError, TensorError};
use crate::exchange::{ASK_FOR_HALF, ASK_FOR_THEM, CONVERT_THEM_FIRST};
use crate::layout::Layout;
use crate::storage::{Access, MemoryDomain, OwnerRefused, TensorStorage};
use crate::{Tensor, TensorView};

impl<T: DlpackElem, const N: usize> Tensor<T, N> {
    /// Shares the elements of another library, for reading. O(1), no element moves, but a `bool`
    /// is looked at; the producer's deleter is called with the last handle, on whichever thread.
    ///
    /// The result can be written if, and only if, the producer says that it made a copy for this
    /// consumer alone. Otherwise `make_mut` copies. Strides may be negative and have gaps.
    ///
    /// # Safety
    ///
    /// Beyond what [`Managed::from_raw`] asks: **nobody writes the elements, or what lies between
    /// them, while a handle exists**. A producer that marks its memory read-only promises no more
    /// than that the consumer must not write.
    ///
    /// # Errors
    ///
    /// With the managed tensor, whose deleter has not been called: what the
    /// [table](crate::dlpack#what-is-refused) says.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let managed = Tensor::from_shape_vec([2, 2], vec![1.0f32, 2.0, 3.0, 4.0])?.into_dlpack();
    /// // SAFETY: nobody else has the elements.
    /// let refused = unsafe { Tensor::<f64, 2>::from_dlpack(managed) }.unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "elements are f32 and f64 was asked for; ask for what they are, and convert with `cast` or \
    ///      `map`"
    /// );
    /// // SAFETY: it is the same tensor, which came back.
    /// let tensor = unsafe { Tensor::<f32, 2>::from_dlpack(refused.owner) }?;
    /// assert_eq!(tensor.as_slice(), [1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_dlpack<M: ManagedStruct>(
        managed: Managed<M>,
    ) -> Result<Self, OwnerRefused<Managed<M>>> {
        let found = managed.descriptor().and_then(|descriptor| {
            let access = match descriptor.is_copied() && !descriptor.is_read_only() {
                true => Access::ReadWrite,
                false => Access::ReadOnly,
            };
            Ok((Found::of(descriptor)?, access))
        });
        match found {
            // SAFETY: D4: `Found::of` has checked the layout and the address, and what they reach
            // is there until `managed` is dropped; the caller promises that nobody writes it. If
            // the producer has made a copy for this consumer alone, nobody else reads it either.
            Ok((found, access)) => unsafe { found.adopt(access, managed) },
            Err(error) => Err(OwnerRefused {
                error,
                owner: managed,
            }),
        }
    }

    /// Takes the elements of another library, for reading and writing. O(1), no element moves,
    /// but a `bool` is looked at; the producer's deleter is called with the last handle, on
    /// whichever thread.
    ///
    /// # Safety
    ///
    /// Beyond what [`Managed::from_raw`] asks: **nobody else reads or writes the elements, or what
    /// lies between them, while a handle exists**, and they may be written. That a producer has
    /// set no flag is no such promise: JAX exports arrays without one that must not be written.
    ///
    /// # Errors
    ///
    /// As [`from_dlpack`](Self::from_dlpack), and `UnsupportedOperation` if the producer forbids
    /// to write.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let managed = Tensor::<u8, 1>::zeros([4]).into_dlpack();
    /// // SAFETY: nobody else has the elements, which belonged to a `Vec`.
    /// let mut tensor = unsafe { Tensor::<u8, 1>::from_dlpack_exclusive(managed) }?;
    /// tensor.as_mut_slice()[2] = 7;
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_dlpack_exclusive<M: ManagedStruct>(
        managed: Managed<M>,
    ) -> Result<Self, OwnerRefused<Managed<M>>> {
        let found = managed.descriptor().and_then(|descriptor| {
            if descriptor.is_read_only() {
                return Err(TensorError::UnsupportedOperation(
                    "memory that its producer marks read-only cannot be taken for writing; use \
                     `from_dlpack` and `make_mut`"
                        .into(),
                ));
            }
            Found::of(descriptor)
        });
        match found {
            // SAFETY: D4: `Found::of` has checked the layout and the address, and what they reach
            // is there until `managed` is dropped; the caller promises that nobody else reads or
            // writes it.
            Ok(found) => unsafe { found.adopt(Access::ReadWrite, managed) },
            Err(error) => Err(OwnerRefused {
                error,
                owner: managed,
            }),
        }
    }
}

/// A view of the elements of another library for the length of a call. O(1), nothing is
/// allocated, but a `bool` is looked at. An element may be reached by several indices
/// (`numpy.broadcast_to`).
///
/// # Safety
///
/// During `'a`: the descriptor is true and does not change, `shape` and `strides` are NULL or
/// point to `ndim` numbers, the elements and what lies between them are initialised and valid for
/// reads, and **nobody writes them**.
///
/// # Errors
///
/// What the [table](crate::dlpack#what-is-refused) says, overlaps excepted; `NullPointer` for
/// NULL; `NotHostAccessible` for memory of a device.
///
/// ```
/// use kornia_tensor::dlpack::abi::{DLDataType, DLDevice, DLDeviceType, DLTensor};
/// use kornia_tensor::dlpack::dlpack_view;
///
/// let (pixels, mut shape, mut strides) = ([1u8, 2, 3], [2, 3], [0, 1]); // a row, twice
/// let descriptor = DLTensor {
///     data: pixels.as_ptr().cast_mut().cast(),
///     device: DLDevice { device_type: DLDeviceType::CPU, device_id: 0 },
///     ndim: 2,
///     dtype: DLDataType { code: DLDataType::CODE_UINT, bits: 8, lanes: 1 },
///     shape: shape.as_mut_ptr(),
///     strides: strides.as_mut_ptr(),
///     byte_offset: 0,
/// };
/// // SAFETY: it describes an array of three bytes, which nobody writes.
/// let view = unsafe { dlpack_view::<u8, 2>(&descriptor) }?;
/// assert_eq!(view.to_vec(), [1, 2, 3, 1, 2, 3]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[inline]
pub unsafe fn dlpack_view<'a, T: DlpackElem, const N: usize>(
    tensor: *const DLTensor,
) -> Result<TensorView<'a, T, N>, TensorError> {
    // SAFETY: the caller promises NULL or a descriptor that does not change during `'a`.
    let tensor = unsafe { tensor.as_ref::<'a>() }.ok_or(TensorAllocatorError::NullPointer)?;
    // SAFETY: the caller promises D3 and D4 for the descriptor during `'a`.
    let found = Found::<T, N>::of(unsafe { Descriptor::new(tensor, 0) }?)?;
    if !found.domain.is_host_accessible() {
        return Err(TensorError::NotHostAccessible {
            domain: found.domain,
        });
    }
    // SAFETY: V1: `of` has checked the address, and by D4 the elements that the layout reaches
    // are there; nobody writes them during `'a`, by the caller.
    unsafe { TensorView::from_raw_parts(found.first, found.layout) }
}

/// What a descriptor describes, checked.
pub(super) struct Found<T, const N: usize> {
    /// The element at index `[0, 0, ..]`; aligned, also if there is none.
    first: *const T,
    layout: Layout<N>,
    domain: MemoryDomain,
}

impl<T: DlpackElem, const N: usize> Found<T, N> {
    /// Checks everything that can be checked.
    #[inline]
    pub(super) fn of(descriptor: Descriptor<'_>) -> Result<Self, TensorError> {
        if descriptor.ndim() != N {
            return unsupported(format!(
                "{} axes were given where a tensor of rank {N} is asked for; ask for as many",
                descriptor.ndim()
            ));
        }
        if descriptor.dtype() != dtype_of::<T>() {
            return wrong_type::<T, _>(descriptor.dtype());
        }
        let domain = domain_of(descriptor.device())?;
        let layout = layout_of::<N>(&descriptor, size_of::<T>())?;
        let first = match layout.is_empty() {
            true => std::ptr::dangling(),
            false => first_of::<T>(descriptor.tensor())?,
        };
        let found = Self {
            first,
            layout,
            domain,
        };
        if descriptor.dtype().code == DLDataType::CODE_BOOL && domain.is_host_accessible() {
            found.check_bools()?;
        }
        Ok(found)
    }

    /// A byte that is neither 0 nor 1 is no `bool`, also between the elements: a slice of the
    /// whole window shows those, too.
    #[cold]
    fn check_bools(&self) -> Result<(), TensorError> {
        let lowest = self.first.wrapping_sub(self.layout.first_offset());
        // SAFETY: D4: from the lowest to the highest element all is initialised; one byte each,
        // by the type that was checked.
        let bytes = unsafe { std::slice::from_raw_parts(lowest.cast::<u8>(), self.layout.span()) };
        let wrong = |part: &[u8]| part.iter().fold(0, |all, byte| all | byte) > 1;
        if bytes.chunks(4096).any(wrong) {
            return unsupported("a byte above 1 is no bool; ask for u8".into());
        }
        Ok(())
    }

    /// A tensor of it, which keeps `owner`.
    ///
    /// # Safety
    ///
    /// As for [`Tensor::from_foreign`].
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) unsafe fn adopt<O: Send + 'static>(
        self,
        access: Access,
        owner: O,
    ) -> Result<Tensor<T, N>, OwnerRefused<O>> {
        let (shape, strides) = (*self.layout.shape(), *self.layout.strides());
        // SAFETY: the caller promises what `from_foreign` asks for of layout, address and owner.
        unsafe { Tensor::from_foreign(shape, strides, self.first, self.domain, access, owner) }
    }
}

/// The layout that a descriptor describes.
#[inline]
fn layout_of<const N: usize>(
    descriptor: &Descriptor<'_>,
    element_size: usize,
) -> Result<Layout<N>, TensorError> {
    let mut shape = [0; N];
    for (axis, (&len, to)) in descriptor.shape().iter().zip(&mut shape).enumerate() {
        if len < 0 {
            return unsupported(format!(
                "length {len} of axis {axis} is negative; the producer is at fault"
            ));
        }
        *to = usize::try_from(len).unwrap_or(usize::MAX); // which no shape may have
    }
    let row_major = Layout::contiguous(shape, element_size)?;
    let Some(given) = descriptor.strides() else {
        return Ok(row_major);
    };
    if row_major.is_empty() {
        return Ok(row_major); // nothing is reached by whatever the strides are
    }
    let mut strides = *row_major.strides();
    for (axis, (&stride, to)) in given.iter().zip(&mut strides).enumerate() {
        // An axis of length 1 has a stride that is never used; producers write anything there.
        if shape[axis] == 1 {
            continue;
        }
        match isize::try_from(stride) {
            Ok(stride) => *to = stride,
            Err(_) => return too_far(axis, stride),
        }
    }
    Layout::new(shape, strides, element_size).or_else(|_| {
        // The shape alone would fit.
        let reach =
            |axis: &usize| (shape[*axis] as u128 - 1) * u128::from(given[*axis].unsigned_abs());
        let furthest = (0..N).max_by_key(reach).unwrap_or(0);
        too_far(furthest, given[furthest])
    })
}

#[cold]
fn too_far<const N: usize>(axis: usize, stride: i64) -> Result<Layout<N>, TensorError> {
    unsupported(format!(
        "stride {stride} of axis {axis} reaches further than memory can address; the producer is \
         at fault"
    ))
}

/// The address of the first element, of which there is at least one.
#[inline]
fn first_of<T>(tensor: &DLTensor) -> Result<*const T, TensorError> {
    if tensor.data.is_null() {
        return Err(TensorAllocatorError::NullPointer.into());
    }
    let Ok(offset) = usize::try_from(tensor.byte_offset) else {
        return unsupported(format!(
            "offset of {} bytes is larger than memory can address; the producer is at fault",
            tensor.byte_offset
        ));
    };
    // Elements are there by D4; what is not aligned is refused where it would be used.
    let first = tensor.data.cast_const().cast::<u8>().wrapping_add(offset);
    Ok(TensorStorage::check_address(first.cast::<T>(), 0)?.as_ptr())
}

/// Which memory a device is, if it is one that tensors can stand for.
#[inline]
fn domain_of(device: DLDevice) -> Result<MemoryDomain, TensorError> {
    let id = device.device_id;
    match device.device_type {
        DLDeviceType::CPU | DLDeviceType::CUDA_HOST | DLDeviceType::ROCM_HOST => {
            Ok(MemoryDomain::Host)
        }
        DLDeviceType::CUDA => Ok(MemoryDomain::Device { id }),
        DLDeviceType::CUDA_MANAGED => Ok(MemoryDomain::Unified { id }),
        DLDeviceType(other) => unsupported(format!(
            "device type {other} is no memory that tensors know; copy to the host first"
        )),
    }
}

#[cold]
fn wrong_type<T: DlpackElem, R>(found: DLDataType) -> Result<R, TensorError> {
    let asked = name_of(dtype_of::<T>());
    unsupported(format!(
        "elements are {} and {asked} was asked for; {}",
        name_of(found),
        instead_of(found)
    ))
}

/// What can be done about elements of a type that was not asked for.
fn instead_of(found: DLDataType) -> &'static str {
    match (found.code, found.bits) {
        _ if found.lanes != 1 => CONVERT_THEM_FIRST,
        (DLDataType::CODE_INT | DLDataType::CODE_UINT, 8 | 16 | 32 | 64)
        | (DLDataType::CODE_FLOAT, 32 | 64)
        | (DLDataType::CODE_BOOL, 8) => ASK_FOR_THEM,
        (DLDataType::CODE_FLOAT | DLDataType::CODE_BFLOAT, 16) => ASK_FOR_HALF,
        _ => CONVERT_THEM_FIRST,
    }
}

/// An element type as Rust would call it.
fn name_of(dtype: DLDataType) -> String {
    let letter = match dtype.code {
        DLDataType::CODE_INT => "i",
        DLDataType::CODE_UINT => "u",
        DLDataType::CODE_FLOAT => "f",
        DLDataType::CODE_BFLOAT => "bf",
        DLDataType::CODE_COMPLEX => "complex",
        DLDataType::CODE_BOOL if dtype.bits == 8 && dtype.lanes == 1 => return "bool".into(),
        DLDataType::CODE_BOOL => "bool",
        _ => "type code ",
    };
    let mut name = match letter {
        "type code " => format!("{letter}{} with {} bits", dtype.code, dtype.bits),
        _ => format!("{letter}{}", dtype.bits),
    };
    if dtype.lanes != 1 {
        name += &format!(" in vectors of {}", dtype.lanes);
    }
    name
}

#[cold]
fn unsupported<R>(what: String) -> Result<R, TensorError> {
    Err(TensorError::UnsupportedOperation(what))
}
