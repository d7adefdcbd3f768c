//! How a tensor moves its window by the answer of a verb.

use super::{Tensor, TensorParts};
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::layout::verb::{Ask, Verb};
use crate::storage::Place;

impl<T, const N: usize> Tensor<T, N> {
    /// What a verb makes of this tensor.
    ///
    /// The layout is unwrapped and not the tensor: one that goes through a `Result` in memory
    /// costs twice as much.
    ///
    /// # Panics
    ///
    /// With the text of the verb's error.
    #[inline(always)]
    #[track_caller]
    pub(super) fn cut<A, const M: usize>(&self, verb: Verb<A>) -> Tensor<T, M>
    where
        A: Ask<N, M>,
    {
        let keeps_all = verb.keeps_all();
        let (layout, offset) = error::expect(verb.of(&self.layout()));
        if keeps_all {
            // SAFETY: the verb reaches every element of this very layout, each by one index.
            return unsafe { self.same_window(layout) };
        }
        // SAFETY: a verb was asked of this very layout and repeats nothing.
        unsafe { self.part(layout, offset) }
    }

    /// As [`cut`](Self::cut).
    #[inline(always)]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) fn try_cut<A, const M: usize>(
        &self,
        verb: Verb<A>,
    ) -> Result<Tensor<T, M>, TensorError>
    where
        A: Ask<N, M>,
    {
        let keeps_all = verb.keeps_all();
        let (layout, offset) = verb.of(&self.layout())?;
        if keeps_all {
            // SAFETY: the verb reaches every element of this very layout, each by one index.
            return Ok(unsafe { self.same_window(layout) });
        }
        // SAFETY: a verb was asked of this very layout and repeats nothing.
        Ok(unsafe { self.part(layout, offset) })
    }

    /// A tensor over part of this one's elements.
    ///
    /// # Safety
    ///
    /// `(layout, offset)` reaches each element by one index (L4), as the verbs of [`Layout`] do.
    /// That it reaches only elements of this tensor (L5) the storage checks: a wrong answer would
    /// panic here and could not widen the window.
    #[inline]
    #[track_caller]
    pub(super) unsafe fn part<const M: usize>(
        &self,
        layout: Layout<M>,
        offset: isize,
    ) -> Tensor<T, M> {
        let window = self
            .storage
            .view(self.lowest(&layout, offset), layout.span());
        // SAFETY: the window was cut to the span (T1); the caller promises the rest (T2).
        unsafe { Tensor::from_checked(error::expect(window), layout) }
    }

    /// As [`part`](Self::part), giving up this handle.
    ///
    /// # Safety
    ///
    /// That of [`part`](Self::part); if `keeps_all`, the part reaches every element of this tensor.
    #[inline]
    #[track_caller]
    pub(super) unsafe fn into_part<const M: usize>(
        self,
        layout: Layout<M>,
        offset: isize,
        keeps_all: bool,
    ) -> Tensor<T, M> {
        if keeps_all {
            // SAFETY: the same elements have the same span (T1), each has one index (T2).
            return unsafe { Tensor::from_checked(self.parts.storage, layout) };
        }
        let lowest = self.lowest(&layout, offset);
        let window = self.parts.storage.into_view(lowest, layout.span());
        // SAFETY: the window was cut to the span (T1); the caller promises the rest (T2).
        unsafe { Tensor::from_checked(error::expect(window), layout) }
    }

    /// Where in the window the lowest element of a part lies; a part that lies outside of it
    /// gets a place outside of it.
    #[inline]
    pub(super) fn lowest<const M: usize>(&self, layout: &Layout<M>, offset: isize) -> usize {
        let first = self.layout().first_offset().cast_signed() + offset;
        (first - layout.first_offset().cast_signed()).cast_unsigned()
    }

    /// What makes tensors of the pieces of this one, as if made here.
    ///
    /// # Safety
    ///
    /// The result is called with what [`part`](Self::part) may be called with.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) unsafe fn pieces<const M: usize>(
        &self,
    ) -> impl Fn(Layout<M>, isize) -> Tensor<T, M> + use<T, N, M> {
        let (tensor, place) = (self.clone(), Place::here());
        // SAFETY: the caller promises to call the result only with what `part` may be called with.
        move |layout, offset| unsafe { tensor.part(layout, offset) }.made_at(place)
    }

    /// Says where this handle was made; see [`TensorStorage::made_at`].
    #[inline]
    pub(super) fn made_at(self, place: Place) -> Self {
        let storage = self.parts.storage.made_at(place);
        Self {
            parts: TensorParts {
                storage,
                ..self.parts
            },
        }
    }

    /// A tensor over the very same elements in another order.
    ///
    /// # Safety
    ///
    /// The layout reaches every element that this tensor's reaches, each by one index.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(super) unsafe fn same_window<const M: usize>(&self, layout: Layout<M>) -> Tensor<T, M> {
        // SAFETY: the same elements have the same span (T1), each has one index (T2).
        unsafe { Tensor::from_checked(self.storage.clone(), layout) }
    }
}
