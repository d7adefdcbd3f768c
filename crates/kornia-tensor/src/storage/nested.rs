//! Owners that hold tensors whose owners hold tensors: dropped without recursion.
//!
//! Nothing keeps a program from giving a tensor an owner that has another tensor inside, and that
//! one an owner of the same kind, a million times. Dropped one inside the other they would overflow
//! the stack, so from some depth on they wait until those around them are done.

#![forbid(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};

/// How many owners are dropped one inside the other on a thread. Real programs nest two or three.
const DEEPEST: usize = 16;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Without a destructor, so that it is there for tensors in other thread-locals. Nothing is
    /// left in it: it is emptied by the drop that let it fill, and its memory freed.
    static WAITING: ManuallyDrop<RefCell<Vec<Box<dyn Any + Send>>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Drops an owner; at the latest when the outermost drop on this thread is done.
pub(super) fn release(owner: Box<dyn Any + Send>) {
    let depth = DEPTH.get();
    if depth == DEEPEST {
        return WAITING.with(|waiting| waiting.borrow_mut().push(owner));
    }
    DEPTH.set(depth + 1);
    // In this order also if the drop panics: the others first, then the depth as it was.
    let _depth = Restore(depth);
    let _others = (depth == 0).then_some(Others);
    drop(owner);
}

struct Restore(usize);

impl Drop for Restore {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Those that wait, dropped with it.
struct Others;

impl Drop for Others {
    fn drop(&mut self) {
        while let Some(owner) = WAITING.with(|waiting| waiting.borrow_mut().pop()) {
            let others = Others; // goes on if this one panics
            drop(owner);
            mem::forget(others);
        }
        drop(WAITING.with(|waiting| waiting.take()));
    }
}
