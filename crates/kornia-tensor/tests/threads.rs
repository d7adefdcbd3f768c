//! Handles that come and go on several threads, and halves that are written from several.
//!
//! Small under Miri, whose seeds try the interleavings; larger for ThreadSanitizer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kornia_tensor::{SharedWith, Tensor, TensorError, TensorStorage, host_alloc};

const MIRI: bool = cfg!(miri);
const ROUNDS: usize = if MIRI { 2 } else { 500 };

/// Runs both at once, as nearly as can be.
fn at_once<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let a = scope.spawn(|| {
            start.wait();
            a()
        });
        start.wait();
        let b = b();
        (a.join().unwrap(), b)
    })
}

/// Workers report first and drop their tiles a little later.
#[test]
fn a_wait_for_the_sole_handle_ends_when_the_last_worker_is_gone() {
    let rounds = if MIRI { 2 } else { 100 };
    for _ in 0..rounds {
        let mut frame = Tensor::<u32, 2>::full([4, 6], 1);
        let (sender, sums) = mpsc::channel();
        let workers: Vec<_> = frame
            .tiles([2, 3])
            .map(|(_, tile)| {
                let sender = sender.clone();
                thread::spawn(move || {
                    sender.send(tile.iter().sum::<u32>()).unwrap();
                    thread::yield_now();
                    drop(tile);
                })
            })
            .collect();
        drop(sender);
        assert_eq!(sums.iter().sum::<u32>(), 24);
        frame.wait_until_unique(Duration::from_secs(60)).unwrap();
        frame.as_mut_slice().fill(2); // races with nothing that the workers read
        for worker in workers {
            worker.join().unwrap();
        }
    }
}

#[test]
fn a_wait_for_the_sole_handle_gives_up_at_its_limit() {
    let mut frame = Tensor::<u8, 1>::zeros([4]);
    let kept = frame.clone();
    let shared = Err(TensorError::SharedStorage(SharedWith::default()));
    assert_eq!(frame.wait_until_unique(Duration::ZERO), shared);
    let (limit, start) = (Duration::from_millis(5), Instant::now());
    assert_eq!(frame.wait_until_unique(limit), shared);
    assert!(start.elapsed() >= limit);
    drop(kept);
    assert_eq!(frame.wait_until_unique(Duration::ZERO), Ok(()));
    assert_eq!(frame.wait_until_unique(Duration::MAX), Ok(()));
}

/// Waiting helps nobody where the memory cannot be written anyway.
#[test]
fn a_wait_for_read_only_memory_is_refused_at_once() {
    let mut owned = Tensor::<u8, 1>::from_owner([2], vec![1u8, 2]).unwrap();
    let _kept = owned.clone();
    let refused = owned.wait_until_unique(Duration::MAX);
    assert_eq!(refused, Err(TensorError::ReadOnlyStorage));
}

/// The reads of a handle that is dropped happen before the writes of the one that is left.
#[test]
fn the_last_handle_writes_after_all_others_have_read() {
    for round in 0..ROUNDS {
        let mut ours = Tensor::from_shape_vec([2, 3], vec![1u32, 2, 3, 4, 5, 6]).unwrap();
        let theirs = if round % 2 == 0 {
            ours.clone()
        } else {
            ours.slice((.., 1..)).transpose()
        };
        let (sum, ()) = at_once(
            move || {
                let sum = theirs.iter().sum::<u32>();
                drop(theirs);
                sum
            },
            || {
                loop {
                    match ours.try_as_mut_slice() {
                        Ok(elements) => break elements.fill(9),
                        Err(error) => {
                            assert_eq!(error, TensorError::SharedStorage(SharedWith::default()))
                        }
                    }
                    thread::yield_now();
                }
            },
        );
        assert_eq!(sum, if round % 2 == 0 { 21 } else { 2 + 3 + 5 + 6 });
        assert_eq!(ours.as_slice(), [9; 6]);
    }
}

