//! Borrowed, shared access to elements in any layout.

mod compute;
pub(crate) mod copy;
mod parallel;
mod prepare;
mod reduce;
mod verbs;

pub(crate) use compute::check_shape;

use std::marker::PhantomData;
use std::ops::Index;
use std::ptr::NonNull;

use crate::engine::operand::Source;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::layout::verb::{Ask, Repetition, Verb};
use crate::{Tensor, TensorViewMut};

/// Borrowed elements in any layout: a pointer, a shape and strides.
///
/// Copying a view copies those few words; no reference count is touched. Every method that
/// gives a view takes `self` by value and keeps the lifetime `'a` of the data, so the result
/// can be returned from a function whose own view was a temporary.
///
/// A view may reach one element by several indices ([`broadcast_to`](Self::broadcast_to),
/// [`windows`](Self::windows)); nothing writable ever does.
///
/// ```
/// use kornia_tensor::TensorView;
///
/// // Over plain memory, without any tensor.
/// let pixels = [1u8, 2, 3, 4, 5, 6];
/// let view = TensorView::from_slice([2, 3], &pixels)?;
/// assert_eq!(view[[1, 0]], 4);
/// assert_eq!(view.transpose().to_vec(), [1, 4, 2, 5, 3, 6]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
pub struct TensorView<'a, T, const N: usize> {
    /// V1: the first element. The element at `layout.offset_of(index)` from it is initialised
    /// and readable, and not written by anyone, during `'a`, for every index in bounds. All of
    /// them lie in one allocation. If there are none, an aligned address.
    ptr: NonNull<T>,
    layout: Layout<N>,
    borrow: PhantomData<&'a [T]>,
}

impl<T, const N: usize> Clone for TensorView<'_, T, N> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for TensorView<'_, T, N> {}

// SAFETY: V1: a view gives `&T` and nothing else, so it may go where a `&T` may.
unsafe impl<T: Sync, const N: usize> Send for TensorView<'_, T, N> {}
// SAFETY: V1: a shared view gives no more than the view, which is `Copy`: a `&T`.
unsafe impl<T: Sync, const N: usize> Sync for TensorView<'_, T, N> {}

impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// A view of a slice in row-major order. O(1).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the slice does not have exactly as many elements as the shape.
    #[inline]
    pub fn from_slice(shape: [usize; N], elements: &'a [T]) -> Result<Self, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        check_numel(&layout, elements.len())?;
        // SAFETY: V1: a contiguous layout reaches exactly the elements of the slice, borrowed
        // for `'a`.
        Ok(unsafe { Self::new(NonNull::from(elements).cast(), layout) })
    }

    /// # Safety
    ///
    /// `ptr` is the first element of the layout, and V1 holds for `'a`: also that the layout keeps
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
    pub(super) fn cut<A, const M: usize>(self, verb: Verb<A>) -> TensorView<'a, T, M>
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
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        A: Ask<N, M>,
    {
        let (layout, offset) = verb.of(&self.layout)?;
        // SAFETY: a verb was asked of this very layout.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// As [`try_cut`](Self::try_cut), with elements that several indices reach.
    #[inline]
    fn try_repeat<A, const M: usize>(
        self,
        verb: Repetition<A>,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        A: Ask<N, M>,
    {
        let (layout, offset) = verb.of(&self.layout)?;
        // SAFETY: a verb was asked of this very layout.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// A view of part of this one.
    ///
    /// # Safety
    ///
    /// `(layout, offset)` reaches only elements that this view reaches, with `offset` counted
    /// from its first one. The verbs of [`Layout`], asked of this view's own, guarantee that (L5).
    #[inline]
    pub(super) unsafe fn part<const M: usize>(
        self,
        layout: Layout<M>,
        offset: isize,
    ) -> TensorView<'a, T, M> {
        // SAFETY: by the caller, the offset is that of an element of this view, or 0.
        let ptr = unsafe { self.ptr.offset(offset) };
        // SAFETY: V1 of this view, for fewer elements.
        unsafe { TensorView::new(ptr, layout) }
    }

    /// What makes views of the pieces of this one.
    ///
    /// # Safety
    ///
    /// The result is called with what [`part`](Self::part) may be called with.
    #[inline]
    pub(super) unsafe fn pieces<const M: usize>(
        self,
    ) -> impl Fn(Layout<M>, isize) -> TensorView<'a, T, M> + use<'a, T, N, M> {
        // SAFETY: the caller promises to call the result only with what `part` may be called with.
        move |layout, offset| unsafe { self.part(layout, offset) }
    }

    /// Lengths of the axes, by reference: `let [h, w, c] = *image.shape();` makes numbers of them.
    #[inline]
    pub fn shape(&self) -> &[usize; N] {
        self.layout.shape()
    }

    /// Distance between neighbours along each axis, in elements; negative where an axis is
    /// flipped, 0 where it is broadcast.
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

    /// Address of the first element.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        self.ptr.as_ptr()
    }

    #[inline]
    pub(crate) fn first(&self) -> NonNull<T> {
        self.ptr
    }

    /// The elements, as the engine takes them.
    #[inline]
    pub(crate) fn source(&self) -> Source<'_, T, N> {
        // SAFETY: V1 is what a source asks for; the view, and so its lifetime, outlives `self`'s
        // borrow.
        unsafe { Source::new(self.ptr, &self.layout) }
    }

    /// The elements as a slice. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the view is not contiguous.
    #[inline]
    #[track_caller]
    pub fn as_slice(self) -> &'a [T] {
        error::expect(self.try_as_slice())
    }

    /// The elements as a slice. O(1), never copies.
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_as_slice(self) -> Result<&'a [T], TensorError> {
        self.contiguous()
            .ok_or_else(|| not_contiguous(&self.layout))
    }

    /// The elements as a slice, if they are one. Unlike an error, `None` costs nothing.
    #[inline]
    pub(crate) fn contiguous(self) -> Option<&'a [T]> {
        if !self.layout.is_contiguous() {
            return None;
        }
        // SAFETY: V1: a contiguous layout reaches `numel` elements from the first on, readable
        // during `'a`.
        Some(unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.layout.numel()) })
    }

    /// The element at an index. O(1).
    #[inline]
    pub fn get(self, index: [usize; N]) -> Option<&'a T> {
        let offset = self.layout.offset_of(index)?;
        // SAFETY: V1: the index is in bounds.
        let element = unsafe { self.ptr.offset(offset) };
        // SAFETY: V1: initialised and readable during `'a`.
        Some(unsafe { element.as_ref() })
    }

    /// The element at an index that is not checked. O(1).
    ///
    /// # Safety
    ///
    /// Every index is below the length of its axis.
    #[inline]
    pub unsafe fn get_unchecked(self, index: [usize; N]) -> &'a T {
        let mut offset = 0;
        for (position, stride) in index.into_iter().zip(self.layout.strides()) {
            offset += position.cast_signed() * stride;
        }
        // SAFETY: V1: the caller promises an index in bounds, so the layout reaches this element.
        let element = unsafe { self.ptr.offset(offset) };
        // SAFETY: V1: initialised and readable during `'a`.
        unsafe { element.as_ref() }
    }
}

impl<T, const N: usize> Index<[usize; N]> for TensorView<'_, T, N> {
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
        match self.get(index) {
            Some(element) => element,
            None => unreachable!("the index was checked"),
        }
    }
}

impl<'a, T, const N: usize> From<&'a Tensor<T, N>> for TensorView<'a, T, N> {
    /// As [`Tensor::view`].
    #[inline]
    #[track_caller]
    fn from(tensor: &'a Tensor<T, N>) -> Self {
        tensor.view()
    }
}

impl<'a, T, const N: usize> From<&TensorView<'a, T, N>> for TensorView<'a, T, N> {
    #[inline]
    fn from(view: &TensorView<'a, T, N>) -> Self {
        *view
    }
}

impl<'a, T, const N: usize> From<&'a TensorViewMut<'_, T, N>> for TensorView<'a, T, N> {
    /// As [`TensorViewMut::view`].
    #[inline]
    fn from(view: &'a TensorViewMut<'_, T, N>) -> Self {
        view.view()
    }
}

/// `Err` unless a layout has exactly `found` elements.
#[inline]
pub(crate) fn check_numel<const N: usize>(
    layout: &Layout<N>,
    found: usize,
) -> Result<(), TensorError> {
    if layout.numel() != found {
        return Err(TensorError::ElementCountMismatch {
            shape: (*layout.shape()).into(),
            found,
        });
    }
    Ok(())
}

#[cold]
pub(crate) fn not_contiguous<const N: usize>(layout: &Layout<N>) -> TensorError {
    TensorError::NotContiguous {
        shape: (*layout.shape()).into(),
        strides: (*layout.strides()).into(),
    }
}
