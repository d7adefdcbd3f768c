//! Calls of the system, which tests can let fail.

use std::io;

/// Makes a call of the system.
#[cfg(not(test))]
#[inline]
pub(super) fn system<R>(call: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
    call()
}

/// Makes a call of the system, unless it is the one that a test lets fail.
#[cfg(test)]
pub(super) fn system<R>(call: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
    fault::now()?;
    call()
}

#[cfg(test)]
#[cfg_attr(miri, allow(dead_code, reason = "Miri has no files for its tests"))]
pub(super) mod fault {
    use std::cell::Cell;
    use std::io::{self, ErrorKind};

    thread_local! {
        static PLAN: Cell<Option<(usize, ErrorKind)>> = const { Cell::new(None) };
    }

    /// Lets the call fail that comes after so many others of this thread. Says afterwards whether
    /// there was such a call.
    pub(in super::super) fn at<R>(
        call: usize,
        kind: ErrorKind,
        work: impl FnOnce() -> R,
    ) -> (bool, R) {
        PLAN.set(Some((call, kind)));
        let result = work();
        (PLAN.take().is_none(), result)
    }

    pub(super) fn now() -> io::Result<()> {
        match PLAN.get() {
            Some((0, kind)) => {
                PLAN.set(None);
                Err(kind.into())
            }
            Some((calls, kind)) => {
                PLAN.set(Some((calls - 1, kind)));
                Ok(())
            }
            None => Ok(()),
        }
    }
}
