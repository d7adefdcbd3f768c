//! Walking several operands of any strides in contiguous stretches.
//!
//! A computation needs one loop, over elements side by side. What lies side by side is handed to
//! it where it is; what does not is brought into a stage that stays in the first-level cache,
//! block by block, by the loops that copy tensors. So a closure is compiled for one layout and
//! runs at full width on all of them, and each byte of memory is touched once.

use std::mem::MaybeUninit;
use std::ops::ControlFlow;

use crate::engine::copy;
use crate::engine::element::Plain;
use crate::engine::plan::{Axis, MAX_AXES, Plan};
use crate::engine::stream::{self, Ahead, SINK_BYTES, Sink};
use crate::layout::Layout;

/// Bytes of the stage of an operand: a few of them fit the first-level cache together.
const STAGE_BYTES: usize = 16 << 10;

/// Stretches of fewer elements are not worth a call of the loop.
const SHORT_ELEMENTS: usize = 64;

/// Fewer elements than this are visited one by one, unless they lie side by side.
const FEW_ELEMENTS: usize = 32;

/// What came of asking for a pass.
#[must_use]
pub(crate) enum Outcome<F> {
    /// Every element was visited, and every result written.
    Done,
    /// Nothing was done. Here is the closure, for whoever visits the elements one by one.
    Declined(F),
}

/// What is done with an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
    Update,
}

/// An operand: elements of `size` bytes, of which `first` is that at index `[0, 0, ..]`.
///
/// Plain data: it promises nothing, and what follows its address is `unsafe`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    first: *mut u8,
    size: usize,
    /// Whether its elements can go through a stage.
    plain: bool,
    usage: Use,
}

impl Operand {
    pub(crate) fn read<T>(first: *const T) -> Self {
        Self::new(first.cast_mut(), Use::Read)
    }

    pub(crate) fn write<T>(first: *mut T) -> Self {
        Self::new(first, Use::Write)
    }

    pub(crate) fn update<T>(first: *mut T) -> Self {
        Self::new(first, Use::Update)
    }

    /// Bytes of an element.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    fn new<T>(first: *mut T, usage: Use) -> Self {
        Self {
            first: first.cast(),
            size: size_of::<T>(),
            plain: Plain::of::<T>().is_some(),
            usage,
        }
    }
}

/// The walk over these operands, if it is worth one and [can be done](can_walk).
pub(super) fn plan_of<const K: usize, const N: usize>(
    layouts: [&Layout<N>; K],
    operands: &[Operand; K],
) -> Option<Plan<K>> {
    if layouts[0].numel() < FEW_ELEMENTS {
        return None;
    }
    Plan::new(layouts).filter(|plan| can_walk(plan, operands))
}

/// Whether the operands can be walked: what lies apart has to be plain.
pub(crate) fn can_walk<const K: usize>(plan: &Plan<K>, operands: &[Operand; K]) -> bool {
    let inner = plan.axes().last().unwrap_or(&Axis::NONE);
    (0..K).all(|k| operands[k].plain || inner.strides[k] == 1 || inner.len == 1)
}

/// Calls `each` with the addresses of stretches, and how many elements lie side by side in all of
/// them; together they are all elements of the plan, each once, in no particular order. Ends early
/// if `each` says so; what it has written by then may be lost.
///
/// # Safety
///
/// 1. Each element that the plan reaches may be read, written or both, as its operand says. What is
///    written is reached by one index alone, and nothing else reads or writes it.
/// 2. [`can_walk`] says yes.
/// 3. `each` writes all elements of the operands that are written, unless it ends the walk.
#[inline]
pub(crate) unsafe fn for_each<const K: usize>(
    plan: &Plan<K>,
    operands: [Operand; K],
    each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
) {
    // SAFETY: the caller promises all three.
    unsafe { for_each_of(plan.numel(), plan, operands, each) };
}

/// As `for_each`, for a section of a walk over `whole` elements, whose number decides about the
/// caches.
///
/// # Safety
///
/// As for [`for_each`], of the section.
pub(crate) unsafe fn for_each_of<const K: usize>(
    whole: usize,
    plan: &Plan<K>,
    operands: [Operand; K],
    mut each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
) {
    let mut pass = Pass::new(plan, operands);
    let at_once = pass.whole();
    match at_once {
        Some(len) => pass.stretch = len,
        None => pass.divide(),
    }
    pass.streamed = pass.pays_to_stream(whole);
    let _fence = stream::StoreFence::of(pass.streamed);
    let mut sink = None;
    let mut stages = [const { MaybeUninit::<Stage>::uninit() }; K];
    let stages = stages.each_mut().map(|stage| stage.as_mut_ptr());
    let stages = stages.map(<*mut Stage>::cast);
    let ended = match at_once {
        // SAFETY: so many elements lie side by side in all operands, and the caller promises them.
        Some(len) => unsafe { pass.visit(pass.at, len, &mut sink, &mut each) },
        // SAFETY: the caller promises all three; the stages are as large and as aligned as they are.
        None => unsafe { pass.blocks(stages, &mut sink, &mut each) },
    };
    if let (ControlFlow::Continue(()), Some(sink)) = (ended, sink) {
        // SAFETY: `each` has written what was committed, and its destination is an operand that the
        // caller lets us write.
        unsafe { sink.flush() };
    }
}

