//! Borrowed, exclusive access to elements in any layout.

mod verbs;

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};
use std::ptr::NonNull;

use crate::engine::compute::{self, Outcome};
use crate::engine::operand::Target;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::layout::verb::{Ask, Verb};
use crate::tensor::iter::{IterMut, RowsMut};
use crate::tensor::view::{check_numel, check_shape, copy, not_contiguous};
use crate::{Tensor, TensorView};

/// Exclusively borrowed elements in any layout. No two indices name the same element.
///
/// Verbs consume the view; [`reborrow`](Self::reborrow) gives a shorter-lived one to use up.
///
/// ```
/// use kornia_tensor::Tensor;
///
/// let mut image = Tensor::<u8, 3>::zeros([4, 6, 3]); // [H, W, C]
/// let mut view = image.view_mut();
/// view.reborrow().slice((1..3, 2..5, 0)).fill(255); // a red box
/// view[[0, 0, 2]] = 7;
/// assert_eq!(image[[2, 4, 0]], 255);
/// assert_eq!(image.iter().filter(|&&p| p == 255).count(), 6);
/// ```
pub struct TensorViewMut<'a, T, const N: usize> {
    /// M1: the first element. The element at `layout.offset_of(index)` from it is initialised
    /// and may be read and written through this view alone during `'a`, for every index in
    /// bounds; no two indices share an element (L4). All of them lie in one allocation. If
    /// there are none, an aligned address.
    ptr: NonNull<T>,
    layout: Layout<N>,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: M1: the view stands for exclusive references, so it may go where a `&mut T` may.
unsafe impl<T: Send, const N: usize> Send for TensorViewMut<'_, T, N> {}
// SAFETY: a shared `TensorViewMut` gives `&T` and nothing else.
unsafe impl<T: Sync, const N: usize> Sync for TensorViewMut<'_, T, N> {}

