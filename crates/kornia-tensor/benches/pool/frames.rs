//! One frame at a time: taken, used, returned.

use std::alloc::Layout;
use std::collections::VecDeque;

use kornia_tensor::{CpuAllocator, MemoryResource, Pool, Tensor, TensorAllocator};

use crate::harness::{Effort, Group};

/// Name and shape `[H, W, C]`.
const FRAMES: [(&str, [usize; 3]); 2] = [("1080p", [1080, 1920, 3]), ("4K", [2160, 3840, 3])];

const PAGE: usize = 4096;

fn layout(bytes: usize) -> Layout {
    Layout::array::<u8>(bytes).expect("a frame fits memory")
}

fn take(alloc: &dyn TensorAllocator, bytes: usize) -> Box<dyn MemoryResource> {
    alloc
        .allocate(layout(bytes))
        .expect("there is memory for a frame")
}

/// Writes one byte in every page, which makes the system provide it.
fn touch(block: &dyn MemoryResource) {
    for offset in (0..block.len_bytes()).step_by(PAGE) {
        // SAFETY: inside the block, which is writable and nobody else's.
        let byte = unsafe { block.as_ptr().add(offset) };
        // SAFETY: as above. Volatile, so that it is done.
        unsafe { byte.write_volatile(1) };
    }
}

fn touched_vec(bytes: usize) -> Vec<u8> {
    let mut frame = Vec::<u8>::with_capacity(bytes);
    for page in frame.spare_capacity_mut().chunks_mut(PAGE) {
        page[0].write(1);
    }
    std::hint::black_box(frame.as_mut_ptr());
    frame
}

pub(crate) fn large(effort: &Effort) {
    for (name, shape) in FRAMES {
        let bytes = shape.iter().product();
        let (pool, pool_of_8) = (Pool::new(), Pool::new());

        let mut group = Group::new(format!("{name}: take and return, nothing written"));
        group.add("pool", || take(&pool, bytes));
        group.add("malloc", || take(&CpuAllocator, bytes));
        group.add("Vec::with_capacity", || Vec::<u8>::with_capacity(bytes));
        group.run(effort);

        let mut group = Group::new(format!("{name}: take, write a byte in every page, return"));
        group.add("pool", || touch(&*take(&pool, bytes)));
        group.add("malloc", || touch(&*take(&CpuAllocator, bytes)));
        group.add("Vec::with_capacity", || touched_vec(bytes));
        group.run(effort);

        let mut group = Group::new(format!(
            "{name}: a frame more, a byte in every page, the oldest of 8 dropped"
        ));
        let mut alive = VecDeque::new();
        group.add("pool", move || {
            let frame = take(&pool_of_8, bytes);
            touch(&*frame);
            alive.push_back(frame);
            (alive.len() > 8).then(|| alive.pop_front())
        });
        let mut alive = VecDeque::new();
        group.add("malloc", move || {
            let frame = take(&CpuAllocator, bytes);
            touch(&*frame);
            alive.push_back(frame);
            (alive.len() > 8).then(|| alive.pop_front())
        });
        let mut alive = VecDeque::new();
        group.add("Vec::with_capacity", move || {
            alive.push_back(touched_vec(bytes));
            (alive.len() > 8).then(|| alive.pop_front())
        });
        group.run(effort);

        let row = vec![7u8; shape[1] * shape[2]];
        let mut group = Group::new(format!("{name}: a tensor, every byte written, dropped"));
        let written = |alloc| {
            let mut frame = Tensor::<u8, 3>::writer_in(shape, alloc).expect("there is memory");
            for _ in 0..shape[0] {
                frame.write_slice(&row).expect("it fits");
            }
            frame.finish().expect("it is full")
        };
        group.add("TensorWriter, pool", || written(pool.handle()));
        group.add("TensorWriter, Vec", || written(kornia_tensor::host_alloc()));
        group.add("Tensor::full_in, pool", || {
            Tensor::full_in(shape, 7u8, pool.handle())
        });
        group.add("Tensor::full, Vec", || Tensor::full(shape, 7u8));
        group.add("vec![7; n]", || vec![7u8; bytes]);
        group.run(effort);

        let mut group = Group::new(format!("{name}: zeros, nothing written (the pool has to)"));
        group.add("Tensor::zeros_in, pool", || {
            Tensor::<u8, 3>::zeros_in(shape, pool.handle())
        });
        group.add("Tensor::zeros, Vec", || Tensor::<u8, 3>::zeros(shape));
        group.run(effort);
    }
}

/// Where pooling begins to be worth it.
pub(crate) fn small(effort: &Effort) {
    let pool = Pool::builder()
        .min_bytes(1)
        .build()
        .expect("the alignment is a power of two");
    let unpooled = Pool::builder()
        .min_bytes(usize::MAX)
        .build()
        .expect("as above");
    for kib in [1, 4, 16, 64, 256, 1024] {
        let bytes = kib << 10;
        let mut group = Group::new(format!(
            "{kib} KiB: take, write a byte in every page, return"
        ));
        group.add("pool", || touch(&*take(&pool, bytes)));
        group.add("below min_bytes: malloc, aligned to 64", || {
            touch(&*take(&unpooled, bytes))
        });
        group.add("malloc", || touch(&*take(&CpuAllocator, bytes)));
        group.run(effort);
    }
}
