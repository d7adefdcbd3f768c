//! The tensor: a window of shared memory and a layout over it.

mod construct;
mod cut;
mod fmt;
mod foreign;
mod forward;
mod into;
pub(crate) mod iter;
mod map;
mod ownership;
mod parts;
mod tensor_mut;
mod verbs;
pub(crate) mod view;
mod view_mut;
mod writer;

use std::ops::{Deref, Index};

pub(crate) use construct::fresh;
pub use iter::{IndexedIter, Iter, IterMut, Rows, RowsMut};
pub use map::StorageMap;
pub use parts::TensorParts;
pub use tensor_mut::TensorMut;
pub use view::TensorView;
pub use view_mut::TensorViewMut;
pub use writer::TensorWriter;

#[doc(no_inline)]
pub use crate::error::TensorError;
#[doc(no_inline)]
pub use crate::layout::checked_numel;
#[allow(deprecated)] // stays at 0.2.0's path
#[doc(no_inline)]
pub use crate::layout::get_strides_from_shape;

use crate::error;
use crate::layout::Layout;
use crate::storage::{Promised, TensorStorage};

/// A window onto shared memory: which storage, and how to walk it.
///
/// Cloning copies this header and adds one to a reference count; no element moves. Every verb
/// (`slice`, `permute_axes`, `flip`, `reshape`, ..) gives another tensor over the same memory.
/// Writing needs the sole handle: [`as_mut_slice`](Self::as_mut_slice) and
/// [`view_mut`](Self::view_mut) panic while another exists, [`make_mut`](Self::make_mut) copies
/// instead.
///
/// ```
/// use kornia_tensor::Tensor;
///
/// let mut image = Tensor::<u8, 3>::zeros([4, 4, 3]); // [H, W, C]
/// let crop = image.slice((1..3, 1..3, ..)); // shares the pixels
/// assert!(image.try_as_mut_slice().is_err()); // so nobody can write them
///
/// image.make_mut()[[1, 1, 0]] = 9; // copies, because `crop` is alive
/// assert_eq!((image[[1, 1, 0]], crop[[0, 0, 0]]), (9, 0));
///
/// image.as_mut_slice()[0] = 1; // the sole handle writes in place
/// ```
///
/// # All ways to make a tensor
///
/// Fresh memory, by what it is filled with. The last two columns ask an allocator for it; a
/// `try_` form is for shapes that come from data.
///
/// | filled with | ordinary memory | returns `Result` | an allocator's | returns `Result` |
/// |---|---|---|---|---|
/// | zeros | [`zeros`](Self::zeros) | [`try_zeros`](Self::try_zeros) | [`zeros_in`](Self::zeros_in) | [`try_zeros_in`](Self::try_zeros_in) |
/// | one value | [`full`](Self::full) | [`try_full`](Self::try_full) | [`full_in`](Self::full_in) | [`try_full_in`](Self::try_full_in) |
/// | a function of the index | [`from_shape_fn`](Self::from_shape_fn) | [`try_from_shape_fn`](Self::try_from_shape_fn) | [`from_shape_fn_in`](Self::from_shape_fn_in) | [`try_from_shape_fn_in`](Self::try_from_shape_fn_in) |
/// | clones of a slice | | [`from_shape_slice`](Self::from_shape_slice), [`from_slice`](Tensor::from_slice) | | [`from_shape_slice_in`](Self::from_shape_slice_in) |
/// | the elements of a `Vec` | | [`from_shape_vec`](Self::from_shape_vec), which keeps its memory | | [`from_shape_vec_in`](Self::from_shape_vec_in) |
/// | what is written piece by piece | | [`writer`](Self::writer) | | [`writer_in`](Self::writer_in) |
/// | the elements of a view | [`to_tensor`](TensorView::to_tensor) | [`try_to_tensor`](TensorView::try_to_tensor) | [`to_tensor_in`](TensorView::to_tensor_in) | [`try_to_tensor_in`](TensorView::try_to_tensor_in) |
/// | those of a tensor | [`contiguous`](Self::contiguous) | [`deep_clone`](Self::deep_clone), [`try_contiguous`](Self::try_contiguous) | | |
///
/// Memory that is there already, O(1):
///
/// | of | call |
/// |---|---|
/// | anything that gives a slice, for reading | [`from_owner`](Self::from_owner) |
/// | an address, with strides and an owner | [`from_foreign`](Self::from_foreign) (`unsafe`) |
/// | an address, 0.2.0's way | [`from_borrowed`](Self::from_borrowed), [`from_borrowed_readonly`](Self::from_borrowed_readonly), [`from_raw_parts`](Self::from_raw_parts) (`unsafe`) |
/// | a storage, under a layout | [`try_from_parts`](Self::try_from_parts) |
/// | parts that were written | [`TensorMut`] |
/// | bytes, a mapped file, a message, a picture | the modules of the [features](crate#features) |
pub struct Tensor<T, const N: usize> {
    /// T1: `storage` keeps every element the layout can reach alive; its window is the span of
    /// the layout, no more and no less, so the layout is in bounds (L3) by its length alone.
    /// The first element is `layout.first_offset()` elements into the window.
    /// T2: `shape` and `strides` were checked (L1, L2), and no two indices share an element
    /// (L4).
    parts: TensorParts<T, N>,
}

