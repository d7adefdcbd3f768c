//! What several threads do together is what one does alone.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::on::{alone, teams};
use super::{Kind, Parts, team};
use crate::Tensor;
use crate::engine::compute::tests::random::{Dice, Sight, on_random_seeds, shape};
use crate::engine::tuning::TUNING;

/// Enough for a team, of bytes that are read and written; small, for Miri.
const ENOUGH: usize = 2048;

fn gathered() -> super::Team {
    team(1 << 20, &Kind::MEMORY).expect("nobody else has one")
}

#[test]
fn parts_are_all_places_once_whatever_the_sizes() {
    let longest = if cfg!(miri) { 1001 } else { 1 << 20 };
    for len in [1, 2, 63, 64, 65, 1000, longest] {
        for bytes in [0, len, 4 * len, 1000 * len, usize::MAX] {
            for side_by_side in [false, true] {
                let parts = Parts::new(len, bytes, side_by_side);
                let mut end = 0;
                for part in 0..parts.count() {
                    let range = parts.range(part);
                    assert!(range.start == end && range.end > end, "{parts:?}");
                    assert!(!side_by_side || range.start.is_multiple_of(64));
                    end = range.end;
                }
                assert_eq!(end, len, "{parts:?}");
            }
        }
    }
    assert_eq!(
        Parts::new(10 * TUNING.part_bytes, 10 * TUNING.part_bytes, false).count(),
        10
    );
    assert_eq!(Parts::new(0, 0, true).count(), 0);
    for len in [usize::MAX >> 20, isize::MAX.cast_unsigned()] {
        for bytes in [0, len, usize::MAX] {
            let parts = Parts::new(len, bytes, true);
            assert!(parts.count() <= 1 << 16, "{parts:?}");
            assert_eq!(parts.range(parts.count() - 1).end, len);
        }
    }
}

#[test]
fn each_part_is_done_once() {
    for count in [0, 1, 2, 3, 50] {
        let done: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
        gathered().run(0..count, |part| {
            done[part].fetch_add(1, Ordering::Relaxed);
        });
        assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn more_than_one_thread_is_at_work() {
    let (threads, barrier) = (Mutex::new(HashSet::new()), std::sync::Barrier::new(2));
    gathered().run(0..2, |_| {
        barrier.wait(); // there have to be two
        threads.lock().unwrap().insert(thread::current().id());
    });
    assert_eq!(threads.into_inner().unwrap().len(), 2);
}

#[test]
fn what_is_part_of_a_team_has_none_of_its_own() {
    let before = teams();
    let large = Tensor::<u8, 1>::full([ENOUGH], 5);
    let sums = large.par_map(|&p| {
        if p == 0 {
            return 0;
        }
        assert!(team(1 << 20, &Kind::MEMORY).is_none());
        p
    });
    assert_eq!(sums, large);
    assert!(alone(|| team(1 << 20, &Kind::MEMORY).is_none()));
    // One for the closure, one for `==`.
    assert_eq!(teams(), before + 2);
    drop(gathered());
    drop(gathered());
}

#[test]
fn panics_are_passed_on_when_all_have_stopped() {
    for bad in [0, 1, 17, 49] {
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            gathered().run(0..50, |part| {
                inside.fetch_add(1, Ordering::Relaxed);
                if part == bad {
                    inside.fetch_sub(1, Ordering::Relaxed);
                    std::panic::panic_any(part);
                }
                thread::yield_now();
                done.fetch_add(1, Ordering::Relaxed);
                inside.fetch_sub(1, Ordering::Relaxed);
            });
        }));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&bad));
        assert_eq!(inside.into_inner(), 0);
        assert!(done.into_inner() < 50);
    }
    // All of them at once: one is passed on.
    let outcome = catch_unwind(|| gathered().run(0..3, |part| panic!("part {part}")));
    assert!(outcome.is_err());
    drop(gathered());
}

/// The payload of a panic, and whoever drops it panics.
struct Loud;

impl Drop for Loud {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new(Loud));
    }
}

#[test]
fn panics_whose_payloads_panic_when_dropped_stay_in_the_team() {
    // All three panic; then two helpers, and the calling thread is well.
    for owner_panics in [true, false] {
        let (owner, barrier) = (thread::current().id(), std::sync::Barrier::new(3));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            gathered().run(0..3, |_| {
                barrier.wait(); // each thread has one part
                if owner_panics || thread::current().id() != owner {
                    std::panic::resume_unwind(Box::new(Loud));
                }
            });
        }));
        std::mem::forget(outcome.unwrap_err());
        gathered().run(0..3, |_| {}); // the next team is there
    }
}

#[test]
fn closures_that_panic_leave_memory_in_order() {
    let [height, width] = if cfg!(miri) { [16, 40] } else { [64, 32] };
    let image = Tensor::<u16, 2>::from_shape_fn([height, width], |[y, x]| (y * width + x) as u16);
    let last = image.numel() as u16 - 1;
    for bad in [0, 300, last] {
        let f = |&p: &u16| {
            assert_ne!(p, bad, "bad pixel");
            u32::from(p)
        };
        assert!(catch_unwind(|| image.par_map(f)).is_err());
        let turned = image.view().transpose();
        let mut out = Tensor::<u32, 2>::full([width, height], 9);
        let outcome = catch_unwind(AssertUnwindSafe(|| turned.par_map_into(&mut out, f)));
        assert!(outcome.is_err());
        let expected = turned.map(|&p| u32::from(p));
        // Done or left as it was.
        let done = out.zip_with(&expected, |&a, &b| a == 9 || a == b).unwrap();
        assert!(done.iter().all(|&done| done));
        let mut elements = image.deep_clone().unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            elements.view_mut().par_apply(|p| {
                assert_ne!(*p, bad, "bad pixel");
                *p = !*p;
            });
        }));
        assert!(outcome.is_err());
        let done = elements.zip_with(&image, |&a, &b| a == b || a == !b);
        assert!(done.unwrap().iter().all(|&done| done));
    }
    // What has to be dropped is written by one thread, and dropped once.
    let strings = image.par_map(|p| p.to_string());
    assert_eq!(strings[[height - 1, width - 1]], last.to_string());
    assert!(catch_unwind(|| image.par_map(|p| format!("{}", 5 / (p - 5)))).is_err());
}

