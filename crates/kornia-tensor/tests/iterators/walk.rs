//! Any mixture of calls on an iterator, and what came of it.

use std::fmt::Debug;

use proptest::prelude::*;

/// A call on an iterator.
#[derive(Clone, Copy, Debug)]
enum Call {
    Next,
    NextBack,
    Nth(usize),
    NthBack(usize),
}

/// A call that uses an iterator up.
#[derive(Clone, Copy, Debug)]
enum End {
    /// A loop, and a few calls more than there are items.
    Loop,
    LoopBack,
    Fold,
    Rfold,
    Count,
    Last,
}

#[derive(Clone, Debug)]
pub(crate) struct Walk(Vec<Call>, End);

pub(crate) fn walks() -> impl Strategy<Value = Walk> {
    let call = prop_oneof![
        Just(Call::Next),
        Just(Call::NextBack),
        (0..4usize).prop_map(Call::Nth),
        (0..4usize).prop_map(Call::NthBack),
    ];
    let end = prop::sample::select(vec![
        End::Loop,
        End::LoopBack,
        End::Fold,
        End::Rfold,
        End::Count,
        End::Last,
    ]);
    (prop::collection::vec(call, 0..12), end).prop_map(|(calls, end)| Walk(calls, end))
}

/// What an iterator gave, call by call, and how long it said it was.
#[derive(Debug, PartialEq)]
pub(crate) struct Log<V> {
    pub(crate) items: Vec<Option<V>>,
    lens: Vec<usize>,
}

impl<V> Log<V> {
    pub(crate) fn map<U>(&self, f: impl Fn(&V) -> U) -> Log<U> {
        Log {
            items: self
                .items
                .iter()
                .map(|item| item.as_ref().map(&f))
                .collect(),
            lens: self.lens.clone(),
        }
    }
}

pub(crate) fn walk<I>(mut iter: I, Walk(calls, end): &Walk) -> Log<I::Item>
where
    I: DoubleEndedIterator + ExactSizeIterator,
{
    let (mut items, mut lens) = (Vec::new(), Vec::new());
    let mut note = |iter: &I| {
        assert_eq!(iter.size_hint(), (iter.len(), Some(iter.len())));
        lens.push(iter.len());
    };
    note(&iter);
    for call in calls {
        items.push(match call {
            Call::Next => iter.next(),
            Call::NextBack => iter.next_back(),
            Call::Nth(n) => iter.nth(*n),
            Call::NthBack(n) => iter.nth_back(*n),
        });
        note(&iter);
    }
    match end {
        End::Loop | End::LoopBack => {
            for _ in 0..iter.len() {
                let forth = matches!(end, End::Loop);
                items.push(if forth { iter.next() } else { iter.next_back() });
                note(&iter);
            }
            for _ in 0..2 {
                items.extend([iter.next(), iter.next_back(), iter.nth(1), iter.nth_back(1)]);
                note(&iter);
            }
        }
        End::Fold => iter.fold((), |(), item| items.push(Some(item))),
        End::Rfold => iter.rfold((), |(), item| items.push(Some(item))),
        End::Count => lens.push(iter.count()),
        End::Last => items.push(iter.last()),
    }
    Log { items, lens }
}

/// An iterator and a `Vec` give the same.
#[track_caller]
pub(crate) fn same<I, V>(iter: I, expected: Vec<V>, how: &Walk, see: impl Fn(&I::Item) -> V)
where
    I: DoubleEndedIterator + ExactSizeIterator,
    V: Debug + PartialEq,
{
    let here = walk(iter, how).map(see);
    assert_eq!(here, walk(expected.into_iter(), how));
}

/// Every end, after no call and after some; under Miri five of these.
pub(crate) fn fixed_walks() -> impl Iterator<Item = Walk> {
    let ends = [
        End::Loop,
        End::LoopBack,
        End::Fold,
        End::Rfold,
        End::Count,
        End::Last,
    ];
    let calls = [
        vec![],
        vec![Call::Next, Call::NextBack],
        vec![Call::NthBack(1), Call::Nth(1), Call::NextBack, Call::Next],
        vec![Call::Nth(usize::MAX), Call::NextBack],
        vec![Call::NthBack(usize::MAX), Call::Next],
    ];
    ends.into_iter()
        .flat_map(move |end| calls.clone().map(|calls| Walk(calls, end)))
        .step_by(if cfg!(miri) { 7 } else { 1 })
}
