//! Element types, with values of every pattern of bits.
#![allow(dead_code)] // each test file uses its own part

use std::fmt::Debug;

/// What an element type must do for a test of a format.
pub(crate) trait Element: Clone + Debug + Send + Sync + 'static {
    /// The element that these bits make.
    fn of(bits: u128) -> Self;

    /// The value that formats which know no other numbers can carry.
    fn finite(self) -> Self {
        self
    }

    /// Whether it is the very same value, NaNs and zeros included.
    fn is(&self, other: &Self) -> bool;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Element for $type {
            fn of(bits: u128) -> Self {
                bits as $type
            }

            fn is(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}

integers!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128);

impl Element for usize {
    /// What every machine and every format can hold.
    fn of(bits: u128) -> Self {
        bits as u32 as usize
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }
}

impl Element for isize {
    fn of(bits: u128) -> Self {
        bits as i32 as isize
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }
}

impl Element for f32 {
    fn of(bits: u128) -> Self {
        Self::from_bits(bits as u32)
    }

    fn finite(self) -> Self {
        if self.is_finite() { self } else { -0.0 }
    }

    fn is(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Element for f64 {
    fn of(bits: u128) -> Self {
        Self::from_bits(bits as u64)
    }

    fn finite(self) -> Self {
        if self.is_finite() { self } else { -0.0 }
    }

    fn is(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Element for bool {
    fn of(bits: u128) -> Self {
        bits & 1 == 1
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }
}

impl Element for String {
    fn of(bits: u128) -> Self {
        format!("{:x}", bits & 0xFFF).repeat((bits % 4) as usize)
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }
}
