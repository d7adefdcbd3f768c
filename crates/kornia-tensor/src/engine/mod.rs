//! Moving and computing elements, at the speed of memory where memory is the limit.
//!
//! A call comes with pointers and layouts; `plan.rs` simplifies the layouts together, `threads.rs`
//! decides how many work on it, `copy.rs` moves elements and `compute.rs` calls closures on them,
//! `stream.rs` takes large results past the caches, and `wide.rs` runs the innermost loop with the
//! widest instructions of the machine. `element.rs` says which types are plain numbers.

#[allow(unsafe_code)]
pub(crate) mod compute;
#[allow(unsafe_code)]
pub(crate) mod copy;
#[allow(unsafe_code)]
pub(crate) mod element;
pub(crate) mod plan;
#[allow(unsafe_code)]
pub(crate) mod stream;
#[allow(unsafe_code)]
pub(crate) mod threads;
#[allow(unsafe_code)]
pub(crate) mod wide;
