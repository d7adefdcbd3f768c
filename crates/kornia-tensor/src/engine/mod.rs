//! Moving and computing elements, at the speed of memory where memory is the limit.
//!
//! A call comes with operands (`operand.rs`): where elements lie and what may be done with them. `plan.rs`
//! simplifies their layouts together, `threads.rs` decides how many work on it, `copy.rs` moves
//! elements and `compute.rs` calls closures on them, `stream.rs` takes large results past the caches,
//! and `wide.rs` runs the innermost loop with the widest instructions of the machine. `element.rs` says
//! which types are plain numbers, and `cursor.rs` visits elements one by one.
//!
//! The engine knows storages, layouts and fresh memory, and no tensors: those know it. Every promise
//! that the compiler cannot check is an `unsafe fn`, or a field with an invariant that an
//! `unsafe fn new` establishes; to find them all, search this folder for `unsafe`.

#[allow(unsafe_code)]
pub(crate) mod compute;
#[allow(unsafe_code)]
pub(crate) mod copy;
#[allow(unsafe_code)]
pub(crate) mod cursor;
#[allow(unsafe_code)]
pub(crate) mod element;
#[allow(unsafe_code)]
pub(crate) mod operand;
pub(crate) mod plan;
#[allow(unsafe_code)]
pub(crate) mod stream;
#[allow(unsafe_code)]
pub(crate) mod threads;
mod tuning;
#[allow(unsafe_code)]
pub(crate) mod wide;