/// The same through the other doors: a view, a raw pointer, the `Vec`, and a storage.
#[test]
fn every_door_waits_for_the_other_handles() {
    for _ in 0..ROUNDS {
        let mut ours = Tensor::<u8, 2>::zeros([2, 2]);
        let theirs = ours.clone();
        at_once(
            move || assert!(theirs.as_slice().iter().all(|&x| x == 0)),
            || {
                loop {
                    if let Ok(mut view) = ours.try_view_mut() {
                        break view.fill(1);
                    }
                    thread::yield_now();
                }
            },
        );
        let theirs = ours.clone();
        let (_, elements) = at_once(
            move || assert!(theirs.iter().all(|&x| x == 1)),
            || {
                let mut ours = ours;
                loop {
                    match ours.try_into_vec() {
                        Ok(mut elements) => {
                            elements.fill(2);
                            break elements;
                        }
                        Err(back) => ours = back,
                    }
                    thread::yield_now();
                }
            },
        );
        let mut storage = TensorStorage::from_vec(elements, host_alloc());
        let window = storage.view(1, 2).unwrap();
        at_once(
            move || assert_eq!(window.as_slice(), [2, 2]),
            || {
                while storage.try_as_mut_slice().map(|s| s.fill(3)).is_err() {
                    thread::yield_now();
                }
            },
        );
        assert_eq!(storage.into_vec(), [3; 4]);
    }
}

