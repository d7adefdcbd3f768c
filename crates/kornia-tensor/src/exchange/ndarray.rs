//! Arrays of the crate `ndarray` without a copy (feature `ndarray`), with any strides and for the
//! ranks that it has types for, 0 to 6.
//!
//! | from | to | how | who may write |
//! |---|---|---|---|
//! | [`TensorView`] | `ArrayView` | `into()` | nobody |
//! | [`TensorViewMut`] | `ArrayViewMut` | `into()` | the view |
//! | `ArrayView` | [`TensorView`] | `into()` | nobody |
//! | `ArrayViewMut` | [`TensorViewMut`] | `try_into()` | the view |
//! | `Array` | [`Tensor`] | [`Tensor::from_ndarray`] | the sole handle |
//! | `ArcArray` | [`Tensor`] | [`Tensor::from_arc_array`] | nobody: it may be shared |
//! | [`Tensor`] | `Array` | [`Tensor::try_into_ndarray`] | its owner |

use ::ndarray::{
    ArcArray, Array, ArrayView, ArrayViewMut, Axis, Dim, Dimension, Ix, ShapeBuilder, StrideShape,
};

use super::views::check_injective;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::storage::{Access, MemoryDomain, OwnerRefused, TensorStorage};
use crate::{Tensor, TensorView, TensorViewMut};

/// An array with its elements.
type Owned<T, const N: usize> = Array<T, Dim<[Ix; N]>>;
/// An array whose elements others may have as well.
type Shared<T, const N: usize> = ArcArray<T, Dim<[Ix; N]>>;

impl<'a, T, const N: usize> From<TensorView<'a, T, N>> for ArrayView<'a, T, Dim<[Ix; N]>>
where
    Dim<[Ix; N]>: Dimension,
{
    /// The same elements. O(rank).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    /// use ndarray::{ArrayView2, array};
    ///
    /// let tensor = Tensor::from_shape_vec([2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// let mirrored: ArrayView2<i32> = tensor.view().flip(1).into();
    /// assert_eq!(mirrored, array![[3, 2, 1], [6, 5, 4]]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn from(view: TensorView<'a, T, N>) -> Self {
        let layout = view.layout();
        let lowest = view.as_ptr().wrapping_sub(layout.first_offset());
        // SAFETY: V1: the elements that are reached are readable during `'a`, and the lowest of
        // them is where the strides without their signs begin; L1 and L2 are what is asked of
        // sizes. Nothing is reached from the address of an empty view, whose strides are 0.
        let mut array = unsafe { ArrayView::from_shape_ptr(unsigned(layout), lowest) };
        inverted(layout).for_each(|axis| array.invert_axis(axis));
        array
    }
}

impl<'a, T, const N: usize> From<TensorViewMut<'a, T, N>> for ArrayViewMut<'a, T, Dim<[Ix; N]>>
where
    Dim<[Ix; N]>: Dimension,
{
    /// The same elements. O(rank).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    /// use ndarray::ArrayViewMut2;
    ///
    /// let mut tensor = Tensor::<f32, 2>::zeros([2, 3]);
    /// let mut array: ArrayViewMut2<f32> = tensor.view_mut().transpose().into();
    /// array.row_mut(2).fill(1.0);
    /// assert_eq!(tensor.as_slice(), [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    /// ```
    fn from(view: TensorViewMut<'a, T, N>) -> Self {
        let layout = view.layout();
        let lowest = view.first().as_ptr().wrapping_sub(layout.first_offset());
        // SAFETY: M1: the elements that are reached are readable and writable during `'a`, through
        // this view alone, which is consumed, and each by one index (L4). As for `TensorView`, the
        // lowest of them is where the strides without their signs begin, and L1 and L2 are what is
        // asked of sizes.
        let mut array = unsafe { ArrayViewMut::from_shape_ptr(unsigned(layout), lowest) };
        inverted(layout).for_each(|axis| array.invert_axis(axis));
        array
    }
}

