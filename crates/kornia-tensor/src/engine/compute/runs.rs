//! Walking several operands of any strides in contiguous stretches.
//!
//! A computation needs one loop, over elements side by side. What lies side by side is handed to
//! it where it is; what does not is brought into a buffer that stays in the first-level cache,
//! block by block, by the loops that copy tensors. So a closure is compiled for one layout and
//! runs at full width on all of them, and each byte of memory is touched once.

use std::mem::MaybeUninit;
use std::ops::ControlFlow;

use crate::engine::copy;
use crate::engine::element::Plain;
use crate::engine::plan::{Axis, MAX_AXES, Plan};
use crate::engine::stream::{self, Ahead, ROOM, Sink};

/// Bytes of the buffer of an operand: a few of them fit the first-level cache together.
const BUFFER: usize = 16 << 10;

/// Stretches shorter than this (in elements) are not worth a call of the loop.
const SHORT: usize = 64;

/// What is done with an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
    Update,
}

/// An operand: elements of `size` bytes, of which `first` is that at index `[0, 0, ..]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) first: *mut u8,
    pub(crate) size: usize,
    /// Whether its elements can go through a buffer.
    pub(crate) plain: bool,
    pub(crate) usage: Use,
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

    fn new<T>(first: *mut T, usage: Use) -> Self {
        Self {
            first: first.cast(),
            size: size_of::<T>(),
            plain: Plain::of::<T>().is_some(),
            usage,
        }
    }
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
/// N1: each element the plan reaches may be read, written or both, as its operand says. What is
/// written is reached by one index only, and not read through another operand.
/// N2: [`can_walk`].
#[inline]
pub(crate) unsafe fn for_each<const K: usize>(
    plan: &Plan<K>,
    operands: [Operand; K],
    each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
) {
    // SAFETY: by the caller.
    unsafe { part_of(plan.numel(), plan, operands, each) };
}

/// As `for_each`, for part of a walk over `whole` elements: that decides about the caches.
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn part_of<const K: usize>(
    whole: usize,
    plan: &Plan<K>,
    operands: [Operand; K],
    mut each: impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
) {
    let mut walk = Walk::new(plan, operands);
    let at_once = walk.whole();
    match at_once {
        Some(len) => walk.stretch = len,
        None => walk.divide(),
    }
    walk.streamed = walk.pays_to_stream(whole);
    let _ending = stream::Ending::of(walk.streamed);
    let mut sink = None;
    let mut buffers = [const { MaybeUninit::<Buffer>::uninit() }; K];
    let buffers = buffers.each_mut().map(|buffer| buffer.as_mut_ptr());
    let buffers = buffers.map(<*mut Buffer>::cast);
    let ended = match at_once {
        // SAFETY: N1.
        Some(len) => unsafe { walk.visit(walk.at, len, &mut sink, &mut each) },
        // SAFETY: N1, N2.
        None => unsafe { walk.blocks(buffers, &mut sink, &mut each) },
    };
    if let (ControlFlow::Continue(()), Some(sink)) = (ended, sink) {
        // SAFETY: N1: `each` has written what the sink was given.
        unsafe { sink.finish() };
    }
}

#[repr(align(64))]
struct Buffer(#[expect(dead_code, reason = "used through its address")] [u8; BUFFER]);

/// The state of a walk.
struct Walk<'a, const K: usize> {
    axes: &'a [Axis<K>],
    sizes: [usize; K],
    plain: [bool; K],
    usage: [Use; K],
    /// The elements at the start of the current block.
    at: [*mut u8; K],
    /// Lengths of a block that is not at an edge; the rest are 1.
    full: [usize; MAX_AXES],
    /// Operands that are brought into a buffer.
    buffered: [bool; K],
    /// N3: elements that lie side by side in all operands that are not.
    stretch: usize,
    /// Whether operand 0, which is written and not buffered, goes past the caches.
    streamed: bool,
}

impl<'a, const K: usize> Walk<'a, K> {
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
            buffered: [false; K],
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