/// Where a block of an operand lies side by side.
#[repr(align(64))]
struct Stage(#[expect(dead_code, reason = "used through its address")] [u8; STAGE_BYTES]);

/// The state of one pass over the operands of a plan.
struct Pass<'a, const K: usize> {
    axes: &'a [Axis<K>],
    sizes: [usize; K],
    plain: [bool; K],
    usage: [Use; K],
    /// The elements at the start of the current block.
    at: [*mut u8; K],
    /// Lengths of a block that is not at an edge; the rest are 1.
    full: [usize; MAX_AXES],
    /// Operands that are brought into a stage.
    staged: [bool; K],
    /// Invariant of `Pass`: in all operands that are not staged, so many elements of a whole block
    /// lie side by side, and so do fewer ones where the axes that make them up are shorter.
    stretch: usize,
    /// Whether operand 0, which is written and not staged, goes past the caches.
    streamed: bool,
}

impl<'a, const K: usize> Pass<'a, K> {
    fn new(plan: &'a Plan<K>, operands: [Operand; K]) -> Self {
        Self {
            axes: plan.axes(),
            sizes: operands.map(|operand| operand.size),
            plain: operands.map(|operand| operand.plain),
            usage: operands.map(|operand| operand.usage),
            at: std::array::from_fn(|k| {
                let start = plan.start(k) * operands[k].size.cast_signed();
                operands[k].first.wrapping_offset(start)
            }),
            full: [1; MAX_AXES],
            staged: [false; K],
            stretch: 1,
            streamed: false,
        }
    }

    /// The number of elements, if they lie side by side in all operands.
    fn whole(&self) -> Option<usize> {
        match self.axes {
            [] => Some(1),
            [axis] if axis.strides == [1; K] => Some(axis.len),
            _ => None,
        }
    }

    /// Decides on the size of a block, and on what goes through a stage.
    fn divide(&mut self) {
        let inner = self.axes[self.axes.len() - 1];
        if inner.strides == [1; K] && inner.len >= SHORT_ELEMENTS {
            // Long rows on all sides, whatever lies between them.
            self.full[self.axes.len() - 1] = inner.len;
            self.stretch = inner.len;
            return;
        }
        let strided = |k: usize| inner.strides[k] != 1;
        let largest = |which: &dyn Fn(usize) -> bool| {
            let plain = (0..K).filter(|&k| self.plain[k] && which(k));
            STAGE_BYTES / plain.map(|k| self.sizes[k]).max().unwrap_or(1)
        };
        let (likely, safe) = (largest(&strided), largest(&|_| true));
        self.choose(likely);
        let fits = |k: usize| self.elements() * self.sizes[k] <= STAGE_BYTES;
        if !(0..K).all(|k| !self.staged[k] || fits(k)) {
            self.choose(safe);
        }
    }

    fn elements(&self) -> usize {
        self.full.iter().product()
    }

    /// A block of at most `most` elements, and what that means for each operand.
    fn choose(&mut self, most: usize) {
        let rank = self.axes.len();
        self.full = [1; MAX_AXES];
        // The axes along which some operand is contiguous, or nearly: the short ones first.
        let mut wanted: [Option<usize>; MAX_AXES] = [None; MAX_AXES];
        for k in 0..K {
            let axes = self.axes.iter().enumerate();
            let moving = axes.filter(|(_, axis)| axis.strides[k] != 0);
            let nearest = moving.min_by_key(|(_, axis)| axis.strides[k].unsigned_abs());
            if let Some((axis, _)) = nearest {
                wanted[axis] = Some(axis);
            }
        }
        wanted[rank - 1] = Some(rank - 1);
        let mut order: [usize; MAX_AXES] = [0; MAX_AXES];
        let mut count = 0;
        for axis in wanted.into_iter().flatten() {
            order[count] = axis;
            count += 1;
        }
        order[..count].sort_unstable_by_key(|&axis| self.axes[axis].len);
        let mut room = most;
        for (position, &axis) in order[..count].iter().enumerate() {
            let last = position + 1 == count;
            let share = if last { room } else { room.min(SHORT_ELEMENTS) };
            self.full[axis] = self.axes[axis].len.min(share).max(1);
            room /= self.full[axis];
        }
        // What is left of the room goes to whole axes, from the innermost outwards.
        for axis in (0..rank).rev() {
            let grown = self.axes[axis].len.min(self.full[axis] * room);
            room = (room * self.full[axis]) / grown.max(1);
            self.full[axis] = grown;
            if grown < self.axes[axis].len {
                break;
            }
        }
        let runs: [usize; K] = std::array::from_fn(|k| self.side_by_side(k));
        let enough = SHORT_ELEMENTS.min(self.elements());
        let direct = (0..K).filter(|&k| runs[k] >= enough || !self.plain[k]);
        let shortest = direct.map(|k| runs[k]).min();
        self.stretch = shortest.unwrap_or(self.elements());
        self.staged = runs.map(|run| run < self.stretch);
    }

