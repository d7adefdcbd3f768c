//! Iterators over elements and rows, in row-major order of the indices.
//!
//! All know their length and run from both ends. Over contiguous elements they are the
//! iterators of a slice.

mod elements;
mod rows;

pub use elements::{IndexedIter, Iter, IterMut};
pub use rows::{Rows, RowsMut};
