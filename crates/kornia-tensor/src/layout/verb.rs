//! Verbs as values: what is asked of a layout, before it is known of which one.
//!
//! A tensor, a view and a mutable view each take a [`Verb`], ask it of their own layout and move
//! their own pointer by the answer. Verbs are made in this file alone, so an answer always
//! belongs to the layout that was asked (L5), and no caller has to promise it.

use super::Layout;
use crate::error::TensorError;
use crate::layout::rank::{Nat, Pred, Succ};
use crate::layout::slice::{SliceRange, SliceSpec};

/// A layout and how far its first element lies from that of the layout it was cut from, or why not.
type Part<const M: usize> = Result<(Layout<M>, isize), TensorError>;

/// A verb with its arguments. It reaches only elements that the layout reaches (L5), and none by
/// a second index, so what may be written stays so (L4).
pub(crate) struct Verb<A> {
    ask: A,
    keeps_all: bool,
}

/// A verb that reaches elements by several indices: for those who only read.
pub(crate) struct Repetition<A>(A);

/// What is asked of a layout of rank `N` to get one of rank `M`.
pub(crate) trait Ask<const N: usize, const M: usize> {
    fn of(self, layout: &Layout<N>) -> Part<M>;
}

impl<F: FnOnce(&Layout<N>) -> Part<M>, const N: usize, const M: usize> Ask<N, M> for F {
    #[inline(always)]
    fn of(self, layout: &Layout<N>) -> Part<M> {
        self(layout)
    }
}

impl<A> Verb<A> {
    /// Whether the result reaches every element that the layout reaches.
    #[inline(always)]
    pub(crate) fn keeps_all(&self) -> bool {
        self.keeps_all
    }

    #[inline(always)]
    pub(crate) fn of<const N: usize, const M: usize>(self, layout: &Layout<N>) -> Part<M>
    where
        A: Ask<N, M>,
    {
        self.ask.of(layout)
    }
}

impl<A> Repetition<A> {
    #[inline(always)]
    pub(crate) fn of<const N: usize, const M: usize>(self, layout: &Layout<N>) -> Part<M>
    where
        A: Ask<N, M>,
    {
        self.0.of(layout)
    }
}

#[inline(always)]
fn cut<A>(ask: A) -> Verb<A> {
    let keeps_all = false;
    Verb { ask, keeps_all }
}

#[inline(always)]
fn rearrange<A>(ask: A) -> Verb<A> {
    let keeps_all = true;
    Verb { ask, keeps_all }
}

#[inline]
pub(crate) fn slice<const N: usize, const M: usize>(
    spec: impl SliceSpec<N, M>,
) -> Verb<impl Ask<N, M>> {
    cut(move |layout: &Layout<N>| layout.slice(spec))
}

#[inline]
pub(crate) fn select<const N: usize, const M: usize>(
    axis: usize,
    index: usize,
) -> Verb<impl Ask<N, M>>
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    cut(move |layout: &Layout<N>| layout.select(axis, index))
}

#[inline]
pub(crate) fn narrow<const N: usize>(axis: usize, range: impl SliceRange) -> Verb<impl Ask<N, N>> {
    cut(move |layout: &Layout<N>| layout.narrow(axis, range))
}

#[inline]
pub(crate) fn permute_axes<const N: usize>(axes: [usize; N]) -> Verb<impl Ask<N, N>> {
    rearrange(move |layout: &Layout<N>| Ok((layout.permute_axes(axes)?, 0)))
}

#[inline]
pub(crate) fn transpose<const N: usize>() -> Verb<impl Ask<N, N>> {
    rearrange(|layout: &Layout<N>| Ok((layout.transpose(), 0)))
}

#[inline]
pub(crate) fn flip<const N: usize>(axis: usize) -> Verb<impl Ask<N, N>> {
    rearrange(move |layout: &Layout<N>| layout.flip(axis))
}

#[inline]
pub(crate) fn reshape<const N: usize, const M: usize>(shape: [usize; M]) -> Verb<impl Ask<N, M>> {
    rearrange(Reshape(shape))
}

/// No closure, because nothing makes the compiler inline those: a call costs as much as the verb.
struct Reshape<const M: usize>([usize; M]);

impl<const N: usize, const M: usize> Ask<N, M> for Reshape<M> {
    #[inline(always)]
    fn of(self, layout: &Layout<N>) -> Part<M> {
        match layout.reshaped(self.0) {
            Some(reshaped) => Ok((reshaped, 0)),
            None => Err(layout.why_not_reshaped(self.0)),
        }
    }
}

#[inline]
pub(crate) fn flatten<const N: usize>() -> Verb<impl Ask<N, 1>> {
    rearrange(|layout: &Layout<N>| Ok((layout.reshape([layout.numel()])?, 0)))
}

#[inline]
pub(crate) fn insert_axis<const N: usize, const M: usize>(axis: usize) -> Verb<impl Ask<N, M>>
where
    Nat<N>: Succ<Next = Nat<M>>,
{
    rearrange(move |layout: &Layout<N>| Ok((layout.insert_axis(axis)?, 0)))
}

#[inline]
pub(crate) fn remove_axis<const N: usize, const M: usize>(axis: usize) -> Verb<impl Ask<N, M>>
where
    Nat<N>: Pred<Prev = Nat<M>>,
{
    rearrange(move |layout: &Layout<N>| Ok((layout.remove_axis(axis)?, 0)))
}

#[inline]
pub(crate) fn broadcast_to<const N: usize, const M: usize>(
    shape: [usize; M],
) -> Repetition<impl Ask<N, M>> {
    Repetition(move |layout: &Layout<N>| Ok((layout.broadcast_to(shape)?, 0)))
}

#[inline]
pub(crate) fn windows<const N: usize, const M: usize>(
    axis: usize,
    size: usize,
) -> Repetition<impl Ask<N, M>>
where
    Nat<N>: Succ<Next = Nat<M>>,
{
    Repetition(move |layout: &Layout<N>| Ok((layout.windows(axis, size)?, 0)))
}