    /// How many elements of a whole block lie side by side in operand `k`, in the block's order.
    fn side_by_side(&self, k: usize) -> usize {
        let mut run: usize = 1;
        for (axis, &len) in self.axes.iter().zip(&self.full).rev() {
            if len > 1 && axis.strides[k] != run.cast_signed() {
                break;
            }
            run *= len;
            if len < axis.len {
                // At the edge this axis is shorter, and what is outside it lies apart.
                break;
            }
        }
        run
    }

    /// Visits all blocks.
    ///
    /// # Safety
    ///
    /// As for [`for_each`]; the stages have `STAGE_BYTES` each, aligned for every plain type.
    unsafe fn blocks(
        &mut self,
        stages: [*mut u8; K],
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let rank = self.axes.len();
        let mut index = [0usize; MAX_AXES];
        let mut held: [Option<StagedBlock>; K] = [None; K];
        'next: loop {
            let lens: [usize; MAX_AXES] = std::array::from_fn(|axis| match self.axes.get(axis) {
                Some(of) => self.full[axis].min(of.len - index[axis]),
                None => 1,
            });
            // SAFETY: the caller promises all elements and the stages; the block lies within the axes.
            unsafe { self.block(lens, stages, &mut held, sink, each) }?;
            for axis in (0..rank).rev() {
                let Axis { len, strides } = self.axes[axis];
                let step = self.full[axis];
                if index[axis] + step < len {
                    index[axis] += step;
                    self.advance(step.cast_signed(), strides);
                    continue 'next;
                }
                self.advance(-index[axis].cast_signed(), strides);
                index[axis] = 0;
            }
            return ControlFlow::Continue(());
        }
    }

    fn advance(&mut self, steps: isize, strides: [isize; K]) {
        for ((at, size), stride) in self.at.iter_mut().zip(self.sizes).zip(strides) {
            *at = at.wrapping_offset(steps * stride * size.cast_signed());
        }
    }

    /// Brings a block of each staged operand into its stage, visits the block, and takes back what was
    /// written.
    ///
    /// # Safety
    ///
    /// As for `blocks`; `lens` from `at` lie within the axes.
    unsafe fn block(
        &self,
        lens: [usize; MAX_AXES],
        stages: [*mut u8; K],
        held: &mut [Option<StagedBlock>; K],
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for k in 0..K {
            if !self.staged[k] || self.usage[k] == Use::Write {
                continue;
            }
            let wanted = StagedBlock {
                from: self.at[k],
                lens,
            };
            if self.usage[k] == Use::Update || held[k] != Some(wanted) {
                let plan = self.transfer(lens, k, |stage, operand| [stage, operand]);
                // SAFETY: an operand is staged only if its elements are plain. Those of the block may
                // be read by the caller's promise, and the stage, of our own, has room for them.
                unsafe { copy::elements(self.sizes[k], &plan, stages[k], self.at[k]) };
                held[k] = Some(wanted);
            }
        }
        // SAFETY: the caller promises the block, and what is read of the stages was filled above.
        unsafe { self.stretches(lens, stages, sink, each) }?;
        for (k, stage) in stages.into_iter().enumerate() {
            if self.staged[k] && self.usage[k] != Use::Read {
                let plan = self.transfer(lens, k, |stage, operand| [operand, stage]);
                // Where the operand runs backwards it is walked the other way, upwards, and the stage
                // from its end.
                let size = self.sizes[k].cast_signed();
                let to = self.at[k].wrapping_offset(plan.start(0) * size);
                let from = stage.wrapping_offset(plan.start(1) * size);
                // SAFETY: an operand is staged only if its elements are plain. Those of the block may
                // be written by the caller's promise, and `each` has filled the stage.
                unsafe { copy::elements(self.sizes[k], &plan, to, from) };
            }
        }
        ControlFlow::Continue(())
    }

    /// The copy between a block of operand `k` and its stage, in the order of the block.
    fn transfer(
        &self,
        lens: [usize; MAX_AXES],
        k: usize,
        strides: impl Fn(isize, isize) -> [isize; 2],
    ) -> Plan<2> {
        let mut pitch = 1;
        let mut axes = [Axis::NONE; MAX_AXES];
        for (at, axis) in self.axes.iter().enumerate().rev() {
            axes[at] = Axis {
                len: lens[at],
                strides: strides(pitch, axis.strides[k]),
            };
            pitch *= lens[at].cast_signed();
        }
        match Plan::of(axes) {
            Some(plan) => plan,
            None => unreachable!("no more axes than the plan it is part of"),
        }
    }

    /// Calls `each` for the stretches of a block.
    ///
    /// # Safety
    ///
    /// As for [`for_each`], for the elements of the block; those of staged operands lie in the stages.
    unsafe fn stretches(
        &self,
        lens: [usize; MAX_AXES],
        stages: [*mut u8; K],
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // At the edges, the axes that make up a stretch are shorter.
        let (mut outer, mut len, mut full) = (self.axes.len(), 1, 1);
        while outer > 0 && full < self.stretch {
            outer -= 1;
            len *= lens[outer];
            full *= self.full[outer];
        }
        let mut index = [0usize; MAX_AXES];
        let mut done = 0;
        'next: loop {
            let at = std::array::from_fn(|k| {
                if self.staged[k] {
                    return stages[k].wrapping_add(done * self.sizes[k]);
                }
                let axes = self.axes[..outer].iter().zip(index);
                let steps: isize = axes
                    .map(|(axis, index)| index.cast_signed() * axis.strides[k])
                    .sum();
                self.at[k].wrapping_offset(steps * self.sizes[k].cast_signed())
            });
            // SAFETY: the caller promises the elements of the block, of which `len` lie side by side
            // from there on: in a stage all do, and in the other operands by the invariant of `Pass`.
            unsafe { self.visit(at, len, sink, each) }?;
            done += len;
            for axis in (0..outer).rev() {
                index[axis] += 1;
                if index[axis] < lens[axis] {
                    continue 'next;
                }
                index[axis] = 0;
            }
            return ControlFlow::Continue(());
        }
    }
}

