//! The books of a pool: what is idle, what is live, what is on its way.
//!
//! Plain bookkeeping, always under the lock. Nothing here calls the system allocator for a
//! block or frees one: blocks to be freed are handed to the caller, who lets go of the lock
//! first.

#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::collections::VecDeque;

use super::options::PoolStats;
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
    /// The tickets of those who wait, in the order they came.
    queue: VecDeque<u64>,
    /// The last ticket that was given out.
    ticket: u64,
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

    /// Gets in line, behind all who wait already.
    pub(super) fn queue_up(&mut self) -> u64 {
        self.ticket += 1;
        self.queue.push_back(self.ticket);
        self.ticket
    }

    /// Gets out of line.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.queue.retain(|&other| other != ticket);
    }

    /// Whether it is the turn of the holder of this ticket, or of somebody without one. Nobody is
    /// overtaken: what others took would be missing when a large block comes to be put together.
    pub(super) fn is_next(&self, ticket: Option<u64>) -> bool {
        self.queue.front().copied() == ticket || self.queue.is_empty()
    }

    /// Whether somebody waits for news.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.queue.is_empty()
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
        if class.idle.try_reserve(class.out + 1).is_err() {
            self.forget_if_unused(index);
            return Err(refused());
        }
        class.out += 1; // Q4: there is room for it to come back
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
        } else if let Some(index) = self.classes.iter().position(|c| c.layout == layout) {
            self.classes[index].out -= 1;
            self.forget_if_unused(index);
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
        let Some(index) = self.classes.iter().position(|c| c.layout == layout) else {
            return Some(block);
        };
        self.classes[index].out -= 1;
        if !keep {
            self.forget_if_unused(index);
            return Some(block);
        }
        let class = &mut self.classes[index];
        self.clock += 1;
        let since = self.clock;
        class.idle.push_back(Idle { since, block }); // Q4: there is room
        self.stats.blocks_idle += 1;
        self.stats.bytes_idle += layout.size();
        None
    }

    /// Takes out what has been idle longest.
    pub(super) fn evict(&mut self) -> Option<HostResource> {
        let idle = self.classes.iter().enumerate();
        let (_, oldest) = idle
            .filter_map(|(index, class)| Some((class.idle.front()?.since, index)))
            .min()?;
        let Idle { block, .. } = self.classes[oldest].idle.pop_front()?;
        self.forget_if_unused(oldest);
        self.no_longer_idle(block.layout());
        Some(block)
    }

    /// Drops a class without blocks, so that the list is as long as there are sizes in use, and
    /// not as there ever were.
    fn forget_if_unused(&mut self, index: usize) {
        let class = &self.classes[index];
        if class.out == 0 && class.idle.is_empty() {
            self.classes.swap_remove(index);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_sizes_is_as_long_as_there_are_sizes_in_use() {
        let mut state = State::default();
        let mut evicted = Vec::new();
        let layout = |nth: usize| Layout::from_size_align(64 * (nth + 1), 1).unwrap();
        for nth in 0..100 {
            state.claim(layout(nth), 1000, &mut evicted).unwrap();
            state.settle(layout(nth), nth % 10 > 0);
            if nth % 10 > 0 {
                let block = HostResource::uninit(layout(nth)).unwrap();
                evicted.extend(state.put(block, 1000, nth % 10 > 1));
            }
            assert!(state.classes.len() <= 15, "{nth}: {}", state.classes.len());
        }
        while state.evict().is_some() {}
        assert!(state.classes.is_empty());
        assert_eq!((state.stats.blocks_live, state.stats.blocks_idle), (0, 0));
    }
}
