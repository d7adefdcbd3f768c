//! A promise as a value.
//!
//! Layouts are made without `unsafe`, in a folder that has none. Where one of them rests on what
//! its maker knows, and is not checked again because that would cost more than the work itself, the
//! maker hands over a [`Promised`], which cannot be made without `unsafe`. So whoever looks for promises
//! finds all of them under that word. It stands here because no room below may have `unsafe` either.

/// Stands for a promise that its maker has given about what it is passed along with.
pub(crate) struct Promised(());

impl Promised {
    /// # Safety
    ///
    /// What the receiver asks to be promised is true.
    #[inline(always)]
    pub(crate) const unsafe fn new() -> Self {
        Self(())
    }
}
