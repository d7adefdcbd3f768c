//! The pool: blocks come back, go out again, and are never anyone else's meanwhile.
//!
//! ```text
//! cargo test --test pool
//! cargo +nightly miri test --test pool
//! TSAN_OPTIONS=allocator_may_return_null=1 RUSTFLAGS=-Zsanitizer=thread \
//!     cargo +nightly test -Zbuild-std --target x86_64-unknown-linux-gnu --test pool
//! ```

#[path = "../common/mod.rs"]
mod common;
#[path = "../random/config.rs"]
mod config;

mod cap;
mod contents;
mod ends;
mod program;
mod reuse;
mod waits;
mod writer;

use kornia_tensor::{Pool, PoolBuilder, Tensor};

/// A pool for the small blocks of tests.
fn small() -> PoolBuilder {
    Pool::builder().min_bytes(1)
}

/// `len` bytes of zeros in memory of the pool.
#[track_caller]
fn bytes(pool: &Pool, len: usize) -> Tensor<u8, 1> {
    Tensor::zeros_in([len], pool.handle())
}