/// A tensor with one axis.
pub type Tensor1<T> = Tensor<T, 1>;
/// A tensor with two axes, such as a grey image `[H, W]`.
pub type Tensor2<T> = Tensor<T, 2>;
/// A tensor with three axes, such as an image `[H, W, C]`.
pub type Tensor3<T> = Tensor<T, 3>;
/// A tensor with four axes, such as a batch `[N, C, H, W]`.
pub type Tensor4<T> = Tensor<T, 4>;
/// A tensor with two axes; 0.2.0's name of [`Tensor2`].
#[deprecated(since = "0.3.0", note = "use `Tensor2`, which is the same")]
pub type CpuTensor2<T> = Tensor2<T>;

impl<T, const N: usize> Clone for Tensor<T, N> {
    /// O(1): another handle to the same memory, one atomic increment. No `T: Clone`, because no
    /// element is cloned; [`deep_clone`](Tensor::deep_clone) does that.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    fn clone(&self) -> Self {
        Self {
            parts: TensorParts {
                storage: self.parts.storage.clone(),
                shape: self.parts.shape,
                strides: self.parts.strides,
            },
        }
    }
}

impl<T, const N: usize> Deref for Tensor<T, N> {
    type Target = TensorParts<T, N>;

    /// The parts, for reading. There is no `DerefMut`: that would let safe code break T1 and T2.
    #[inline]
    fn deref(&self) -> &TensorParts<T, N> {
        &self.parts
    }
}

/// Looking.
impl<T, const N: usize> Tensor<T, N> {
    /// Lengths of the axes, by reference: `let [h, w, c] = *image.shape();` makes numbers of them.
    #[doc(alias = "dims")]
    #[inline]
    pub fn shape(&self) -> &[usize; N] {
        &self.parts.shape
    }

    /// Distance between neighbours along each axis, in elements; negative where an axis is
    /// flipped.
    #[inline]
    pub fn strides(&self) -> &[isize; N] {
        &self.parts.strides
    }

    /// The window of memory this tensor reads.
    #[inline]
    pub fn storage(&self) -> &TensorStorage<T> {
        &self.parts.storage
    }

    #[inline]
    pub(crate) fn storage_mut(&mut self) -> &mut TensorStorage<T> {
        &mut self.parts.storage
    }

    /// Shape and strides.
    #[inline]
    pub fn layout(&self) -> Layout<N> {
        // SAFETY: shape and strides were a layout when the tensor was made (T2), and have not been
        // written since: there is no way to.
        Layout::promised(self.parts.shape, self.parts.strides, unsafe {
            Promised::new()
        })
    }

