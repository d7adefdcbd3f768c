//! Streams that fail, lie, are interrupted or stop, at every call there is: never a panic, never an
//! abort, never a line on a terminal, never half a file that is said to be whole.
//!
//! Each claim runs in a process of its own, which has to end well and say nothing.
#![cfg(not(miri))] // processes

mod readers;
mod streams;
mod writers;

use std::process::Command;

/// Says to the claims that they are in a process of their own.
const ALONE: &str = "KORNIA_TEST_ALONE";

/// Runs a claim in this very program, which must succeed and print nothing but its number of
/// attempts.
#[track_caller]
fn alone(claim: &str, work: fn() -> usize) {
    if std::env::var_os(ALONE).is_some() {
        println!("attempts: {}", work());
        return;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", claim, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{claim}: {}; {said}", run.status);
    assert_eq!(said, "", "{claim} has printed");
    let counted = String::from_utf8_lossy(&run.stdout);
    let attempts = counted.split("attempts: ").nth(1);
    let attempts = attempts.and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
    assert!(attempts.is_some_and(|attempts| attempts > 0), "{counted}");
    println!("{claim}: {} attempts", attempts.unwrap());
}

#[test]
fn npy_is_written_whole_or_with_an_error() {
    alone("npy_is_written_whole_or_with_an_error", writers::npy);
}

#[test]
fn npz_is_written_whole_or_with_an_error() {
    alone("npz_is_written_whole_or_with_an_error", writers::npz);
}

#[test]
fn npz_is_not_finished_after_an_error() {
    alone(
        "npz_is_not_finished_after_an_error",
        writers::npz_after_an_error,
    );
}

#[test]
fn safetensors_are_written_whole_or_with_an_error() {
    alone(
        "safetensors_are_written_whole_or_with_an_error",
        writers::safetensors,
    );
}

#[test]
fn messages_are_written_whole_or_with_an_error() {
    alone(
        "messages_are_written_whole_or_with_an_error",
        writers::messages,
    );
}

#[test]
fn npy_is_read_right_or_with_an_error() {
    alone("npy_is_read_right_or_with_an_error", readers::npy);
}

#[test]
fn npz_is_read_right_or_with_an_error() {
    alone("npz_is_read_right_or_with_an_error", readers::npz);
}

#[test]
fn safetensors_are_read_right_or_with_an_error() {
    alone(
        "safetensors_are_read_right_or_with_an_error",
        readers::safetensors,
    );
}

#[test]
fn messages_are_read_right_or_with_an_error() {
    alone(
        "messages_are_read_right_or_with_an_error",
        readers::messages,
    );
}

#[test]
fn reading_goes_on_after_an_error() {
    alone(
        "reading_goes_on_after_an_error",
        readers::reading_goes_on_after_an_error,
    );
}

#[test]
fn ends_that_are_lies_are_no_panic() {
    alone("ends_that_are_lies_are_no_panic", readers::lying_ends);
}
