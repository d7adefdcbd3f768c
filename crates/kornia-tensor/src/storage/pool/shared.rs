//! Taking, giving back, waiting and closing.
//!
//! The lock is never held while memory is asked for or freed. What is taken is memory; `block` makes
//! of it what a tensor holds.

#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::sync::atomic::Ordering::Relaxed;

use super::classes::class_of;
use super::monitor::{AtomicBool, Monitor};
use super::options::{PoolBuilder, PoolStats, WhenFull};
use super::state::State;

use crate::error::TensorAllocatorError;
use crate::storage::resource::{HostResource, MemoryResource};

/// Memory that was asked for.
pub(super) enum Taken {
    /// Not of the pool: too small to be worth it.
    Plain(HostResource),
    /// A block on loan, at least as large as the request. [`Shared::give_back`] takes it again.
    Lent(HostResource),
}

/// A pool as its blocks know it.
pub(super) struct Shared {
    pub(super) options: PoolBuilder,
    /// Set once, under the lock: certain for whoever holds that, a snapshot for others.
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

    /// Memory for `request`, contents unspecified.
    pub(super) fn take(&self, request: Layout) -> Result<Taken, TensorAllocatorError> {
        if self.is_closed() {
            return Err(TensorAllocatorError::PoolClosed);
        }
        if request.size() == 0 || request.size() < self.options.min_bytes {
            let block = HostResource::uninit(request.align_to(self.options.align)?)?;
            return Ok(Taken::Plain(block));
        }
        let class = class_of(request, self.options.align)?;
        if let Some(memory) = self.reuse_or_claim(class)? {
            return Ok(Taken::Lent(memory));
        }
        let given = HostResource::uninit(class);
        self.settle(class, given.is_ok());
        given.map(Taken::Lent)
    }

    /// An idle block, or the claim of one that the caller has to ask the system for.
    fn reuse_or_claim(&self, class: Layout) -> Result<Option<HostResource>, TensorAllocatorError> {
        // Declared before the lock is taken, and so freed after it is let go.
        let mut evicted = Vec::new();
        let mut state = self.state.lock();
        let mut wait = None;
        let outcome = loop {
            let ticket = wait.map(|(_, ticket)| ticket);
            if let Some(outcome) = self.try_now(&mut state, class, ticket, &mut evicted) {
                break outcome;
            }
            let WhenFull::Wait(limit) = self.options.when_full else {
                break Err(self.exhausted(&state, class));
            };
            let until = match wait {
                Some((until, _)) => until,
                None => self.state.deadline(limit),
            };
            if self.state.has_passed(until) {
                break Err(TensorAllocatorError::PoolTimedOut {
                    requested: class.size(),
                    live: state.bytes_out(),
                    waited: limit,
                });
            }
            if wait.is_none() {
                wait = Some((until, state.queue_up()));
            }
            state = self.state.wait(state, until);
        };
        if let Some((_, ticket)) = wait {
            state.leave(ticket);
        }
        // Whoever comes next may be served now, too: there may be room for several, or what kept them
        // waiting was this one, who gave up.
        let news = wait.is_some() && state.is_waited_for();
        drop(state);
        if news {
            self.state.notify_all();
        }
        outcome
    }

    /// What comes of a request without waiting; `None` if it may be worth waiting.
    fn try_now(
        &self,
        state: &mut State,
        class: Layout,
        ticket: Option<u64>,
        evicted: &mut Vec<HostResource>,
    ) -> Option<Result<Option<HostResource>, TensorAllocatorError>> {
        let (size, cap) = (class.size(), self.options.byte_cap);
        if self.is_closed() {
            return Some(Err(TensorAllocatorError::PoolClosed));
        }
        if state.is_next(ticket) {
            if let Some(block) = state.reuse(class) {
                return Some(Ok(Some(block)));
            }
            if state.has_room(size, cap) || self.options.when_full == WhenFull::Allocate {
                return Some(state.claim(class, cap, evicted).map(|()| None));
            }
        }
        (size > cap).then(|| Err(self.exhausted(state, class)))
    }

    fn exhausted(&self, state: &State, class: Layout) -> TensorAllocatorError {
        TensorAllocatorError::PoolExhausted {
            requested: class.size(),
            live: state.bytes_out(),
            cap: self.options.byte_cap,
        }
    }

    fn settle(&self, class: Layout, given: bool) {
        let mut state = self.state.lock();
        state.settle(class, given);
        let news = !given && state.is_waited_for();
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
        let news = state.is_waited_for();
        drop(state);
        if news {
            // All of them: which of those who sleep is the next in line is in the books alone.
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
