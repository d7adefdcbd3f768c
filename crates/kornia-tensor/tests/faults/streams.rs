//! Streams with one fault, at the call that a test says.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

/// What goes wrong at one call, or from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Fails, and works again.
    Once(ErrorKind),
    /// Fails, and so does every call after it.
    Forever(ErrorKind),
    /// Is interrupted, as by a signal; the next call works.
    Interrupted,
    /// Moves a single byte, and so does every call after it.
    OneByte,
    /// Moves nothing, and says so.
    Nothing,
    /// Moves nothing, and says that it moved more than it was asked to.
    TooMuch,
    /// A seek says that it went elsewhere than it did.
    WrongPlace(u64),
    /// Every seek to the end from here on says this.
    WrongEnd(u64),
    /// Panics.
    Panics,
}

pub(crate) const FAULTS: [Fault; 13] = [
    Fault::Once(ErrorKind::StorageFull),
    Fault::Once(ErrorKind::Other),
    Fault::Once(ErrorKind::QuotaExceeded),
    Fault::Forever(ErrorKind::BrokenPipe),
    Fault::Interrupted,
    Fault::OneByte,
    Fault::Nothing,
    Fault::TooMuch,
    Fault::WrongPlace(0),
    Fault::WrongPlace(u64::MAX),
    Fault::WrongEnd(3),
    Fault::WrongEnd(u64::MAX),
    Fault::Panics,
];

impl Fault {
    /// Whether whoever uses the stream has to come to the same end as without the fault.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Self::Interrupted | Self::OneByte)
    }

    /// Whether it must not go unnoticed.
    pub(crate) fn is_fatal(self) -> bool {
        matches!(self, Self::Once(_) | Self::Forever(_) | Self::Panics)
    }
}

/// The payload of panics that are part of a test; no hook sees them.
pub(crate) struct Injected;

/// A fault and the call at which it strikes; knows how many calls there were.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    pub(crate) at: usize,
    calls: Rc<Cell<usize>>,
    struck: Rc<Cell<bool>>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at call {}", self.fault, self.at)
    }
}

impl Plan {
    pub(crate) fn new(fault: Fault, at: usize) -> Self {
        Self {
            fault,
            at,
            calls: Rc::default(),
            struck: Rc::default(),
        }
    }

    /// A stream without a fault.
    pub(crate) fn none() -> Self {
        Self::new(Fault::Interrupted, usize::MAX)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.get()
    }

    /// Whether the fault was there.
    pub(crate) fn has_struck(&self) -> bool {
        self.struck.get()
    }

    /// Counts a call, and does what the fault does to any call.
    fn call(&self, is_seek: bool) -> io::Result<Option<Fault>> {
        let call = self.calls.get();
        self.calls.set(call + 1);
        let now = match self.fault {
            Fault::Forever(_) | Fault::OneByte | Fault::WrongEnd(_) => call >= self.at,
            _ => call == self.at,
        };
        if !now {
            return Ok(None);
        }
        match self.fault {
            Fault::Once(kind) | Fault::Forever(kind) => {
                self.struck.set(true);
                Err(kind.into())
            }
            // Seeks are not interrupted.
            Fault::Interrupted if is_seek => Ok(None),
            Fault::Interrupted => Err(ErrorKind::Interrupted.into()),
            Fault::Panics => {
                self.struck.set(true);
                std::panic::resume_unwind(Box::new(Injected))
            }
            fault => Ok(Some(fault)),
        }
    }
}

/// Bytes behind a plan.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) bytes: Cursor<Vec<u8>>,
    pub(crate) plan: Plan,
    /// Whether it says that it cannot seek, as a pipe.
    pub(crate) pipe: bool,
}

impl Stream {
    pub(crate) fn new(bytes: Vec<u8>, plan: &Plan) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            plan: plan.clone(),
            pipe: false,
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_inner()
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.plan.call(false)? {
            Some(Fault::OneByte) => {
                let one = bytes.len().min(1);
                self.bytes.read(&mut bytes[..one])
            }
            Some(Fault::Nothing) => Ok(0),
            // To say too much breaks the contract of `Read`; the standard library may panic.
            _ => self.bytes.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.plan.call(false)? {
            Some(Fault::OneByte) => self.bytes.write(&bytes[..bytes.len().min(1)]),
            Some(Fault::Nothing) => Ok(0),
            Some(Fault::TooMuch) => Ok(bytes.len() + 1),
            _ => self.bytes.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.plan.call(false).map(drop)
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let fault = self.plan.call(true)?;
        if self.pipe {
            return Err(ErrorKind::NotSeekable.into());
        }
        let place = self.bytes.seek(to)?;
        Ok(match fault {
            Some(Fault::WrongPlace(wrong)) => wrong,
            Some(Fault::WrongEnd(wrong)) if matches!(to, SeekFrom::End(_)) => wrong,
            _ => place,
        })
    }
}
