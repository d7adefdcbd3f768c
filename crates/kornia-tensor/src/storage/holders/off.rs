//! Nothing is remembered, at no cost.

use crate::error::SharedWith;

/// What a handle remembers: nothing.
pub(crate) struct Holder;

/// Where something was made: nobody asks.
#[derive(Clone, Copy)]
pub(crate) struct Place;

impl Place {
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self
    }
}

impl Holder {
    #[inline(always)]
    pub(crate) fn first() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn another(&self) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn made_at(&mut self, _: Place) {}

    #[inline(always)]
    pub(crate) fn others(&self) -> SharedWith {
        SharedWith::default()
    }
}