    /// Number of elements: the product of the shape.
    #[doc(alias = "len")]
    #[doc(alias = "size")]
    #[doc(alias = "total")]
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout().numel()
    }

    /// Whether an axis has length 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout().is_empty()
    }

    /// Whether the tensor is [contiguous](crate#words): its elements lie in row-major order
    /// without gaps. Axes of length 1 do not count, whatever their stride. The name is 0.2.0's.
    #[doc(alias = "is_contiguous")]
    #[inline]
    pub fn is_standard_layout(&self) -> bool {
        self.layout().is_contiguous()
    }

    /// 0.2.0's check of what is now an invariant. Always `Ok`.
    ///
    /// # Errors
    ///
    /// None.
    #[deprecated(since = "0.3.0", note = "every tensor is checked when it is made")]
    #[inline]
    pub fn check_layout(&self) -> Result<(), TensorError> {
        Ok(())
    }

    /// Address of the first element; good for reads while this handle lives.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        // In bounds by T1; `wrapping_add` spares an `unsafe` block.
        self.storage
            .as_ptr()
            .wrapping_add(self.layout().first_offset())
    }

    /// Whether no other handle to the memory existed at some moment during the call. **A
    /// snapshot, never a permission**; see [`TensorStorage::is_unique`].
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.storage.is_unique()
    }

    /// Whether both tensors are windows of one allocation.
    #[inline]
    pub fn shares_memory_with<const M: usize>(&self, other: &Tensor<T, M>) -> bool {
        self.storage.shares_memory_with(&other.storage)
    }

    /// Size in bytes of the whole allocation this tensor keeps alive; a small crop of a large
    /// frame keeps the frame.
    #[inline]
    pub fn retained_bytes(&self) -> usize {
        self.storage.retained_bytes()
    }

    /// A borrowed view of all elements. O(1), no reference count is touched.
    ///
    /// The view borrows from this tensor, so the tensor has to be kept: `let v =
    /// t.slice((1.., ..)).view();` is refused (E0716), because the tensor that `slice` makes is gone
    /// at the end of the line. Take the view first:
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_shape_fn([3, 2], |[y, x]| 10 * y + x);
    /// let v = t.view().slice((1.., ..)); // lives as long as `t`
    /// assert_eq!(v.to_vec(), [10, 11, 20, 21]);
    /// ```
    ///
    /// # Panics
    ///
    /// If the host cannot read the memory.
    #[doc(alias = "as_view")]
    #[inline]
    #[track_caller]
    pub fn view(&self) -> TensorView<'_, T, N> {
        error::expect(self.try_view())
    }

    /// As [`view`](Self::view).
    ///
    /// # Errors
    ///
    /// `NotHostAccessible`.
    #[inline]
    pub fn try_view(&self) -> Result<TensorView<'_, T, N>, TensorError> {
        self.storage.check_readable()?;
        let layout = self.layout();
        // SAFETY: T1: the first element lies in the window.
        let first = unsafe { self.storage.ptr().add(layout.first_offset()) };
        // SAFETY: V1: T1, S2, just checked to be readable. Nothing writes while `self` is
        // borrowed: writing takes `exclusive`, which needs `&mut` on the only handle.
        Ok(unsafe { TensorView::new(first, layout) })
    }

    /// The element at an index. O(1).
    ///
    /// # Panics
    ///
    /// If the host cannot read the memory.
    #[inline]
    #[track_caller]
    pub fn get(&self, index: [usize; N]) -> Option<&T> {
        self.view().get(index)
    }

    /// The elements in row-major order; see [`TensorView::iter`].
    #[inline]
    #[track_caller]
    pub fn iter(&self) -> Iter<'_, T, N> {
        self.view().iter()
    }

    /// The elements with their indices; see [`TensorView::indexed_iter`].
    #[inline]
    #[track_caller]
    pub fn indexed_iter(&self) -> IndexedIter<'_, T, N> {
        self.view().indexed_iter()
    }

    /// One slice per index of the first axis; see [`TensorView::rows`].
    ///
    /// # Panics
    ///
    /// If a row is not contiguous.
    #[inline]
    #[track_caller]
    pub fn rows(&self) -> Rows<'_, T> {
        self.view().rows()
    }

    /// A tensor of `f` of each element; see [`TensorView::map`].
    #[doc(alias = "mapv")]
    #[track_caller]
    pub fn map<U, F>(&self, f: F) -> Tensor<U, N>
    where
        F: FnMut(&T) -> U,
    {
        self.view().map(f)
    }

    /// A tensor of `f` of each pair of elements; see [`TensorView::zip_with`].
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal.
    #[doc(alias = "element_wise")]
    #[track_caller]
    pub fn zip_with<'b, U, V, F>(
        &self,
        other: impl Into<TensorView<'b, U, N>>,
        f: F,
    ) -> Result<Tensor<V, N>, TensorError>
    where
        U: 'b,
        F: FnMut(&T, &U) -> V,
    {
        self.view().zip_with(other, f)
    }

    /// [`map`](Self::map) on several threads; see [`TensorView::par_map`].
    #[track_caller]
    pub fn par_map<U, F>(&self, f: F) -> Tensor<U, N>
    where
        T: Sync,
        U: Send,
        F: Fn(&T) -> U + Sync,
    {
        self.view().par_map(f)
    }

    /// [`zip_with`](Self::zip_with) on several threads; see [`TensorView::par_zip_with`].
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal.
    #[track_caller]
    pub fn par_zip_with<'b, U, V, F>(
        &self,
        other: impl Into<TensorView<'b, U, N>>,
        f: F,
    ) -> Result<Tensor<V, N>, TensorError>
    where
        T: Sync,
        U: Sync + 'b,
        V: Send,
        F: Fn(&T, &U) -> V + Sync,
    {
        self.view().par_zip_with(other, f)
    }

    /// 0.2.0's name of [`zip_with`](Self::zip_with) for tensors of one type.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal.
    #[deprecated(
        since = "0.3.0",
        note = "use `zip_with`, which takes views and any types"
    )]
    #[track_caller]
    pub fn element_wise_op<F>(&self, other: &Self, op: F) -> Result<Self, TensorError>
    where
        F: FnMut(&T, &T) -> T,
    {
        self.view().zip_with(other, op)
    }

    /// A tensor of the elements converted with `From`; see [`TensorView::cast`].
    #[track_caller]
    pub fn cast<U>(&self) -> Tensor<U, N>
    where
        U: From<T>,
        T: Clone,
    {
        self.view().cast()
    }

    /// Folds the elements in row-major order; see [`TensorView::fold`].
    #[inline]
    #[track_caller]
    pub fn fold<'a, B, F>(&'a self, init: B, f: F) -> B
    where
        F: FnMut(B, &'a T) -> B,
    {
        self.view().fold(init, f)
    }
}

