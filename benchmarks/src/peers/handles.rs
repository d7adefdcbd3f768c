//! What is shared without a shape, the limits of the short work, and frames for two threads.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use crate::constant::{Constant, LARGE, SHAPE, WALKED, elements};
use crate::input::Input;
use crate::limits::LIMIT;
use crate::measure::Candidate;

pub fn arrow(work: Constant) -> Option<Candidate> {
    const NAME: &str = "arrow-buffer";
    type Buffer = arrow_buffer::ScalarBuffer<f32>;
    Some(match work {
        Constant::CloneDrop => {
            let large = Buffer::from(vec![0.0; LARGE.iter().product()]);
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => {
            let buffer = Buffer::from(elements());
            Candidate::repeated(NAME, move || buffer.slice(16, 4096))
        }
        Constant::FromVec => Candidate::repeated(NAME, || Buffer::from(vec![1.0f32; 16])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || Vec::<f32>::from(Buffer::from(vec![1.0f32; 16])))
        }
        _ => return None,
    })
}

pub fn bytes(work: Constant) -> Option<Candidate> {
    const NAME: &str = "bytes";
    use bytes::Bytes;
    Some(match work {
        Constant::CloneDrop => {
            let large = Bytes::from(vec![0; 4 * LARGE.iter().product::<usize>()]);
            drop(large.clone()); // the first one moves to counting references
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => {
            let bytes = Bytes::from(vec![0; 4 * WALKED]);
            drop(bytes.clone());
            Candidate::repeated(NAME, move || bytes.slice(64..16_384))
        }
        Constant::FromVec => Candidate::repeated(NAME, || Bytes::from(vec![1u8; 64])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || Vec::<u8>::from(Bytes::from(vec![1u8; 64])))
        }
        _ => return None,
    })
}

/// The least that each kind of short work could cost.
pub fn limits(work: Constant) -> Option<Candidate> {
    const COUNTED: &str = "limit: Arc";
    let header = Arc::new(elements());
    let shape = [SHAPE, SHAPE];
    Some(match work {
        Constant::CloneDrop => Candidate::repeated(COUNTED, move || header.clone()),
        Constant::OwnedWindow | Constant::OwnedReshape | Constant::OwnedPermute => {
            Candidate::repeated("limit: Arc, shape, strides", move || {
                (header.clone(), std::hint::black_box(shape))
            })
        }
        Constant::BorrowedWindow | Constant::BorrowedReshape | Constant::BorrowedPermute => {
            Candidate::repeated("limit: shape, strides", move || {
                (header.as_ptr(), std::hint::black_box(shape))
            })
        }
        Constant::Index | Constant::Iterate => {
            Candidate::per_element("limit: slice", move || header.iter().sum())
        }
        Constant::FromVec => Candidate::repeated("limit: Vec in Arc", || {
            Arc::new(std::hint::black_box(vec![1.0f32; 16]))
        }),
        Constant::VecAndBack => Candidate::repeated("limit: Vec in Arc", || {
            Arc::try_unwrap(std::hint::black_box(Arc::new(vec![1.0f32; 16])))
        }),
    })
}

/// Everyone's way to hand a frame of bytes to two threads, which read one byte of it.
pub fn frames(input: &Input, wanted: impl Fn(&str) -> bool) -> Vec<Candidate> {
    let frame = || input.bytes.clone();
    let shape = input.shape;
    let mut all = vec![
        handed("limit: channel", 7u8, |&byte| byte),
        handed("limit: Arc", Arc::new(frame()), |frame| frame[0]),
    ];
    let ours = kornia_tensor::Tensor::from_shape_vec(shape, frame()).unwrap();
    all.push(handed(super::ours::NAME, ours, |frame| frame[[0, 0, 0]]));
    let old = kornia_tensor_02::Tensor::from_shape_vec(shape, frame());
    all.push(handed(super::v0_2::NAME, old.unwrap(), |frame| {
        frame.as_slice()[0]
    }));
    let array = ndarray::ArcArray::from_shape_vec(shape, frame()).unwrap();
    all.push(handed(super::ndarray::NAME, array, |frame| {
        frame[[0, 0, 0]]
    }));
    let tensor = rten_tensor::ArcNdTensor::from_data(shape, Arc::new(frame()));
    all.push(handed(super::rten::NAME, tensor, |frame| frame[[0, 0, 0]]));
    let device = &candle_core::Device::Cpu;
    let tensor = candle_core::Tensor::from_vec(frame(), &shape[..], device).unwrap();
    all.push(handed(super::candle::NAME, tensor, |frame| {
        frame.rank() as u8
    }));
    let buffer = arrow_buffer::Buffer::from(frame());
    all.push(handed("arrow-buffer", buffer, |frame| frame.as_slice()[0]));
    all.push(handed("bytes", bytes::Bytes::from(frame()), |frame| {
        frame[0]
    }));
    all.retain(|candidate| candidate.peer.starts_with(LIMIT) || wanted(candidate.peer));
    all
}

/// Two clones and two sends for each frame, until both threads have seen the last.
fn handed<F: Clone + Send + 'static>(
    peer: &'static str,
    frame: F,
    read: fn(&F) -> u8,
) -> Candidate {
    const WAITING: usize = 64;
    const BLOCK: u32 = 1024;
    let workers = std::array::from_fn::<_, 2, _>(|_| {
        let (send, receive) = sync_channel::<Option<F>>(WAITING);
        let (done, wait) = sync_channel::<u64>(1);
        thread::spawn(move || {
            let mut sum = 0;
            // `None` asks whether all before it were seen.
            for frame in receive {
                match frame {
                    Some(frame) => sum += u64::from(read(&frame)),
                    None if done.send(sum).is_err() => return,
                    None => {}
                }
            }
        });
        (send, wait)
    });
    Candidate::timed(peer, move |times| {
        // Whole blocks, so that waking the threads does not count.
        let blocks = times.div_ceil(BLOCK);
        let start = Instant::now();
        for _ in 0..blocks * BLOCK {
            for (send, _) in &workers {
                send.send(Some(frame.clone())).unwrap();
            }
        }
        for (send, wait) in &workers {
            send.send(None).unwrap();
            wait.recv().unwrap();
        }
        start
            .elapsed()
            .mul_f64(f64::from(times) / f64::from(blocks * BLOCK))
    })
}