impl<'a, T, const N: usize> From<ArrayView<'a, T, Dim<[Ix; N]>>> for TensorView<'a, T, N>
where
    Dim<[Ix; N]>: Dimension,
{
    /// The same elements. O(rank).
    ///
    /// ```
    /// use kornia_tensor::TensorView;
    /// use ndarray::{array, s};
    ///
    /// let array = array![[1u8, 2, 3], [4, 5, 6]];
    /// let view: TensorView<u8, 2> = array.slice(s![.., ..;-2]).into();
    /// assert_eq!(view.to_vec(), [3, 1, 6, 4]);
    /// ```
    fn from(array: ArrayView<'a, T, Dim<[Ix; N]>>) -> Self {
        let layout = error::expect(layout_of(array.shape(), array.strides(), size_of::<T>()));
        // SAFETY: the elements of an array view are readable during `'a`, and nobody writes
        // them; `as_ptr` is the first of them.
        error::expect(unsafe { Self::from_raw_parts(array.as_ptr(), layout) })
    }
}

impl<'a, T, const N: usize> TryFrom<ArrayViewMut<'a, T, Dim<[Ix; N]>>> for TensorViewMut<'a, T, N>
where
    Dim<[Ix; N]>: Dimension,
{
    type Error = TensorError;

    /// The same elements. O(rank log rank).
    ///
    /// # Errors
    ///
    /// `OverlappingLayout` for strides that interleave, which [`Layout::is_injective`] cannot
    /// tell from ones that overlap. No slice, permutation or inversion of an array in row-major
    /// order has those.
    ///
    /// ```
    /// use kornia_tensor::TensorViewMut;
    /// use ndarray::Array2;
    ///
    /// let mut array = Array2::<u8>::zeros((2, 3));
    /// TensorViewMut::try_from(array.view_mut().reversed_axes())?.slice((1.., 0)).fill(9);
    /// assert_eq!(array, ndarray::array![[0, 9, 9], [0, 0, 0]]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    fn try_from(mut array: ArrayViewMut<'a, T, Dim<[Ix; N]>>) -> Result<Self, TensorError> {
        let layout = layout_of(array.shape(), array.strides(), size_of::<T>())?;
        // SAFETY: the elements of a mutable array view are readable and writable through it alone
        // during `'a`, and it is consumed; `as_mut_ptr` is the first of them.
        unsafe { Self::from_raw_parts(array.as_mut_ptr(), layout) }
    }
}

