//! A tensor under the names of the verbs, each of which gives it up.

use std::cell::Cell;
use std::iter::Empty;

use kornia_tensor::{Nat, OwnerRefused, Pred, SliceRange, SliceSpec, Succ, Tensor, TensorError};

use super::{AnyTensor, Ranked};

/// Its verbs are those that begin with `into_`; a refused tensor is put back.
pub(crate) struct GivenUp<'a, T, const N: usize> {
    pub(crate) tensor: Tensor<T, N>,
    pub(crate) back: &'a Cell<Option<AnyTensor<T>>>,
}

pub(crate) type AnyGivenUp<'a, T> = Ranked<
    GivenUp<'a, T, 0>,
    GivenUp<'a, T, 1>,
    GivenUp<'a, T, 2>,
    GivenUp<'a, T, 3>,
    GivenUp<'a, T, 4>,
>;

type Tile<T, const N: usize> = ([usize; N], Tensor<T, N>);
type Given<T, const N: usize, const M: usize> = Result<Tensor<T, M>, OwnerRefused<Tensor<T, N>>>;

impl<T, const N: usize> GivenUp<'_, T, N>
where
    AnyTensor<T>: From<Tensor<T, N>>,
{
    fn put_back<const M: usize>(
        self,
        verb: impl FnOnce(Tensor<T, N>) -> Given<T, N, M>,
    ) -> Result<Tensor<T, M>, TensorError> {
        verb(self.tensor).map_err(|refused| {
            self.back.set(Some(refused.owner.into()));
            refused.error
        })
    }

    pub(crate) fn shape(&self) -> &[usize; N] {
        self.tensor.shape()
    }

    pub(crate) fn try_slice<S, const M: usize>(self, spec: S) -> Result<Tensor<T, M>, TensorError>
    where
        S: SliceSpec<N, M>,
    {
        self.put_back(|t| t.try_into_sliced(spec))
    }

    pub(crate) fn try_select<const M: usize>(
        self,
        axis: usize,
        index: usize,
    ) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.put_back(|t| t.try_into_selected(axis, index))
    }

    pub(crate) fn try_narrow(
        self,
        axis: usize,
        range: impl SliceRange,
    ) -> Result<Tensor<T, N>, TensorError> {
        self.put_back(|t| t.try_into_narrowed(axis, range))
    }

    pub(crate) fn permute_axes(self, axes: [usize; N]) -> Result<Tensor<T, N>, TensorError> {
        self.put_back(|t| t.into_permuted(axes))
    }

    pub(crate) fn transpose(self) -> Tensor<T, N> {
        self.tensor.into_transposed()
    }

    pub(crate) fn try_flip(self, axis: usize) -> Result<Tensor<T, N>, TensorError> {
        self.put_back(|t| t.try_into_flipped(axis))
    }

    pub(crate) fn reshape<const M: usize>(
        self,
        shape: [usize; M],
    ) -> Result<Tensor<T, M>, TensorError> {
        self.put_back(|t| t.into_reshaped(shape))
    }

    pub(crate) fn flatten(self) -> Result<Tensor<T, 1>, TensorError> {
        self.put_back(Tensor::into_flattened)
    }

    pub(crate) fn try_insert_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        self.put_back(|t| t.try_into_inserted_axis(axis))
    }

    pub(crate) fn try_remove_axis<const M: usize>(
        self,
        axis: usize,
    ) -> Result<Tensor<T, M>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.put_back(|t| t.try_into_removed_axis(axis))
    }

    // What gives several parts has no such form; programs do not ask for it.

    pub(crate) fn try_split_at(
        self,
        _: usize,
        _: usize,
    ) -> Result<(Tensor<T, N>, Tensor<T, N>), TensorError> {
        unreachable!()
    }

    pub(crate) fn try_chunks(self, _: usize, _: usize) -> Result<Empty<Tensor<T, N>>, TensorError> {
        unreachable!()
    }

    pub(crate) fn try_tiles(self, _: [usize; N]) -> Result<Empty<Tile<T, N>>, TensorError> {
        unreachable!()
    }

    pub(crate) fn try_axis_iter<const M: usize>(
        self,
        _: usize,
    ) -> Result<Empty<Tensor<T, M>>, TensorError>
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        unreachable!()
    }
}