impl<'a, T, const N: usize> TensorViewMut<'a, T, N> {
    /// A mutable view of a slice in row-major order. O(1).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the slice does not have exactly as many elements as the shape.
    ///
    /// ```
    /// use kornia_tensor::TensorViewMut;
    ///
    /// let mut pixels = [1, 2, 3, 4];
    /// TensorViewMut::from_slice_mut([2, 2], &mut pixels)?.transpose()[[0, 1]] = 9;
    /// assert_eq!(pixels, [1, 2, 9, 4]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn from_slice_mut(shape: [usize; N], elements: &'a mut [T]) -> Result<Self, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        check_numel(&layout, elements.len())?;
        // SAFETY: M1: a contiguous layout reaches exactly the elements of the slice, each once,
        // borrowed exclusively for `'a`.
        Ok(unsafe { Self::new(NonNull::from(elements).cast(), layout) })
    }

    /// # Safety
    ///
    /// `ptr` is the first element of the layout, and M1 holds for `'a`: also that the layout keeps
    /// L2 for elements of this size.
    #[inline]
    pub(crate) unsafe fn new(ptr: NonNull<T>, layout: Layout<N>) -> Self {
        Self {
            ptr,
            layout,
            borrow: PhantomData,
        }
    }

    /// What a verb makes of this view.
    ///
    /// # Panics
    ///
    /// With the text of the verb's error.
    #[inline]
    #[track_caller]
    pub(super) fn cut<A, const M: usize>(self, verb: Verb<A>) -> TensorViewMut<'a, T, M>
    where
        A: Ask<N, M>,
    {
        error::expect(self.try_cut(verb))
    }

    /// As [`cut`](Self::cut).
    #[inline(always)]
    pub(super) fn try_cut<A, const M: usize>(
        self,
        verb: Verb<A>,
    ) -> Result<TensorViewMut<'a, T, M>, TensorError>
    where
        A: Ask<N, M>,
    {
        let (layout, offset) = verb.of(&self.layout)?;
        // SAFETY: a verb was asked of this very layout and repeats nothing; `self` is consumed.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// A view of part of this one, which must not be used beside it.
    ///
    /// # Safety
    ///
    /// `(layout, offset)` reaches only elements that this view reaches, each by one index, with
    /// `offset` counted from its first one. The verbs of [`Layout`], asked of this view's own,
    /// guarantee that (L5), those of [`TensorView`] alone excepted. Neither this view nor another
    /// part of it that shares an element is used while the part lives.
    #[inline]
    pub(super) unsafe fn part<const M: usize>(
        &self,
        layout: Layout<M>,
        offset: isize,
    ) -> TensorViewMut<'a, T, M> {
        // SAFETY: by the caller, the offset is that of an element of this view, or 0.
        let ptr = unsafe { self.ptr.offset(offset) };
        // SAFETY: M1 of this view, for fewer elements, which are not reached otherwise.
        unsafe { TensorViewMut::new(ptr, layout) }
    }

    /// What makes views of the pieces of this one.
    ///
    /// # Safety
    ///
    /// The result is called with what [`part`](Self::part) may be called with.
    #[inline]
    pub(super) unsafe fn pieces<const M: usize>(
        self,
    ) -> impl Fn(Layout<M>, isize) -> TensorViewMut<'a, T, M> + use<'a, T, N, M> {
        // SAFETY: promised by the caller; `self` is consumed.
        move |layout, offset| unsafe { self.part(layout, offset) }
    }

    /// A mutable view with a shorter lifetime. O(1).
    #[inline]
    pub fn reborrow(&mut self) -> TensorViewMut<'_, T, N> {
        // SAFETY: M1; `self` is mutably borrowed for as long as the result lives.
        unsafe { TensorViewMut::new(self.ptr, self.layout) }
    }

    /// The elements, as the engine takes them.
    #[inline]
    pub(crate) fn target(&mut self) -> Target<'_, T, N> {
        // SAFETY: M1 is what a target asks for; `self` is mutably borrowed for as long as it lives.
        unsafe { Target::new(self.ptr, &self.layout) }
    }

    /// A shared view with a shorter lifetime. O(1).
    #[inline]
    pub fn view(&self) -> TensorView<'_, T, N> {
        // SAFETY: V1: M1; nothing is written while `self` is borrowed.
        unsafe { TensorView::new(self.ptr, self.layout) }
    }

    /// A shared view for the whole lifetime; writing ends here. O(1).
    #[inline]
    pub fn into_view(self) -> TensorView<'a, T, N> {
        // SAFETY: V1: M1; the only writer is consumed.
        unsafe { TensorView::new(self.ptr, self.layout) }
    }

    /// Lengths of the axes.
    #[inline]
    pub fn shape(&self) -> &[usize; N] {
        self.layout.shape()
    }

    /// Distance between neighbours along each axis, in elements.
    #[inline]
    pub fn strides(&self) -> &[isize; N] {
        self.layout.strides()
    }

    /// Shape and strides.
    #[inline]
    pub fn layout(&self) -> &Layout<N> {
        &self.layout
    }

    /// Number of elements: the product of the shape.
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// Whether an axis has length 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Whether the view is [contiguous](crate#words): its elements lie in row-major order without
    /// gaps. The name is 0.2.0's.
    #[inline]
    pub fn is_standard_layout(&self) -> bool {
        self.layout.is_contiguous()
    }

    #[inline]
    pub(crate) fn first(&self) -> NonNull<T> {
        self.ptr
    }

    /// The elements as a slice. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the view is not contiguous.
    #[inline]
    #[track_caller]
    pub fn as_slice(&self) -> &[T] {
        self.view().as_slice()
    }

    /// As [`as_slice`](Self::as_slice).
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_as_slice(&self) -> Result<&[T], TensorError> {
        self.view().try_as_slice()
    }

    /// The elements as a slice for writing. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the view is not contiguous.
    #[inline]
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.reborrow().into_mut_slice()
    }

    /// As [`as_mut_slice`](Self::as_mut_slice).
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_as_mut_slice(&mut self) -> Result<&mut [T], TensorError> {
        self.reborrow().try_into_mut_slice()
    }

    /// The elements as a slice for writing, for the whole lifetime. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the view is not contiguous.
    #[inline]
    #[track_caller]
    pub fn into_mut_slice(self) -> &'a mut [T] {
        error::expect(self.try_into_mut_slice())
    }

    /// As [`into_mut_slice`](Self::into_mut_slice).
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_into_mut_slice(self) -> Result<&'a mut [T], TensorError> {
        if !self.layout.is_contiguous() {
            return Err(not_contiguous(&self.layout));
        }
        // SAFETY: M1: a contiguous layout reaches `numel` elements from the first on, ours
        // alone during `'a`; the view is consumed.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.layout.numel()) })
    }

    /// The element at an index. O(1).
    #[inline]
    pub fn get(&self, index: [usize; N]) -> Option<&T> {
        self.view().get(index)
    }

    /// The element at an index, for writing. O(1).
    #[inline]
    pub fn get_mut(&mut self, index: [usize; N]) -> Option<&mut T> {
        self.reborrow().into_mut(index)
    }

    /// The element at an index, for writing, for the whole lifetime. O(1).
    #[inline]
    pub(crate) fn into_mut(self, index: [usize; N]) -> Option<&'a mut T> {
        let offset = self.layout.offset_of(index)?;
        // SAFETY: M1: the index is in bounds.
        let mut element = unsafe { self.ptr.offset(offset) };
        // SAFETY: M1; the view is consumed.
        Some(unsafe { element.as_mut() })
    }
}

