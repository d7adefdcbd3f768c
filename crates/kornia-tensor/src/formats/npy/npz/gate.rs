//! The stream behind an archive, which keeps its errors to itself.
//!
//! The writer of the crate `zip` finishes its archive when it is dropped, and does not survive every
//! error of its stream, or a panic: it panics itself, or prints. So it never sees one. After the
//! first trouble the gate is shut: what is written goes nowhere and counts as written, and the
//! trouble waits until it can be told past zip's writer.

use std::any::Any;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Beyond what a system can address in a file; whoever goes there lies.
const FURTHEST: u64 = i64::MAX as u64;

/// One of two handles to a stream: zip's writer has one, and `NpzWriter` the other.
pub(super) struct Gate<W>(Arc<Mutex<Stream<W>>>);

struct Stream<W> {
    /// `None` once it was given back.
    writer: Option<W>,
    /// Whether bytes still reach the writer.
    open: bool,
    /// Why they do not, until somebody asks.
    trouble: Option<Trouble>,
    position: u64,
    /// The furthest that the stream reaches.
    end: u64,
}

enum Trouble {
    Error(io::Error),
    Panic(Box<dyn Any + Send>),
}

impl<W> Clone for Gate<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W> Gate<W> {
    fn lock(&self) -> MutexGuard<'_, Stream<W>> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nothing through any more.
    pub(super) fn shut(&self) {
        self.lock().open = false;
    }

    /// The error that has shut the gate, or the panic; only the first who asks gets it.
    pub(super) fn settle(&self) -> io::Result<()> {
        let trouble = self.lock().trouble.take();
        match trouble {
            None => Ok(()),
            Some(Trouble::Error(error)) => Err(error),
            Some(Trouble::Panic(payload)) => resume_unwind(payload),
        }
    }

    /// The writer, for good.
    pub(super) fn take_writer(&self) -> Option<W> {
        let mut stream = self.lock();
        stream.open = false;
        stream.writer.take()
    }
}

impl<W: Write + Seek> Gate<W> {
    /// A gate before this stream, and whether the stream can go back.
    pub(super) fn new(writer: W) -> (Self, bool) {
        let mut stream = Stream {
            writer: Some(writer),
            open: true,
            trouble: None,
            position: 0,
            end: 0,
        };
        let mut seekable = true;
        let position = stream.attempt(|writer| match writer.stream_position() {
            Err(error) if cannot_seek(&error) => {
                seekable = false;
                Ok(0)
            }
            Ok(position) if position > FURTHEST => Err(io::Error::other(format!(
                "the stream says that it is at byte {position}"
            ))),
            other => other,
        });
        stream.position = position.unwrap_or(0);
        stream.end = stream.position;
        (Self(Arc::new(Mutex::new(stream))), seekable)
    }

    /// Lets the stream bring on what it keeps in a buffer.
    pub(super) fn flush_through(&self) {
        self.lock().attempt(Write::flush);
    }
}

/// Whether the stream says that it is a pipe, and not that something went wrong.
fn cannot_seek(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotSeekable | ErrorKind::Unsupported
    )
}

impl<W: Write + Seek> Stream<W> {
    /// Calls a method of the writer until it is not interrupted. `None` if the gate is shut, or
    /// is now.
    fn attempt<R>(&mut self, mut call: impl FnMut(&mut W) -> io::Result<R>) -> Option<R> {
        let writer = self.writer.as_mut().filter(|_| self.open)?;
        let result = catch_unwind(AssertUnwindSafe(|| {
            loop {
                match call(writer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    other => break other,
                }
            }
        }));
        let trouble = match result {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => Trouble::Error(error),
            Err(payload) => Trouble::Panic(payload),
        };
        (self.open, self.trouble) = (false, Some(trouble));
        None
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let written = self.attempt(|writer| match writer.write(bytes)? {
            0 if !bytes.is_empty() => Err(ErrorKind::WriteZero.into()),
            written if written > bytes.len() => Err(io::Error::other(format!(
                "the stream says that it wrote {written} of {} bytes",
                bytes.len()
            ))),
            written => Ok(written),
        });
        let written = written.unwrap_or(bytes.len());
        self.move_to(self.position.saturating_add(written as u64));
        written
    }

    fn seek(&mut self, to: SeekFrom) -> u64 {
        let end = self.end;
        // The end is the stream's to say, because it may have been longer before.
        let expected = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => self.position.saturating_add_signed(by),
            SeekFrom::End(by) => end.saturating_add_signed(by),
        };
        let found = match to {
            SeekFrom::Current(0) => None,
            _ => self.attempt(|writer| {
                let found = writer.seek(to)?;
                let longer =
                    matches!(to, SeekFrom::End(_)) && (expected..FURTHEST).contains(&found);
                if found == expected || longer {
                    return Ok(found);
                }
                Err(io::Error::other(format!(
                    "the stream went to byte {found} where {expected} was asked for"
                )))
            }),
        };
        let position = found.unwrap_or(expected);
        if position > expected {
            self.end = end.saturating_add(position - expected);
        }
        self.move_to(position);
        position
    }

    fn move_to(&mut self, position: u64) {
        self.position = position;
        self.end = self.end.max(position);
    }
}

/// What is never an error, as zip's writer sees it.
impl<W: Write + Seek> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write + Seek> Seek for Gate<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Ok(self.lock().seek(to))
    }
}