#[test]
fn elements_that_are_not_plain_go_to_threads_where_they_lie_side_by_side() {
    let before = teams();
    let pixels = Tensor::<[u8; 3], 2>::from_shape_fn([20, 50], |[y, x]| [y as u8, x as u8, 0]);
    let sums = pixels.par_map(|[y, x, _]| u16::from(*y) + u16::from(*x));
    assert_eq!(sums[[19, 49]], 68);
    assert_eq!(teams(), before + 1);
    let wide = pixels.par_map(|[y, x, _]| [u64::from(*y), u64::from(*x), 7]);
    assert_eq!(wide[[19, 49]], [19, 49, 7]);
    let mut words = Tensor::<String, 1>::full([200], "a".into());
    words.view_mut().par_apply(|word| word.push('b'));
    assert!(words.iter().all(|word| word == "ab"));
    assert_eq!(teams(), before + 3);
}

/// All that is divided, over random layouts.
#[test]
fn several_threads_give_what_one_gives() {
    fn check<const N: usize>(dice: &mut Dice) {
        let shape = shape::<N>(dice);
        let (a, b) = (Sight::of(shape, dice, true), Sight::of(shape, dice, true));
        let to = Sight::of(shape, dice, false);
        let floats: Vec<f32> = (0..a.elements())
            .map(|_| dice.next() as i32 as f32 * 1e-3)
            .collect();
        let bytes: Vec<u8> = (0..b.elements()).map(|_| dice.next() as u8).collect();
        let copy: Vec<f32> = a.places().iter().map(|&at| floats[at]).collect();
        let total: u64 = b.places().iter().map(|&at| u64::from(bytes[at])).sum();
        let (a, b) = (a.view(&floats), b.view(&bytes));
        assert_eq!(a.to_vec(), copy);
        assert_eq!(a.sum().to_bits(), alone(|| a.sum()).to_bits());
        assert_eq!(a.mean_value(), alone(|| a.mean_value()));
        assert_eq!(b.sum(), total);
        let bits = |bounds: Option<(f32, f32)>| bounds.map(|(l, h)| (l.to_bits(), h.to_bits()));
        assert_eq!(bits(a.min_max()), bits(alone(|| a.min_max())));
        assert_eq!(b.cast::<f32>(), b.map(|&x| f32::from(x)));
        assert_eq!(a.par_map(|x| x * 0.5), a.map(|x| x * 0.5));
        let f = |x: &f32, y: &u8| f64::from(*x) + f64::from(*y);
        assert_eq!(a.par_zip_with(b, f).unwrap(), a.zip_with(b, f).unwrap());

        let mut expected: Vec<f32> = vec![-1.0; to.elements()];
        let mut target = expected.clone();
        a.map_into(to.view_mut(&mut expected), |x| x - 1.0).unwrap();
        a.par_map_into(to.view_mut(&mut target), |x| x - 1.0)
            .unwrap();
        assert_eq!(target, expected, "{to:?}");
        let f = |x: &f32, y: &u8| x + f32::from(*y);
        a.zip_into(b, to.view_mut(&mut expected), f).unwrap();
        a.par_zip_into(b, to.view_mut(&mut target), f).unwrap();
        assert_eq!(target, expected, "{to:?}");
        to.view_mut(&mut expected).apply(|x| *x *= 3.0);
        to.view_mut(&mut target).par_apply(|x| *x *= 3.0);
        assert_eq!(target, expected, "{to:?}");
        to.view_mut(&mut target).assign(a).unwrap();
        assert_eq!(to.view(&target), a);
        // One element that differs, anywhere.
        let places = to.places();
        if !places.is_empty() {
            target[places[dice.below(places.len())]] += 7.0e9;
            assert_ne!(to.view(&target), a);
        }
        to.view_mut(&mut target).fill(2.5);
        assert!(to.view(&target).iter().all(|&x| x == 2.5));
    }
    on_random_seeds(
        if cfg!(miri) { 1 } else { 200 },
        "teams of threads",
        |dice| {
            check::<1>(dice);
            check::<2>(dice);
            check::<3>(dice);
            check::<4>(dice);
        },
    );
}

#[test]
fn sums_along_axes_and_normalised_planes_are_the_same_too() {
    let (height, width) = if cfg!(miri) { (10, 20) } else { (90, 70) };
    let image =
        Tensor::<u8, 3>::from_shape_fn([height, width, 3], |[y, x, c]| (y * 31 + x * 7 + c) as u8);
    let floats = image.map(|&p| f32::from(p) * 0.1);
    let before = teams();
    for view in [image.view(), image.view().flip(0), image.view().flip(2)] {
        let run = || view.normalize_to_chw(0.1, &[0.1, 0.2, 0.3], &[1.0, 2.0, 3.0]);
        assert_eq!(run(), alone(run));
    }
    for axis in 0..3 {
        for view in [floats.view(), floats.view().flip(1)] {
            assert_eq!(view.sum_axis(axis), alone(|| view.sum_axis(axis)));
        }
        let turned = floats.view().permute_axes([2, 1, 0]).unwrap();
        assert_eq!(turned.sum_axis(axis), alone(|| turned.sum_axis(axis)));
    }
    assert!(teams() > before + 2);
}
