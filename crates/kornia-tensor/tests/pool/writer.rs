//! Tensors that are written in full before they exist.

use std::io::{ErrorKind, Write};

use kornia_tensor::{AllocHandle, Tensor, TensorError, host_alloc};

use super::common::{Ledger, caught};
use super::small;

/// What a writer writes to must not matter.
fn everywhere(test: impl Fn(AllocHandle)) {
    test(host_alloc());
    let pool = small().build().unwrap();
    drop(Tensor::full_in([24], 0xAAu8, pool.handle()));
    test(pool.handle());
    assert_eq!(pool.stats().blocks_live, 0);
}

fn misfit(shape: &[usize], found: usize) -> TensorError {
    let shape = shape.into();
    TensorError::ElementCountMismatch { shape, found }
}

#[test]
fn a_writer_gives_what_was_written() {
    everywhere(|alloc| {
        let mut out = Tensor::writer_in([4, 6], alloc).unwrap();
        out.write_slice(&[1u8, 2, 3]).unwrap();
        out.push(4);
        out.try_push(5).unwrap();
        out.write_all(&[6, 7]).unwrap();
        let sum = out.write_with(10, |rest| {
            assert_eq!(rest, [0; 10], "and not what lay there before");
            rest[9] = 17;
            rest.len()
        });
        assert_eq!(sum, Ok(10));
        assert_eq!((out.written(), out.remaining()), (17, 7));
        out.write_slice(&[9; 7]).unwrap();
        assert_eq!(out.shape(), &[4, 6]);
        let whole = out.finish().unwrap();
        assert_eq!(whole.view().to_vec()[..7], [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((whole[[2, 4]], whole[[3, 5]]), (17, 9));
    });
}

#[test]
fn too_little_is_no_tensor() {
    everywhere(|alloc| {
        let mut out = Tensor::<u16, 2>::writer_in([2, 3], alloc).unwrap();
        out.write_slice(&[1; 5]).unwrap();
        assert_eq!(out.finish().unwrap_err(), misfit(&[2, 3], 5));
    });
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    everywhere(|alloc| {
        let mut out = Tensor::<u8, 2>::writer_in([2, 3], alloc).unwrap();
        assert_eq!(out.write_slice(&[1; 7]), Err(misfit(&[2, 3], 7)));
        let refused = out.write_with(usize::MAX, |_| unreachable!());
        assert_eq!(refused, Err::<(), _>(misfit(&[2, 3], usize::MAX)));
        assert_eq!(out.written(), 0);
        assert_eq!(out.write(&[2; 9]).unwrap(), 6, "as much as fits");
        assert_eq!(out.write(&[2; 9]).unwrap(), 0);
        assert_eq!(
            out.write_all(&[2]).unwrap_err().kind(),
            ErrorKind::WriteZero
        );
        assert_eq!(out.try_push(2), Err(misfit(&[2, 3], 7)));
        let panic = caught(|| out.push(2)).unwrap_err();
        assert_eq!(panic.text, misfit(&[2, 3], 7).to_string());
        assert!(panic.file.ends_with("writer.rs"), "{panic:?}");
        assert_eq!(out.finish().unwrap().as_slice(), [2; 6]);
    });
}

#[test]
fn what_was_written_is_dropped_with_the_writer() {
    everywhere(|alloc| {
        let ledger = Ledger::new();
        let mut out = Tensor::writer_in([4], alloc.clone()).unwrap();
        out.push(ledger.element());
        out.push(ledger.element());
        drop(out);
        assert_eq!(ledger.dropped(), 2);

        let mut out = Tensor::writer_in([4], alloc.clone()).unwrap();
        out.write_slice(&ledger.elements(3)).unwrap();
        assert_eq!(out.finish().unwrap_err(), misfit(&[4], 3));
        ledger.assert_settled();

        let mut out = Tensor::writer_in([4], alloc).unwrap();
        let three = ledger.elements(3);
        ledger.allow_clones(2);
        assert_eq!(
            caught(|| out.write_slice(&three))
                .map(drop)
                .unwrap_err()
                .text,
            "this clone panics"
        );
        assert_eq!(out.written(), 2, "a clone panicked");
        drop((out, three));
        ledger.assert_settled();
    });
}

#[test]
fn a_panic_in_the_middle_leaves_nothing_behind() {
    everywhere(|alloc| {
        let broken = caught(|| {
            let mut out = Tensor::<u8, 1>::writer_in([24], alloc).unwrap();
            out.write_slice(&[1; 4]).unwrap();
            out.write_with(4, |_| panic!("the camera is gone")).unwrap();
        });
        assert_eq!(broken.unwrap_err().text, "the camera is gone");
    });
}

#[test]
fn a_writer_that_caught_a_panic_goes_on() {
    everywhere(|alloc| {
        let mut out = Tensor::<u8, 1>::writer_in([8], alloc).unwrap();
        let half = |row: &mut [u8]| {
            row[0] = 5;
            panic!("half a row");
        };
        assert_eq!(
            caught(|| out.write_with(4, half))
                .map(drop)
                .unwrap_err()
                .text,
            "half a row"
        );
        assert_eq!(
            out.written(),
            4,
            "the row counts, with zeros where nothing was written"
        );
        out.write_slice(&[7; 4]).unwrap();
        let whole = out.finish().unwrap();
        assert_eq!(whole.as_slice(), [5, 0, 0, 0, 7, 7, 7, 7]);
    });
}

#[test]
fn shapes_without_elements_are_full_from_the_start() {
    everywhere(|alloc| {
        let out = Tensor::<u64, 3>::writer_in([3, 0, 2], alloc.clone()).unwrap();
        assert_eq!(out.remaining(), 0);
        assert!(out.finish().unwrap().is_empty());
        let mut scalar = Tensor::<u64, 0>::writer_in([], alloc.clone()).unwrap();
        scalar.push(5);
        assert_eq!(scalar.finish().unwrap()[[]], 5);
        let mut units = Tensor::writer_in([3], alloc.clone()).unwrap();
        units.write_slice(&[(), ()]).unwrap();
        units.push(());
        assert_eq!(units.finish().unwrap().numel(), 3);
        let huge = Tensor::<u64, 2>::writer_in([usize::MAX, 2], alloc);
        assert!(matches!(huge, Err(TensorError::ShapeOverflow { .. })));
    });
}

#[test]
fn writers_are_printed_without_their_elements() {
    let mut out = Tensor::<u8, 2>::writer([2, 3]).unwrap();
    out.push(1);
    assert_eq!(
        format!("{out:?}"),
        "TensorWriter { shape: [2, 3], written: 1, remaining: 5 }"
    );
}