    /// Decides on the size of a block, and on what goes through a buffer.
    fn divide(&mut self) {
        let inner = self.axes[self.axes.len() - 1];
        if inner.strides == [1; K] && inner.len >= SHORT {
            // Long rows on all sides, whatever lies between them.
            self.full[self.axes.len() - 1] = inner.len;
            self.stretch = inner.len;
            return;
        }
        let strided = |k: usize| inner.strides[k] != 1;
        let largest = |which: &dyn Fn(usize) -> bool| {
            let plain = (0..K).filter(|&k| self.plain[k] && which(k));
            BUFFER / plain.map(|k| self.sizes[k]).max().unwrap_or(1)
        };
        let (likely, safe) = (largest(&strided), largest(&|_| true));
        self.choose(likely);
        let fits = |k: usize| self.elements() * self.sizes[k] <= BUFFER;
        if !(0..K).all(|k| !self.buffered[k] || fits(k)) {
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
            let share = if last { room } else { room.min(SHORT) };
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
        let enough = SHORT.min(self.elements());
        let direct = (0..K).filter(|&k| runs[k] >= enough || !self.plain[k]);
        let shortest = direct.map(|k| runs[k]).min();
        self.stretch = shortest.unwrap_or(self.elements());
        self.buffered = runs.map(|run| run < self.stretch);
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

    /// # Safety
    ///
    /// N1, N2; the buffers have `BUFFER` bytes each, aligned for every plain type.
    unsafe fn blocks(
        &mut self,
        buffers: [*mut u8; K],
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let rank = self.axes.len();
        let mut index = [0usize; MAX_AXES];
        let mut held: [Option<Held>; K] = [None; K];
        'next: loop {
            let lens: [usize; MAX_AXES] = std::array::from_fn(|axis| match self.axes.get(axis) {
                Some(of) => self.full[axis].min(of.len - index[axis]),
                None => 1,
            });
            // SAFETY: N1, N2; the block lies within the axes.
            unsafe { self.block(lens, buffers, &mut held, sink, each) }?;
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

    /// # Safety
    ///
    /// As for `blocks`; `lens` from `at` lie within the axes.
    unsafe fn block(
        &self,
        lens: [usize; MAX_AXES],
        buffers: [*mut u8; K],
        held: &mut [Option<Held>; K],
        sink: &mut Option<Sink>,
        each: &mut impl FnMut([*mut u8; K], usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for k in 0..K {
            if !self.buffered[k] || self.usage[k] == Use::Write {
                continue;
            }
            let wanted = Held {
                from: self.at[k],
                lens,
            };
            if self.usage[k] == Use::Update || held[k] != Some(wanted) {
                let plan = self.transfer(lens, k, |buffer, operand| [buffer, operand]);
                // SAFETY: N1, N2: plain elements, into a buffer that has room for a block.
                unsafe { copy::elements(self.sizes[k], &plan, buffers[k], self.at[k]) };
                held[k] = Some(wanted);
            }
        }
        // SAFETY: N1.
        unsafe { self.stretches(lens, buffers, sink, each) }?;
        for (k, buffer) in buffers.into_iter().enumerate() {
            if self.buffered[k] && self.usage[k] != Use::Read {
                let plan = self.transfer(lens, k, |buffer, operand| [operand, buffer]);
                // Walked backwards, where that is upwards: the buffer has to start at its end.
                let size = self.sizes[k].cast_signed();
                let to = self.at[k].wrapping_offset(plan.start(0) * size);
                let from = buffer.wrapping_offset(plan.start(1) * size);
                // SAFETY: N1, N2: plain elements, from the buffer that `each` has filled.
                unsafe { copy::elements(self.sizes[k], &plan, to, from) };
            }
        }
        ControlFlow::Continue(())
    }

    /// The copy between a block of operand `k` and its buffer, in the order of the block.
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
    /// N1.
    unsafe fn stretches(
        &self,
        lens: [usize; MAX_AXES],
        buffers: [*mut u8; K],
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
                if self.buffered[k] {
                    return buffers[k].wrapping_add(done * self.sizes[k]);
                }
                let axes = self.axes[..outer].iter().zip(index);
                let steps: isize = axes
                    .map(|(axis, index)| index.cast_signed() * axis.strides[k])
                    .sum();
                self.at[k].wrapping_offset(steps * self.sizes[k].cast_signed())
            });
            // SAFETY: N1, N3.
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

impl<const K: usize> Walk<'_, K> {
    /// Whether the results, in stretches that are known by now, are better written past the
    /// caches.
    fn pays_to_stream(&self, elements: usize) -> bool {
        let bytes = |elements: usize| elements.saturating_mul(self.sizes[0]);
        self.usage[0] == Use::Write
            && self.plain[0]
            && !self.buffered[0]
            && stream::pays(bytes(elements), bytes(self.stretch))
    }

    /// Calls `each` for elements side by side: all of them, or as many at a time as a sink takes.
    ///
    /// # Safety
    ///
    /// N1, for `len` elements from `at` on. What is in the sink may be written.
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
        // SAFETY: by the caller.
        unsafe { sink.go_to(at[0]) };
        let most = ROOM / self.sizes[0];
        for done in (0..len).step_by(most) {
            let now = most.min(len - done);
            let mut now_at: [*mut u8; K] =
                std::array::from_fn(|k| at[k].wrapping_add(done * self.sizes[k]));
            // What is in a buffer is near; it is asked for in vain.
            let ahead: [Ahead; K] = std::array::from_fn(|k| {
                let size = self.sizes[k];
                let from = now_at[k].wrapping_add(most * size);
                Ahead::new(from.cast_const(), size.cast_signed(), self.sizes[0])
            });
            now_at[0] = sink.room();
            each(now_at, now)?;
            // SAFETY: N1: `each` has written these.
            unsafe { sink.take(now * self.sizes[0], &ahead[1..]) };
        }
        ControlFlow::Continue(())
    }
}

/// What a buffer holds already.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Held {
    from: *mut u8,
    lens: [usize; MAX_AXES],
}
