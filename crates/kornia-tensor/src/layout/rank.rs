//! The number of axes, as something the type system can count with.
//!
//! Stable Rust cannot write `Tensor<T, { N - 1 }>`. It can infer `M` from
//! `Nat<N>: Pred<Prev = Nat<M>>`, and that is how `select`, `slice` and their kin know
//! the rank of what they return. One line per rank, up to 8.

/// The number `N` as a type.
///
/// Has no values that anybody needs; it carries [`Succ`] and [`Pred`].
///
/// ```
/// use kornia_tensor::{Nat, Pred, Succ};
///
/// fn same<T>(_: fn() -> T, _: fn() -> T) {}
/// fn next<const N: usize>() -> fn() -> <Nat<N> as Succ>::Next
/// where
///     Nat<N>: Succ,
/// {
///     || unreachable!()
/// }
/// fn prev<const N: usize>() -> fn() -> <Nat<N> as Pred>::Prev
/// where
///     Nat<N>: Pred,
/// {
///     || unreachable!()
/// }
///
/// same(next::<2>(), prev::<4>()); // both are Nat<3>
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nat<const N: usize>;

/// What follows `Nat<8>`; no tensor has it as its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorsHaveAtMost8Axes {}

mod sealed {
    /// Only this file says which numbers are neighbours.
    pub trait Sealed {}
}

impl<const N: usize> sealed::Sealed for Nat<N> {}
impl sealed::Sealed for TensorsHaveAtMost8Axes {}

/// A rank to which an axis can be added.
///
/// `Nat<2>: Succ<Next = Nat<3>>`. Sealed; implemented for the ranks 0 to 8, where the
/// successor of 8 is no rank, so that adding a ninth axis does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the rank of a tensor: tensors have at most 8 axes",
    label = "this would need more than 8 axes",
    note = "merge axes with `reshape` first, or keep the extra axis outside the tensor"
)]
pub trait Succ: sealed::Sealed {
    /// The rank with one axis more.
    type Next: Succ;
}

/// A rank from which an axis can be taken.
///
/// `Nat<3>: Pred<Prev = Nat<2>>`. Sealed; implemented for the ranks 1 to 8.
#[diagnostic::on_unimplemented(
    message = "a tensor of rank `{Self}` has no axis to give up",
    label = "needs a rank from 1 to 8",
    note = "tensors have at most 8 axes, and one of rank 0 has none"
)]
pub trait Pred: sealed::Sealed {
    /// The rank with one axis less.
    type Prev: sealed::Sealed;
}

#[rustfmt::skip]
mod ranks {
    use super::{Nat, Pred, Succ, TensorsHaveAtMost8Axes};

    impl Succ for Nat<0> { type Next = Nat<1>; }
    impl Succ for Nat<1> { type Next = Nat<2>; }
    impl Succ for Nat<2> { type Next = Nat<3>; }
    impl Succ for Nat<3> { type Next = Nat<4>; }
    impl Succ for Nat<4> { type Next = Nat<5>; }
    impl Succ for Nat<5> { type Next = Nat<6>; }
    impl Succ for Nat<6> { type Next = Nat<7>; }
    impl Succ for Nat<7> { type Next = Nat<8>; }
    impl Succ for Nat<8> { type Next = TensorsHaveAtMost8Axes; }
    impl Succ for TensorsHaveAtMost8Axes { type Next = TensorsHaveAtMost8Axes; }

    impl Pred for Nat<1> { type Prev = Nat<0>; }
    impl Pred for Nat<2> { type Prev = Nat<1>; }
    impl Pred for Nat<3> { type Prev = Nat<2>; }
    impl Pred for Nat<4> { type Prev = Nat<3>; }
    impl Pred for Nat<5> { type Prev = Nat<4>; }
    impl Pred for Nat<6> { type Prev = Nat<5>; }
    impl Pred for Nat<7> { type Prev = Nat<6>; }
    impl Pred for Nat<8> { type Prev = Nat<7>; }
}