/// Writing elements.
impl<T, const N: usize> TensorViewMut<'_, T, N> {
    /// Exclusive references to the elements in row-major order.
    #[inline]
    pub fn iter_mut(&mut self) -> IterMut<'_, T, N> {
        self.reborrow().into_iter()
    }

    /// One exclusive slice per index of the first axis; see [`TensorView::rows`].
    ///
    /// # Panics
    ///
    /// If a row is not contiguous.
    #[inline]
    #[track_caller]
    pub fn rows_mut(&mut self) -> RowsMut<'_, T> {
        error::expect(self.try_rows_mut())
    }

    /// As [`rows_mut`](Self::rows_mut).
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_rows_mut(&mut self) -> Result<RowsMut<'_, T>, TensorError> {
        let layout = self.layout;
        RowsMut::new(self.reborrow()).ok_or_else(|| not_contiguous(&layout))
    }

    /// Sets every element to a clone of `value`. O(n).
    #[doc(alias = "setTo")]
    pub fn fill(&mut self, value: T)
    where
        T: Clone,
    {
        if self.is_empty() {
            return; // there can be 2^60 rows without elements
        }
        copy::fill(self.reborrow(), value);
    }

    /// Sets every element to a clone of the one of `source` at the same index. O(n).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; nothing is written then.
    #[doc(alias = "copy_from")]
    #[doc(alias = "copyTo")]
    pub fn assign<'b>(&mut self, source: impl Into<TensorView<'b, T, N>>) -> Result<(), TensorError>
    where
        T: Clone + 'b,
    {
        let source = source.into();
        check_shape(&self.layout, source.layout())?;
        if !self.is_empty() {
            copy::assign(self.reborrow(), source);
        }
        Ok(())
    }

    /// Calls `f` with each element. O(n), in the order that suits the memory;
    /// [`iter_mut`](Self::iter_mut) has an order.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 3>::full([2, 2, 3], 100);
    /// image.view_mut().select(2, 0).apply(|red| *red /= 2);
    /// assert_eq!(image.as_slice()[..3], [50, 100, 100]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn apply(&mut self, f: impl FnMut(&mut T)) {
        if let Outcome::Declined(f) = compute::apply(self.target(), f) {
            self.iter_mut().for_each(f);
        }
    }

    /// As [`apply`](Self::apply), on several threads where that pays
    /// ([when](crate#several-threads)). O(n).
    ///
    /// # Panics
    ///
    /// If `f` does: when every thread has stopped.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<f32, 3>::full([2, 2, 3], 4.0);
    /// image.view_mut().par_apply(|p| *p = p.sqrt());
    /// assert_eq!(image.as_slice(), [2.0; 12]);
    /// ```
    pub fn par_apply(&mut self, f: impl Fn(&mut T) + Sync)
    where
        T: Send,
    {
        if let Outcome::Declined(f) = compute::par_apply(self.target(), f) {
            self.apply(f);
        }
    }
}

impl<T, const N: usize> Index<[usize; N]> for TensorViewMut<'_, T, N> {
    type Output = T;

    /// The element at an index. O(1).
    ///
    /// # Panics
    ///
    /// If the index is out of bounds, with the axis, the index and the size.
    #[inline]
    #[track_caller]
    fn index(&self, index: [usize; N]) -> &T {
        self.layout.check_index(index);
        match self.view().get(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}

impl<T, const N: usize> IndexMut<[usize; N]> for TensorViewMut<'_, T, N> {
    /// The element at an index, for writing. O(1); sole ownership was settled when the view was
    /// made.
    ///
    /// # Panics
    ///
    /// If the index is out of bounds, with the axis, the index and the size.
    #[inline]
    #[track_caller]
    fn index_mut(&mut self, index: [usize; N]) -> &mut T {
        self.layout.check_index(index);
        match self.get_mut(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}

impl<'a, T, const N: usize> From<&'a mut Tensor<T, N>> for TensorViewMut<'a, T, N> {
    /// As [`Tensor::view_mut`].
    #[inline]
    #[track_caller]
    fn from(tensor: &'a mut Tensor<T, N>) -> Self {
        tensor.view_mut()
    }
}
