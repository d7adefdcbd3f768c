//! What a tensor holds of a pool.

use std::any::Any;
use std::ptr;
use std::sync::Arc;

use super::shared::Shared;
use crate::error::MemoryDomain;
use crate::storage::resource::{HostResource, MemoryResource};

/// A block on loan. Dropping it gives it back, on whichever thread.
pub(super) struct PoolBlock {
    /// Q1: `Some` until the drop. A block is a `HostResource`, which cannot be copied, so it is
    /// either in one `PoolBlock` or idle in its pool, and never handed out twice.
    memory: Option<HostResource>,
    /// Q2: what was asked for; the block, whose own layout goes with it, is at least as large.
    len: usize,
    shared: Arc<Shared>,
}

impl PoolBlock {
    /// Lends `memory` for a request of `len` bytes, which it is large enough for.
    pub(super) fn new(memory: HostResource, len: usize, shared: Arc<Shared>) -> Self {
        debug_assert!(len <= memory.len_bytes(), "Q2");
        let memory = Some(memory);
        Self {
            memory,
            len,
            shared,
        }
    }
}

// SAFETY: the block is writable host memory that lies still (H1) and belongs to this value alone
// until it is dropped (Q1), and it has `len` bytes (Q2). The answers are fields that never change,
// and the drop runs no code that panics.
unsafe impl MemoryResource for PoolBlock {
    fn as_ptr(&self) -> *mut u8 {
        match &self.memory {
            Some(memory) => memory.as_ptr(),
            None => ptr::null_mut(),
        }
    }

    /// What was asked for: the rest of the block is nobody's.
    fn len_bytes(&self) -> usize {
        self.len
    }

    fn domain(&self) -> MemoryDomain {
        MemoryDomain::Host
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for PoolBlock {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.shared.give_back(memory);
        }
    }
}
