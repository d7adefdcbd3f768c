//! A pipeline in steady state asks the system for no pixels: counted by the global allocator.
//!
//! Not for Miri, which would need hours for the frames, nor with the feature `diagnose`, where
//! every handle has an entry in a register.
#![cfg(not(any(miri, feature = "diagnose")))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::thread;

use kornia_tensor::{Pool, Tensor};

/// The system, and how often and for how much it was asked.
struct Counter;

#[global_allocator]
static COUNTER: Counter = Counter;

static REQUESTS: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system; `realloc` goes through `alloc` by default.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Relaxed);
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

const SHAPE: [usize; 3] = [1080, 1920, 3];

/// Camera, correction, detection and display of one frame; the last two see a crop.
fn frame(pool: &Pool, number: u8) -> Tensor<u8, 3> {
    let row = [number; SHAPE[1] * SHAPE[2]];
    let mut frame = Tensor::<u8, 3>::writer_in(SHAPE, pool.handle()).unwrap();
    for _ in 0..SHAPE[0] {
        frame.write_slice(&row).unwrap();
    }
    let mut frame = frame.finish().unwrap();
    frame.as_mut_slice()[0] = 0;
    frame.slice((100..200, 300..400, ..))
}

#[test]
fn a_steady_pipeline_asks_for_no_pixels() {
    let pool = Pool::new();
    let (sender, receiver) = sync_channel::<Tensor<u8, 3>>(2);
    let display = thread::spawn(move || {
        for crop in receiver {
            assert_eq!(crop[[0, 0, 0]], crop[[99, 99, 2]]);
        }
    });
    let mut frames = 0..24;
    for number in frames.by_ref().take(4) {
        sender.send(frame(&pool, number)).unwrap();
    }
    // At most 2 in the channel, 1 here and 1 there; fill the pool up to that.
    let four = [0; 4].map(|number| frame(&pool, number));
    drop(four);

    REQUESTS.store(0, Relaxed);
    LARGEST.store(0, Relaxed);
    let misses = pool.stats().misses;
    for number in frames.by_ref() {
        sender.send(frame(&pool, number)).unwrap();
    }
    let (requests, largest) = (REQUESTS.load(Relaxed), LARGEST.load(Relaxed));
    drop(sender);
    display.join().unwrap();

    assert_eq!(pool.stats().misses, misses, "0 blocks for 20 frames");
    assert!(largest <= 200, "{largest} bytes are no pixels");
    // A box around the block and a reference count; the channel may park a thread now and then.
    assert!(
        requests <= 3 * 20,
        "{requests} small requests for 20 frames"
    );
}