/// Writing through a borrow.
impl<T, const N: usize> Tensor<T, N> {
    /// A mutable view of all elements. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only, or the host cannot write it.
    #[inline]
    #[track_caller]
    pub fn view_mut(&mut self) -> TensorViewMut<'_, T, N> {
        error::expect(self.try_view_mut())
    }

    /// As [`view_mut`](Self::view_mut).
    ///
    /// A worker that said "done" may still hold its tile:
    /// [`wait_until_unique`](Self::wait_until_unique) waits for such handles to go.
    ///
    /// # Errors
    ///
    /// `SharedStorage`, `ReadOnlyStorage` or `NotHostAccessible`.
    #[inline]
    pub fn try_view_mut(&mut self) -> Result<TensorViewMut<'_, T, N>, TensorError> {
        let layout = self.layout();
        let lowest = self.parts.storage.exclusive()?;
        // SAFETY: T1: the first element lies in the window.
        let first = unsafe { lowest.add(layout.first_offset()) };
        // SAFETY: M1: T1, T2, S2; writable and the sole handle, because `exclusive` returned Ok,
        // and mutably borrowed for as long as the view lives.
        Ok(unsafe { TensorViewMut::new(first, layout) })
    }
}

impl<T, const N: usize> Index<[usize; N]> for Tensor<T, N> {
    type Output = T;

    /// The element at an index. O(1).
    ///
    /// # Panics
    ///
    /// If the index is out of bounds, with the axis, the index and the size.
    #[inline]
    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        let view = self.view();
        view.layout().check_index(index);
        match view.get(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}