impl<T, const N: usize> Tensor<T, N>
where
    Dim<[Ix; N]>: Dimension,
{
    /// Takes the memory of an array. O(1), no element moves, whatever its strides;
    /// [`try_into_ndarray`](Self::try_into_ndarray) gives it back, and `into_vec` its `Vec`.
    ///
    /// # Errors
    ///
    /// With the array: `OverlappingLayout` for strides that interleave, as no slice, permutation
    /// or inversion of an array in row-major order has them.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    /// use ndarray::{Array3, ShapeBuilder};
    ///
    /// let array = Array3::from_shape_fn((2, 4, 3).f(), |(y, x, c)| (10 * y + x + c) as u8);
    /// let address = array.as_ptr();
    /// let mut tensor = Tensor::from_ndarray(array)?;
    /// assert_eq!((tensor.as_ptr(), tensor.strides()), (address, &[1, 2, 8])); // Fortran order
    /// tensor.view_mut().fill(7); // the sole handle
    ///
    /// let array = tensor.try_into_ndarray().unwrap();
    /// assert_eq!((array.as_ptr(), array[[1, 3, 2]]), (address, 7));
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_ndarray(array: Owned<T, N>) -> Result<Self, OwnerRefused<Owned<T, N>>> {
        let checked = layout_of(array.shape(), array.strides(), size_of::<T>())
            .and_then(|layout| check_injective(&layout).map(|()| layout));
        let layout = match checked {
            Ok(layout) => layout,
            Err(error) => {
                return Err(OwnerRefused {
                    error,
                    owner: array,
                });
            }
        };
        let (elements, first) = array.into_raw_vec_and_offset();
        let lowest = match first {
            Some(first) if !layout.is_empty() => first - layout.first_offset(),
            _ => 0,
        };
        let storage = TensorStorage::from_host_vec(elements).into_view(lowest, layout.span());
        // SAFETY: the window was cut to the span of the layout (T1), which was found to be
        // injective (T2).
        Ok(unsafe { Self::from_checked(error::expect(storage), layout) })
    }

    /// Shares the memory of an array that may itself be shared, for reading. O(1), no element
    /// moves. `make_mut` copies, on both sides.
    ///
    /// # Errors
    ///
    /// As [`from_ndarray`](Self::from_ndarray).
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    /// use ndarray::ArcArray;
    ///
    /// let mut array = ArcArray::<u8, _>::zeros((2, 3));
    /// let tensor = Tensor::from_arc_array(array.clone())?;
    /// assert_eq!(tensor.as_ptr(), array.as_ptr());
    /// array[[0, 0]] = 9; // copies, because the tensor shows the old elements
    /// assert_eq!(tensor[[0, 0]], 0);
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_arc_array(array: Shared<T, N>) -> Result<Self, OwnerRefused<Shared<T, N>>>
    where
        T: Send + Sync + 'static,
        Dim<[Ix; N]>: 'static,
    {
        let layout = match layout_of::<N>(array.shape(), array.strides(), size_of::<T>()) {
            Ok(layout) => layout,
            Err(error) => {
                return Err(OwnerRefused {
                    error,
                    owner: array,
                });
            }
        };
        let (shape, strides, first) = (*layout.shape(), *layout.strides(), array.as_ptr());
        let (domain, access) = (MemoryDomain::Host, Access::ReadOnly);
        // SAFETY: the array keeps its `Vec`, of which all elements are initialised, so also those
        // between the ones that are reached. Whoever writes to another array of this `Vec` copies
        // first, because this one is counted, too.
        unsafe { Self::from_foreign(shape, strides, first, domain, access, array) }
    }

    /// The memory as an array. O(1), no element moves, whatever the strides.
    ///
    /// # Errors
    ///
    /// The tensor itself, where [`try_into_vec`](Self::try_into_vec) refuses a tensor in standard
    /// layout: if its memory is no `Vec`, it is a window of less than the whole `Vec`, or another
    /// handle exists.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let tensor = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4])?;
    /// let refused = tensor.flip(1).try_into_ndarray().unwrap_err(); // `tensor` shows them, too
    /// drop(tensor);
    /// assert_eq!(refused.try_into_ndarray().unwrap(), ndarray::array![[2, 1], [4, 3]]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn try_into_ndarray(self) -> Result<Owned<T, N>, Self> {
        let layout = self.layout();
        let elements = match self.into_parts().storage.try_into_vec() {
            Ok(elements) => elements,
            Err(storage) => {
                // SAFETY: the storage that comes back is the one that was given, so T1 and T2 still
                // hold for its layout.
                return Err(unsafe { Self::from_checked(storage, layout) });
            }
        };
        // SAFETY: T1: the span of the layout is the whole `Vec`, and without their signs the
        // strides begin at its first element. L1 and L2 are what is asked of sizes, and by T2 no
        // element is reached twice.
        let mut array = unsafe { Array::from_shape_vec_unchecked(unsigned(&layout), elements) };
        inverted(&layout).for_each(|axis| array.invert_axis(axis));
        Ok(array)
    }
}

/// Lengths, and strides without their signs, which is how arrays are made; 0 where a stride is
/// never used. An array of nothing is one in row-major order, whose strides ndarray sets to 0.
fn unsigned<const N: usize>(layout: &Layout<N>) -> StrideShape<Dim<[Ix; N]>>
where
    Dim<[Ix; N]>: Dimension,
{
    let (mut shape, mut strides) = (Dim::<[Ix; N]>::zeros(N), Dim::<[Ix; N]>::zeros(N));
    for (axis, (&len, stride)) in layout.shape().iter().zip(layout.strides()).enumerate() {
        shape[axis] = len;
        if len > 1 {
            strides[axis] = stride.unsigned_abs();
        }
    }
    match layout.is_empty() {
        true => shape.into(),
        false => shape.strides(strides),
    }
}

/// The axes whose strides have lost their sign.
fn inverted<const N: usize>(layout: &Layout<N>) -> impl Iterator<Item = Axis> {
    let nothing = layout.is_empty();
    let axes = layout.shape().iter().zip(layout.strides()).enumerate();
    axes.filter(move |&(_, (&len, &stride))| stride < 0 && len > 1 && !nothing)
        .map(|(axis, _)| Axis(axis))
}

/// The layout of an array. Arrays keep L1 and L2 themselves, so errors are none of theirs.
fn layout_of<const N: usize>(
    shape: &[usize],
    strides: &[isize],
    element_size: usize,
) -> Result<Layout<N>, TensorError> {
    let shape: [usize; N] = std::array::from_fn(|axis| shape[axis]);
    if shape.contains(&0) {
        return Layout::contiguous(shape, element_size);
    }
    Layout::new(
        shape,
        std::array::from_fn(|axis| strides[axis]),
        element_size,
    )
}
