//! Taking, giving back, waiting and closing.
//!
//! The lock is never held while memory is asked for or freed.

#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::block::PoolBlock;
use super::classes::class_of;
use super::monitor::{AtomicBool, Monitor};
use super::state::State;
use super::{PoolBuilder, PoolStats, WhenFull};
use crate::error::TensorAllocatorError;
use crate::storage::resource::{HostResource, MemoryResource};

/// A pool as its blocks know it.
pub(super) struct Shared {
    pub(super) options: PoolBuilder,
    /// Set once, under the lock, so who holds it knows; without it, a snapshot.
    closed: AtomicBool,
    state: Monitor<State>,
}

impl Shared {
    pub(super) fn new(options: PoolBuilder) -> Self {
        Self {
            options,
            closed: AtomicBool::new(false),
            state: Monitor::new(State::default()),
        }
    }

    /// A block for `request`, contents unspecified.
    pub(super) fn take(
        this: &Arc<Self>,
        request: Layout,
    ) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        let options = &this.options;
        if this.is_closed() {
            return Err(TensorAllocatorError::PoolClosed);
        }
        if request.size() == 0 || request.size() < options.min_bytes {
            let block = HostResource::uninit(request.align_to(options.align)?)?;
            return Ok(Box::new(block));
        }
        let class = class_of(request, options.align)?;
        let memory = match this.reuse_or_claim(class)? {
            Some(memory) => memory,
            None => {
                let given = HostResource::uninit(class);
                this.settle(class, given.is_ok());
                given?
            }
        };
        let block = PoolBlock::new(memory, request.size(), this.clone());
        Ok(Box::new(block))
    }

    /// An idle block, or the claim of one that the caller has to ask the system for.
    fn reuse_or_claim(&self, class: Layout) -> Result<Option<HostResource>, TensorAllocatorError> {
        let (size, cap) = (class.size(), self.options.byte_cap);
        // Declared before the lock is taken, and so freed after it is let go.
        let mut evicted = Vec::new();
        let mut deadline = None;
        let mut state = self.state.lock();
        loop {
            if self.is_closed() {
                return Err(TensorAllocatorError::PoolClosed);
            }
            if let Some(block) = state.reuse(class) {
                return Ok(Some(block));
            }
            if state.has_room(size, cap) || self.options.when_full == WhenFull::Allocate {
                state.claim(class, cap, &mut evicted)?;
                return Ok(None);
            }
            let (requested, live) = (size, state.bytes_out());
            let WhenFull::Wait(limit) = self.options.when_full else {
                return Err(TensorAllocatorError::PoolExhausted {
                    requested,
                    live,
                    cap,
                });
            };
            if size > cap {
                return Err(TensorAllocatorError::PoolExhausted {
                    requested,
                    live,
                    cap,
                });
            }
            let until = *deadline.get_or_insert_with(|| self.state.deadline(limit));
            if self.state.has_passed(until) {
                return Err(TensorAllocatorError::PoolTimedOut {
                    requested,
                    live,
                    waited: limit,
                });
            }
            state.waiting += 1;
            state = self.state.wait(state, until);
            state.waiting -= 1;
        }
    }

    fn settle(&self, class: Layout, given: bool) {
        let mut state = self.state.lock();
        state.settle(class, given);
        let news = !given && state.waiting > 0;
        drop(state);
        if news {
            self.state.notify_all();
        }
    }

    /// Takes a block back, on whichever thread its last tensor was dropped. Never panics, and
    /// allocates nothing (Q4).
    pub(super) fn give_back(&self, block: HostResource) {
        let mut state = self.state.lock();
        let surplus = state.put(block, self.options.byte_cap, !self.is_closed());
        let news = state.waiting > 0;
        drop(state);
        if news {
            // All of them: who wants a small block must not take the news from who wants a
            // large one, or the other way round.
            self.state.notify_all();
        }
        drop(surplus);
    }

    pub(super) fn trim_to(&self, bytes: usize) -> usize {
        let mut evicted = Vec::new();
        let mut state = self.state.lock();
        while state.stats().bytes_idle > bytes {
            let Some(block) = state.evict() else { break };
            evicted.push(block);
        }
        drop(state);
        evicted.iter().map(MemoryResource::len_bytes).sum()
    }

    pub(super) fn close(&self) {
        let state = self.state.lock();
        self.closed.store(true, Relaxed);
        drop(state);
        self.state.notify_all();
        self.trim_to(0);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(super) fn stats(&self) -> PoolStats {
        self.state.lock().stats()
    }

    #[cfg(loom)]
    pub(super) fn let_time_pass(&self) {
        self.state.let_time_pass();
    }
}
