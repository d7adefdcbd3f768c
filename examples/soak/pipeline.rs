//! Four stages on two threads.
//!
//! ```text
//! thread 1: 1 capture, 2 correct  --frames-->  thread 2: 3 detect, 4 display
//!                      ^---some frames, to be dropped---
//! ```

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use kornia_tensor::{Pool, TensorError};

use crate::dice::Dice;
use crate::frame::{Crop, Frame, Sensor};
use crate::options::Options;

/// Frames that wait between the threads.
const QUEUE: usize = 8;

/// What happened, for all threads to count.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) frames: AtomicU64,
    pub(crate) crops: AtomicU64,
    pub(crate) copies: AtomicU64,
    pub(crate) returned: AtomicU64,
    pub(crate) sampled: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) wrong: AtomicU64,
}

impl Tally {
    fn check(&self, frame: &Frame) {
        let kind = if frame.is_full {
            &self.full
        } else {
            &self.sampled
        };
        kind.fetch_add(1, Relaxed);
        if !frame.is_intact() {
            self.wrong.fetch_add(1, Relaxed);
        }
    }

    fn check_crop(&self, crop: &Crop) {
        if !crop.is_intact() {
            self.wrong.fetch_add(1, Relaxed);
        }
    }
}

pub(crate) fn run(pool: &Pool, options: &Options, tally: &Tally) -> Result<(), TensorError> {
    let (to_detect, frames) = sync_channel(QUEUE);
    let (to_camera, returned) = channel();
    thread::scope(|scope| {
        let late = scope.spawn(|| second(frames, to_camera, options.seed, tally));
        let early = first(pool, to_detect, returned, options, tally);
        late.join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        early
    })
}

/// Stages 1 and 2.
fn first(
    pool: &Pool,
    to_detect: SyncSender<Frame>,
    returned: Receiver<Frame>,
    options: &Options,
    tally: &Tally,
) -> Result<(), TensorError> {
    let (mut dice, mut sensor) = (Dice::new(options.seed), Sensor::new());
    for _ in 0..options.frames {
        let pixels = sensor.capture(&mut dice, pool.handle())?;
        let frame = Frame::correct(pixels, dice.once_in(16))?;
        if to_detect.send(frame).is_err() {
            break; // the other thread has said why
        }
        // Frames that the other thread is done with die here.
        for frame in returned.try_iter() {
            tally.check(&frame);
            tally.returned.fetch_add(1, Relaxed);
        }
    }
    drop(to_detect);
    for frame in returned {
        tally.check(&frame);
        tally.returned.fetch_add(1, Relaxed);
    }
    Ok(())
}

/// Something that is kept until the frame with this number has come.
struct Kept<X> {
    until: u64,
    what: X,
}

/// Takes out what is due.
fn due<X>(kept: &mut Vec<Kept<X>>, now: u64) -> impl Iterator<Item = X> {
    kept.extract_if(.., move |kept| kept.until <= now)
        .map(|kept| kept.what)
}

/// Stages 3 and 4.
fn second(
    frames: Receiver<Frame>,
    to_camera: Sender<Frame>,
    seed: u64,
    tally: &Tally,
) -> Result<(), TensorError> {
    let mut dice = Dice::new(!seed);
    let (mut shown, mut detections) = (Vec::new(), Vec::new());
    for (now, mut frame) in (1..).zip(frames) {
        // 3: look at the frame, cut some detections out of it and remember them for a while.
        tally.check(&frame);
        for _ in 0..dice.below(4) {
            let long = dice.once_in(16);
            let until = now + dice.below(if long { 64 } else { 8 });
            let what = Crop::of(&frame, &mut dice);
            detections.push(Kept { until, what });
            tally.crops.fetch_add(1, Relaxed);
        }
        // 4: now and then draw onto the frame, which copies it while detections show it; keep
        // it on display for a while; then drop it, here or there.
        if dice.once_in(32) {
            let shared = !frame.pixels.is_unique();
            frame.pixels.make_mut().slice((0..8, .., ..)).fill(255);
            frame = Frame::of(frame.pixels, frame.is_full);
            tally.copies.fetch_add(shared.into(), Relaxed);
        }
        tally.check(&frame);
        let until = now + dice.below(16);
        shown.push(Kept { until, what: frame });
        for frame in due(&mut shown, now) {
            if dice.once_in(2) {
                // Refused if the camera's thread is gone, which has said why.
                let _ = to_camera.send(frame);
            } else {
                tally.check(&frame);
            }
        }
        for crop in due(&mut detections, now) {
            tally.check_crop(&crop);
        }
        tally.frames.fetch_add(1, Relaxed);
    }
    Ok(())
}
