//! What a pool promises while the system is still looking for memory: a block that was asked for
//! counts under the cap before it is there.
//!
//! The global allocator of this binary stops one thread in the middle of its request.
#![cfg(not(miri))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;
use std::thread;

use kornia_tensor::{Pool, Tensor, TensorAllocatorError, TensorError, WhenFull};

/// Bytes of the block whose request is stopped.
const LARGE: usize = 1 << 20;

thread_local! {
    /// Whether requests of this thread are stopped.
    static STOPS: Cell<bool> = const { Cell::new(false) };
}

/// Where the stopped thread is met: once when it has arrived, once to let it go.
static GATE: Barrier = Barrier::new(2);

struct Stopping;

// SAFETY: all requests go to the system's allocator as they are.
unsafe impl GlobalAlloc for Stopping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == LARGE && STOPS.get() {
            GATE.wait();
            GATE.wait();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Stopping = Stopping;

#[test]
fn a_block_counts_under_the_cap_before_the_system_has_given_it() {
    let pool = Pool::builder()
        .byte_cap(LARGE + LARGE / 2)
        .when_full(WhenFull::Fail)
        .build()
        .unwrap();
    let worker = {
        let pool = pool.clone();
        thread::spawn(move || {
            STOPS.set(true);
            let frame = Tensor::<u8, 1>::zeros_in([LARGE], pool.handle());
            STOPS.set(false);
            frame
        })
    };
    GATE.wait(); // the worker has its claim, and no memory yet
    assert_eq!((pool.stats().bytes_live, pool.stats().misses), (0, 0));
    let refused = Tensor::<u8, 1>::try_zeros_in([LARGE], pool.handle());
    assert_eq!(
        refused.map(|_| ()),
        Err(TensorError::from(TensorAllocatorError::PoolExhausted {
            requested: LARGE,
            live: LARGE,
            cap: LARGE + LARGE / 2,
        }))
    );
    GATE.wait();
    let frame = worker.join().unwrap();
    assert_eq!(pool.stats().bytes_live, LARGE);
    drop(frame);
    assert_eq!(pool.stats().high_water, LARGE, "never more than the cap");
}
