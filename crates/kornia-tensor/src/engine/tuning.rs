//! The sizes at which the engine changes its ways, in one place.
//!
//! Tests run with others, so small that every way is taken by what Miri can follow. That choice is
//! made here and nowhere else: no code of the engine asks whether it is tested.

#![forbid(unsafe_code)]

/// Sizes in bytes, as they were measured to pay.
#[derive(Debug)]
pub(crate) struct Tuning {
    /// What a part of a job reads and writes, where that can be chosen: some tens of microseconds of
    /// work, so that no thread waits long for another, and far more than it costs to hand out a part.
    pub(crate) part_bytes: usize,
    /// From how many bytes on, read and written, a second thread helps with what is done as fast as
    /// memory is: copies, fills, conversions, sums.
    ///
    /// Two cores of a Xeon with 2.5 MiB of second-level cache each: 256 KiB take up to twice as long
    /// with a second thread, 512 KiB to 1 MiB between 0.6 and 1.6 times faster, 2 MiB 1.3 to 2.8
    /// times, 40 MiB and more 1.7 to 2 times. Fresh memory gains as much, from page faults alone.
    pub(crate) memory_bytes: usize,
    /// The same for closures of which it was said that they may run on several threads, so that they
    /// are likely to be worth it: the cheapest one (bytes in place) gained 1.4 times at 512 KiB, and
    /// lost half at 256 KiB; with `powf`, 1 MiB is 2 ms of work.
    pub(crate) closure_bytes: usize,
    /// Rows of fewer bytes are not streamed: the lines they share with their neighbours cost too much.
    pub(crate) streamed_row_bytes: usize,
    /// Results of at least so many bytes are streamed, and found in memory by whoever reads them next.
    /// Where the last cache is as fast as memory is slow, that is worth it only for results that do
    /// not fit there.
    pub(crate) streamed_bytes: usize,
    /// The same where the last cache is slow, as with Intel's processors that have AVX-512: writing
    /// and then reading 4 MiB takes 0.9, 12 MiB 0.8 of the time that it takes through the caches.
    #[cfg_attr(
        not(all(target_arch = "x86_64", not(miri))),
        allow(dead_code, reason = "nobody asks about caches there")
    )]
    pub(crate) streamed_bytes_slow_cache: usize,
    /// Whether a team that is wanted is waited for. Tests run side by side, and would keep each other
    /// from what they are there to see.
    #[cfg_attr(
        not(feature = "rayon"),
        allow(dead_code, reason = "there are no teams")
    )]
    pub(crate) waits_for_team: bool,
}

#[cfg_attr(test, allow(dead_code, reason = "tests run with other sizes"))]
const MEASURED: Tuning = Tuning {
    part_bytes: 256 << 10,
    memory_bytes: 2 << 20,
    closure_bytes: 512 << 10,
    streamed_row_bytes: 2048,
    // Elsewhere there are no streaming stores.
    streamed_bytes: if cfg!(all(target_arch = "x86_64", not(miri))) {
        16 << 20
    } else {
        usize::MAX
    },
    streamed_bytes_slow_cache: 4 << 20,
    waits_for_team: false,
};

/// The sizes in force.
#[cfg(not(test))]
pub(crate) const TUNING: Tuning = MEASURED;

/// The sizes in force.
#[cfg(test)]
pub(crate) const TUNING: Tuning = Tuning {
    part_bytes: 512,
    memory_bytes: 1024,
    closure_bytes: 1024,
    streamed_row_bytes: 128,
    streamed_bytes: 2048,
    streamed_bytes_slow_cache: 2048,
    waits_for_team: true,
};