/// Both ask to write without a copy; at most one of them may, and then alone.
#[test]
fn two_writers_never_write_the_same_memory() {
    for _ in 0..ROUNDS {
        let mut ours = Tensor::<u64, 1>::zeros([4]);
        let mut theirs = ours.clone();
        let copies = at_once(
            move || {
                theirs.make_mut().fill(1);
                theirs
            },
            move || {
                ours.make_mut().fill(2);
                ours
            },
        );
        assert_eq!(
            (copies.0.as_slice(), copies.1.as_slice()),
            (&[1; 4][..], &[2; 4][..])
        );
        assert!(!copies.0.shares_memory_with(&copies.1));
    }
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// An element that is counted, and that notices if it is read after its end.
struct Counted(Box<usize>);

impl Counted {
    fn new(value: usize) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(Box::new(value))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Numbers that differ from thread to thread, without a crate.
fn next(state: &mut usize) -> usize {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    *state >> 33
}

#[test]
fn windows_come_and_go_on_eight_threads() {
    const THREADS: usize = if MIRI { 3 } else { 8 };
    const STEPS: usize = if MIRI { 12 } else { 2000 };
    let (height, width) = (6, 7);
    let t = Tensor::from_shape_fn([height, width], |[y, x]| Counted::new(10 * y + x));
    let (sender, receiver) = mpsc::channel::<Tensor<Counted, 2>>();

    let workers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (mut mine, sender) = (t.clone(), sender.clone());
            thread::spawn(move || {
                let mut state = thread + 1;
                for _ in 0..STEPS {
                    let rows = next(&mut state) % mine.shape()[0];
                    let columns = next(&mut state) % mine.shape()[1];
                    let window = match next(&mut state) % 6 {
                        0 => mine.slice((rows.., columns..)),
                        1 => mine.split_at(1, columns).1.flip(0).flip(0),
                        2 => mine.narrow(0, rows..).transpose().transpose(),
                        3 => mine.reshape(*mine.shape()).unwrap_or_else(|_| mine.clone()),
                        4 => Tensor::try_from_parts(mine.clone().into_parts()).unwrap(),
                        _ => mine.chunks(0, 2).next().unwrap(),
                    };
                    let first = *window.view().iter().next().unwrap().0;
                    let all = window.iter().all(|e| *e.0 >= first);
                    assert!(all, "in {:?}", window.shape());
                    if window.numel() > 4 && next(&mut state).is_multiple_of(3) {
                        mine = window;
                    } else if next(&mut state).is_multiple_of(8) {
                        sender.send(window).unwrap();
                    }
                }
            })
        })
        .collect();
    drop(sender);
    drop(t);
    // Windows that were sent end here, while others are still being cut.
    for window in receiver {
        assert!(window.iter().all(|e| *e.0 < 70));
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    assert_eq!(DROPPED.load(Ordering::Relaxed), height * width);
}

/// The elements of a half lie between those of the other: no slice covers one alone.
#[test]
fn halves_are_written_from_two_threads() {
    let (height, width) = if MIRI { (3, 4) } else { (100, 64) };
    let mut t = Tensor::<u32, 2>::zeros([height, width]);
    for axis in [0, 1] {
        let mut view = t.view_mut();
        let (mut a, mut b) = view.split_at_mut(axis, height.min(width) / 2);
        at_once(
            || a.apply(|x| *x += 1),
            || b.iter_mut().rev().for_each(|x| *x += 2),
        );
    }
    let half = height.min(width) / 2;
    for ([y, x], &sum) in t.indexed_iter() {
        let one = |inside: bool| if inside { 1 } else { 2 };
        assert_eq!(sum, one(y < half) + one(x < half), "[{y}, {x}]");
    }
}

#[test]
fn columns_are_written_from_as_many_threads_as_there_are() {
    let (height, width) = if MIRI { (3, 6) } else { (50, 32) };
    let mut t = Tensor::<String, 2>::from_shape_fn([height, width], |[y, _]| y.to_string());
    let mut view = t.view_mut();
    thread::scope(|scope| {
        for (number, mut columns) in view.axis_chunks_mut(1, 2).enumerate() {
            scope.spawn(move || {
                columns.apply(|text| text.push('-'));
                columns
                    .iter_mut()
                    .for_each(|text| text.push_str(&number.to_string()));
                let (mut left, mut right) = columns.split_at_mut(1, 1);
                left.fill("left".into());
                right.rows_mut().for_each(|row| row[0].push('!'));
            });
        }
    });
    for ([y, x], text) in t.indexed_iter() {
        let expected = match x % 2 {
            0 => "left".to_owned(),
            _ => format!("{y}-{}!", x / 2),
        };
        assert_eq!(*text, expected, "[{y}, {x}]");
    }
}

#[test]
fn tiles_and_rows_are_written_from_scoped_threads() {
    let mut t = Tensor::<usize, 2>::zeros([5, 7]);
    thread::scope(|scope| {
        for ([y, x], mut tile) in t.view_mut().flip(1).tiles([2, 3]) {
            scope.spawn(move || tile.fill(100 * y + x));
        }
    });
    for ([y, x], &mark) in t.flip(1).indexed_iter() {
        assert_eq!(mark, 100 * (y / 2 * 2) + x / 3 * 3, "[{y}, {x}]");
    }
    let mut view = t.view_mut();
    thread::scope(|scope| {
        for (y, row) in view.rows_mut().enumerate() {
            scope.spawn(move || row.fill(y));
        }
    });
    thread::scope(|scope| {
        for mut column in view.axis_iter_mut(1) {
            scope.spawn(move || column.apply(|x| *x *= 2));
        }
    });
    assert!(t.indexed_iter().all(|([y, _], &x)| x == 2 * y));
}

/// Reading needs no care at all: views are copied to every thread.
#[test]
fn one_view_is_read_from_many_threads() {
    let t = Tensor::from_shape_vec([2, 3], vec![1u32, 2, 3, 4, 5, 6]).unwrap();
    let view = t.view().transpose();
    let sums: Vec<u32> = thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| scope.spawn(move || view.iter().sum()))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    assert_eq!(sums, [21; 3]);
}

/// The last handle may be dropped on any thread, and the memory is the allocator's again there.
#[test]
fn the_last_handle_may_end_on_another_thread() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    struct Ending(#[allow(dead_code)] Vec<u8>);
    impl Drop for Ending {
        fn drop(&mut self) {
            ENDED.store(true, Ordering::Relaxed);
        }
    }
    let t = Tensor::from_shape_vec([1], vec![Ending(vec![1])]).unwrap();
    let theirs = t.insert_axis::<2>(0);
    drop(t);
    assert!(!ENDED.load(Ordering::Relaxed));
    thread::spawn(move || drop(theirs)).join().unwrap();
    assert!(ENDED.load(Ordering::Relaxed));
}
