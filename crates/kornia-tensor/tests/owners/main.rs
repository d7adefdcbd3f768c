//! What owns the memory of a tensor, and that it is given back once, as it was taken.
//!
//! `drops` follows elements and blocks of every owner through their lives, `foreign` those that
//! belong to something else; `panics` does it while closures, clones and destructors panic;
//! `hostile` asks allocators that lie; `edges` has elements without size, ranks without axes and
//! shapes without end; `device` memory the host cannot reach.

#![allow(deprecated)] // names of 0.2.0 are tested too

#[path = "../common/mod.rs"]
mod common;

mod device;
mod drops;
mod edges;
mod foreign;
mod hostile;
mod panics;
