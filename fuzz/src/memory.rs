//! How much memory a thread takes. As in the tests of the crate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which writes down what each thread has taken.
pub struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

impl Counting {
    fn add(bytes: usize) {
        let taken = TAKEN.get().wrapping_add(bytes);
        TAKEN.set(taken);
        // What another thread took and this one gave back makes it negative.
        if taken < usize::MAX / 2 {
            MOST.set(MOST.get().max(taken));
        }
    }
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::add(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        TAKEN.set(TAKEN.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// The most bytes that `work` had taken at one time, beyond what there was.
pub fn most_taken<R>(work: impl FnOnce() -> R) -> (usize, R) {
    let before = TAKEN.get();
    MOST.set(before);
    let result = work();
    (MOST.get() - before, result)
}
