//! What several tests share: elements that keep books about their lives, an allocator that
//! does the same for its blocks, and panics with their text and their place.
#![allow(dead_code)] // each test file uses its own part

use std::alloc::Layout;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use kornia_tensor::{
    AllocHandle, HostResource, MemoryDomain, MemoryResource, TensorAllocator, TensorAllocatorError,
};

/// Something that happened to what a [`Ledger`] keeps books about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The element with this number was dropped.
    Dropped(usize),
    /// The block with this number was handed out for this layout.
    Asked(usize, Layout),
    /// The block with this number was given back; it has this layout.
    Returned(usize, Layout),
    /// The allocator itself was dropped.
    AllocatorGone,
    /// What kept foreign memory alive was dropped.
    KeeperGone,
}

/// The books of one test. Clones write into the same ones.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Books>);

struct Books {
    events: Mutex<Vec<Event>>,
    /// Elements made so far; their numbers are below this.
    made: AtomicUsize,
    /// Clones that still succeed.
    clones_left: AtomicUsize,
    /// The element whose drop panics.
    bomb: AtomicUsize,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Books {
            events: Mutex::new(Vec::new()),
            made: AtomicUsize::new(0),
            clones_left: AtomicUsize::new(usize::MAX),
            bomb: AtomicUsize::new(usize::MAX),
        }))
    }

    /// A new element, numbered in the order of making.
    pub(crate) fn element(&self) -> Element {
        Element {
            number: self.0.made.fetch_add(1, SeqCst),
            ledger: self.clone(),
        }
    }

    pub(crate) fn elements(&self, count: usize) -> Vec<Element> {
        (0..count).map(|_| self.element()).collect()
    }

    /// Lets `count` more clones succeed; the next one panics.
    pub(crate) fn allow_clones(&self, count: usize) {
        self.0.clones_left.store(count, SeqCst);
    }

    /// Makes the drop of one element panic, after it is written down.
    pub(crate) fn set_bomb(&self, number: usize) {
        self.0.bomb.store(number, SeqCst);
    }

    /// An allocator that writes down what it hands out, and the handle of it.
    pub(crate) fn allocator(&self) -> AllocHandle {
        self.allocator_for(usize::MAX)
    }

    /// As `allocator`, for so many blocks; it refuses the next.
    pub(crate) fn allocator_for(&self, blocks: usize) -> AllocHandle {
        Arc::new(Recorder {
            ledger: self.clone(),
            blocks_left: AtomicUsize::new(blocks),
        })
    }

    /// Something to keep foreign memory alive, which writes down its own end.
    pub(crate) fn keeper<T: Send + Sync + 'static>(&self, memory: T) -> Arc<dyn Any + Send + Sync> {
        Arc::new(Keeper {
            _memory: memory,
            ledger: self.clone(),
        })
    }

    pub(crate) fn record(&self, event: Event) {
        self.lock().push(event);
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Number of events of a kind so far.
    pub(crate) fn count(&self, kind: impl Fn(&Event) -> bool) -> usize {
        self.lock().iter().filter(|event| kind(event)).count()
    }

    /// Elements made so far.
    pub(crate) fn made(&self) -> usize {
        self.0.made.load(SeqCst)
    }

    /// Drops of elements so far.
    pub(crate) fn dropped(&self) -> usize {
        self.count(|event| matches!(event, Event::Dropped(_)))
    }

    /// Blocks handed out so far.
    pub(crate) fn asked(&self) -> usize {
        self.count(|event| matches!(event, Event::Asked(..)))
    }

    /// Blocks given back so far.
    pub(crate) fn returned(&self) -> usize {
        self.count(|event| matches!(event, Event::Returned(..)))
    }

    /// Every element was dropped once, and every block given back once as it was asked for.
    #[track_caller]
    pub(crate) fn assert_settled(&self) {
        let events = self.events();
        for number in 0..self.made() {
            let drops = events.iter().filter(|&&e| e == Event::Dropped(number));
            assert_eq!(drops.count(), 1, "drops of element {number}: {events:?}");
        }
        for event in &events {
            if let &Event::Asked(number, layout) = event {
                let returns: Vec<_> = events
                    .iter()
                    .filter(|e| matches!(e, Event::Returned(n, _) if *n == number))
                    .collect();
                assert_eq!(returns, [&Event::Returned(number, layout)], "{events:?}");
            }
        }
        assert_eq!(self.returned(), self.asked(), "{events:?}");
    }

    /// The events, also after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An element whose life is in the books: a number of its own, and a drop that is written down.
pub(crate) struct Element {
    number: usize,
    ledger: Ledger,
}

impl Element {
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)
    }
}

impl Clone for Element {
    /// A new element with the next number.
    fn clone(&self) -> Self {
        let left = &self.ledger.0.clones_left;
        let permit = left.fetch_update(SeqCst, SeqCst, |left| match left {
            usize::MAX => Some(usize::MAX),
            _ => left.checked_sub(1),
        });
        assert!(permit.is_ok(), "this clone panics");
        self.ledger.element()
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        self.ledger.record(Event::Dropped(self.number));
        let bomb = self.ledger.0.bomb.load(SeqCst);
        assert_ne!(bomb, self.number, "this drop panics");
    }
}

struct Recorder {
    ledger: Ledger,
    blocks_left: AtomicUsize,
}

// SAFETY: every block is a fresh `HostResource` of the layout that was asked for, which holds
// no zeros unless it is asked for them.
unsafe impl TensorAllocator for Recorder {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        let left = self
            .blocks_left
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(TensorAllocatorError::AllocationFailed(
                "out of blocks".into(),
            ));
        }
        let number = self.ledger.asked();
        self.ledger.record(Event::Asked(number, layout));
        Ok(Box::new(Block {
            number,
            memory: HostResource::uninit(layout)?,
            ledger: self.ledger.clone(),
        }))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ledger.record(Event::AllocatorGone);
    }
}

struct Block {
    number: usize,
    memory: HostResource,
    ledger: Ledger,
}

// SAFETY: everything is answered by the `HostResource`, which this value owns.
unsafe impl MemoryResource for Block {
    fn as_ptr(&self) -> *mut u8 {
        self.memory.as_ptr()
    }

    fn len_bytes(&self) -> usize {
        self.memory.len_bytes()
    }

    fn domain(&self) -> MemoryDomain {
        MemoryDomain::Host
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let layout = self.memory.layout();
        self.ledger.record(Event::Returned(self.number, layout));
    }
}

struct Keeper<T> {
    _memory: T,
    ledger: Ledger,
}

impl<T> Drop for Keeper<T> {
    fn drop(&mut self) {
        self.ledger.record(Event::KeeperGone);
    }
}

/// A panic: what it said, and where it said it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    pub(crate) text: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Runs `body`; a panic in it is quiet and becomes an `Err`.
pub(crate) fn caught<R>(body: impl FnOnce() -> R) -> Result<R, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                LAST.set(Some(describe(info)));
            } else {
                usual(info);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    CATCHING.set(outer);
    result.map_err(|_| LAST.take().expect("the hook saw the panic"))
}

fn describe(info: &PanicHookInfo<'_>) -> Panic {
    let payload = info.payload();
    let text = match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => payload
            .downcast_ref::<&str>()
            .map_or_else(String::new, |&text| text.to_owned()),
    };
    let place = info.location().expect("panics have a location");
    Panic {
        text,
        file: place.file().to_owned(),
        line: place.line(),
    }
}