impl<const K: usize> Pass<'_, K> {
    /// Whether the results, in stretches that are known by now, are better written past the
    /// caches.
    fn pays_to_stream(&self, elements: usize) -> bool {
        let bytes = |elements: usize| elements.saturating_mul(self.sizes[0]);
        self.usage[0] == Use::Write
            && self.plain[0]
            && !self.staged[0]
            && stream::pays(bytes(elements), bytes(self.stretch))
    }

    /// Calls `each` for elements side by side: all of them, or as many at a time as a sink takes.
    ///
    /// # Safety
    ///
    /// As for [`for_each`], for `len` elements side by side from `at` on. What was committed to the
    /// sink may be written.
    unsafe fn visit(
        &self,
        at: [*mut u8; K],
        len: usize,
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.streamed {
            return each(at, len);
        }
        let sink = sink.get_or_insert_with(|| Sink::new(at[0]));
        // SAFETY: the caller lets us write what was committed; it is fenced when the pass ends.
        unsafe { sink.seek(at[0]) };
        let most = SINK_BYTES / self.sizes[0];
        for done in (0..len).step_by(most) {
            let now = most.min(len - done);
            let mut now_at: [*mut u8; K] =
                std::array::from_fn(|k| at[k].wrapping_add(done * self.sizes[k]));
            // What is staged is in the cache already; asking for it again does no harm.
            let ahead: [Ahead; K] = std::array::from_fn(|k| {
                let size = self.sizes[k];
                let from = now_at[k].wrapping_add(most * size);
                Ahead::new(from.cast_const(), size.cast_signed(), self.sizes[0])
            });
            now_at[0] = sink.spare();
            each(now_at, now)?;
            // SAFETY: `each` has written these, at most `SINK_BYTES` of them, and their destination
            // may be written by the caller's promise.
            unsafe { sink.commit(now * self.sizes[0], &ahead[1..]) };
        }
        ControlFlow::Continue(())
    }
}

/// What a stage holds already.
#[derive(Clone, Copy, PartialEq, Eq)]
struct StagedBlock {
    from: *mut u8,
    lens: [usize; MAX_AXES],
}
