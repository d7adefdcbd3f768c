//! A stream that cannot claim to have read more than it was asked for.
//!
//! The crate `zip` and the standard library believe what a stream says, and panic where it is too
//! much.

#![forbid(unsafe_code)]

use std::io::{self, Read, Seek, SeekFrom};

use crate::engine::element::read::claims_too_much;

/// A stream, whose claims are looked at.
pub(super) struct Checked<R>(pub(super) R);

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room)? {
            read if read > room.len() => Err(claims_too_much(read, room.len())),
            read => Ok(read),
        }
    }
}

impl<R: Seek> Seek for Checked<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
