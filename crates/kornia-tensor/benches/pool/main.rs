//! A benchmark of the pool: what a frame costs from it, from `malloc` and from a `Vec`, with one
//! thread and with two; and of owned parts, against the other ways to fill a frame on two
//! threads.
//!
//! ```text
//! cargo bench --bench pool               # about two minutes
//! cargo bench --bench pool -- --quick    # some seconds
//! ```
//!
//! All cases of a group run in every round, in turn, and the medians over the rounds are
//! printed, with the tenth and ninetieth of a hundred. Without cargo's `--bench` (that is, under
//! `cargo test`) it is always quick. Arguments it does not know are ignored.

mod contention;
mod frames;
mod harness;
mod parts;

use std::process::Command;

use harness::Effort;

/// Asks for the frames alone, in a process whose `malloc` was told to give back large blocks.
const FRESH_PAGES: &str = "--fresh-pages";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = has("--quick") || has("--test") || !has("--bench");
    let effort = Effort::new(quick);
    if has(FRESH_PAGES) {
        return frames::large(&effort);
    }

    println!(
        "times are medians [p10, p90] over {} rounds\n",
        effort.rounds
    );
    frames::small(&effort);
    contention::run(&effort);
    parts::run(&effort);
    println!(
        "== malloc as it comes: glibc keeps some of what is freed, once it has seen the size\n"
    );
    frames::large(&effort);
    println!(
        "== malloc that asks the system each time, so that every page is faulted in (glibc)\n"
    );
    let again = std::env::current_exe().and_then(|this| {
        Command::new(this)
            .args(&arguments)
            .arg(FRESH_PAGES)
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            .status()
    });
    let succeeded = again.is_ok_and(|status| status.success());
    assert!(succeeded, "the second process failed");
}
