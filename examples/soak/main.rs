//! A camera pipeline for weeks, in minutes: 100,000 frames of 1080p through four stages on two
//! threads, in memory of a pool.
//!
//! ```text
//! cargo run --release --features soak --bin soak [-- --frames N] [--seed N] [--out DIR]
//! ```
//!
//! Every byte of every frame is written, and every frame carries a checksum of one cache line
//! in each of its 1519 pages, which is compared three times or more before the frame is dropped; for one
//! frame in 16 it is a checksum of every byte. A block that were in two hands at a time would be
//! written by both, and the sums would not agree. `pipeline` is the work, `frame` the pixels and
//! their sums, `watch` the memory of the process and the plot.

#![deny(unsafe_code)]

mod dice;
mod frame;
mod options;
mod pipeline;
mod watch;

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use kornia_tensor::{Pool, WhenFull};

use frame::FRAME_BYTES;
use options::Options;
use pipeline::Tally;
use watch::Watch;

/// Frames that the pool may hold, which is far more than are alive at a time.
const CAP: usize = 96;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was as promised.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    frame::assert_that_checks_notice();
    let pool = Pool::builder()
        .byte_cap(CAP * Pool::block_bytes(FRAME_BYTES))
        .when_full(WhenFull::Wait(Duration::from_secs(30)))
        .build()?;
    let progress = ProgressBar::new(options.frames).with_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} frames, {per_sec}, {eta} left  {msg}",
    )?);
    let (tally, started) = (Tally::default(), Instant::now());
    let mut watch = Watch::default();
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let work = scope.spawn(|| pipeline::run(&pool, options, &tally));
        while !work.is_finished() {
            watch.look(&pool, &tally);
            progress.set_position(tally.frames.load(Relaxed));
            progress.set_message(watch.now());
            std::thread::sleep(Duration::from_millis(20));
        }
        work.join().map_err(|_| "a stage panicked")??;
        Ok(())
    })?;
    watch.look(&pool, &tally);
    progress.finish_and_clear();
    let all_good = report(&pool, options, &tally, &watch, started.elapsed());
    let path = watch.draw(options)?;
    println!("plot: {}", path.display());
    Ok(all_good)
}

fn report(pool: &Pool, options: &Options, tally: &Tally, watch: &Watch, elapsed: Duration) -> bool {
    let (stats, seconds) = (pool.stats(), elapsed.as_secs_f64());
    let frames = tally.frames.load(Relaxed);
    let gigabytes = (frames as f64 * FRAME_BYTES as f64) / 1e9;
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!(
        "{frames} frames of 1080 x 1920 x 3 (seed {}) in {seconds:.1} s: {:.0} frames/s, {gigabytes:.0} GB \
         of pixels written",
        options.seed,
        frames as f64 / seconds
    );
    println!(
        "work     {} crops kept, {} copies on write, {} frames dropped on the camera's thread",
        tally.crops.load(Relaxed),
        tally.copies.load(Relaxed),
        tally.returned.load(Relaxed)
    );
    println!(
        "pool     {} hits, {} misses: {:.3}% hits; at most {} blocks ({:.0} MiB); {} live at the end",
        stats.hits,
        stats.misses,
        100.0 * stats.hit_rate(),
        stats.high_water / Pool::block_bytes(FRAME_BYTES),
        mib(stats.high_water),
        stats.blocks_live
    );
    // Each block is missed once, so a short run cannot reach the share of a long one.
    let hits = stats.hit_rate() > 0.999 || (frames < 100_000 && stats.misses <= CAP as u64);

    let (flat, memory) = watch.is_flat();
    println!("memory   {memory}");

    let wrong = tally.wrong.load(Relaxed);
    println!(
        "pixels   {} sums of a line per page and {} of every byte compared, {wrong} wrong",
        tally.sampled.load(Relaxed),
        tally.full.load(Relaxed)
    );
    let complete = frames == options.frames && stats.blocks_live == 0;
    for (promise, kept) in [
        ("memory is flat", flat),
        (
            "pool hits are over 99.9% (or each block was missed once)",
            hits,
        ),
        ("no pixel was seen by two writers", wrong == 0),
        ("every frame came through and went back", complete),
    ] {
        println!("{} {promise}", if kept { "ok    " } else { "BROKEN" });
    }
    flat && hits && wrong == 0 && complete
}
