//! Where memory lives: errors name it, storages have it.

/// Where memory lives, and so who can reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryDomain {
    /// Ordinary memory of the process.
    Host,
    /// Memory of an accelerator that the host cannot read.
    Device {
        /// Ordinal of the accelerator.
        id: i32,
    },
    /// Memory that the host and an accelerator both reach through one address.
    Unified {
        /// Ordinal of the accelerator.
        id: i32,
    },
}

impl MemoryDomain {
    /// Whether the host can read and write it.
    pub fn is_host_accessible(&self) -> bool {
        matches!(self, Self::Host | Self::Unified { .. })
    }

    /// Whether an accelerator can read and write it.
    pub fn is_device_accessible(&self) -> bool {
        matches!(self, Self::Device { .. } | Self::Unified { .. })
    }

    /// Ordinal of the accelerator; 0 for host memory.
    pub fn device_id(&self) -> i32 {
        match self {
            Self::Host => 0,
            Self::Device { id } | Self::Unified { id } => *id,
        }
    }
}
