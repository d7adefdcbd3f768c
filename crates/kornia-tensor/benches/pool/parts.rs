//! A 4K frame filled on two threads: owned parts against borrowed ones.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use kornia_tensor::{Pool, Tensor, TensorMut};
use rayon::prelude::*;

use crate::harness::{Effort, Group};

const SHAPE: [usize; 3] = [2160, 3840, 3];

/// What is done to a stretch of the frame.
type Work = fn(&mut [u8]);

/// One value everywhere: as fast as memory is.
fn flat(pixels: &mut [u8]) {
    pixels.fill(7);
}

/// A gradient along a curve: some arithmetic for every byte.
fn curved(pixels: &mut [u8]) {
    for (x, pixel) in (0u32..).zip(pixels) {
        let t = (x & 0xFFFF) as f32 / 65_536.0;
        *pixel = ((t * t * (3.0 - 2.0 * t)).sqrt() * 255.0) as u8;
    }
}

/// A thread that works on what it is sent and sends it back.
struct Worker {
    parts: Sender<TensorMut<u8, 3>>,
    filled: Receiver<TensorMut<u8, 3>>,
}

impl Worker {
    fn new(work: Work) -> Self {
        let (parts, incoming) = channel::<TensorMut<u8, 3>>();
        let (outgoing, filled) = channel();
        thread::spawn(move || {
            for mut part in incoming {
                work(part.as_mut_slice());
                if outgoing.send(part).is_err() {
                    return;
                }
            }
        });
        Self { parts, filled }
    }
}

/// A frame of the pool, which is written already.
fn frame(pool: &Pool) -> Tensor<u8, 3> {
    Tensor::full_in(SHAPE, 1, pool.handle())
}

/// Works on the frame in two parts: `start` says where the second one is worked on, `end` gives it
/// back.
fn in_parts<Going>(
    slot: &mut Option<Tensor<u8, 3>>,
    work: Work,
    start: impl FnOnce(TensorMut<u8, 3>) -> Going,
    end: impl FnOnce(Going) -> TensorMut<u8, 3>,
) {
    let Some(Ok(whole)) = slot.take().map(Tensor::try_into_mut) else {
        unreachable!("the sole handle")
    };
    let (mut upper, lower) = whole.split_at(0, SHAPE[0] / 2);
    let going = start(lower);
    work(upper.as_mut_slice());
    let Ok(whole) = upper.join(end(going)) else {
        unreachable!("the parts touch")
    };
    *slot = Some(whole.freeze());
}

pub(crate) fn run(effort: &Effort) {
    measure(effort, "a 4K frame, 24.9 MB, filled with one value", flat);
    measure(effort, "a 4K frame, 24.9 MB, filled with a curve", curved);
}

fn measure(effort: &Effort, title: &str, work: Work) {
    let pool = Pool::new();
    let worker = Worker::new(work);
    let rayon = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("two threads can be had");
    let half = SHAPE.iter().product::<usize>() / 2;
    let mut group = Group::new(title);

    let mut slot = frame(&pool);
    group.add("one thread", move || work(slot.as_mut_slice()));
    let mut slot = Some(frame(&pool));
    group.add("TensorMut, second part to a waiting thread", move || {
        in_parts(
            &mut slot,
            work,
            |part| worker.parts.send(part).expect("the worker lives"),
            |()| worker.filled.recv().expect("the worker lives"),
        );
    });
    let mut slot = Some(frame(&pool));
    group.add("TensorMut, second part to a new thread", move || {
        in_parts(
            &mut slot,
            work,
            |mut part| {
                thread::spawn(move || {
                    work(part.as_mut_slice());
                    part
                })
            },
            |thread| thread.join().expect("filling does not panic"),
        );
    });
    let mut slot = frame(&pool);
    group.add(
        "std::thread::scope, split_at_mut, a new thread",
        move || {
            let (upper, lower) = slot.as_mut_slice().split_at_mut(half);
            thread::scope(|scope| {
                scope.spawn(|| work(lower));
                work(upper);
            });
        },
    );
    let mut slot = frame(&pool);
    group.add("rayon, par_chunks_mut, its two threads", move || {
        let bytes = slot.as_mut_slice();
        rayon.install(|| bytes.par_chunks_mut(half).for_each(work));
    });
    group.run(effort);
}
