//! The books of a pool: what is idle, what is live, what is on its way.
//!
//! Plain bookkeeping, always under the lock. Nothing here calls the system allocator for a
//! block or frees one: blocks to be freed are handed to the caller, who lets go of the lock
//! first.

#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::collections::VecDeque;

use super::PoolStats;
use crate::error::TensorAllocatorError;
use crate::storage::resource::HostResource;

/// Everything the lock guards.
#[derive(Default)]
pub(super) struct State {
    /// Found by layout: a pipeline has a few sizes, so looking through a list is quickest.
    classes: Vec<Class>,
    /// Q3: the bytes and blocks of `stats` are the sums over what is idle and what is out,
    /// except that claims count only once they are settled.
    stats: PoolStats,
    /// Bytes claimed for blocks that the system has not given yet.
    claimed: usize,
    /// Counts returns, so that idle blocks know their age.
    clock: u64,
    /// Threads that wait for news.
    pub(super) waiting: usize,
}

/// Blocks that can stand for each other.
struct Class {
    layout: Layout,
    /// Q4: blocks with exactly this layout, in the order they came back; there is room for
    /// `out` more, so that giving one back never allocates.
    idle: VecDeque<Idle>,
    /// Blocks that are live or claimed.
    out: usize,
}

struct Idle {
    since: u64,
    block: HostResource,
}

impl State {
    pub(super) fn stats(&self) -> PoolStats {
        self.stats
    }

    /// Bytes that no trimming can free.
    pub(super) fn bytes_out(&self) -> usize {
        self.stats.bytes_live + self.claimed
    }

    /// Whether `size` more bytes may be out at a time.
    pub(super) fn has_room(&self, size: usize, cap: usize) -> bool {
        let out = self.bytes_out().checked_add(size);
        out.is_some_and(|out| out <= cap)
    }

    /// Whether idle blocks are over what they may have, with `size` more bytes held.
    fn is_crowded(&self, size: usize, cap: usize) -> bool {
        let held = self.bytes_out() + self.stats.bytes_idle;
        held.checked_add(size).is_none_or(|held| held > cap)
    }

    /// The idle block of this layout that came back last.
    pub(super) fn reuse(&mut self, layout: Layout) -> Option<HostResource> {
        let class = self.classes.iter_mut().find(|c| c.layout == layout)?;
        let Idle { block, .. } = class.idle.pop_back()?;
        class.out += 1;
        self.no_longer_idle(layout);
        self.stats.hits += 1;
        self.now_live(layout);
        Some(block)
    }

    /// Announces a block of this layout that is about to be asked of the system, and takes
    /// idle blocks out until it fits under the cap, as far as that is possible.
    pub(super) fn claim(
        &mut self,
        layout: Layout,
        cap: usize,
        evicted: &mut Vec<HostResource>,
    ) -> Result<(), TensorAllocatorError> {
        let size = layout.size();
        let refused = || {
            TensorAllocatorError::AllocationFailed(format!(
                "{size} bytes more than the pool can count; use a smaller shape"
            ))
        };
        // So that no sum of what is held can overflow.
        let held = self.bytes_out() + self.stats.bytes_idle;
        held.checked_add(size).ok_or_else(refused)?;
        let found = self.classes.iter().position(|c| c.layout == layout);
        let index = found.unwrap_or(self.classes.len());
        if found.is_none() {
            self.classes.push(Class {
                layout,
                idle: VecDeque::new(),
                out: 0,
            });
        }
        let class = &mut self.classes[index];
        let room = class.idle.try_reserve(class.out + 1); // Q4
        room.map_err(|_| refused())?;
        class.out += 1;
        while self.is_crowded(size, cap) {
            match self.evict() {
                Some(block) => evicted.push(block),
                None => break,
            }
        }
        self.claimed += size;
        Ok(())
    }

    /// Ends a claim: the system gave the block, or it did not.
    pub(super) fn settle(&mut self, layout: Layout, given: bool) {
        self.claimed -= layout.size();
        if given {
            self.stats.misses += 1;
            self.now_live(layout);
            let held = self.stats.bytes_live + self.stats.bytes_idle;
            self.stats.high_water = self.stats.high_water.max(held);
        } else if let Some(class) = self.classes.iter_mut().find(|c| c.layout == layout) {
            class.out -= 1;
        }
    }

    /// Takes a block back; gives it on to be freed if it is not to be kept, or the pool holds
    /// more than the cap.
    pub(super) fn put(
        &mut self,
        block: HostResource,
        cap: usize,
        keep: bool,
    ) -> Option<HostResource> {
        let layout = block.layout();
        let keep = keep && !self.is_crowded(0, cap);
        self.stats.blocks_live -= 1;
        self.stats.bytes_live -= layout.size();
        let Some(class) = self.classes.iter_mut().find(|c| c.layout == layout) else {
            return Some(block);
        };
        class.out -= 1;
        if !keep {
            return Some(block);
        }
        self.clock += 1;
        let since = self.clock;
        class.idle.push_back(Idle { since, block }); // Q4: there is room
        self.stats.blocks_idle += 1;
        self.stats.bytes_idle += layout.size();
        None
    }

    /// Takes out what has been idle longest.
    pub(super) fn evict(&mut self) -> Option<HostResource> {
        let oldest = self
            .classes
            .iter_mut()
            .filter(|class| !class.idle.is_empty())
            .min_by_key(|class| class.idle.front().map(|idle| idle.since))?;
        let Idle { block, .. } = oldest.idle.pop_front()?;
        self.no_longer_idle(block.layout());
        Some(block)
    }

    fn no_longer_idle(&mut self, layout: Layout) {
        self.stats.blocks_idle -= 1;
        self.stats.bytes_idle -= layout.size();
    }

    fn now_live(&mut self, layout: Layout) {
        self.stats.blocks_live += 1;
        self.stats.bytes_live += layout.size();
    }
}
